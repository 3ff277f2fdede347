/*
 * Runs ONNX backend tests: folders with model.onnx and test_data_set_*\/{input,output}_N.pb (a TensorProto each).
 *
 *   onnx_backend FOLDER...
 *   onnx_backend --operators                      the operators that the engine has, one a line
 *   onnx_backend --damage COUNT SEED FOLDER...    COUNT damaged copies of each model are opened and run: none may do
 * harm, whatever becomes of it; under sanitizers
 *
 * One line a folder: "pass NAME OP OPSET", "skip NAME OP OPSET: reason" when the engine names something that it does
 * not support, "fail NAME OP OPSET: reason" for wrong numbers and for every other error; OP is the first node's. Ends
 * with "N passed, N failed, N skipped".
 *
 * Inputs are given at run time. Where the engine wants constants (weights, shapes, axes), the session is made again
 * with all but the first as constants, then with all of them, and the line says "fixed".
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/half.h"
#include "nn/model.h"
#include "test.h"

enum { MAX_PORTS = 64 };

typedef struct tensor {
  uint8_t *file; /* the TensorProto */
  nsc_tensor_proto proto;
  nsc_type type;
  void *data;
} tensor;

typedef struct outcome {
  nsc_status status; /* of the engine */
  char text[400];
  bool wrong;
  char op[64];
  int opset;
  bool fixed; /* inputs given as constants */
} outcome;

/* Bytes of a model that are changed at random before it is opened. */
typedef struct damage {
  bool wanted;
  uint32_t state;
} damage;

static uint32_t draw(damage *d, uint32_t below) {
  d->state = d->state * 1664525u + 1013904223u;
  return (d->state >> 8) % below;
}

static bool load_tensor(const char *path, nsc_arena *arena, tensor *out, outcome *o) {
  size_t size;
  nsc_error err = {0};
  *out = (tensor){.file = test_read_file(path, &size)};
  if (!out->file) return false;
  o->status = nsc_onnx_read_tensor(arena, NULL, out->file, size, &out->proto, &err);
  if (o->status == NSC_OK && out->proto.count > size * 8) {
    o->status = NSC_ERROR_UNSUPPORTED; /* a sequence or an optional, read as a tensor */
    snprintf(o->text, sizeof o->text, "data that is no tensor");
    return true;
  }
  if (o->status == NSC_OK && !nsc_type_from_onnx(out->proto.onnx_type, &out->type)) {
    o->status = NSC_ERROR_UNSUPPORTED;
    snprintf(o->text, sizeof o->text, "data of type %s", nsc_onnx_type_name(out->proto.onnx_type));
    return true;
  }
  out->data = calloc(out->proto.count + 1, 8);
  if (o->status == NSC_OK) o->status = nsc_tensor_proto_read(&out->proto, out->data, &err);
  if (o->status != NSC_OK) {
    o->status = NSC_ERROR_UNSUPPORTED;
    snprintf(o->text, sizeof o->text, "data that is no tensor");
  }
  return true;
}

static void drop_tensor(tensor *t) {
  free(t->file);
  free(t->data);
}

static double value_at(const void *data, size_t i, nsc_type type) {
  if (type == NSC_TYPE_F16) return (double)nsc_half_to_float(((const uint16_t *)data)[i]);
  return nsc_element_real(data, (int64_t)i, type);
}

/* The tolerance of ONNX's own runner: 1e-3 relative, 1e-7 absolute; half floats carry 11 bits. */
static void compare(nsc_session *s, uint32_t index, const tensor *want, outcome *o) {
  nsc_tensor_info info;
  nsc_session_output_info(s, index, &info);
  nsc_shape shape = {.rank = info.rank};
  memcpy(shape.dims, info.dims, sizeof shape.dims);
  char a[96], b[96];
  if (!nsc_shape_equal(&shape, &want->proto.shape) || info.type != want->type) {
    o->wrong = true;
    snprintf(o->text, sizeof o->text, "output %u is %s %s, expected %s %s", index, nsc_type_name(info.type),
             nsc_shape_text(&shape, a), nsc_type_name(want->type), nsc_shape_text(&want->proto.shape, b));
    return;
  }
  size_t size = want->proto.count * nsc_type_size(info.type);
  void *got = calloc(1, size + 8);
  nsc_error err = {0};
  o->status = nsc_session_get_output(s, index, got, size, &err);
  if (o->status != NSC_OK) snprintf(o->text, sizeof o->text, "%s", err.text);
  for (size_t i = 0; i < want->proto.count && o->status == NSC_OK && !o->wrong; i++) {
    double x = value_at(got, i, info.type), y = value_at(want->data, i, info.type);
    double allowed = 1e-7 + (info.type == NSC_TYPE_F16 ? 2e-3 : 1e-3) * fabs(y);
    if (x == y || (isnan(x) && isnan(y)) || fabs(x - y) <= allowed) continue;
    o->wrong = true;
    snprintf(o->text, sizeof o->text, "output %u[%zu] is %g, expected %g", index, i, x, y);
  }
  free(got);
}

static void run_session(const nsc_model *model, tensor *inputs, uint32_t input_count, tensor *outputs,
                        uint32_t output_count, int fix, outcome *o) {
  nsc_tensor_info infos[MAX_PORTS];
  const void *constants[MAX_PORTS] = {NULL};
  for (uint32_t i = 0; i < input_count; i++) {
    infos[i] = (nsc_tensor_info){.rank = inputs[i].proto.shape.rank};
    memcpy(infos[i].dims, inputs[i].proto.shape.dims, sizeof infos[i].dims);
    bool last = fix == 2 || input_count == 1 || inputs[i].type == NSC_TYPE_I64;
    if (fix && (i > 0 || last)) constants[i] = inputs[i].data;
  }
  uint32_t wanted = nsc_model_input_count(model);
  nsc_session_options options = {.input_count = wanted < input_count ? wanted : input_count,
                                 .inputs = infos,
                                 .constants = constants,
                                 .max_bytes = output_count ? 0 : 64 << 20};
  nsc_session *s = NULL;
  nsc_error err = {0};
  o->status = nsc_session_create(model, &options, &s, &err);
  for (uint32_t i = 0; i < options.input_count && o->status == NSC_OK; i++) {
    if (constants[i]) continue;
    o->status =
        nsc_session_set_input(s, i, inputs[i].data, inputs[i].proto.count * nsc_type_size(inputs[i].type), &err);
  }
  if (o->status == NSC_OK) o->status = nsc_session_run(s, NULL, &err);
  if (o->status != NSC_OK) snprintf(o->text, sizeof o->text, "%s", err.text);
  for (uint32_t i = 0; i < output_count && o->status == NSC_OK && !o->wrong; i++) compare(s, i, &outputs[i], o);
  nsc_session_free(s);
}

static uint32_t load_set(const char *folder, const char *what, tensor *list, nsc_arena *arena, outcome *o) {
  uint32_t count = 0;
  char path[2048];
  for (; count < MAX_PORTS && o->status == NSC_OK; count++) {
    snprintf(path, sizeof path, "%s/test_data_set_0/%s_%u.pb", folder, what, count);
    if (!load_tensor(path, arena, &list[count], o)) break;
  }
  return count;
}

/* Half of the changes put numbers that parsers trip over, as the varints and letters that they are in the file. */
static void harm(uint8_t *bytes, size_t size, damage *d) {
  static const uint8_t odd[] = {0, 1, 2, 3, 4, 5, 7, 8, 16, 127, 128, 255};
  for (uint32_t n = 1 + draw(d, 4); n > 0 && size; n--) {
    uint8_t *at = &bytes[draw(d, (uint32_t)size)];
    *at = draw(d, 2) ? odd[draw(d, sizeof odd)] : (uint8_t)(*at ^ 1u << draw(d, 8));
  }
}

static nsc_status open_model(const char *folder, damage *d, nsc_model **model, outcome *o) {
  char path[2048];
  snprintf(path, sizeof path, "%s/model.onnx", folder);
  size_t size;
  uint8_t *bytes = test_read_file(path, &size);
  nsc_source *source = NULL;
  nsc_error err = {0};
  if (bytes && d->wanted) harm(bytes, size, d);
  o->status = bytes ? nsc_source_from_bytes(bytes, size, &source, &err) : NSC_ERROR_IO;
  if (o->status == NSC_OK) o->status = nsc_model_open(source, model, &err);
  if (o->status != NSC_OK) {
    nsc_source_free(source);
    snprintf(o->text, sizeof o->text, "%s", bytes ? err.text : "no model.onnx");
  }
  free(bytes);
  return o->status;
}

static bool wants_constants(const outcome *o) {
  return o->status == NSC_ERROR_OPERATOR && strstr(o->text, "must be a constant");
}

static void test_folder(const char *folder, damage *d, outcome *o) {
  nsc_arena arena = {0};
  nsc_model *model = NULL;
  tensor inputs[MAX_PORTS], outputs[MAX_PORTS];
  uint32_t input_count = 0, output_count = 0;
  snprintf(o->op, sizeof o->op, "?");
  if (open_model(folder, d, &model, o) == NSC_OK) {
    if (model->node_count) snprintf(o->op, sizeof o->op, "%s", model->nodes[0].op);
    o->opset = (int)model->opset;
    input_count = load_set(folder, "input", inputs, &arena, o);
    output_count = load_set(folder, "output", outputs, &arena, o);
    if (d->wanted && o->status == NSC_OK) {
      for (int fix = 0; fix <= 2; fix++) run_session(model, inputs, input_count, NULL, 0, fix, o);
      o->status = NSC_ERROR_CORRUPT;
    }
    if (o->status == NSC_OK && output_count == 0) {
      o->status = NSC_ERROR_UNSUPPORTED;
      snprintf(o->text, sizeof o->text, "no tensor outputs");
    }
    if (o->status == NSC_OK) run_session(model, inputs, input_count, outputs, output_count, 0, o);
    for (int fix = 1; fix <= 2 && wants_constants(o); fix++) {
      o->status = NSC_OK;
      o->fixed = true;
      run_session(model, inputs, input_count, outputs, output_count, fix, o);
    }
  }
  for (uint32_t i = 0; i < input_count; i++) drop_tensor(&inputs[i]);
  for (uint32_t i = 0; i < output_count; i++) drop_tensor(&outputs[i]);
  nsc_model_free(model);
  nsc_arena_free(&arena);
}

static int list_operators(void) {
  for (size_t i = 0; nsc_operator_name(i); i++) puts(nsc_operator_name(i));
  return 0;
}

static int damage_all(int count, uint32_t seed, int folders, char **names) {
  damage d = {true, seed};
  for (int i = 0; i < folders; i++) {
    for (int n = 0; n < count; n++) {
      outcome o = {0};
      test_folder(names[i], &d, &o);
    }
  }
  printf("%d damaged models did no harm\n", count * folders);
  return 0;
}

int main(int argc, char **argv) {
  int passed = 0, failed = 0, skipped = 0;
  damage none = {0};
  if (argc > 4 && strcmp(argv[1], "--damage") == 0) {
    return damage_all(atoi(argv[2]), (uint32_t)atoi(argv[3]), argc - 4, argv + 4);
  }
  if (argc == 2 && strcmp(argv[1], "--operators") == 0) return list_operators();
  for (int i = 1; i < argc; i++) {
    const char *slash = strrchr(argv[i], '/'), *name = slash ? slash + 1 : argv[i];
    outcome o = {0};
    test_folder(argv[i], &none, &o);
    bool refused = o.status == NSC_ERROR_OPERATOR || o.status == NSC_ERROR_UNSUPPORTED;
    bool fails = !refused && (o.status != NSC_OK || o.wrong);
    skipped += refused;
    failed += fails;
    passed += !refused && !fails;
    printf("%s %s %s %d", refused ? "skip" : fails ? "fail" : "pass", name, o.op, o.opset);
    if (refused || fails) printf(": %s", o.text);
    puts(o.fixed ? " (fixed)" : "");
  }
  printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
  return failed != 0;
}
