/*
 * Integers of 16 bits ("words"), eight at once, and sums of 32 bits, four at once: what int8 products are computed with
 * where a processor, or its browser, has no dot product of bytes. Every processor that runs wasm's SIMD adds two
 * products of words in one instruction, which is twice the products of a float's. Sums wrap around.
 */
#ifndef NSC_NN_WORDS_H
#define NSC_NN_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "nn/lanes.h"

enum { NSC_WORDS = 8 };

typedef uint16_t nsc_words __attribute__((vector_size(16)));
typedef uint32_t nsc_sums __attribute__((vector_size(16)));
typedef int32_t nsc_signed_sums __attribute__((vector_size(16)));

static inline nsc_words nsc_load_words(const int16_t *from) {
  nsc_words v;
  memcpy(&v, from, sizeof v);
  return v;
}

static inline void nsc_store_words(int16_t *to, nsc_words v) {
  memcpy(to, &v, sizeof v);
}

static inline nsc_sums nsc_load_sums(const uint32_t *from) {
  nsc_sums v;
  memcpy(&v, from, sizeof v);
  return v;
}

static inline void nsc_store_sums(uint32_t *to, nsc_sums v) {
  memcpy(to, &v, sizeof v);
}

static inline nsc_words nsc_all_words(int32_t v) {
  return (nsc_words){0} + (uint16_t)v;
}

/* Eight signed bytes. */
static inline nsc_words nsc_widen(const int8_t *from) {
#ifdef __wasm__
  return (nsc_words)wasm_i16x8_load8x8(from);
#else
  typedef int8_t bytes __attribute__((vector_size(8)));
  typedef int16_t words __attribute__((vector_size(16)));
  bytes v;
  memcpy(&v, from, sizeof v);
  return (nsc_words) __builtin_convertvector(v, words);
#endif
}

/* Two words, four times. */
static inline nsc_words nsc_pair(const int16_t *from) {
#ifdef __wasm__
  return (nsc_words)wasm_v128_load32_splat(from);
#else
  uint32_t two;
  memcpy(&two, from, sizeof two);
  return (nsc_words)((nsc_sums){two, two, two, two});
#endif
}

/* Of signed words: a[0] b[0] + a[1] b[1], a[2] b[2] + a[3] b[3], ... */
static inline nsc_sums nsc_dot_words(nsc_words a, nsc_words b) {
#ifdef __wasm__
  return (nsc_sums)wasm_i32x4_dot_i16x8((v128_t)a, (v128_t)b);
#else
  nsc_sums sums;
  for (int i = 0; i < 4; i++) {
    int32_t first = (int16_t)a[2 * i] * (int16_t)b[2 * i], second = (int16_t)a[2 * i + 1] * (int16_t)b[2 * i + 1];
    sums[i] = (uint32_t)first + (uint32_t)second;
  }
  return sums;
#endif
}

/* ---- what sums become ---- */

/* y = cut(round(scale * (sum + bias)) + zero), half to even, as XNNPACK and ONNX round. `bias` and `scale` are those of
   a column. */
typedef struct nsc_words_after {
  const int32_t *bias;
  const float *scale;
  int32_t zero, min, max;
} nsc_words_after;

/* Steps of the output, cut from below: 1.5 * 2^23 is added, whose last bit is 1. */
static inline nsc_signed_sums nsc_round_sums(nsc_sums sums, nsc_lanes scale, const nsc_words_after *after) {
  const int32_t bits = 0x4B400000, low = bits + after->min - after->zero;
  nsc_lanes scaled = __builtin_convertvector((nsc_signed_sums)sums, nsc_lanes) * scale;
  nsc_signed_sums v = (nsc_signed_sums)(scaled + nsc_all(12582912.0f)), least = {low, low, low, low};
#ifdef __wasm__
  v = (nsc_signed_sums)wasm_i32x4_max((v128_t)v, (v128_t)least);
#else
  nsc_signed_sums below = v < least;
  v = (least & below) | (v & ~below);
#endif
  return v - (bits - after->zero);
}

/* Sixteen such numbers, or four, as bytes, cut from above. */
static inline void nsc_store_bytes(int8_t *to, const nsc_signed_sums v[4], const nsc_words_after *after) {
#ifdef __wasm__
  v128_t low = wasm_i16x8_narrow_i32x4((v128_t)v[0], (v128_t)v[1]);
  v128_t high = wasm_i16x8_narrow_i32x4((v128_t)v[2], (v128_t)v[3]);
  wasm_v128_store(to, wasm_i8x16_min(wasm_i8x16_narrow_i16x8(low, high), wasm_i8x16_splat((int8_t)after->max)));
#else
  for (int i = 0; i < 16; i++) to[i] = (int8_t)(v[i / 4][i % 4] < after->max ? v[i / 4][i % 4] : after->max);
#endif
}

static inline void nsc_store_four_bytes(int8_t *to, nsc_signed_sums v, const nsc_words_after *after) {
#ifdef __wasm__
  v128_t words = wasm_i16x8_narrow_i32x4((v128_t)v, (v128_t)v);
  v128_t bytes = wasm_i8x16_min(wasm_i8x16_narrow_i16x8(words, words), wasm_i8x16_splat((int8_t)after->max));
  wasm_v128_store32_lane(to, bytes, 0);
#else
  for (int i = 0; i < 4; i++) to[i] = (int8_t)(v[i] < after->max ? v[i] : after->max);
#endif
}

/* ---- products ---- */

/* A panel is as many columns as are multiplied together. Its weights lie as [depth / 2][NSC_WORD_COLUMNS][2]. */
enum { NSC_WORD_COLUMNS = 16, NSC_WORD_PAIR = 2 * NSC_WORD_COLUMNS };

/* sums[rows][NSC_WORD_COLUMNS] += in[rows][stride] * weights, of whose columns the first 4 * `vectors` are computed.
   `depth` is even. Rows times vectors are eight: with the weights and a row they are in registers. */
static inline __attribute__((always_inline)) void nsc_words_rows(const int16_t *in, const int16_t *weights,
                                                                 size_t depth, uint32_t *sums, size_t rows,
                                                                 size_t vectors, size_t stride) {
  nsc_sums sum[4][4];
  for (size_t r = 0; r < rows; r++) {
    for (size_t v = 0; v < vectors; v++) sum[r][v] = nsc_load_sums(sums + r * NSC_WORD_COLUMNS + 4 * v);
  }
  for (const int16_t *end = in + depth; in < end; in += 2, weights += NSC_WORD_PAIR) {
    nsc_words w[4];
    for (size_t v = 0; v < vectors; v++) w[v] = nsc_load_words(weights + NSC_WORDS * v);
    for (size_t r = 0; r < rows; r++) {
      nsc_words a = nsc_pair(in + r * stride);
      for (size_t v = 0; v < vectors; v++) sum[r][v] += nsc_dot_words(a, w[v]);
    }
  }
  for (size_t r = 0; r < rows; r++) {
    for (size_t v = 0; v < vectors; v++) nsc_store_sums(sums + r * NSC_WORD_COLUMNS + 4 * v, sum[r][v]);
  }
}

/* Any number of rows of a panel; `half` where its last eight columns are beyond the last. */
static inline __attribute__((always_inline)) void nsc_words_panel(const int16_t *in, const int16_t *weights,
                                                                  size_t depth, uint32_t *sums, size_t rows, bool half,
                                                                  size_t stride) {
  size_t r = 0;
  for (; half && r + 4 <= rows; r += 4) {
    nsc_words_rows(in + r * stride, weights, depth, sums + r * NSC_WORD_COLUMNS, 4, 2, stride);
  }
  for (; r + 2 <= rows; r += 2) {
    nsc_words_rows(in + r * stride, weights, depth, sums + r * NSC_WORD_COLUMNS, 2, 4, stride);
  }
  if (r < rows) nsc_words_rows(in + r * stride, weights, depth, sums + r * NSC_WORD_COLUMNS, 1, 4, stride);
}

#endif
