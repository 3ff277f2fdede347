/* Four floats at once: one register of wasm's SIMD, and of every processor that this runs on. */
#ifndef NSC_NN_LANES_H
#define NSC_NN_LANES_H

#include <stddef.h>
#include <string.h>

#ifdef __wasm__
#include <wasm_simd128.h>
#endif

enum { NSC_LANES = 4 };

typedef float nsc_lanes __attribute__((vector_size(16)));

static inline nsc_lanes nsc_load_lanes(const float *from) {
  nsc_lanes v;
  memcpy(&v, from, sizeof v);
  return v;
}

static inline void nsc_store_lanes(float *to, nsc_lanes v) {
  memcpy(to, &v, sizeof v);
}

static inline nsc_lanes nsc_all(float v) {
  return (nsc_lanes){v, v, v, v};
}

/* Each lane at least `min` and at most `max`; what is no number stays so. */
static inline nsc_lanes nsc_clamp_lanes(nsc_lanes v, float min, float max) {
#ifdef __wasm__
  return (nsc_lanes)wasm_f32x4_pmin(wasm_f32x4_pmax((v128_t)v, wasm_f32x4_splat(min)), wasm_f32x4_splat(max));
#else
  typedef int mask __attribute__((vector_size(16)));
  nsc_lanes low = {min, min, min, min}, high = {max, max, max, max};
  mask below = v < low;
  v = (nsc_lanes)(((mask)low & below) | ((mask)v & ~below));
  mask above = v > high;
  return (nsc_lanes)(((mask)high & above) | ((mask)v & ~above));
#endif
}

/* a * b + c, fused where the processor does. */
static inline nsc_lanes nsc_multiply_add(nsc_lanes a, nsc_lanes b, nsc_lanes c) {
#ifdef __wasm_relaxed_simd__
  return (nsc_lanes)wasm_f32x4_relaxed_madd((v128_t)a, (v128_t)b, (v128_t)c);
#else
  return a * b + c;
#endif
}

/* The same with a number for all lanes. */
static inline nsc_lanes nsc_add_times(nsc_lanes c, float a, nsc_lanes b) {
  return nsc_multiply_add(nsc_all(a), b, c);
}

#endif
