/*
 * The protobuf wire format (https://protobuf.dev/programming-guides/encoding/), read in place: ONNX needs no more of
 * it.
 *
 *   nsc_wire w = nsc_wire_of(bytes, size);
 *   while (nsc_wire_next(&w)) { switch (w.field) { case 1: ... w.bytes, w.size, w.varint ... } }
 *   if (w.broken) the message is truncated or malformed
 */
#ifndef NSC_NN_WIRE_H
#define NSC_NN_WIRE_H

#include "base/bytes.h"
#include "base/text.h"

typedef enum nsc_wire_type {
  NSC_WIRE_VARINT = 0,
  NSC_WIRE_64BIT = 1,
  NSC_WIRE_BYTES = 2,
  NSC_WIRE_32BIT = 5
} nsc_wire_type;

typedef struct nsc_wire {
  nsc_reader reader;
  bool broken;
  uint32_t field; /* number of the field just read */
  nsc_wire_type type;
  uint64_t varint;      /* VARINT */
  const uint8_t *bytes; /* BYTES, 32BIT, 64BIT: the payload, not aligned */
  size_t size;
} nsc_wire;

static inline nsc_wire nsc_wire_of(const void *bytes, size_t size) {
  return (nsc_wire){.reader = nsc_reader_of(bytes, size)};
}

/* The next field; false at the end or, with `broken` set, where the bytes are no protobuf. */
bool nsc_wire_next(nsc_wire *w);
/* A bare varint, as in packed repeated fields; sets `broken` and returns 0 when there is none. */
uint64_t nsc_wire_varint(nsc_wire *w);

/* ---- writing ---- */

void nsc_wire_put_varint(nsc_text *t, uint64_t value);
/* The beginning of a field of `size` bytes. */
void nsc_wire_put_head(nsc_text *t, uint32_t field, size_t size);
/* Moves a finished message into another as a field. */
void nsc_wire_put_message(nsc_text *t, uint32_t field, nsc_text *message);

#endif
