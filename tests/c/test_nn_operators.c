/* Operators against plain loops written here from their definitions: many shapes, both layouts, one and two threads. */
#include <stdlib.h>

#include "onnx_builder.h"
#include "test.h"

static uint32_t random_state = 1;

static float random_float(void) {
  random_state = random_state * 1664525u + 1013904223u;
  return (float)(random_state >> 8) / (1 << 24) * 2 - 1;
}

static float *random_floats(size_t count) {
  float *values = malloc((count + 1) * sizeof *values);
  for (size_t i = 0; i < count; i++) values[i] = random_float();
  return values;
}

/* Runs a model of one input and one output; returns the output (free it) or NULL after reporting. */
static float *run(onnx_builder *b, const float *x, size_t count, uint32_t threads, size_t *out_count) {
  size_t size;
  uint8_t *bytes = onnx_finish(b, &size);
  nsc_model *model = NULL;
  nsc_session *session = NULL;
  nsc_error err = {0};
  nsc_session_options options = {.threads = threads};
  float *y = NULL;
  if (onnx_open(bytes, size, &model, &err) == NSC_OK && nsc_session_create(model, &options, &session, &err) == NSC_OK &&
      nsc_session_set_input(session, 0, x, count * sizeof *x, &err) == NSC_OK &&
      nsc_session_run(session, NULL, &err) == NSC_OK) {
    nsc_tensor_info info;
    nsc_session_output_info(session, 0, &info);
    *out_count = 1;
    for (uint32_t i = 0; i < info.rank; i++) *out_count *= (size_t)info.dims[i];
    y = malloc((*out_count + 1) * sizeof *y);
    if (nsc_session_get_output(session, 0, y, *out_count * sizeof *y, &err) != NSC_OK) *out_count = 0;
  }
  if (err.status != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  nsc_session_free(session);
  nsc_model_free(model);
  return y;
}

/* `part`: of the largest value. */
static void check_within(const float *got, const double *want, size_t count, double part, const char *what) {
  double worst = 0, size = 1e-6;
  for (size_t i = 0; i < count; i++) {
    worst = fmax(worst, fabs((double)got[i] - want[i]));
    size = fmax(size, fabs(want[i]));
  }
  if (!(worst <= part * size + 1e-6)) test_failed(__FILE__, __LINE__, "%s: error %g of %g", what, worst, size);
}

static void check_close(const float *got, const double *want, size_t count, const char *what) {
  check_within(got, want, count, 2e-6, what);
}

typedef struct conv_case {
  int64_t n, c, h, w, oc, kh, kw, stride, dilation, top, left, bottom, right, groups;
} conv_case;

static double conv_at(const conv_case *k, const float *x, const float *weights, int64_t n, int64_t o, int64_t y,
                      int64_t xx) {
  int64_t gi = k->c / k->groups, go = k->oc / k->groups, g = o / go;
  double sum = 0;
  for (int64_t i = 0; i < gi; i++) {
    for (int64_t ky = 0; ky < k->kh; ky++) {
      for (int64_t kx = 0; kx < k->kw; kx++) {
        int64_t iy = y * k->stride - k->top + ky * k->dilation, ix = xx * k->stride - k->left + kx * k->dilation;
        if (iy < 0 || iy >= k->h || ix < 0 || ix >= k->w) continue;
        sum += (double)x[((n * k->c + g * gi + i) * k->h + iy) * k->w + ix] *
               (double)weights[((o * gi + i) * k->kh + ky) * k->kw + kx];
      }
    }
  }
  return sum;
}

/* Conv -> BatchNormalization -> Relu, as one operator. */
static void check_conv(const conv_case *k, bool norm, uint32_t threads) {
  int64_t oh = (k->h + k->top + k->bottom - (k->kh - 1) * k->dilation - 1) / k->stride + 1;
  int64_t ow = (k->w + k->left + k->right - (k->kw - 1) * k->dilation - 1) / k->stride + 1;
  size_t in = (size_t)(k->n * k->c * k->h * k->w), out = (size_t)(k->n * k->oc * oh * ow), got_count;
  size_t weight_count = (size_t)(k->oc * (k->c / k->groups) * k->kh * k->kw);
  float *x = random_floats(in), *weights = random_floats(weight_count), *bias = random_floats((size_t)k->oc);
  float *stats[4];
  onnx_builder b = {0};
  onnx_attributes a = {0};
  onnx_input(&b, "x", 4, (const int64_t[]){k->n, k->c, k->h, k->w});
  onnx_output(&b, "y", 4, (const int64_t[]){k->n, k->oc, oh, ow});
  onnx_floats(&b, "w", 4, (const int64_t[]){k->oc, k->c / k->groups, k->kh, k->kw}, weights);
  onnx_floats(&b, "b", 1, &k->oc, bias);
  onnx_ints(&a, "strides", 2, (const int64_t[]){k->stride, k->stride});
  onnx_ints(&a, "dilations", 2, (const int64_t[]){k->dilation, k->dilation});
  onnx_ints(&a, "pads", 4, (const int64_t[]){k->top, k->left, k->bottom, k->right});
  onnx_int(&a, "group", k->groups);
  onnx_node(&b, "Conv", "x w b", norm ? "c" : "y", &a);
  static const char *const names[] = {"scale", "shift", "mean", "var"};
  for (int i = 0; i < 4; i++) {
    stats[i] = random_floats((size_t)k->oc);
    for (int64_t o = 0; i == 3 && o < k->oc; o++) stats[i][o] = stats[i][o] * stats[i][o] + 0.1f;
    if (norm) onnx_floats(&b, names[i], 1, &k->oc, stats[i]);
  }
  if (norm) onnx_node(&b, "BatchNormalization", "c scale shift mean var", "n", NULL);
  if (norm) onnx_node(&b, "Relu", "n", "y", NULL);
  double *want = malloc(out * sizeof *want);
  for (size_t i = 0; i < out; i++) {
    int64_t o = (int64_t)i / (oh * ow) % k->oc;
    double value = conv_at(k, x, weights, (int64_t)i / (oh * ow * k->oc), o, (int64_t)i / ow % oh, (int64_t)i % ow) +
                   (double)bias[o];
    if (norm) {
      value =
          (value - (double)stats[2][o]) / sqrt((double)stats[3][o] + 1e-5) * (double)stats[0][o] + (double)stats[1][o];
      value = fmax(value, 0);
    }
    want[i] = value;
  }
  float *got = run(&b, x, in, threads, &got_count);
  CHECK_EQ(got_count, out);
  /* Winograd's: docs/NUMERICS.md */
  bool tiles = k->kh == k->kw && k->groups == 1 && (k->kh == 3 || (k->kh >= 5 && k->stride == 2));
  if (got && got_count == out) check_within(got, want, out, tiles ? 2e-5 : 2e-6, "conv");
  free(x), free(weights), free(bias), free(want), free(got);
  for (int i = 0; i < 4; i++) free(stats[i]);
}

TEST(conv_equals_its_definition) {
  static const conv_case cases[] = {
      /* n  c  h   w   oc kh kw st di  t  l  b  r  groups */
      {1, 3, 9, 7, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1},
      {2, 4, 8, 8, 6, 1, 1, 1, 1, 0, 0, 0, 0, 1},
      {1, 3, 17, 13, 8, 7, 7, 2, 1, 3, 3, 3, 3, 1},
      {1, 8, 10, 10, 8, 3, 3, 1, 1, 1, 1, 1, 1, 8},
      {1, 8, 11, 9, 16, 3, 3, 2, 1, 1, 1, 1, 1, 8},
      {1, 6, 9, 9, 4, 3, 3, 1, 1, 1, 1, 1, 1, 2},
      {1, 2, 12, 12, 3, 3, 3, 1, 2, 2, 2, 2, 2, 1},
      {1, 2, 8, 8, 3, 2, 4, 1, 1, 0, 1, 1, 2, 1},
      {1, 5, 6, 6, 7, 5, 5, 1, 1, 4, 4, 4, 4, 1},
      {1, 16, 5, 5, 33, 3, 3, 1, 1, 0, 1, 1, 0, 1},
      {1, 24, 7, 7, 24, 5, 5, 2, 1, 2, 2, 2, 2, 24},
      {3, 1, 4, 4, 1, 3, 3, 3, 1, 1, 1, 1, 1, 1},
      /* rows of few channels: grey, without padding, other padding on each side, AlexNet's */
      {2, 1, 12, 15, 8, 5, 5, 1, 1, 2, 2, 2, 2, 1},
      {1, 4, 11, 9, 9, 7, 5, 2, 1, 0, 0, 0, 0, 1},
      {2, 3, 10, 14, 16, 5, 7, 3, 1, 1, 2, 3, 4, 1},
      {1, 3, 35, 31, 12, 11, 11, 4, 1, 2, 2, 2, 2, 1},
      /* transformed phases of stride 2: grey, other padding on each side, pictures of a batch, and what has too few
         outputs or results for them */
      {1, 3, 64, 61, 64, 7, 7, 2, 1, 3, 3, 3, 3, 1},
      {2, 1, 33, 28, 20, 7, 7, 2, 1, 2, 3, 3, 1, 1},
      {3, 3, 20, 41, 12, 5, 5, 2, 1, 2, 1, 0, 2, 1},
      {1, 3, 32, 32, 11, 7, 7, 2, 1, 3, 3, 3, 3, 1},
      {1, 3, 7, 7, 16, 7, 7, 2, 1, 0, 0, 0, 0, 1},
      /* tiles of 4x4 and of 2x2 outputs, and weights as taps: in wasm and natively the choice is another */
      {2, 16, 9, 11, 24, 3, 3, 1, 1, 1, 1, 1, 1, 1},
      {1, 32, 28, 21, 36, 3, 3, 1, 1, 1, 1, 1, 1, 1},
      {1, 128, 7, 7, 128, 3, 3, 1, 1, 1, 1, 1, 1, 1},
      {1, 128, 14, 13, 132, 3, 3, 1, 1, 0, 1, 2, 0, 1},
      {1, 64, 29, 28, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1},
      {2, 64, 29, 28, 68, 3, 3, 2, 1, 0, 1, 1, 0, 1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    check_conv(&cases[i], false, 1);
    check_conv(&cases[i], true, i % 2 ? 2 : 1);
  }
}

/* Whether a step of the model's plan is of this kind. */
static void check_kind(onnx_builder *b, const char *kind) {
  size_t size;
  uint8_t *bytes = onnx_finish(b, &size);
  nsc_model *model = NULL;
  nsc_session *session = NULL;
  char *json = NULL;
  nsc_error err = {0};
  CHECK(onnx_open(bytes, size, &model, &err) == NSC_OK && nsc_session_create(model, NULL, &session, &err) == NSC_OK &&
        nsc_session_json(session, &json, &err) == NSC_OK);
  CHECK_HAS(json ? json : err.text, kind);
  nsc_text_free(json);
  nsc_session_free(session);
  nsc_model_free(model);
}

/* What a convolution with `k`'s sizes becomes in a plan. */
static void check_way(const conv_case *k, const char *kind) {
  float *weights = random_floats((size_t)(k->oc * k->c / k->groups * k->kh * k->kw));
  onnx_builder b = {0};
  onnx_attributes a = {0};
  onnx_input(&b, "x", 4, (const int64_t[]){k->n, k->c, k->h, k->w});
  onnx_output(&b, "y", 4, (const int64_t[]){k->n, k->oc, -1, -1});
  onnx_floats(&b, "w", 4, (const int64_t[]){k->oc, k->c / k->groups, k->kh, k->kw}, weights);
  onnx_ints(&a, "strides", 2, (const int64_t[]){k->stride, k->stride});
  onnx_ints(&a, "pads", 4, (const int64_t[]){k->top, k->left, k->bottom, k->right});
  onnx_int(&a, "group", k->groups);
  onnx_node(&b, "Conv", "x w", "y", &a);
  check_kind(&b, kind);
  free(weights);
}

TEST(conv_goes_the_way_that_is_counted_shortest) {
  static const conv_case stem = {1, 3, 32, 32, 16, 7, 7, 2, 1, 3, 3, 3, 3, 1},
                         other = {1, 3, 32, 32, 18, 7, 7, 2, 1, 3, 3, 3, 3, 1},
                         dense = {1, 3, 32, 32, 16, 5, 5, 1, 1, 2, 2, 2, 2, 1},
                         pixel = {1, 3, 7, 7, 16, 7, 7, 2, 1, 0, 0, 0, 0, 1},
                         thin = {1, 3, 32, 32, 16, 3, 3, 2, 1, 1, 1, 1, 1, 1},
                         large = {1, 64, 28, 28, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1},
                         half = {1, 64, 28, 28, 128, 3, 3, 2, 1, 1, 1, 1, 1, 1},
                         middle = {1, 256, 14, 14, 256, 3, 3, 1, 1, 1, 1, 1, 1, 1},
                         small = {1, 512, 7, 7, 512, 3, 3, 1, 1, 1, 1, 1, 1, 1},
                         tiny = {1, 512, 2, 2, 512, 3, 3, 1, 1, 1, 1, 1, 1, 1},
                         single = {1, 32, 14, 14, 32, 3, 3, 1, 1, 1, 1, 1, 1, 32};
  check_way(&stem, "\"Winograd 4x4/2\"");
  check_way(&other, "\"Stem\"");
  check_way(&dense, "\"Stem\"");
  check_way(&pixel, "\"Stem\"");
  check_way(&thin, "\"Conv\"");
  check_way(&tiny, "\"Conv\"");
#ifdef __wasm__
  check_way(&large, "\"Winograd 6x6 of taps\"");
  check_way(&half, "\"Winograd 4x4/2 of taps\"");
  check_way(&middle, "\"Winograd 4x4 of taps\"");
  check_way(&small, "\"Winograd 4x4 of taps\"");
  check_way(&single, "\"Depthwise\"");
#else
  check_way(&large, "\"Winograd 4x4\"");
  check_way(&half, "\"Conv\"");
  check_way(&middle, "\"Winograd 2x2\"");
  check_way(&small, "\"Conv\"");
  check_way(&single, "\"Conv\"");
#endif
}

/* |x| and -x, one behind the other, normalised, perhaps clamped. */
static void build_concat(onnx_builder *b, int64_t channels, bool clamps, float *const stats[4]) {
  static const char *const names[] = {"scale", "shift", "mean", "var"};
  const int64_t both = 2 * channels;
  onnx_input(b, "x", 4, (const int64_t[]){2, channels, 5, 7});
  onnx_output(b, "y", 4, (const int64_t[]){2, both, 5, 7});
  onnx_node(b, "Abs", "x", "a", NULL);
  onnx_node(b, "Neg", "x", "n", NULL);
  onnx_attributes axis = {0};
  onnx_int(&axis, "axis", 1);
  onnx_node(b, "Concat", "a n", "c", &axis);
  for (int i = 0; i < 4; i++) onnx_floats(b, names[i], 1, &both, stats[i]);
  onnx_node(b, "BatchNormalization", "c scale shift mean var", clamps ? "m" : "y", NULL);
  if (clamps) onnx_node(b, "Relu", "m", "y", NULL);
}

static void check_concat_norm(int64_t channels, bool clamps, uint32_t threads, const char *kind) {
  size_t pixels = 5 * 7, each = (size_t)channels, in = 2 * each * pixels, got_count;
  float *x = random_floats(in), *stats[4];
  double *want = malloc(2 * in * sizeof *want);
  for (int i = 0; i < 4; i++) stats[i] = random_floats(2 * each);
  for (size_t c = 0; c < 2 * each; c++) stats[3][c] = stats[3][c] * stats[3][c] + 0.1f;
  for (size_t i = 0; i < 2 * in; i++) {
    size_t n = i / (2 * each * pixels), c = i / pixels % (2 * each), from = (n * each + c % each) * pixels + i % pixels;
    double value = c < each ? fabs((double)x[from]) : -(double)x[from];
    value =
        (value - (double)stats[2][c]) / sqrt((double)stats[3][c] + 1e-5) * (double)stats[0][c] + (double)stats[1][c];
    want[i] = clamps ? fmax(value, 0) : value;
  }
  onnx_builder b = {0}, same = {0};
  build_concat(&b, channels, clamps, stats);
  build_concat(&same, channels, clamps, stats);
  check_kind(&same, kind);
  float *got = run(&b, x, in, threads, &got_count);
  CHECK_EQ(got_count, 2 * in);
  if (got && got_count == 2 * in) check_close(got, want, 2 * in, "concat and norm");
  free(x), free(want), free(got);
  for (int i = 0; i < 4; i++) free(stats[i]);
}

TEST(concat_and_norm_are_one_step) {
  check_concat_norm(12, true, 1, "\"Concat+Norm+Clamp\"");
  check_concat_norm(20, false, 2, "\"Concat+Norm\"");
  check_concat_norm(6, true, 2, "\"Norm+Clamp\""); /* no whole lanes */
}

typedef struct pool_case {
  int64_t c, h, w, kernel, stride, begin, end, ceil, include, dilation;
} pool_case;

static int64_t pooled(int64_t in, const pool_case *k) {
  int64_t span = in + k->begin + k->end - (k->kernel - 1) * k->dilation - 1;
  int64_t out = span / k->stride + 1;
  if (k->ceil && span % k->stride && out * k->stride < in + k->begin) out++;
  return out;
}

static double pool_at(const pool_case *k, const float *plane, int64_t y, int64_t x, bool average) {
  double sum = 0, best = -INFINITY, count = 0;
  for (int64_t ky = 0; ky < k->kernel; ky++) {
    for (int64_t kx = 0; kx < k->kernel; kx++) {
      int64_t iy = y * k->stride - k->begin + ky * k->dilation, ix = x * k->stride - k->begin + kx * k->dilation;
      bool inside = iy >= 0 && iy < k->h && ix >= 0 && ix < k->w;
      bool padded = iy < k->h + k->end && ix < k->w + k->end;
      if (inside) sum += (double)plane[iy * k->w + ix];
      if (inside) best = fmax(best, (double)plane[iy * k->w + ix]);
      count += inside || (k->include && padded);
    }
  }
  return average ? sum / count : best;
}

static void check_pool(const pool_case *k, bool average) {
  int64_t oh = pooled(k->h, k), ow = pooled(k->w, k);
  size_t in = (size_t)(k->c * k->h * k->w), out = (size_t)(k->c * oh * ow), got_count;
  float *x = random_floats(in);
  onnx_builder b = {.opset = 19};
  onnx_attributes a = {0};
  onnx_input(&b, "x", 4, (const int64_t[]){1, k->c, k->h, k->w});
  onnx_output(&b, "y", 4, (const int64_t[]){1, k->c, oh, ow});
  onnx_ints(&a, "kernel_shape", 2, (const int64_t[]){k->kernel, k->kernel});
  onnx_ints(&a, "strides", 2, (const int64_t[]){k->stride, k->stride});
  onnx_ints(&a, "pads", 4, (const int64_t[]){k->begin, k->begin, k->end, k->end});
  onnx_ints(&a, "dilations", 2, (const int64_t[]){k->dilation, k->dilation});
  onnx_int(&a, "ceil_mode", k->ceil);
  if (average) onnx_int(&a, "count_include_pad", k->include);
  onnx_node(&b, average ? "AveragePool" : "MaxPool", "x", "y", &a);
  double *want = malloc(out * sizeof *want);
  for (size_t i = 0; i < out; i++) {
    int64_t c = (int64_t)i / (oh * ow);
    want[i] = pool_at(k, x + c * k->h * k->w, (int64_t)i / ow % oh, (int64_t)i % ow, average);
  }
  float *got = run(&b, x, in, 1, &got_count);
  CHECK_EQ(got_count, out);
  if (got && got_count == out) check_close(got, want, out, average ? "average pool" : "max pool");
  free(x), free(want), free(got);
}

TEST(pooling_equals_its_definition) {
  static const pool_case cases[] = {
      /* c  h   w  k  s  b  e  ceil include dilation */
      {3, 8, 8, 2, 2, 0, 0, 0, 0, 1},   {5, 9, 7, 3, 2, 1, 1, 0, 0, 1}, {4, 8, 8, 3, 2, 0, 0, 1, 0, 1},
      {2, 7, 7, 3, 2, 0, 0, 1, 1, 1},   {8, 6, 6, 3, 1, 1, 1, 1, 0, 1}, {3, 10, 10, 3, 2, 1, 0, 1, 1, 1},
      {3, 12, 12, 3, 1, 0, 0, 0, 0, 2}, {1, 5, 5, 1, 2, 0, 0, 0, 0, 1}, {7, 6, 9, 3, 3, 1, 1, 0, 1, 1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    check_pool(&cases[i], false);
    check_pool(&cases[i], true);
  }
}

/* The skip of a residual block, a scale per channel and a row vector: broadcasting with a channels-last operand. */
TEST(broadcasting_in_channels_last) {
  const int64_t c = 6, h = 3, w = 5;
  size_t in = (size_t)(c * h * w), out;
  float *x = random_floats(in), *scale = random_floats(6), *row = random_floats(5);
  onnx_builder b = {0};
  onnx_input(&b, "x", 4, (const int64_t[]){1, c, h, w});
  onnx_output(&b, "y", 4, (const int64_t[]){1, c, h, w});
  onnx_floats(&b, "s", 3, (const int64_t[]){c, 1, 1}, scale);
  onnx_floats(&b, "r", 1, &w, row);
  onnx_node(&b, "Mul", "x s", "m", NULL);
  onnx_node(&b, "Sub", "m r", "d", NULL);
  onnx_node(&b, "Add", "d x", "a", NULL);
  onnx_node(&b, "Relu", "a", "y", NULL);
  double *want = malloc(in * sizeof *want);
  for (size_t i = 0; i < in; i++) {
    want[i] = fmax(0, (double)x[i] * (double)scale[i / 15] - (double)row[i % 5] + (double)x[i]);
  }
  float *got = run(&b, x, in, 1, &out);
  if (got) check_close(got, want, in, "broadcast");
  free(x), free(scale), free(row), free(want), free(got);
}

/* What PyTorch writes for a channel shuffle: through five dimensions and back, between two convolutions' layouts. */
TEST(reshape_and_transpose_keep_the_order) {
  const int64_t c = 6, h = 2, w = 3;
  size_t in = 36, out;
  float *x = random_floats(in);
  onnx_builder b = {0};
  onnx_attributes a = {0};
  onnx_input(&b, "x", 4, (const int64_t[]){1, c, h, w});
  onnx_output(&b, "y", 4, (const int64_t[]){1, c, h, w});
  onnx_int64s(&b, "five", 1, (const int64_t[]){5}, (const int64_t[]){1, 2, 3, h, w});
  onnx_int64s(&b, "four", 1, (const int64_t[]){4}, (const int64_t[]){0, -1, h, w});
  onnx_node(&b, "Reshape", "x five", "a", NULL);
  onnx_ints(&a, "perm", 5, (const int64_t[]){0, 2, 1, 3, 4});
  onnx_node(&b, "Transpose", "a", "t", &a);
  onnx_node(&b, "Reshape", "t four", "s", NULL);
  onnx_node(&b, "Add", "s x", "y", NULL);
  double want[36];
  for (int i = 0; i < 36; i++) {
    int channel = i / 6, from = (channel % 2) * 3 + channel / 2;
    want[i] = (double)x[from * 6 + i % 6] + (double)x[i];
  }
  float *got = run(&b, x, in, 1, &out);
  CHECK_EQ(out, 36);
  if (got && out == 36) check_close(got, want, 36, "shuffle");
  free(x), free(got);
}

/* A graph of constants, as exporters write for "the shape of x divided by two", leaves no step behind. */
TEST(shape_arithmetic_folds) {
  onnx_builder b = {0};
  onnx_attributes a = {0};
  size_t out;
  float x[24];
  for (int i = 0; i < 24; i++) x[i] = (float)i;
  onnx_input(&b, "x", 4, (const int64_t[]){1, 2, 3, 4});
  onnx_output(&b, "y", 2, (const int64_t[]){-1, -1});
  onnx_int64s(&b, "one", 0, NULL, (const int64_t[]){1});
  onnx_int64s(&b, "minus", 1, (const int64_t[]){1}, (const int64_t[]){-1});
  onnx_int64s(&b, "axes", 1, (const int64_t[]){1}, (const int64_t[]){0});
  onnx_node(&b, "Shape", "x", "shape", NULL);
  onnx_node(&b, "Gather", "shape one", "channels", NULL);
  onnx_node(&b, "Unsqueeze", "channels axes", "list", NULL);
  onnx_int(&a, "axis", 0);
  onnx_node(&b, "Concat", "list minus", "target", &a);
  onnx_node(&b, "Reshape", "x target", "y", NULL);
  float *got = run(&b, x, 24, 1, &out);
  CHECK_EQ(out, 24);
  for (int i = 0; got && i < 24; i++) CHECK_NEAR(got[i], i, 0);
  free(got);
}

/* The same numbers whatever the threads: blocks are split, sums are not. */
TEST(threads_do_not_change_the_result) {
  static const conv_case k = {1, 16, 20, 20, 24, 3, 3, 1, 1, 1, 1, 1, 1, 1};
  float *x = random_floats(16 * 400), *weights = random_floats(24 * 16 * 9), *results[2];
  size_t out = 0;
  for (uint32_t threads = 1; threads <= 2; threads++) {
    onnx_builder b = {0};
    onnx_attributes a = {0};
    onnx_input(&b, "x", 4, (const int64_t[]){1, k.c, k.h, k.w});
    onnx_output(&b, "y", 4, (const int64_t[]){1, k.oc, k.h, k.w});
    onnx_floats(&b, "w", 4, (const int64_t[]){k.oc, k.c, 3, 3}, weights);
    onnx_ints(&a, "pads", 4, (const int64_t[]){1, 1, 1, 1});
    onnx_node(&b, "Conv", "x w", "y", &a);
    results[threads - 1] = run(&b, x, 16 * 400, threads, &out);
  }
  if (results[0] && results[1]) CHECK(memcmp(results[0], results[1], out * sizeof(float)) == 0);
  free(x), free(weights), free(results[0]), free(results[1]);
}

/* Keras models take N, H, W, C and begin with a Transpose: it costs nothing and changes nothing. */
TEST(channels_last_input_of_other_frameworks) {
  const int64_t h = 4, w = 5, c = 3, oc = 2;
  float *x = random_floats(60), *weights = random_floats(6);
  onnx_builder b = {0};
  onnx_attributes a = {0};
  size_t out;
  onnx_input(&b, "x", 4, (const int64_t[]){1, h, w, c});
  onnx_output(&b, "y", 4, (const int64_t[]){1, h, w, oc});
  onnx_floats(&b, "w", 4, (const int64_t[]){oc, c, 1, 1}, weights);
  onnx_ints(&a, "perm", 4, (const int64_t[]){0, 3, 1, 2});
  onnx_node(&b, "Transpose", "x", "n", &a);
  onnx_node(&b, "Conv", "n w", "c", NULL);
  onnx_ints(&a, "perm", 4, (const int64_t[]){0, 2, 3, 1});
  onnx_node(&b, "Transpose", "c", "y", &a);
  double want[40];
  for (int p = 0; p < 20; p++) {
    for (int o = 0; o < 2; o++) {
      want[p * 2 + o] = 0;
      for (int i = 0; i < 3; i++) want[p * 2 + o] += (double)x[p * 3 + i] * (double)weights[o * 3 + i];
    }
  }
  float *got = run(&b, x, 60, 1, &out);
  CHECK_EQ(out, 40);
  if (got && out == 40) check_close(got, want, 40, "nhwc");
  free(x), free(weights), free(got);
}
