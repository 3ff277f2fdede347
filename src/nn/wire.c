#include "nn/wire.h"

uint64_t nsc_wire_varint(nsc_wire *w) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const uint8_t *p = nsc_reader_take(&w->reader, 1);
    if (!p) break;
    value |= (uint64_t)(*p & 0x7F) << shift;
    if (!(*p & 0x80)) return value;
  }
  w->broken = true;
  return 0;
}

bool nsc_wire_next(nsc_wire *w) {
  if (w->broken || nsc_reader_left(&w->reader) == 0) return false;
  uint64_t key = nsc_wire_varint(w);
  w->field = (uint32_t)(key >> 3);
  w->type = (nsc_wire_type)(key & 7);
  if (w->broken || key >> 3 == 0 || key >> 3 > 0x1FFFFFFF) {
    w->broken = true;
    return false;
  }
  switch (w->type) {
    case NSC_WIRE_VARINT:
      w->varint = nsc_wire_varint(w);
      w->bytes = NULL;
      w->size = 0;
      return !w->broken;
    case NSC_WIRE_64BIT:
    case NSC_WIRE_32BIT:
      w->size = w->type == NSC_WIRE_64BIT ? 8 : 4;
      break;
    case NSC_WIRE_BYTES: {
      uint64_t size = nsc_wire_varint(w);
      if (w->broken || size > nsc_reader_left(&w->reader)) {
        w->broken = true;
        return false;
      }
      w->size = (size_t)size;
      break;
    }
    default: /* groups (3, 4) are not used by ONNX; 6 and 7 do not exist */
      w->broken = true;
      return false;
  }
  w->bytes = nsc_reader_take(&w->reader, w->size);
  if (!w->bytes) w->broken = true;
  return !w->broken;
}

void nsc_wire_put_varint(nsc_text *t, uint64_t value) {
  do {
    char byte = (char)((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
    nsc_text_append(t, &byte, 1);
    value >>= 7;
  } while (value);
}

void nsc_wire_put_head(nsc_text *t, uint32_t field, size_t size) {
  nsc_wire_put_varint(t, (uint64_t)field << 3 | NSC_WIRE_BYTES);
  nsc_wire_put_varint(t, size);
}

void nsc_wire_put_message(nsc_text *t, uint32_t field, nsc_text *message) {
  nsc_wire_put_head(t, field, message->size);
  nsc_text_append(t, message->chars, message->size);
  t->failed = t->failed || message->failed;
  nsc_text_drop(message);
}
