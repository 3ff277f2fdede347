/*
 * External data of ONNX (docs/ExternalData.md of the ONNX repository): weights in files beside the model. The library
 * opens no files: it names them (nsc_model_file_name) and takes their bytes (nsc_model_add_file). What a model says of
 * them is not believed: a name cannot leave the folder, and every range is checked against its file.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "nn/model.h"
#include "nn/wire.h"

enum { MAX_NAME = 255 };

/* "weights.bin", "data/weights.bin"; nothing that leads elsewhere on any system: no "..", root, drive, or backslash. */
static bool is_inside(const char *name, size_t size) {
  size_t part = 0; /* length of the part being read */
  bool dots = true;
  if (size == 0 || size > MAX_NAME || strlen(name) != size) return false;
  for (size_t i = 0; i <= size; i++) {
    char c = name[i];
    if (c == '/' || c == 0) {
      if (part == 0 || (dots && part <= 2)) return false;
      part = 0;
      dots = true;
      continue;
    }
    if (c == '\\' || c == ':' || (unsigned char)c < 32) return false;
    dots = dots && c == '.';
    part++;
  }
  return true;
}

static bool read_number(const char *text, uint64_t *out) {
  uint64_t value = 0;
  if (!*text) return false;
  for (; *text; text++) {
    if (*text < '0' || *text > '9') return false;
    if (!nsc_mul_u64(value, 10, &value) || value > UINT64_MAX - 9) return false;
    value += (uint64_t)(*text - '0');
  }
  *out = value;
  return true;
}

/* One StringStringEntryProto. */
static nsc_status read_entry(nsc_arena *arena, const nsc_wire *entry, nsc_tensor_proto *t, uint64_t *length,
                             nsc_error *err) {
  const char *key = "", *value = "";
  size_t value_size = 0;
  nsc_wire w = nsc_wire_of(entry->bytes, entry->size);
  while (nsc_wire_next(&w)) {
    if (w.field != 1 && w.field != 2) continue;
    const char *text = nsc_arena_text(arena, (const char *)w.bytes, w.size);
    if (!text) return nsc_fail_memory(err, w.size, "a tensor's place");
    if (w.field == 1) key = text;
    if (w.field == 2) value = text, value_size = w.size;
  }
  bool good = !w.broken;
  if (strcmp(key, "location") == 0) {
    t->location = value;
    if (good && !is_inside(value, value_size)) {
      return nsc_fail(err, NSC_ERROR_CORRUPT,
                      "tensor \"%.60s\" asks for the file \"%.60s\", which is not inside of the model's folder",
                      t->name, value);
    }
  }
  if (strcmp(key, "offset") == 0) good = good && read_number(value, &t->offset);
  if (strcmp(key, "length") == 0) good = good && read_number(value, length);
  if (good) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_CORRUPT, "tensor \"%.60s\" does not say well where its data are", t->name);
}

nsc_status nsc_onnx_read_location(nsc_arena *arena, const uint8_t *bytes, size_t size, nsc_tensor_proto *tensor,
                                  nsc_error *err) {
  uint64_t length = UINT64_MAX;
  nsc_type type;
  nsc_wire w = nsc_wire_of(bytes, size);
  while (nsc_wire_next(&w)) {
    if (w.field == 13) NSC_TRY(read_entry(arena, &w, tensor, &length, err));
  }
  if (w.broken || !tensor->location) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "tensor \"%.60s\" does not say where its data are", tensor->name);
  }
  if (!nsc_type_from_onnx(tensor->onnx_type, &type)) {
    tensor->raw_size = 0; /* an error only when somebody reads it */
    return NSC_OK;
  }
  tensor->raw_size = tensor->count * nsc_type_size(type); /* nsc_shape_count left room for this product */
  if (length != UINT64_MAX && length != tensor->raw_size) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "tensor \"%.60s\" needs %zu bytes; its file is to give %llu", tensor->name,
                    tensor->raw_size, (unsigned long long)length);
  }
  return NSC_OK;
}

/* ---- the files of a model ---- */

nsc_status nsc_model_list_files(nsc_model *model, nsc_error *err) {
  model->files = nsc_arena_alloc(&model->arena, NSC_MAX_FILES, sizeof *model->files);
  if (!model->files) return nsc_fail_memory(err, NSC_MAX_FILES * sizeof *model->files, "a model");
  for (const nsc_tensor_proto *t = model->external; t; t = t->next_external) {
    uint32_t i = 0;
    while (i < model->file_count && strcmp(model->files[i].name, t->location) != 0) i++;
    if (i < model->file_count) continue;
    if (model->file_count == NSC_MAX_FILES) {
      return nsc_fail(err, NSC_ERROR_LIMIT, "the model's weights are in more than %d files", NSC_MAX_FILES);
    }
    model->files[model->file_count++].name = t->location;
  }
  return NSC_OK;
}

uint32_t nsc_model_file_count(const nsc_model *model) {
  return model->file_count;
}

const char *nsc_model_file_name(const nsc_model *model, uint32_t index) {
  return index < model->file_count ? model->files[index].name : NULL;
}

nsc_status nsc_model_add_file(nsc_model *model, const char *name, nsc_source *source, nsc_error *err) {
  if (!model || !name || !source) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no model, name or source");
  uint32_t i = 0;
  while (i < model->file_count && strcmp(model->files[i].name, name) != 0) i++;
  if (i == model->file_count) return nsc_fail(err, NSC_ERROR_ARGUMENT, "the model names no file \"%.80s\"", name);
  if (model->files[i].source) return nsc_fail(err, NSC_ERROR_ARGUMENT, "the file \"%.80s\" is there already", name);
  for (const nsc_tensor_proto *t = model->external; t; t = t->next_external) {
    if (strcmp(t->location, name) != 0) continue;
    if (t->offset > source->size || t->raw_size > source->size - t->offset) {
      return nsc_fail(err, NSC_ERROR_TRUNCATED,
                      "the file \"%.60s\" has %zu bytes; tensor \"%.60s\" is to be at %llu, with %zu bytes", name,
                      source->size, t->name, (unsigned long long)t->offset, t->raw_size);
    }
  }
  for (nsc_tensor_proto *t = model->external; t; t = t->next_external) {
    if (strcmp(t->location, name) != 0) continue;
    t->file = nsc_source_is_outside(source) ? source : NULL;
    t->raw = t->file ? NULL : source->bytes + t->offset;
  }
  model->files[i].source = source;
  return NSC_OK;
}

nsc_status nsc_model_need_files(const nsc_model *model, nsc_error *err) {
  for (uint32_t i = 0; i < model->file_count; i++) {
    if (model->files[i].source) continue;
    return nsc_fail(err, NSC_ERROR_IO,
                    "the model's weights are in the file \"%.80s\", which is not there: open both together",
                    model->files[i].name);
  }
  return NSC_OK;
}
