/* Models whose file stays outside of memory: the same numbers, messages and files as from memory. */
#include <stdlib.h>

#include "base/rng.h"
#include "base/source.h"
#include "onnx_builder.h"
#include "test.h"

enum { SIDE = 12, WIDE = 128, CLASSES = 200 };

/* ---- a file outside ---- */

typedef struct place {
  const uint8_t *bytes;
  size_t size, read, largest;
  bool gone, released;
} place;

static nsc_status read_place(void *context, uint64_t at, void *bytes, size_t size, nsc_error *err) {
  place *p = context;
  if (p->gone || at > p->size || size > p->size - at) {
    if (err) *err = (nsc_error){.status = NSC_ERROR_IO, .text = "the file is gone"};
    return NSC_ERROR_IO;
  }
  memcpy(bytes, p->bytes + at, size);
  p->read += size;
  if (size > p->largest) p->largest = size;
  return NSC_OK;
}

static void release_place(void *context) {
  ((place *)context)->released = true;
}

static nsc_source *outside(place *p, const uint8_t *bytes, size_t size) {
  nsc_source *source = NULL;
  *p = (place){.bytes = bytes, .size = size};
  const nsc_store store = {.context = p, .read = read_place, .release = release_place};
  CHECK(nsc_source_outside(&store, size, &source, NULL) == NSC_OK);
  return source;
}

static nsc_model *open_outside(place *p, const uint8_t *bytes, size_t size, nsc_error *err) {
  nsc_model *model = NULL;
  nsc_source *source = outside(p, bytes, size);
  if (nsc_model_open(source, &model, err) != NSC_OK) nsc_source_free(source);
  return model;
}

static nsc_model *open_inside(const uint8_t *bytes, size_t size, nsc_error *err) {
  nsc_model *model = NULL;
  nsc_source *source = NULL;
  if (nsc_source_from_bytes(bytes, size, &source, err) != NSC_OK) return NULL;
  if (nsc_model_open(source, &model, err) != NSC_OK) nsc_source_free(source);
  return model;
}

/* ---- the network ---- */

static void weights(onnx_builder *b, const char *name, size_t rank, const int64_t *dims, bool halves) {
  size_t count = 1;
  for (size_t i = 0; i < rank; i++) count *= (size_t)dims[i];
  float *values = malloc(count * sizeof *values);
  nsc_rng rng = nsc_rng_seeded(count);
  for (size_t i = 0; i < count; i++) values[i] = (float)((double)nsc_rng_below(&rng, 2001) / 1000 - 1) * 0.1f;
  if (halves) {
    uint16_t *bits = malloc(count * sizeof *bits);
    for (size_t i = 0; i < count; i++) bits[i] = (uint16_t)(0x2C00 + i % 512); /* about a tenth */
    onnx_halves(b, name, rank, dims, bits);
    free(bits);
  } else {
    onnx_floats(b, name, rank, dims, values);
  }
  free(values);
}

static void conv(onnx_builder *b, const char *inputs, const char *output, int64_t kernel, int64_t stride) {
  onnx_attributes a = {0};
  int64_t pad = kernel / 2;
  onnx_ints(&a, "kernel_shape", 2, (const int64_t[]){kernel, kernel});
  onnx_ints(&a, "strides", 2, (const int64_t[]){stride, stride});
  onnx_ints(&a, "pads", 4, (const int64_t[]){pad, pad, pad, pad});
  onnx_node(b, "Conv", inputs, output, &a);
}

/* Large and small weights, 1x1 with and without a batch norm, 3x3 of both strides, halves, a transposed copy, a dense
   layer, and a large constant that two nodes read. */
static uint8_t *network(size_t *size) {
  onnx_builder b = {0};
  onnx_input(&b, "x", 4, (const int64_t[]){-1, 3, SIDE, SIDE});
  weights(&b, "stem", 4, (const int64_t[]){WIDE, 3, 3, 3}, false);
  weights(&b, "three", 4, (const int64_t[]){WIDE, WIDE, 3, 3}, false);
  weights(&b, "down", 4, (const int64_t[]){WIDE, WIDE, 3, 3}, false);
  weights(&b, "one", 4, (const int64_t[]){WIDE, WIDE, 1, 1}, false);
  weights(&b, "normed", 4, (const int64_t[]){2 * WIDE, WIDE, 1, 1}, false);
  weights(&b, "halved", 4, (const int64_t[]){2 * WIDE, 2 * WIDE, 1, 1}, true);
  weights(&b, "matrix", 2, (const int64_t[]){2 * WIDE, CLASSES}, false);
  weights(&b, "square", 2, (const int64_t[]){CLASSES, CLASSES}, false);
  const char *const norm[] = {"scale", "shift", "mean"};
  for (int i = 0; i < 3; i++) weights(&b, norm[i], 1, (const int64_t[]){2 * WIDE}, false);
  float variance[2 * WIDE];
  for (int i = 0; i < 2 * WIDE; i++) variance[i] = 0.5f + (float)(i % 7);
  onnx_floats(&b, "variance", 1, (const int64_t[]){2 * WIDE}, variance);
  conv(&b, "x stem", "a", 3, 1);
  onnx_node(&b, "Relu", "a", "a2", NULL);
  conv(&b, "a2 three", "b", 3, 1);
  conv(&b, "b one", "c", 1, 1);
  conv(&b, "c down", "d", 3, 2);
  conv(&b, "d normed", "e", 1, 1);
  onnx_node(&b, "BatchNormalization", "e scale shift mean variance", "f", NULL);
  conv(&b, "f halved", "g", 1, 1);
  onnx_node(&b, "GlobalAveragePool", "g", "h", NULL);
  onnx_node(&b, "Flatten", "h", "i", NULL);
  onnx_node(&b, "MatMul", "i matrix", "j", NULL);
  onnx_node(&b, "MatMul", "j square", "k", NULL);
  onnx_node(&b, "Transpose", "square", "turned", NULL);
  onnx_node(&b, "MatMul", "k turned", "y", NULL);
  onnx_output(&b, "y", 2, (const int64_t[]){-1, CLASSES});
  return onnx_finish(&b, size);
}

static nsc_status run(const nsc_model *model, bool stock, float out[CLASSES], nsc_error *err) {
  nsc_session *session;
  float picture[3 * SIDE * SIDE];
  const nsc_session_options options = {.stock = stock};
  for (int i = 0; i < 3 * SIDE * SIDE; i++) picture[i] = (float)(i % 23) / 23;
  nsc_status status = nsc_session_create(model, &options, &session, err);
  if (status != NSC_OK) return status;
  status = nsc_session_set_input(session, 0, picture, sizeof picture, err);
  if (status == NSC_OK) status = nsc_session_run(session, NULL, err);
  if (status == NSC_OK) status = nsc_session_get_output(session, 0, out, CLASSES * sizeof *out, err);
  nsc_session_free(session);
  return status;
}

static void check_same(const nsc_model *a, const nsc_model *b) {
  nsc_error err = {0};
  for (int stock = 0; stock < 2; stock++) {
    float one[CLASSES] = {0}, other[CLASSES] = {1};
    REQUIRE(run(a, stock, one, &err) == NSC_OK && run(b, stock, other, &err) == NSC_OK);
    CHECK(one[0] != 0 && isfinite(one[0]));
    CHECK(memcmp(one, other, sizeof one) == 0);
  }
}

static void check_memory(const nsc_model *model) {
  nsc_error err = {0};
  nsc_memory said = {0}, counted = {0};
  nsc_session *session = NULL;
  CHECK(nsc_model_memory(model, NULL, &said, &err) == NSC_OK);
  REQUIRE(nsc_session_create(model, NULL, &session, &err) == NSC_OK);
  nsc_session_memory(session, &counted);
  CHECK_EQ(said.peak, counted.peak);
  CHECK_EQ(said.other, counted.other);
  nsc_session_free(session);
}

static void check_bytes(const char *a, size_t a_size, const char *b, size_t b_size) {
  CHECK_EQ(a_size, b_size);
  CHECK(a_size == b_size && memcmp(a, b, a_size) == 0);
}

/* ---- tests ---- */

/* The network from memory and from outside. */
typedef struct both {
  uint8_t *bytes;
  size_t size;
  place place;
  nsc_model *in, *out;
} both;

static bool open_both(both *m) {
  nsc_error err = {0};
  m->bytes = network(&m->size);
  m->in = open_inside(m->bytes, m->size, &err);
  m->out = open_outside(&m->place, m->bytes, m->size, &err);
  return m->in && m->out;
}

static void close_both(both *m) {
  nsc_model_free(m->in);
  nsc_model_free(m->out);
  CHECK(m->place.released);
  free(m->bytes);
}

TEST(outside_computes_the_same) {
  nsc_error err = {0};
  both m;
  REQUIRE(open_both(&m));
  const nsc_model *in = m.in, *out = m.out;
  CHECK(m.place.read < m.size / 4); /* heads, and what is small */
  check_same(in, out);
  check_same(out, out); /* as often as one likes */
  char *a = NULL, *b = NULL;
  CHECK(nsc_model_json(in, &a, &err) == NSC_OK && nsc_model_json(out, &b, &err) == NSC_OK);
  /* "weightBytes" counts a few bytes of heads less where elements stand outside. */
  CHECK(a && b && strstr(b, "\"files\":[]") && strlen(a) == strlen(b));
  CHECK_EQ(nsc_model_bytes(in), nsc_model_bytes(out));
  nsc_text_free(a);
  nsc_text_free(b);
  close_both(&m);
}

TEST(outside_memory_is_said_as_it_is_counted) {
  nsc_error err = {0};
  both m;
  REQUIRE(open_both(&m));
  const nsc_model *in = m.in, *out = m.out;
  nsc_memory inside, said, counted;
  nsc_session *session = NULL;
  CHECK(nsc_model_memory(in, NULL, &inside, &err) == NSC_OK);
  CHECK(nsc_model_memory(out, NULL, &said, &err) == NSC_OK);
  REQUIRE(nsc_session_create(out, NULL, &session, &err) == NSC_OK);
  nsc_session_memory(session, &counted);
  CHECK_EQ(said.peak, counted.peak);
  CHECK_EQ(said.weights, counted.weights);
  CHECK_EQ(said.other, counted.other);
  CHECK_EQ(said.file, counted.file);
  CHECK(said.file < m.size / 8 && inside.file == m.size);
  CHECK(said.peak + m.size / 3 < inside.peak);
  nsc_session_free(session);
  close_both(&m);
}

/* A dense layer of more than is read at once, with a clamp and a bias; rows are no multiple of a part. */
TEST(outside_large_matrix_in_parts) {
  enum { IN = 3001, OUT = 1500 };
  nsc_error err = {0};
  onnx_builder b = {0};
  onnx_attributes a = {0};
  onnx_input(&b, "x", 2, (const int64_t[]){-1, IN});
  weights(&b, "matrix", 2, (const int64_t[]){OUT, IN}, false);
  weights(&b, "bias", 1, (const int64_t[]){OUT}, false);
  onnx_int(&a, "transB", 1);
  onnx_node(&b, "Gemm", "x matrix bias", "z", &a);
  onnx_node(&b, "Relu", "z", "y", NULL);
  onnx_output(&b, "y", 2, (const int64_t[]){-1, OUT});
  both m = {.bytes = onnx_finish(&b, &m.size)};
  m.in = open_inside(m.bytes, m.size, &err);
  m.out = open_outside(&m.place, m.bytes, m.size, &err);
  REQUIRE(m.in && m.out);
  static float x[2 * IN], y[2][2 * OUT];
  for (int i = 0; i < 2 * IN; i++) x[i] = (float)(i % 31) / 31;
  for (int i = 0; i < 2; i++) {
    const nsc_model *model = i ? m.out : m.in;
    nsc_session *session = NULL;
    nsc_memory said, counted;
    const nsc_tensor_info shape = {.rank = 2, .dims = {2, IN}};
    const nsc_session_options options = {.input_count = 1, .inputs = &shape};
    REQUIRE(nsc_model_memory(model, &options, &said, &err) == NSC_OK);
    REQUIRE(nsc_session_create(model, &options, &session, &err) == NSC_OK);
    nsc_session_memory(session, &counted);
    CHECK_EQ(said.peak, counted.peak);
    CHECK(i == 0 || counted.peak < 2 * m.size);
    CHECK(nsc_session_set_input(session, 0, x, sizeof x, &err) == NSC_OK);
    CHECK(nsc_session_run(session, NULL, &err) == NSC_OK);
    CHECK(nsc_session_get_output(session, 0, y[i], sizeof y[i], &err) == NSC_OK);
    nsc_session_free(session);
  }
  CHECK(m.place.largest > 15 << 20 && m.place.largest <= 16 << 20);
  CHECK(memcmp(y[0], y[1], sizeof y[0]) == 0);
  close_both(&m);
}

TEST(outside_gives_the_same_files) {
  nsc_error err = {0};
  both m;
  REQUIRE(open_both(&m));
  const nsc_model *in = m.in, *out = m.out;
  char *a = NULL, *b = NULL;
  size_t a_size = 0, b_size = 0;
  CHECK(nsc_model_shuffled(in, 3, &a, &a_size, &err) == NSC_OK);
  CHECK(nsc_model_shuffled(out, 3, &b, &b_size, &err) == NSC_OK);
  check_bytes(a, a_size, b, b_size);
  CHECK(a_size == m.size && memcmp(a, m.bytes, m.size) != 0);
  nsc_text_free(a);
  nsc_text_free(b);
  for (int storage = NSC_WEIGHTS_F16; storage <= NSC_WEIGHTS_INT8; storage++) {
    CHECK(nsc_quantize_weights(in, (nsc_weight_storage)storage, &a, &a_size, &err) == NSC_OK);
    CHECK(nsc_quantize_weights(out, (nsc_weight_storage)storage, &b, &b_size, &err) == NSC_OK);
    check_bytes(a, a_size, b, b_size);
    /* What they are stored as is read from outside, too. */
    place q;
    nsc_model *small = open_inside((uint8_t *)a, a_size, &err),
              *small_outside = open_outside(&q, (uint8_t *)a, a_size, &err);
    REQUIRE(small && small_outside);
    check_same(small, small_outside);
    check_memory(small);
    check_memory(small_outside);
    nsc_model_free(small);
    nsc_model_free(small_outside);
    nsc_text_free(a);
    nsc_text_free(b);
  }
  close_both(&m);
}

TEST(outside_file_that_goes_away) {
  nsc_error err = {0};
  size_t size;
  uint8_t *bytes = network(&size);
  float scores[CLASSES];
  place p;
  nsc_model *model = open_outside(&p, bytes, size, &err);
  REQUIRE(model);
  p.gone = true;
  CHECK_EQ(run(model, false, scores, &err), NSC_ERROR_IO);
  CHECK(strstr(err.text, "gone"));
  char *out = NULL;
  size_t out_size = 0;
  CHECK_EQ(nsc_model_shuffled(model, 1, &out, &out_size, NULL), NSC_ERROR_IO);
  CHECK_EQ(nsc_quantize_weights(model, NSC_WEIGHTS_F16, &out, &out_size, NULL), NSC_ERROR_IO);
  p.gone = false;
  err = (nsc_error){0};
  CHECK(run(model, false, scores, &err) == NSC_OK);
  nsc_model_free(model);
  p = (place){.gone = true, .size = size};
  const nsc_store store = {.context = &p, .read = read_place};
  nsc_source *source = NULL;
  REQUIRE(nsc_source_outside(&store, size, &source, &err) == NSC_OK);
  model = NULL;
  CHECK_EQ(nsc_model_open(source, &model, &err), NSC_ERROR_IO);
  nsc_source_free(source);
  free(bytes);
}

/* Cut anywhere, the same message as from memory, or a model where that gives one. */
TEST(outside_damaged_files) {
  size_t size;
  uint8_t *bytes = network(&size);
  for (size_t i = 0; i < 60; i++) {
    size_t cut = i < 20 ? i : i * size / 61;
    nsc_error one = {0}, other = {0};
    place p;
    nsc_model *in = open_inside(bytes, cut, &one), *out = open_outside(&p, bytes, cut, &other);
    CHECK(!in == !out);
    CHECK_EQ(one.status, other.status);
    CHECK(strcmp(one.text, other.text) == 0);
    nsc_model_free(in);
    nsc_model_free(out);
  }
  nsc_rng rng = nsc_rng_seeded(5);
  uint8_t *damaged = malloc(size);
  for (int i = 0; i < 200; i++) {
    memcpy(damaged, bytes, size);
    /* Heads of tensors stand in the first bytes and between large runs of elements: mostly there. */
    size_t at = i % 2 ? nsc_rng_below(&rng, 200) : nsc_rng_below(&rng, (uint32_t)size);
    damaged[at] ^= (uint8_t)(1 + nsc_rng_below(&rng, 255));
    nsc_error one = {0}, other = {0};
    place p;
    nsc_model *in = open_inside(damaged, size, &one), *out = open_outside(&p, damaged, size, &other);
    CHECK(!in == !out);
    CHECK_EQ(one.status, other.status);
    nsc_model_free(in);
    nsc_model_free(out);
  }
  free(damaged);
  free(bytes);
}

/* A file cannot send the reader elsewhere by having the outline's own field. */
TEST(outside_note_of_a_hostile_file) {
  nsc_error err = {0};
  uint8_t note[] = {0xFA, 0xFF, 0xFF, 0xFF, 0x0F, 6, 0xFF, 0xFF, 0xFF, 0x7F, 0x80, 0x10}; /* field 2^29 - 1 */
  uint8_t tensor[64] = {0x08, 4, 0x10, 1, 0x42, 1, 'w'};
  memcpy(tensor + 7, note, sizeof note);
  onnx_builder b = {0};
  onnx_input(&b, "x", 1, (const int64_t[]){4});
  onnx_node(&b, "Add", "x w", "y", NULL);
  onnx_output(&b, "y", 1, (const int64_t[]){4});
  size_t size, tensor_size = 7 + sizeof note;
  uint8_t *good = onnx_finish(&b, &size);
  /* The graph is the last field; the tensor goes to its end, and one more graph with nothing large in it has no
   * outline. */
  uint8_t *bytes = malloc(size + 200000);
  memcpy(bytes, good, size);
  size_t at = size;
  bytes[at++] = 0x3A; /* a graph, merged by other readers, the only one here */
  size_t length_at = at;
  at += 3;
  size_t begin = at;
  bytes[at++] = 0x2A;
  bytes[at++] = (uint8_t)tensor_size;
  memcpy(bytes + at, tensor, tensor_size);
  at += tensor_size;
  const uint8_t big[] = {0x2A, 0x8E, 0x80, 0x08, 0x08, 0x80, 0x80, 0x02, 0x10, 1, 0x42, 1, 'v', 0x4A, 0x80, 0x80, 0x08};
  memcpy(bytes + at, big, sizeof big); /* 32,768 floats: enough for an outline */
  at += sizeof big;
  memset(bytes + at, 0, 131072);
  at += 131072;
  size_t length = at - begin;
  bytes[length_at] = (uint8_t)(0x80 | (length & 0x7F));
  bytes[length_at + 1] = (uint8_t)(0x80 | (length >> 7 & 0x7F));
  bytes[length_at + 2] = (uint8_t)(length >> 14);
  place p;
  nsc_model *model = open_outside(&p, bytes, at, &err);
  CHECK(!model);
  CHECK_EQ(err.status, NSC_ERROR_CORRUPT);
  free(good);
  free(bytes);
}

TEST(outside_files_beside_the_model) {
  nsc_error err = {0};
  float elements[4 * 4];
  for (int i = 0; i < 16; i++) elements[i] = (float)i;
  onnx_builder b = {0};
  onnx_input(&b, "x", 2, (const int64_t[]){1, 4});
  onnx_external(&b, "w", 2, (const int64_t[]){4, 4}, "w.bin", "0", "64");
  onnx_node(&b, "MatMul", "x w", "y", NULL);
  onnx_output(&b, "y", 2, (const int64_t[]){1, 4});
  size_t size;
  uint8_t *bytes = onnx_finish(&b, &size);
  nsc_model *model = NULL;
  REQUIRE(onnx_open(bytes, size, &model, &err) == NSC_OK);
  place p;
  CHECK(nsc_model_add_file(model, "w.bin", outside(&p, (const uint8_t *)elements, sizeof elements), &err) == NSC_OK);
  nsc_session *session = NULL;
  REQUIRE(nsc_session_create(model, NULL, &session, &err) == NSC_OK);
  const float x[4] = {1, 0, 0, 2};
  float y[4];
  CHECK(nsc_session_set_input(session, 0, x, sizeof x, &err) == NSC_OK);
  CHECK(nsc_session_run(session, NULL, &err) == NSC_OK);
  CHECK(nsc_session_get_output(session, 0, y, sizeof y, &err) == NSC_OK);
  for (int i = 0; i < 4; i++) CHECK_EQ(y[i], i + 2 * (12 + i));
  nsc_session_free(session);
  nsc_model_free(model);
  CHECK(p.released);
}

TEST(outside_pictures_are_read_as_a_whole) {
  static const uint8_t pgm[] = "P5 2 2 255 abcd";
  nsc_error err = {0};
  place p;
  nsc_image *image = NULL;
  nsc_source *source = outside(&p, pgm, sizeof pgm - 1);
  char inside[65], before[65];
  nsc_source *copy = NULL;
  CHECK(nsc_source_copy(source, &copy, &err) == NSC_OK);
  CHECK(nsc_source_sha256(copy, inside, &err) == NSC_OK && nsc_source_sha256(source, before, &err) == NSC_OK);
  nsc_source_free(copy);
  REQUIRE(nsc_image_open(source, NULL, &image, &err) == NSC_OK);
  CHECK(strcmp(inside, before) == 0);
  nsc_image_free(image);
  CHECK(p.released);
  CHECK_EQ(nsc_source_outside(NULL, 4, &source, &err), NSC_ERROR_ARGUMENT);
}
