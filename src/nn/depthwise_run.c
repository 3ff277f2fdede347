#include "nn/depthwise_run.h"

#include <math.h>
#include <pthreadpool.h>

#include "nn/lanes.h"

/* Pixels of a row that are computed at once: seven divides the sizes of networks for 224 pixels, four most others. */
enum { WIDE = 7, NARROW = 4, MOST_KERNEL = 7, MOST_STRIDE = 2, MOST_COLUMNS = (WIDE - 1) * MOST_STRIDE + MOST_KERNEL };

typedef struct run_task {
  const nsc_depthwise *shape;
  const float *x, *packed, *zero;
  float *y;
} run_task;

/* Inputs under a tile: rows of the kernel times columns from the first tap of the first pixel to the last of the last.
 */
typedef const float *tile_inputs[MOST_KERNEL * MOST_COLUMNS];

/* Where to: `count` pixels. */
typedef struct tile_output {
  float *at;
  size_t count;
} tile_output;

/* Loops over registers. Where little is optimised they stay loops, which is slow and right. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wpass-failed"
#define UNROLL _Pragma("clang loop unroll(full)")
#define KEEP_LOOP _Pragma("clang loop unroll(disable)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#define KEEP_LOOP _Pragma("GCC unroll 1")
#endif

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* All channels of a tile. `pixels`, `kernel` and `stride` are constants where this is inlined, so that sums and weights
   are registers. Rows of the kernel stay a loop: with all of them in one V8 spills the sums. */
ALWAYS_INLINE void run_tile(const nsc_depthwise *s, tile_inputs from, const float *packed, tile_output to,
                            const size_t pixels, const size_t kernel, const size_t stride) {
  const size_t columns = (pixels - 1) * stride + kernel;
  const bool clamps = s->min > -INFINITY || s->max < INFINITY;
  for (size_t c = 0; c < s->channels; c += NSC_LANES, packed += (1 + kernel * kernel) * NSC_LANES) {
    nsc_lanes sum[WIDE], taps[MOST_KERNEL];
    const float *weights = packed + NSC_LANES;
    const float *const *row = from;
    for (size_t p = 0; p < pixels; p++) sum[p] = nsc_load_lanes(packed);
    KEEP_LOOP
    for (size_t ky = 0; ky < kernel; ky++, row += columns, weights += kernel * NSC_LANES) {
      UNROLL
      for (size_t k = 0; k < kernel; k++) taps[k] = nsc_load_lanes(weights + k * NSC_LANES);
      UNROLL
      for (size_t j = 0; j < columns; j++) {
        nsc_lanes x = nsc_load_lanes(row[j] + c);
        UNROLL
        for (size_t p = 0; p < pixels; p++) {
          if (j >= p * stride && j - p * stride < kernel) sum[p] = nsc_multiply_add(x, taps[j - p * stride], sum[p]);
        }
      }
    }
    UNROLL
    for (size_t p = 0; p < pixels; p++) {
      if (p >= to.count) break;
      nsc_store_lanes(to.at + p * s->channels + c, clamps ? nsc_clamp_lanes(sum[p], s->min, s->max) : sum[p]);
    }
  }
}

#define DEFINE_TILE(pixels, kernel, stride)                                                                 \
  static void tile_##pixels##_##kernel##_##stride(const nsc_depthwise *s, tile_inputs from, const float *w, \
                                                  tile_output to) {                                         \
    run_tile(s, from, w, to, pixels, kernel, stride);                                                       \
  }
DEFINE_TILE(7, 3, 1)
DEFINE_TILE(4, 3, 1)
DEFINE_TILE(7, 3, 2)
DEFINE_TILE(4, 3, 2)
DEFINE_TILE(7, 5, 1)
DEFINE_TILE(4, 5, 1)
DEFINE_TILE(7, 5, 2)
DEFINE_TILE(4, 5, 2)
DEFINE_TILE(7, 7, 1)
DEFINE_TILE(4, 7, 1)

typedef void (*tile_function)(const nsc_depthwise *s, tile_inputs from, const float *packed, tile_output to);

static const struct {
  size_t kernel, stride;
  tile_function wide, narrow;
} functions[] = {
    {3, 1, tile_7_3_1, tile_4_3_1}, {3, 2, tile_7_3_2, tile_4_3_2}, {5, 1, tile_7_5_1, tile_4_5_1},
    {5, 2, tile_7_5_2, tile_4_5_2}, {7, 1, tile_7_7_1, tile_4_7_1},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static int find(const nsc_depthwise *s) {
  for (int i = 0; i < FUNCTIONS; i++) {
    if (functions[i].kernel == s->kernel && functions[i].stride == s->stride) return i;
  }
  return -1;
}

bool nsc_depthwise_can(const nsc_depthwise *shape) {
  return shape->channels > 0 && shape->channels % NSC_LANES == 0 && find(shape) >= 0;
}

size_t nsc_depthwise_weight_floats(const nsc_depthwise *shape) {
  return (1 + shape->kernel * shape->kernel) * shape->channels;
}

void nsc_depthwise_pack(const nsc_depthwise *shape, const float *weights, const float *bias, float *packed) {
  size_t area = shape->kernel * shape->kernel;
  for (size_t c = 0; c < shape->channels; c++) {
    float *to = packed + c / NSC_LANES * (1 + area) * NSC_LANES + c % NSC_LANES;
    to[0] = bias ? bias[c] : 0;
    for (size_t t = 0; t < area; t++) to[(1 + t) * NSC_LANES] = weights[c * area + t];
  }
}

/* Addresses of what lies under the tile at (oy, ox) of picture `n`. */
static void point(const run_task *r, size_t n, size_t oy, size_t ox, size_t pixels, tile_inputs out) {
  const nsc_depthwise *s = r->shape;
  size_t columns = (pixels - 1) * s->stride + s->kernel;
  const float *picture = r->x + n * s->height * s->width * s->channels;
  for (size_t ky = 0; ky < s->kernel; ky++) {
    size_t y = oy * s->stride + ky - s->top; /* huge when negative */
    for (size_t j = 0; j < columns; j++) {
      size_t x = ox * s->stride + j - s->left;
      bool inside = y < s->height && x < s->width;
      *out++ = inside ? picture + (y * s->width + x) * s->channels : r->zero;
    }
  }
}

static void run_row(void *context, size_t n, size_t oy) {
  const run_task *r = context;
  const nsc_depthwise *s = r->shape;
  const size_t wides = (s->out_width + WIDE - 1) / WIDE, narrows = (s->out_width + NARROW - 1) / NARROW;
  const size_t pixels = wides * WIDE <= narrows * NARROW ? WIDE : NARROW;
  const int at = find(s);
  tile_function run = pixels == WIDE ? functions[at].wide : functions[at].narrow;
  tile_inputs from;
  float *row = r->y + (n * s->out_height + oy) * s->out_width * s->channels;
  for (size_t ox = 0; ox < s->out_width; ox += pixels) {
    size_t left = s->out_width - ox;
    point(r, n, oy, ox, pixels, from);
    run(s, from, r->packed, (tile_output){row + ox * s->channels, left < pixels ? left : pixels});
  }
}

void nsc_depthwise_run(const nsc_depthwise *shape, const float *x, const float *packed, const float *zero, float *y,
                       struct pthreadpool *pool) {
  run_task task = {shape, x, packed, zero, y};
  pthreadpool_parallelize_2d(pool, run_row, &task, shape->batch, shape->out_height, 0);
}
