#include "base/deflate.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum {
  HASH_BITS = 15,
  WINDOW = 32768,
  LEAST_MATCH = 3, /* 3.2.5 */
  MOST_MATCH = 258,
  BLOCK_ROOM = 4096 /* bytes are handed on in pieces */
};

/* ---- bits, the lowest first (3.1.1) ---- */

typedef struct packer {
  nsc_text *out;
  uint64_t bits;
  uint32_t count, size;
  char room[BLOCK_ROOM];
} packer;

static void flush(packer *p) {
  nsc_text_append(p->out, p->room, p->size);
  p->size = 0;
}

static void put_bits(packer *p, uint32_t value, uint32_t count) {
  p->bits |= (uint64_t)value << p->count;
  p->count += count;
  for (; p->count >= 8; p->count -= 8, p->bits >>= 8) {
    p->room[p->size++] = (char)(p->bits & 0xFF);
    if (p->size == BLOCK_ROOM) flush(p);
  }
}

/* Huffman codes stand with their highest bit first. */
static void put_code(packer *p, uint32_t code, uint32_t length) {
  uint32_t turned = 0;
  for (uint32_t i = 0; i < length; i++) turned |= (code >> i & 1) << (length - 1 - i);
  put_bits(p, turned, length);
}

/* The fixed code of a literal, the end of the block, or a length: 3.2.6. */
static void put_symbol(packer *p, uint32_t symbol) {
  if (symbol < 144) {
    put_code(p, 0x30 + symbol, 8);
  } else if (symbol < 256) {
    put_code(p, 0x190 + symbol - 144, 9);
  } else if (symbol < 280) {
    put_code(p, symbol - 256, 7);
  } else {
    put_code(p, 0xC0 + symbol - 280, 8);
  }
}

/* 3.2.5: lengths and distances come in groups that double; the place in a group follows as bits. */
static void put_match(packer *p, uint32_t length, uint32_t distance) {
  uint32_t over = length - LEAST_MATCH, extra = 0, from = distance - 1;
  if (length == MOST_MATCH) {
    put_symbol(p, 285);
  } else {
    while (over >> extra >= 8) extra++;
    put_symbol(p, 257 + 4 * extra + (over >> extra));
    put_bits(p, over & ((1U << extra) - 1), extra);
  }
  for (extra = 0; from >> extra >= 4;) extra++;
  put_code(p, 2 * extra + (from >> extra), 5);
  put_bits(p, from & ((1U << extra) - 1), extra);
}

/* ---- matches ---- */

static uint32_t hash_at(const uint8_t *at) {
  uint32_t three = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
  return three * 0x9E3779B1U >> (32 - HASH_BITS);
}

static uint32_t match_length(const uint8_t *a, const uint8_t *b, size_t left) {
  uint32_t most = left < MOST_MATCH ? (uint32_t)left : MOST_MATCH, n = 0;
  while (n < most && a[n] == b[n]) n++;
  return n;
}

/* `last` [1 << HASH_BITS]: where bytes of that hash were seen last, plus one. */
static void pack(packer *p, const uint8_t *bytes, size_t size, size_t *last) {
  size_t at = 0;
  while (at < size) {
    uint32_t length = 0;
    size_t seen = 0;
    if (size - at >= LEAST_MATCH) {
      size_t *slot = &last[hash_at(bytes + at)];
      seen = *slot;
      *slot = at + 1;
      if (seen && at + 1 - seen <= WINDOW) length = match_length(bytes + seen - 1, bytes + at, size - at);
    }
    if (length < LEAST_MATCH) {
      put_symbol(p, bytes[at++]);
      continue;
    }
    put_match(p, length, (uint32_t)(at + 1 - seen));
    at += length;
  }
}

nsc_status nsc_zlib_put(nsc_text *out, const uint8_t *bytes, size_t size, nsc_error *err) {
  size_t *last = calloc((size_t)1 << HASH_BITS, sizeof *last);
  packer *p = calloc(1, sizeof *p);
  if (!last || !p) {
    free(last), free(p);
    return nsc_fail_memory(err, ((size_t)1 << HASH_BITS) * sizeof *last, "packing");
  }
  p->out = out;
  nsc_text_append(out, "\x78\x01", 2); /* a window of 32 KB, packed fast */
  put_bits(p, 3, 3);                   /* the last block, with fixed codes */
  pack(p, bytes, size, last);
  put_symbol(p, 256);
  put_bits(p, 0, (8 - p->count % 8) % 8);
  flush(p);
  uint32_t sum = libdeflate_adler32(1, bytes, size);
  const char end[4] = {(char)(sum >> 24), (char)(sum >> 16 & 0xFF), (char)(sum >> 8 & 0xFF), (char)(sum & 0xFF)};
  nsc_text_append(out, end, 4);
  free(last), free(p);
  return NSC_OK;
}
