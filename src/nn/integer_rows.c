#include "nn/integer_rows.h"

#include "nn/decisions.h"

#ifdef __wasm__

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <xnnpack.h>

#include <xnnpack/config.h>
#include <xnnpack/gemm.h>
#include <xnnpack/igemm.h>
#include "base/clock.h"
#include "nn/integer_kernels.h"
#include "nn/words_conv.h"

/* A 3x3 convolution of 64 channels to 64. */
enum { TAPS = 9, DEPTH = 64, COLUMNS = 64, MOST_ROWS = 6, WORD_ROWS = 48, ROUNDS = 150, SETTLED = 6 };

typedef struct track {
  const void *rows[TAPS * MOST_ROWS];
  float a[MOST_ROWS * DEPTH + 64], weights[(TAPS * DEPTH + 2) * COLUMNS + 64], c[MOST_ROWS * COLUMNS + 64];
  int8_t bytes[WORD_ROWS * TAPS * DEPTH], bytes_out[WORD_ROWS * COLUMNS];
  int32_t bias[COLUMNS];
  float scale[COLUMNS];
  void *workspace;
  union xnn_f32_minmax_params float_params;
  union xnn_qs8_qc8w_conv_minmax_params params;
} track;

typedef struct racer racer;
struct racer {
  void (*run)(const racer *r, track *t);
  volatile xnn_igemm_ukernel_fn kernel; /* volatile: not inlined into the loop, as operators call it */
  size_t rows, width;                   /* width: bytes of an element */
  const void *params;
  double best; /* ms a row */
};

static void run_kernel(const racer *r, track *t) {
  r->kernel(r->rows, COLUMNS, DEPTH * r->width, TAPS * r->rows * sizeof(void *), (const void **)t->rows, t->weights,
            t->c, COLUMNS * r->width, 8 * r->width, 0, NULL, r->params);
}

/* The same in words: a product of as many rows as are multiplied together. */
static const nsc_words_conv words_conv = {
    .g = {.window = {2, {1, 1}, {1, 1}, {1, 1}, .in = {1, WORD_ROWS}, .out = {1, WORD_ROWS}}, 1, TAPS *DEPTH, COLUMNS},
    .batch = 1};

static void run_words(const racer *r, track *t) {
  (void)r;
  const nsc_words_after after = {t->bias, t->scale, 0, -128, 127};
  nsc_words_conv_run(&words_conv, t->bytes, (const int8_t *)t->weights, &after, t->bytes_out, NULL, t->workspace);
}

/* About a third of a millisecond of work. */
static void run_round(racer *r, track *t) {
  int calls = 0;
  double start = nsc_now_ms(), spent = 0;
  for (; spent < 0.3; calls += 8) {
    for (int i = 0; i < 8; i++) r->run(r, t);
    spent = nsc_now_ms() - start;
  }
  double each = spent / calls / (double)r->rows;
  if (each < r->best) r->best = each;
}

enum { FLOATS, BYTES, WORDS, OWN, RACERS };

/*
 * How much faster than floats integers must be. Float convolutions take 4 multiplications where bytes take 9 (Winograd,
 * in 3x3 at stride 1), but not in most layers, and the rest of a network, which only moves bytes, gains as well; tiles
 * in words take as few as floats'. Tiles are taken where words need less than twice the time of bytes: they take 36
 * products for up to 144, and transforms.
 */
static const double BYTES_GAIN = 1.3, WORDS_GAIN = 1.1, TILES_COST = 2;

/* Engines compile hot functions again after some milliseconds, later on a busy machine: all run until none gets faster
   any more. The floats' kernel is compiled already; bytes that should be twice as fast and are not yet have more time,
   and so have words where nothing else is fast. */
static void race(racer *racers, int count, track *t) {
  int settled = 0;
  for (int round = 0; round < ROUNDS && settled < SETTLED; round++) {
    settled++;
    for (int i = 0; i < count; i++) {
      double before = racers[i].best;
      run_round(&racers[i], t);
      if (racers[i].best < 0.97 * before) settled = 0;
    }
    double floats = racers[FLOATS].best, bytes = racers[BYTES].best;
    if (count > OWN && (bytes > floats / 2 || racers[OWN].best > floats / 2)) settled = 0;
    if (bytes > floats / 2 && racers[WORDS].best > floats / WORDS_GAIN) settled = 0;
  }
}

static racer racer_of(const struct xnn_gemm_config *config, size_t width, const void *params) {
  return (racer){run_kernel, config->minmax.igemm[config->mr - 1].function[0], config->mr, width, params, 1e9};
}

#ifdef __wasm_relaxed_simd__

/* XNNPACK hands its configuration out as constant, but it stands in writable memory and is read at each creation. Its
   choice among rows passes over empty entries; kernels of another depth than the weights' may not stay. */
static void use_own_kernels(const struct xnn_gemm_config *given) {
  struct xnn_gemm_config *config = (struct xnn_gemm_config *)(uintptr_t)given;
  for (size_t i = 0; i < config->mr; i++) {
    config->minmax.gemm[i].function[0] = NULL;
    config->minmax.igemm[i].function[0] = NULL;
  }
  config->minmax.gemm[0].function[0] = nsc_integer_gemm_1;
  config->minmax.igemm[0].function[0] = nsc_integer_igemm_1;
  config->minmax.gemm[NSC_INTEGER_ROWS - 1].function[0] = nsc_integer_gemm_6;
  config->minmax.igemm[NSC_INTEGER_ROWS - 1].function[0] = nsc_integer_igemm_6;
  config->pack_gemm_goi = nsc_integer_pack_goi;
  config->pack_gemm_gio = nsc_integer_pack_gio;
  config->pack_igemm_goki = nsc_integer_pack_goki;
  config->mr = NSC_INTEGER_ROWS;
  config->log2_kr = NSC_INTEGER_LOG2_DEPTH;
}

/* Whether XNNPACK found unsigned times signed dot products, by their results. */
static bool has_dots(const struct xnn_gemm_config *config) {
  return config->minmax.igemm[3].function[0] ==
         (xnn_igemm_ukernel_fn)xnn_qs8_qc8w_igemm_minmax_fp32_ukernel_4x8c8__wasmusdot_u2;
}

static bool can_use_own_kernels(const struct xnn_gemm_config *config) {
  return has_dots(config);
}

static int add_racers(const struct xnn_gemm_config *config, const track *t, racer *racers) {
  if (!has_dots(config)) return 0;
  racers[0] = (racer){run_kernel, nsc_integer_igemm_6, NSC_INTEGER_ROWS, 1, &t->params, 1e9};
  return 1;
}

#else

static void use_own_kernels(const struct xnn_gemm_config *given) {
  (void)given;
}

static bool can_use_own_kernels(const struct xnn_gemm_config *config) {
  (void)config;
  return false;
}

static int add_racers(const struct xnn_gemm_config *config, const track *t, racer *racers) {
  (void)config, (void)t, (void)racers;
  return 0;
}

#endif

static nsc_integer_ways ways_of(uint32_t bits) {
  return (nsc_integer_ways){bits & NSC_INTEGERS_PAY, bits & NSC_INTEGERS_WORDS, bits & NSC_INTEGERS_TILES};
}

static uint32_t choose(const racer *racers, int count) {
  double bytes = racers[BYTES].best, words = racers[WORDS].best;
  uint32_t bits = 0;
  if (count > OWN && racers[OWN].best < bytes) {
    bytes = racers[OWN].best;
    bits |= NSC_INTEGERS_OWN;
  }
  if (words < bytes) bits = NSC_INTEGERS_WORDS;
  if (words < TILES_COST * bytes) bits |= NSC_INTEGERS_TILES;
  double best = words < bytes ? words : bytes, gain = bits & NSC_INTEGERS_TILES ? WORDS_GAIN : BYTES_GAIN;
  return bits | (racers[FLOATS].best > gain * best ? NSC_INTEGERS_PAY : NSC_INTEGERS_COST);
}

static uint32_t measure(void) {
  const struct xnn_gemm_config *integers = xnn_init_qs8_qc8w_gemm_config(), *floats = xnn_init_f32_gemm_config();
  uint32_t known = nsc_assumed(NSC_INTEGERS_MASK | NSC_INTEGERS_OWN | NSC_INTEGERS_WORDS | NSC_INTEGERS_TILES);
  bool can = integers && (!(known & NSC_INTEGERS_OWN) || can_use_own_kernels(integers));
  if ((known & NSC_INTEGERS_MASK) && can) return known;
  track *t = integers && floats ? calloc(1, sizeof *t) : NULL;
  if (t) t->workspace = malloc(nsc_words_conv_workspace(&words_conv, 1));
  if (!t || !t->workspace) {
    free(t);
    return NSC_INTEGERS_PAY;
  }
  for (int i = 0; i < TAPS * MOST_ROWS; i++) t->rows[i] = t->a + i % MOST_ROWS * DEPTH;
  t->float_params.scalar.min = -1;
  t->float_params.scalar.max = 1;
  integers->init.qs8_qc8w(&t->params, 0, -128, 127);
  racer racers[RACERS] = {[FLOATS] = racer_of(floats, sizeof(float), &t->float_params),
                          [BYTES] = racer_of(integers, 1, &t->params),
                          [WORDS] = {run_words, NULL, WORD_ROWS, 1, NULL, 1e9}};
  int count = OWN + add_racers(integers, t, &racers[OWN]);
  race(racers, count, t);
  free(t->workspace);
  free(t);
  return choose(racers, count);
}

nsc_integer_ways nsc_choose_integers(void) {
  /* As global as the configuration that it changes. Two sessions made at once would both measure, to the same end. */
  static atomic_uint known;
  uint32_t bits = atomic_load(&known);
  if (bits == 0) {
    bits = measure();
    if (bits & NSC_INTEGERS_OWN) use_own_kernels(xnn_init_qs8_qc8w_gemm_config());
    nsc_decided(bits);
    atomic_store(&known, bits);
  }
  return ways_of(bits);
}

#else

nsc_integer_ways nsc_choose_integers(void) {
  return (nsc_integer_ways){true, nsc_assumed(NSC_INTEGERS_WORDS), nsc_assumed(NSC_INTEGERS_TILES)};
}

#endif
