/*
 * Normalisations, activations and what moves by index, each against a plain loop in double precision written from its
 * definition, and the forms in which exporters write some of them as several nodes.
 */
#include <stdlib.h>
#include <string.h>

#include "onnx_builder.h"
#include "test.h"

enum { N = 2, C = 6, H = 5, W = 7, ALL = N * C * H * W };

static const int64_t picture_dims[] = {N, C, H, W};

static uint32_t random_state = 5;

static float draw(float low, float high) {
  random_state = random_state * 1664525u + 1013904223u;
  return low + (high - low) * (float)(random_state >> 8) / (1 << 24);
}

static void fill(float *values, size_t count, float low, float high) {
  for (size_t i = 0; i < count; i++) values[i] = draw(low, high);
}

/* Runs a model of one input on x with one and two threads and compares its first output with `want`. `kinds`: a part of
   the plan's JSON that must be there, or NULL. */
static void check(onnx_builder *b, const float *x, size_t in, const double *want, size_t out, double tolerance,
                  const char *kinds) {
  size_t size;
  uint8_t *bytes = onnx_finish(b, &size);
  float *y = calloc(out + 1, sizeof *y);
  nsc_model *model = NULL;
  nsc_error err = {0};
  if (onnx_open(bytes, size, &model, &err) != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  for (uint32_t threads = 1; threads <= 2 && model; threads++) {
    nsc_session *s = NULL;
    nsc_session_options options = {.threads = threads};
    char *json = NULL;
    if (nsc_session_create(model, &options, &s, &err) != NSC_OK ||
        nsc_session_set_input(s, 0, x, in * sizeof *x, &err) != NSC_OK || nsc_session_run(s, NULL, &err) != NSC_OK ||
        nsc_session_get_output(s, 0, y, out * sizeof *y, &err) != NSC_OK ||
        nsc_session_json(s, &json, &err) != NSC_OK) {
      test_failed(__FILE__, __LINE__, "%s", err.text);
    }
    if (kinds && json) CHECK_HAS(json, kinds);
    for (size_t i = 0; i < out; i++) {
      if (fabs((double)y[i] - want[i]) <= tolerance * (1 + fabs(want[i]))) continue;
      test_failed(__FILE__, __LINE__, "%zu: %g, not %g", i, (double)y[i], want[i]);
      break;
    }
    nsc_text_free(json);
    nsc_session_free(s);
  }
  nsc_model_free(model);
  free(y);
}

/* ---- by mean and variance ---- */

/* Runs of `length` elements to mean 0 and variance 1. */
static void normalise(const float *x, double *y, size_t runs, size_t length, bool centred, double epsilon) {
  for (size_t r = 0; r < runs; r++) {
    double mean = 0, squares = 0;
    for (size_t i = 0; i < length && centred; i++) mean += (double)x[r * length + i] / (double)length;
    for (size_t i = 0; i < length; i++) squares += pow((double)x[r * length + i] - mean, 2) / (double)length;
    for (size_t i = 0; i < length; i++)
      y[r * length + i] = ((double)x[r * length + i] - mean) / sqrt(squares + epsilon);
  }
}

/* `op` applied to a picture: `groups` runs in each of the batch, with scales of elements, channels or runs. */
static void check_moments(const char *op, size_t groups, int64_t opset, bool centred) {
  float x[ALL], scale[C * H * W], shift[C * H * W];
  double want[ALL];
  size_t length = C * H * W / groups;
  bool layer = strstr(op, "Group") == NULL && strstr(op, "Instance") == NULL;
  int64_t scales = layer ? (int64_t)length : opset >= 21 || groups == C ? C : (int64_t)groups;
  fill(x, ALL, 3, 5);
  fill(scale, C * H * W, -1, 1);
  fill(shift, C * H * W, -1, 1);
  normalise(x, want, N * groups, length, centred, 1e-3);
  for (size_t i = 0; i < ALL; i++) {
    size_t channel = i / (H * W) % C, run = i / length % groups;
    size_t at = layer ? i % length : scales == C ? channel : run;
    want[i] = want[i] * (double)scale[at] + (centred ? (double)shift[at] : 0);
  }
  onnx_builder b = {.opset = opset};
  onnx_attributes a = {0};
  onnx_input(&b, "x", 4, picture_dims);
  onnx_output(&b, "y", 4, picture_dims);
  onnx_floats(&b, "scale", 1, &scales, scale);
  onnx_floats(&b, "shift", 1, &scales, shift);
  onnx_float(&a, "epsilon", 1e-3f);
  if (layer) onnx_int(&a, "axis", groups == 1 ? 1 : groups == C ? 2 : 3);
  if (strstr(op, "Group")) onnx_int(&a, "num_groups", (int64_t)groups);
  onnx_node(&b, op, centred ? "x scale shift" : "x scale", "y", &a);
  check(&b, x, ALL, want, ALL, 2e-5, NULL);
}

TEST(moments_equal_their_definitions) {
  check_moments("InstanceNormalization", C, 13, true);
  check_moments("GroupNormalization", 3, 18, true);
  check_moments("GroupNormalization", 3, 21, true);
  check_moments("GroupNormalization", 1, 21, true);
  check_moments("LayerNormalization", 1, 17, true);
  check_moments("LayerNormalization", C, 17, true);
  check_moments("LayerNormalization", C * H, 17, true);
  check_moments("RMSNormalization", C, 23, false);
}

TEST(moments_of_long_runs_are_exact) {
  enum { LONG = 300000 };
  const int64_t dims[] = {1, 1, LONG}, one = 1;
  const float unit = 1, zero = 0;
  float *x = malloc(LONG * sizeof *x);
  double *want = malloc(LONG * sizeof *want);
  fill(x, LONG, 1000, 1001); /* a mean far above the deviation */
  normalise(x, want, 1, LONG, true, 1e-5);
  onnx_builder b = {0};
  onnx_input(&b, "x", 3, dims);
  onnx_output(&b, "y", 3, dims);
  onnx_floats(&b, "scale", 1, &one, &unit);
  onnx_floats(&b, "shift", 1, &one, &zero);
  onnx_node(&b, "InstanceNormalization", "x scale shift", "y", NULL);
  check(&b, x, LONG, want, LONG, 3e-4, NULL);
  free(x), free(want);
}

/* ---- a tensor times a function of itself ---- */

static double swish(double x) {
  return x / (1 + exp(-x));
}
static double gelu(double x) {
  return 0.5 * x * (1 + erf(x / sqrt(2)));
}
static double gelu_tanh(double x) {
  return 0.5 * x * (1 + tanh(sqrt(2 / 3.14159265358979) * (x + 0.044715 * x * x * x)));
}
static double hard_swish(double x) {
  return x * fmin(fmax(x / 6 + 0.5, 0), 1);
}

typedef struct form {
  const char *kind; /* what must be in the plan */
  double (*f)(double);
  void (*build)(onnx_builder *b);
} form;

static void build_swish(onnx_builder *b) {
  onnx_node(b, "Sigmoid", "x", "s", NULL);
  onnx_node(b, "Mul", "x s", "y", NULL);
}
static void build_swish_op(onnx_builder *b) {
  b->opset = 24;
  onnx_node(b, "Swish", "x", "y", NULL);
}
static void build_hard_swish(onnx_builder *b) {
  onnx_attributes a = {0};
  onnx_float(&a, "alpha", 1.0f / 6);
  onnx_node(b, "HardSigmoid", "x", "s", &a);
  onnx_node(b, "Mul", "s x", "y", NULL);
}
static void build_gelu_tanh(onnx_builder *b) {
  onnx_attributes a = {0};
  b->opset = 20;
  onnx_string(&a, "approximate", "tanh");
  onnx_node(b, "Gelu", "x", "y", &a);
}
/* What PyTorch writes before opset 20. */
static void build_gelu(onnx_builder *b) {
  static const float root = 1.41421354f, one = 1, half = 0.5f;
  onnx_floats(b, "root", 0, NULL, &root);
  onnx_floats(b, "one", 0, NULL, &one);
  onnx_floats(b, "half", 0, NULL, &half);
  onnx_node(b, "Div", "x root", "d", NULL);
  onnx_node(b, "Erf", "d", "e", NULL);
  onnx_node(b, "Add", "e one", "p", NULL);
  onnx_node(b, "Mul", "x p", "m", NULL);
  onnx_node(b, "Mul", "m half", "y", NULL);
}
static void build_mish(onnx_builder *b) {
  b->opset = 18;
  onnx_node(b, "Mish", "x", "y", NULL);
}
static double mish(double x) {
  return x * tanh(log1p(exp(x)));
}
static void build_erf(onnx_builder *b) {
  onnx_node(b, "Erf", "x", "y", NULL);
}
static void build_square(onnx_builder *b) {
  static const float two = 2;
  onnx_floats(b, "two", 0, NULL, &two);
  onnx_node(b, "Pow", "x two", "y", NULL);
}
static double square(double x) {
  return x * x;
}

TEST(gates_equal_their_definitions) {
  static const form forms[] = {{"\"kind\":\"Swish\"", swish, build_swish},
                               {"\"kind\":\"Swish\"", swish, build_swish_op},
                               {"\"kind\":\"HardSigmoid\"", hard_swish, build_hard_swish},
                               {"\"kind\":\"Gelu\"", gelu_tanh, build_gelu_tanh},
                               {"\"kind\":\"Gelu\"", gelu, build_gelu},
                               {"\"kind\":\"Erf\"", erf, build_erf},
                               {"\"kind\":\"Mish\"", mish, build_mish},
                               {"\"kind\":\"Pow\"", square, build_square}};
  enum { COUNT = 5003 };
  const int64_t dims[] = {1, COUNT};
  float x[COUNT];
  double want[COUNT];
  for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
    fill(x, COUNT, -9, 9);
    x[0] = 0;
    for (size_t i = 0; i < COUNT; i++) want[i] = forms[f].f((double)x[i]);
    onnx_builder b = {0};
    onnx_input(&b, "x", 2, dims);
    onnx_output(&b, "y", 2, dims);
    forms[f].build(&b);
    check(&b, x, COUNT, want, COUNT, 1e-6, forms[f].kind);
  }
}

/* A gate whose sigmoid is read elsewhere too is no gate, and one of another tensor is none either. */
TEST(gates_of_other_tensors_stay_as_they_are) {
  const int64_t dims[] = {1, 8};
  float x[8];
  double want[8];
  fill(x, 8, -2, 2);
  for (int i = 0; i < 8; i++) want[i] = fabs((double)x[i]) / (1 + exp(-(double)x[i]));
  onnx_builder b = {0};
  onnx_input(&b, "x", 2, dims);
  onnx_output(&b, "y", 2, dims);
  onnx_node(&b, "Abs", "x", "a", NULL);
  onnx_node(&b, "Sigmoid", "x", "s", NULL);
  onnx_node(&b, "Mul", "a s", "y", NULL);
  check(&b, x, 8, want, 8, 1e-6, "\"kind\":\"Sigmoid\"");
}

/* ---- matrices ---- */

/* y = relu(x * w + b) on rows of three dimensions. */
TEST(matmul_takes_the_bias_that_follows) {
  enum { ROWS = 6, IN = 5, OUT = 9 };
  const int64_t dims[] = {2, 3, IN}, weight_dims[] = {IN, OUT}, bias_dims[] = {OUT}, out_dims[] = {2, 3, OUT};
  float x[ROWS * IN], w[IN * OUT], bias[OUT];
  double want[ROWS * OUT];
  fill(x, ROWS * IN, -1, 1);
  fill(w, IN * OUT, -1, 1);
  fill(bias, OUT, -1, 1);
  for (size_t i = 0; i < ROWS * OUT; i++) {
    double sum = (double)bias[i % OUT];
    for (size_t k = 0; k < IN; k++) sum += (double)x[i / OUT * IN + k] * (double)w[k * OUT + i % OUT];
    want[i] = fmax(sum, 0);
  }
  onnx_builder b = {0};
  onnx_input(&b, "x", 3, dims);
  onnx_output(&b, "y", 3, out_dims);
  onnx_floats(&b, "w", 2, weight_dims, w);
  onnx_floats(&b, "bias", 1, bias_dims, bias);
  onnx_node(&b, "MatMul", "x w", "m", NULL);
  onnx_node(&b, "Add", "bias m", "s", NULL);
  onnx_node(&b, "Relu", "s", "y", NULL);
  check(&b, x, ROWS * IN, want, ROWS * OUT, 1e-6, "\"steps\":[{\"name\":\"node\",\"kind\":\"Dense");
}

/* ---- layouts ---- */

/* Patches of a picture as rows: N, C, H, W -> N, C, HW -> N, HW, C, with no step but the one before. */
TEST(rows_of_channels_need_no_work) {
  float x[ALL];
  double want[ALL];
  const int64_t shape[] = {N, C, H * W}, out_dims[] = {N, H * W, C}, three = 3;
  fill(x, ALL, -1, 1);
  for (size_t i = 0; i < ALL; i++) {
    size_t n = i / (C * H * W), pixel = i / C % (H * W), c = i % C;
    want[i] = fabs((double)x[(n * C + c) * H * W + pixel]);
  }
  onnx_builder b = {0};
  onnx_attributes a = {0};
  onnx_input(&b, "x", 4, picture_dims);
  onnx_output(&b, "y", 3, out_dims);
  onnx_int64s(&b, "shape", 1, &three, shape);
  onnx_node(&b, "Abs", "x", "a", NULL);
  onnx_node(&b, "Reshape", "a shape", "r", NULL);
  onnx_ints(&a, "perm", 3, (const int64_t[]){0, 2, 1});
  onnx_node(&b, "Transpose", "r", "y", &a);
  check(&b, x, ALL, want, ALL, 0, "\"kind\":\"Abs\",\"output\":[2,6,5,7],\"ms\"");
}

TEST(transposes_of_channels_last_equal_their_definition) {
  static const int64_t perms[][4] = {{0, 2, 1, 3}, {3, 2, 1, 0}, {1, 0, 3, 2}, {0, 2, 3, 1}, {2, 3, 0, 1}};
  for (size_t p = 0; p < sizeof perms / sizeof *perms; p++) {
    const int64_t *perm = perms[p];
    float x[ALL];
    double want[ALL];
    int64_t out[4], strides[4] = {C * H * W, H * W, W, 1};
    for (int i = 0; i < 4; i++) out[i] = picture_dims[perm[i]];
    fill(x, ALL, -1, 1);
    for (int64_t i = 0; i < ALL; i++) {
      int64_t at[4] = {i / (out[1] * out[2] * out[3]), i / (out[2] * out[3]) % out[1], i / out[3] % out[2], i % out[3]};
      int64_t from = 0;
      for (int k = 0; k < 4; k++) from += at[k] * strides[perm[k]];
      want[i] = -(double)x[from];
    }
    onnx_builder b = {0};
    onnx_attributes a = {0};
    onnx_input(&b, "x", 4, picture_dims);
    onnx_output(&b, "y", 4, out);
    onnx_node(&b, "Neg", "x", "n", NULL);
    onnx_ints(&a, "perm", 4, perm);
    onnx_node(&b, "Transpose", "n", "y", &a);
    check(&b, x, ALL, want, ALL, 0, NULL);
  }
}

static void check_shuffle(int64_t groups, int64_t from_shape) {
  float x[ALL];
  double want[ALL];
  const int64_t apart[] = {N, groups, C / groups, H, W}, together[] = {from_shape, C, H, W}, five = 5, four = 4;
  fill(x, ALL, -1, 1);
  for (size_t i = 0; i < ALL; i++) {
    size_t n = i / (C * H * W), c = i / (H * W) % C, pixel = i % (H * W);
    size_t source = c % (size_t)groups * (size_t)(C / groups) + c / (size_t)groups;
    want[i] = fabs((double)x[(n * C + source) * H * W + pixel]);
  }
  onnx_builder b = {0};
  onnx_attributes a = {0};
  onnx_input(&b, "x", 4, picture_dims);
  onnx_output(&b, "y", 4, picture_dims);
  onnx_int64s(&b, "apart", 1, &five, apart);
  onnx_int64s(&b, "together", 1, &four, together);
  onnx_node(&b, "Abs", "x", "a", NULL);
  onnx_node(&b, "Reshape", "a apart", "r", NULL);
  onnx_ints(&a, "perm", 5, (const int64_t[]){0, 2, 1, 3, 4});
  onnx_node(&b, "Transpose", "r", "t", &a);
  onnx_node(&b, "Reshape", "t together", "y", NULL);
  check(&b, x, ALL, want, ALL, 0, "\"kind\":\"Shuffle\"");
}

TEST(shuffle_of_channels_is_one_step) {
  check_shuffle(2, N);
  check_shuffle(3, -1);
  check_shuffle(6, 0);
}

/* ---- by index ---- */

TEST(gather_elements_stays_inside) {
  const int64_t dims[] = {2, 4}, index_dims[] = {2, 2};
  static const int64_t index[] = {3, -4, 0, 9}; /* the last one is outside: a zero */
  const float x[] = {1, 2, 3, 4, 5, 6, 7, 8};
  const double want[] = {4, 1, 5, 0};
  onnx_builder b = {0};
  onnx_attributes a = {0};
  onnx_input(&b, "x", 2, dims);
  onnx_output(&b, "y", 2, index_dims);
  onnx_int64s(&b, "i", 2, index_dims, index);
  onnx_int(&a, "axis", 1);
  onnx_node(&b, "GatherElements", "x i", "y", &a);
  check(&b, x, 8, want, 4, 0, NULL);
}

TEST(scatter_adds_where_it_is_told) {
  const int64_t dims[] = {4}, rows[] = {3, 1}, three[] = {3};
  static const int64_t index[] = {1, 1, 7};
  const float x[] = {1, 2, 3, 4}, updates[] = {10, 20, 30};
  const double want[] = {1, 32, 3, 4};
  onnx_builder b = {.opset = 18};
  onnx_attributes a = {0};
  onnx_input(&b, "x", 1, dims);
  onnx_output(&b, "y", 1, dims);
  onnx_int64s(&b, "i", 2, rows, index);
  onnx_floats(&b, "u", 1, three, updates);
  onnx_string(&a, "reduction", "add");
  onnx_node(&b, "ScatterND", "x i u", "y", &a);
  check(&b, x, 4, want, 4, 0, NULL);
}

TEST(top_values_in_order) {
  const int64_t dims[] = {2, 5}, out[] = {2, 3}, one[] = {1}, k = 3;
  const float x[] = {3, 1, 4, 1, 5, -9, -2, -6, -2, -8};
  const double want[] = {5, 4, 3, -2, -2, -6};
  onnx_builder b = {0};
  onnx_input(&b, "x", 2, dims);
  onnx_output(&b, "y", 2, out);
  onnx_int64s(&b, "k", 1, one, &k);
  onnx_node(&b, "TopK", "x k", "y places", NULL);
  check(&b, x, 10, want, 6, 0, NULL);
}

/* Linear, half pixels, by two along the width: weights 1/4 and 3/4. */
TEST(resize_along_one_axis) {
  const int64_t dims[] = {1, 1, 1, 3}, out[] = {1, 1, 1, 6}, four[] = {4};
  static const float scales[] = {1, 1, 1, 2};
  const float x[] = {0, 4, 8};
  const double want[] = {0, 1, 3, 5, 7, 8};
  onnx_builder b = {0};
  onnx_attributes a = {0};
  onnx_input(&b, "x", 4, dims);
  onnx_output(&b, "y", 4, out);
  onnx_floats(&b, "s", 1, four, scales);
  onnx_string(&a, "mode", "linear");
  onnx_node(&b, "Resize", "x - s", "y", &a);
  check(&b, x, 3, want, 6, 1e-6, NULL);
}
