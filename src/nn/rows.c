#include "nn/rows.h"

#ifdef __wasm_relaxed_simd__

#include <stdatomic.h>
#include <stdlib.h>
#include <xnnpack.h>

#include <xnnpack/config.h>
#include <xnnpack/gemm.h>
#include <xnnpack/igemm.h>
#include "base/clock.h"
#include "nn/decisions.h"

enum { FOUR = 4, SIX = 6, DEPTH = 192, COLUMNS = 64, ROUNDS = 24, SETTLED = 5 };

/* Where both take the same time here, whole networks are up to 6 % faster with four: heights are seldom multiples of
 * six. */
static const double LEAST_GAIN = 0.96;

typedef struct racer {
  volatile xnn_f32_gemm_minmax_ukernel_fn
      kernel; /* volatile: inlined into the loop it would not be what operators run */
  size_t rows;
  double best; /* ms a row */
} racer;

typedef struct track {
  float a[SIX * DEPTH + 32], weights[(DEPTH + 1) * COLUMNS + 32], c[SIX * COLUMNS + 32];
  union xnn_f32_minmax_params params;
} track;

/* About a millisecond of work: more than a coarsened clock's step. */
static void run_round(racer *r, track *t) {
  int calls = 0;
  double start = nsc_now_ms(), spent = 0;
  for (; spent < 1; calls += 8) {
    for (int i = 0; i < 8; i++) {
      r->kernel(r->rows, COLUMNS, DEPTH * sizeof(float), t->a, DEPTH * sizeof(float), t->weights, t->c,
                COLUMNS * sizeof(float), 8 * sizeof(float), &t->params);
    }
    spent = nsc_now_ms() - start;
  }
  double each = spent / calls / (double)r->rows;
  if (each < r->best) r->best = each;
}

/* A 1x1 convolution, which is most of what XNNPACK's kernels still compute: 3x3 go by Winograd's filtering. Engines
   compile hot functions again after some milliseconds: both run until neither gets faster any more. */
static bool six_is_faster(track *t) {
  racer four = {xnn_f32_gemm_minmax_ukernel_4x8__wasmrelaxedsimd_fma_loadsplat, FOUR, 1e9};
  racer six = {xnn_f32_gemm_minmax_ukernel_6x8__wasmrelaxedsimd_fma_loadsplat, SIX, 1e9};
  int settled = 0;
  for (int round = 0; round < ROUNDS && settled < SETTLED; round++) {
    double before = four.best + six.best;
    run_round(&four, t);
    run_round(&six, t);
    settled = four.best + six.best < 0.97 * before ? 0 : settled + 1;
  }
  return six.best < LEAST_GAIN * four.best;
}

static void use_six(struct xnn_gemm_config *config) {
  config->linear.gemm[SIX - 1].function[0] =
      (xnn_gemm_ukernel_fn)xnn_f32_gemm_ukernel_6x8__wasmrelaxedsimd_fma_loadsplat;
  config->linear.igemm[SIX - 1].function[0] =
      (xnn_igemm_ukernel_fn)xnn_f32_igemm_ukernel_6x8__wasmrelaxedsimd_fma_loadsplat;
  config->minmax.gemm[SIX - 1].function[0] =
      (xnn_gemm_ukernel_fn)xnn_f32_gemm_minmax_ukernel_6x8__wasmrelaxedsimd_fma_loadsplat;
  config->minmax.igemm[SIX - 1].function[0] =
      (xnn_igemm_ukernel_fn)xnn_f32_igemm_minmax_ukernel_6x8__wasmrelaxedsimd_fma_loadsplat;
  config->relu.gemm[SIX - 1].function[0] =
      (xnn_gemm_ukernel_fn)xnn_f32_gemm_relu_ukernel_6x8__wasmrelaxedsimd_fma_loadsplat;
  config->relu.igemm[SIX - 1].function[0] =
      (xnn_igemm_ukernel_fn)xnn_f32_igemm_relu_ukernel_6x8__wasmrelaxedsimd_fma_loadsplat;
  config->mr = SIX;
}

void nsc_choose_rows(void) {
  /* As global as the configuration that it changes: XNNPACK has one for the whole program. */
  static atomic_flag chosen = ATOMIC_FLAG_INIT;
  if (atomic_flag_test_and_set(&chosen)) return;
  /* XNNPACK hands its configuration out as constant, but it stands in writable memory and is read at each creation. */
  struct xnn_gemm_config *config = (struct xnn_gemm_config *)(uintptr_t)xnn_init_f32_gemm_config();
  if (!config || config->mr != FOUR || config->nr != 8) return; /* not x86, or another XNNPACK */
  uint32_t known = nsc_assumed(NSC_ROWS_MASK);
  if (known) {
    if (known == NSC_ROWS_SIX) use_six(config);
    nsc_decided(known);
    return;
  }
  track *t = calloc(1, sizeof *t);
  if (!t) return;
  t->params.scalar.min = -1;
  t->params.scalar.max = 1;
  bool six = six_is_faster(t);
  if (six) use_six(config);
  nsc_decided(six ? NSC_ROWS_SIX : NSC_ROWS_FOUR);
  free(t);
}

#else

void nsc_choose_rows(void) {}

#endif
