#include "nn/integer_kernels.h"

#ifdef __wasm_relaxed_simd__

#include <stdint.h>
#include <string.h>
#include <wasm_simd128.h>
#include <xnnpack.h>

#include <xnnpack/microparams.h>
#include <xnnpack/pack.h>

#define UNROLL _Pragma("clang loop unroll(full)")
#define ALWAYS static inline __attribute__((always_inline))

enum { ROWS = NSC_INTEGER_ROWS, DEPTH = 4 };

/* What a sum becomes: steps of the output, rounded half to even by adding 1.5 * 2^23, cut to bounds. */
typedef struct rounding {
  v128_t magic, least, less_zero, most;
} rounding;

ALWAYS rounding rounding_of(const void *params) {
  const union xnn_qs8_qc8w_conv_minmax_params *p = params;
  int32_t zero = p->fp32_scalar.output_zero_point, low = p->fp32_scalar.output_min - zero;
  const float shifted = 12582912.0f + (float)low;
  int32_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  return (rounding){wasm_f32x4_const_splat(12582912.0f), wasm_i32x4_splat(bits), wasm_i32x4_splat(0x4B400000 - zero),
                    wasm_i8x16_splat((int8_t)p->fp32_scalar.output_max)};
}

ALWAYS v128_t round_sums(v128_t sums, v128_t scale, const rounding *r) {
  v128_t x = wasm_f32x4_add(wasm_f32x4_mul(wasm_f32x4_convert_i32x4(sums), scale), r->magic);
  return wasm_i32x4_sub(wasm_i32x4_max(x, r->least), r->less_zero);
}

/* Eight outputs, or the first `nc` of them. */
ALWAYS void store(int8_t *to, v128_t low, v128_t high, size_t nc, const rounding *r) {
  v128_t words = wasm_i16x8_narrow_i32x4(low, high);
  v128_t bytes = wasm_i8x16_min(wasm_i8x16_narrow_i16x8(words, words), r->most);
  if (nc >= 8) {
    wasm_v128_store64_lane(to, bytes, 0);
    return;
  }
  if (nc & 4) {
    wasm_v128_store32_lane(to, bytes, 0);
    to += 4;
    bytes = wasm_u64x2_shr(bytes, 32);
  }
  if (nc & 2) {
    wasm_v128_store16_lane(to, bytes, 0);
    to += 2;
    bytes = wasm_u32x4_shr(bytes, 16);
  }
  if (nc & 1) wasm_v128_store8_lane(to, bytes, 0);
}

/* The sums are read back from memory: bounds and scales beside them in registers would make the loop before spill. */
ALWAYS const int8_t *finish(int rows, int8_t *const *c, const int32_t *sums, const int8_t *w, size_t nc,
                            const rounding *r) {
  v128_t low = wasm_v128_load(w), high = wasm_v128_load(w + 16);
  for (int i = rows - 1; i >= 0; i--) {
    store(c[i], round_sums(wasm_v128_load(sums + 8 * i), low, r), round_sums(wasm_v128_load(sums + 8 * i + 4), high, r),
          nc, r);
  }
  return w + 32;
}

/* One tap: `depth` inputs, a multiple of four, of each row. Unrolled, V8 would spill. */
ALWAYS const int8_t *add_tap(int rows, const int8_t *const *a, const int8_t *w, size_t depth, v128_t *low,
                             v128_t *high) {
  const int8_t *at[ROWS];
  UNROLL for (int i = 0; i < rows; i++) at[i] = a[i];
#pragma clang loop unroll(disable)
  for (; depth; depth -= DEPTH) {
    v128_t first = wasm_v128_load(w), second = wasm_v128_load(w + 16);
    w += 32;
    UNROLL for (int i = 0; i < rows; i++) {
      v128_t x = wasm_v128_load32_splat(at[i]);
      at[i] += DEPTH;
      low[i] = wasm_i32x4_relaxed_dot_i8x16_i7x16_add(x, first, low[i]);
      high[i] = wasm_i32x4_relaxed_dot_i8x16_i7x16_add(x, second, high[i]);
    }
  }
  return w;
}

/* volatile: wasm-opt ends with an error on dot products of constants. */
static const volatile uint64_t eight_ones = 0x0101010101010101u;

/* The sum of a tap's inputs, added to four partial sums. */
ALWAYS v128_t add_inputs(const int8_t *a, size_t depth, v128_t ones, v128_t sums) {
  for (; depth >= 16; depth -= 16, a += 16) {
    sums = wasm_i32x4_relaxed_dot_i8x16_i7x16_add(wasm_v128_load(a), ones, sums);
  }
  for (; depth; depth -= DEPTH, a += DEPTH) {
    sums = wasm_i32x4_relaxed_dot_i8x16_i7x16_add(wasm_v128_load32_zero(a), ones, sums);
  }
  return sums;
}

/* What weights that are 128 too large add to every sum of a row, with its sign turned. */
ALWAYS v128_t excess_of(v128_t sums) {
  int32_t sum = wasm_i32x4_extract_lane(sums, 0) + wasm_i32x4_extract_lane(sums, 1) + wasm_i32x4_extract_lane(sums, 2) +
                wasm_i32x4_extract_lane(sums, 3);
  return wasm_i32x4_splat(-128 * sum);
}

ALWAYS void start(int rows, const int8_t *w, const v128_t *excess, v128_t *low, v128_t *high) {
  v128_t first = wasm_v128_load(w), second = wasm_v128_load(w + 16);
  UNROLL for (int i = 0; i < rows; i++) {
    v128_t less = wasm_v128_load(&excess[i]);
    low[i] = wasm_i32x4_add(first, less);
    high[i] = wasm_i32x4_add(second, less);
  }
}

ALWAYS void keep(int rows, int32_t *sums, const v128_t *low, const v128_t *high) {
  UNROLL for (int i = 0; i < rows; i++) {
    wasm_v128_store(sums + 8 * i, low[i]);
    wasm_v128_store(sums + 8 * i + 4, high[i]);
  }
  __asm__ volatile("" ::: "memory");
}

/* Rows beyond `mr` repeat the last one: rows are stored from the last to the first. */
ALWAYS void gemm(int rows, size_t mr, size_t nc, size_t kc, const int8_t *a, size_t a_stride, const int8_t *w,
                 int8_t *c, size_t cm_stride, size_t cn_stride, const void *params) {
  const rounding r = rounding_of(params);
  const v128_t ones = wasm_i64x2_splat((int64_t)eight_ones);
  v128_t excess[ROWS];
  const int8_t *in[ROWS];
  int8_t *out[ROWS];
  size_t depth = (kc + DEPTH - 1) & ~(size_t)(DEPTH - 1);
  for (int i = 0; i < rows; i++) {
    size_t row = (size_t)i < mr ? (size_t)i : mr - 1;
    in[i] = a + row * a_stride;
    out[i] = c + row * cm_stride;
    excess[i] = excess_of(add_inputs(in[i], depth, ones, wasm_i32x4_const_splat(0)));
  }
  for (;; nc -= 8) {
    v128_t low[ROWS], high[ROWS];
    int32_t sums[8 * ROWS] __attribute__((aligned(16)));
    start(rows, w, excess, low, high);
    w = add_tap(rows, in, w + 32, depth, low, high);
    keep(rows, sums, low, high);
    w = finish(rows, out, sums, w, nc, &r);
    if (nc <= 8) return;
    for (int i = 0; i < rows; i++) out[i] += cn_stride;
  }
}

ALWAYS void igemm(int rows, size_t mr, size_t nc, size_t kc, size_t ks, const int8_t *const *a, const int8_t *w,
                  int8_t *c, size_t cm_stride, size_t cn_stride, size_t a_offset, const int8_t *zero,
                  const void *params) {
  const rounding r = rounding_of(params);
  const v128_t ones = wasm_i64x2_splat((int64_t)eight_ones);
  v128_t excess[ROWS];
  int8_t *out[ROWS];
  size_t depth = (kc + DEPTH - 1) & ~(size_t)(DEPTH - 1), taps = ks / ((size_t)rows * sizeof(void *));
  for (int i = 0; i < rows; i++) {
    v128_t sums = wasm_i32x4_const_splat(0);
    for (size_t t = 0; t < taps; t++) {
      const int8_t *tap = a[t * (size_t)rows + (size_t)i];
      sums = add_inputs(tap == zero ? zero : tap + a_offset, depth, ones, sums);
    }
    excess[i] = excess_of(sums);
    out[i] = c + ((size_t)i < mr ? (size_t)i : mr - 1) * cm_stride;
  }
  for (;; nc -= 8) {
    v128_t low[ROWS], high[ROWS];
    int32_t sums[8 * ROWS] __attribute__((aligned(16)));
    const int8_t *const *tap = a;
    start(rows, w, excess, low, high);
    w += 32;
    for (size_t t = 0; t < taps; t++, tap += rows) {
      const int8_t *in[ROWS];
      UNROLL for (int i = 0; i < rows; i++) in[i] = tap[i] == zero ? zero : tap[i] + a_offset;
      w = add_tap(rows, in, w, depth, low, high);
    }
    keep(rows, sums, low, high);
    w = finish(rows, out, sums, w, nc, &r);
    if (nc <= 8) return;
    for (int i = 0; i < rows; i++) out[i] += cn_stride;
  }
}

void nsc_integer_gemm_1(size_t mr, size_t nc, size_t kc, const void *a, size_t a_stride, const void *w, void *c,
                        size_t cm_stride, size_t cn_stride, const void *params) {
  gemm(1, mr, nc, kc, a, a_stride, w, c, cm_stride, cn_stride, params);
}

void nsc_integer_gemm_6(size_t mr, size_t nc, size_t kc, const void *a, size_t a_stride, const void *w, void *c,
                        size_t cm_stride, size_t cn_stride, const void *params) {
  gemm(ROWS, mr, nc, kc, a, a_stride, w, c, cm_stride, cn_stride, params);
}

void nsc_integer_igemm_1(size_t mr, size_t nc, size_t kc, size_t ks, const void **a, const void *w, void *c,
                         size_t cm_stride, size_t cn_stride, size_t a_offset, const void *zero, const void *params) {
  igemm(1, mr, nc, kc, ks, (const int8_t *const *)a, w, c, cm_stride, cn_stride, a_offset, zero, params);
}

void nsc_integer_igemm_6(size_t mr, size_t nc, size_t kc, size_t ks, const void **a, const void *w, void *c,
                         size_t cm_stride, size_t cn_stride, size_t a_offset, const void *zero, const void *params) {
  igemm(ROWS, mr, nc, kc, ks, (const int8_t *const *)a, w, c, cm_stride, cn_stride, a_offset, zero, params);
}

/* ---- weights ---- */

/* Signed weights to unsigned ones 128 larger, padding included: it is multiplied with what the excess has as well. */
static void raise_weights(size_t groups, size_t nc, size_t taps, size_t kc, void *packed, size_t extra) {
  size_t bytes = taps * ((kc + DEPTH - 1) & ~(size_t)(DEPTH - 1)) * NSC_INTEGER_COLUMNS;
  uint8_t *at = packed;
  for (size_t g = 0; g < groups; g++) {
    for (size_t n = 0; n < nc; n += NSC_INTEGER_COLUMNS) {
      at += NSC_INTEGER_COLUMNS * sizeof(int32_t);
      for (size_t i = 0; i < bytes; i++) at[i] ^= 0x80;
      at += bytes + extra;
    }
  }
}

void nsc_integer_pack_goi(size_t g, size_t nc, size_t kc, size_t nr, size_t kr, size_t sr, const void *k, const void *b,
                          const void *scale, void *packed, size_t extra, const void *params) {
  xnn_pack_qs8_gemm_goi_w(g, nc, kc, nr, kr, sr, k, b, scale, packed, extra, params);
  raise_weights(g, nc, 1, kc, packed, extra);
}

void nsc_integer_pack_gio(size_t g, size_t nc, size_t kc, size_t nr, size_t kr, size_t sr, size_t k_stride,
                          const void *k, const void *b, const void *scale, void *packed, size_t extra,
                          const void *params) {
  xnn_pack_qs8_gemm_gio_w(g, nc, kc, nr, kr, sr, k_stride, k, b, scale, packed, extra, params);
  raise_weights(g, nc, 1, kc, packed, extra);
}

void nsc_integer_pack_goki(size_t g, size_t nc, size_t ks, size_t kc, size_t nr, size_t kr, size_t sr, const void *k,
                           const void *b, const void *scale, void *packed, size_t extra, const void *params) {
  xnn_pack_qs8_conv_goki_w(g, nc, ks, kc, nr, kr, sr, k, b, scale, packed, extra, params);
  raise_weights(g, nc, ks, kc, packed, extra);
}

#endif
