/*
 * The outline of an ONNX file that stays outside of memory: the same messages, but where a large initializer had its
 * elements (raw_data) there is a note of where they are in the file. It is read like any model.
 *
 * The file is looked at through a small window, head by head, and large elements are stepped over. A file that is no
 * protobuf, or whose outline would save little (elements in typed fields or in nodes), has no outline: it is
 * loaded, and whoever reads it then says what is wrong with it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "nn/model.h"
#include "nn/wire.h"

enum {
  WINDOW = 1 << 16,
  LEAST = 1 << 16, /* bytes of elements that are left in the file: fewer cost more to read than to keep */
  HEAD = 20        /* the most bytes of a field's key and length */
};

/* Messages within one another, and their fields that lead on. */
enum { MODEL, GRAPH, TENSOR };
static const uint32_t inner[] = {[MODEL] = 7, [GRAPH] = 5, [TENSOR] = 9 /* raw_data */};

typedef struct outline {
  const nsc_source *file;
  nsc_error *err;
  size_t at, have; /* the window */
  size_t most;     /* bytes that an outline may have */
  bool useless;
  uint8_t window[WINDOW];
} outline;

typedef struct field {
  uint32_t number;
  bool is_bytes;
  size_t begin, payload, end; /* places in the file */
} field;

/* `size` bytes of the file, which has them; at most those of the window, which they stay in until the next look. */
static nsc_status look(outline *o, size_t at, size_t size, const uint8_t **out) {
  if (at < o->at || at + size > o->at + o->have) {
    size_t left = o->file->size - at, have = left < WINDOW ? left : WINDOW;
    o->have = 0;
    NSC_TRY(nsc_source_read(o->file, at, o->window, have, o->err));
    o->at = at;
    o->have = have;
  }
  *out = o->window + (at - o->at);
  return NSC_OK;
}

static nsc_status read_field(outline *o, size_t at, size_t end, field *out) {
  size_t have = end - at < HEAD ? end - at : HEAD;
  const uint8_t *head;
  NSC_TRY(look(o, at, have, &head));
  nsc_wire w = nsc_wire_of(head, have);
  uint64_t key = nsc_wire_varint(&w), size = 0;
  nsc_wire_type type = (nsc_wire_type)(key & 7);
  if (type == NSC_WIRE_BYTES || type == NSC_WIRE_VARINT) size = nsc_wire_varint(&w);
  if (type == NSC_WIRE_VARINT) size = 0;
  if (type == NSC_WIRE_64BIT) size = 8;
  if (type == NSC_WIRE_32BIT) size = 4;
  bool known = type == NSC_WIRE_BYTES || type == NSC_WIRE_VARINT || type == NSC_WIRE_64BIT || type == NSC_WIRE_32BIT;
  *out = (field){.number = (uint32_t)(key >> 3), .is_bytes = type == NSC_WIRE_BYTES, .begin = at};
  out->payload = at + w.reader.at;
  if (w.broken || !known || key >> 3 > UINT32_MAX || size > end - out->payload) {
    o->useless = true;
    return NSC_OK;
  }
  out->end = out->payload + (size_t)size;
  return NSC_OK;
}

static nsc_status copy(outline *o, const field *f, nsc_text *out) {
  if (f->end - f->begin > o->most || out->size > o->most) {
    o->useless = true;
    return NSC_OK;
  }
  for (size_t at = f->begin; at < f->end;) {
    size_t size = f->end - at < WINDOW ? f->end - at : WINDOW;
    const uint8_t *bytes;
    NSC_TRY(look(o, at, size, &bytes));
    nsc_text_append(out, (const char *)bytes, size);
    at += size;
  }
  return NSC_OK;
}

static void put_note(const field *f, nsc_text *out) {
  nsc_text note = {0};
  nsc_wire_put_varint(&note, f->payload);
  nsc_wire_put_varint(&note, f->end - f->payload);
  nsc_wire_put_message(out, NSC_ONNX_OUTSIDE, &note);
}

/* The message between two places of the file; MODEL, GRAPH and TENSOR have one step each, so this ends at depth three.
 */
static nsc_status put_outline(outline *o, int message, size_t at, size_t end, nsc_text *out) {
  field f;
  for (; at < end && !o->useless; at = f.end) {
    NSC_TRY(read_field(o, at, end, &f));
    if (o->useless || f.number == NSC_ONNX_OUTSIDE) continue;
    bool leads_on = f.is_bytes && f.number == inner[message] && f.end - f.payload >= LEAST;
    if (!leads_on) {
      NSC_TRY(copy(o, &f, out));
    } else if (message == TENSOR) {
      put_note(&f, out);
    } else {
      nsc_text within = {0};
      nsc_status status = put_outline(o, message + 1, f.payload, f.end, &within);
      nsc_wire_put_message(out, f.number, &within);
      NSC_TRY(status);
    }
  }
  return NSC_OK;
}

static nsc_status keep(outline *o, nsc_text *text, nsc_source **out) {
  if (text->failed) return nsc_fail_memory(o->err, text->size, "the model's outline");
  uint8_t *room;
  NSC_TRY(nsc_source_create(text->size, out, o->err));
  nsc_status status = nsc_source_reserve(*out, text->size, &room, o->err);
  if (status == NSC_OK) memcpy(room, text->chars, text->size);
  return status == NSC_OK ? nsc_source_commit(*out, text->size, o->err) : status;
}

nsc_status nsc_onnx_outline(const nsc_source *file, nsc_source **out, nsc_error *err) {
  *out = NULL;
  outline *o = malloc(sizeof *o);
  if (!o) return nsc_fail_memory(err, sizeof *o, "the model's outline");
  *o = (outline){.file = file, .err = err, .most = file->size / 2};
  nsc_text text = {0};
  nsc_status status = put_outline(o, MODEL, 0, file->size, &text);
  if (status == NSC_OK && !o->useless && text.size) status = keep(o, &text, out);
  nsc_text_drop(&text);
  free(o);
  return status;
}
