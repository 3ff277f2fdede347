/*
 * The C side of the boundary to JavaScript: the public API with pointers and scalars only.
 *
 *   - A call returns nsc_status. What it made lies in bridge_result(0) and bridge_result(1) until the next call; what
 *     went wrong lies in bridge_error_text().
 *   - Handles are the addresses of the objects; JavaScript never looks behind them. They end with the nsc_*_free calls,
 *     which are exported as they are.
 *   - Structured results are JSON, ended by nsc_text_free. Pixels are ended by bridge_free.
 *   - Sizes and counts arrive as double, the only number of JavaScript: one that a size_t cannot hold is refused here
 *     and does not wrap around.
 *
 * One thread calls these functions (the worker that instantiated the module), so one error and one set of results do.
 */
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge.h"

static struct {
  nsc_error error;
  uintptr_t result[2];
  char text[512]; /* small JSON that needs no allocation: a view, a probe */
} bridge;

/* Polled by nsc_session_run. Threaded builds: the page writes it through the shared memory. */
static volatile int32_t cancel_flag;

nsc_error *bridge_begin(void) {
  memset(&bridge.error, 0, sizeof bridge.error);
  bridge.result[0] = bridge.result[1] = 0;
  return &bridge.error;
}

nsc_status bridge_fail(nsc_status status, const char *text) {
  bridge.error.status = status;
  snprintf(bridge.error.text, sizeof bridge.error.text, "%s", text);
  return status;
}

nsc_status bridge_finish_sized(nsc_status status, const void *result, size_t size) {
  if (status != NSC_OK) return status;
  bridge.result[0] = (uintptr_t)result;
  bridge.result[1] = size;
  return NSC_OK;
}

nsc_status bridge_finish(nsc_status status, const void *result) {
  return bridge_finish_sized(status, result, 0);
}

nsc_status bridge_numbers(const double *numbers, uint32_t count) {
  size_t at = (size_t)snprintf(bridge.text, sizeof bridge.text, count ? "[" : "null");
  for (uint32_t i = 0; i < count; i++) {
    at += (size_t)snprintf(bridge.text + at, sizeof bridge.text - at, "%.17g%c", numbers[i], i + 1 < count ? ',' : ']');
  }
  return bridge_finish(NSC_OK, bridge.text);
}

bool bridge_to_size(double number, size_t *out) {
  if (!(number >= 0) || number > (double)SIZE_MAX) return false;
  *out = (size_t)number;
  return true;
}

uintptr_t bridge_result(uint32_t index) {
  return index < 2 ? bridge.result[index] : 0;
}

const char *bridge_error_text(void) {
  return bridge.error.text;
}

volatile int32_t *bridge_cancel_flag(void) {
  return &cancel_flag;
}

/* Bytes that malloc has handed out and not got back. */
double bridge_heap_used(void) {
  return (double)mallinfo().uordblks;
}

/* Memory for a string that JavaScript hands in. 0 when there is none. */
void *bridge_alloc(double size) {
  size_t bytes;
  return bridge_to_size(size, &bytes) ? malloc(bytes ? bytes : 1) : NULL;
}

void bridge_free(void *memory) {
  free(memory);
}

/* Ends the module the hard way, so that tests can see the page recover from it. */
void bridge_trap(void) {
  __builtin_trap();
}

nsc_status bridge_constants(void) {
  nsc_error *err = bridge_begin();
  char *json = NULL;
  return bridge_finish(nsc_constants_json(&json, err), json);
}

/* ---- sources ---------------------------------------------------------------------------------------------------- */

nsc_status bridge_source_create(double size_hint) {
  nsc_error *err = bridge_begin();
  nsc_source *source = NULL;
  size_t size;
  if (!bridge_to_size(size_hint, &size))
    return bridge_fail(NSC_ERROR_LIMIT, "the file is larger than this page can hold");
  return bridge_finish(nsc_source_create(size, &source, err), source);
}

/* A file of `size` bytes that the page reads from, by its number in Module.stores. */
nsc_status bridge_source_outside(int32_t store, double size) {
  nsc_error *err = bridge_begin();
  nsc_source *source = NULL;
  const nsc_store file = bridge_file(store);
  size_t bytes;
  if (!bridge_to_size(size, &bytes)) return bridge_fail(NSC_ERROR_LIMIT, "the file is larger than this page can hold");
  return bridge_finish(nsc_source_outside(&file, bytes, &source, err), source);
}

/* Result 0: where the bytes go. */
nsc_status bridge_source_reserve(nsc_source *source, double size) {
  nsc_error *err = bridge_begin();
  uint8_t *room = NULL;
  size_t bytes;
  if (!bridge_to_size(size, &bytes)) return bridge_fail(NSC_ERROR_LIMIT, "the file is larger than this page can hold");
  return bridge_finish(nsc_source_reserve(source, bytes, &room, err), room);
}

nsc_status bridge_source_commit(nsc_source *source, double size) {
  nsc_error *err = bridge_begin();
  size_t bytes;
  if (!bridge_to_size(size, &bytes)) return bridge_fail(NSC_ERROR_ARGUMENT, "a size that is none");
  return nsc_source_commit(source, bytes, err);
}

/* The format of the bytes at a place that bridge_source_reserve gave, before they are committed: an nsc_format. */
int32_t bridge_sniff(const uint8_t *bytes, double size) {
  size_t count;
  return bridge_to_size(size, &count) ? (int32_t)nsc_sniff(bytes, count) : NSC_FORMAT_UNKNOWN;
}

/* ---- images ----------------------------------------------------------------------------------------------------- */

nsc_status bridge_image_open(nsc_source *source) {
  nsc_error *err = bridge_begin();
  nsc_image *image = NULL;
  return bridge_finish(nsc_image_open(source, NULL, &image, err), image);
}

/* A computed picture of nobody; `options` as of nsc_phantom_create. */
nsc_status bridge_phantom(uint32_t seed, const char *options) {
  nsc_error *err = bridge_begin();
  nsc_image *image = NULL;
  return bridge_finish(nsc_phantom_create(seed, options, &image, err), image);
}

nsc_status bridge_image_json(const nsc_image *image) {
  nsc_error *err = bridge_begin();
  char *json = NULL;
  return bridge_finish(nsc_image_json(image, &json, err), json);
}

/* JSON has no infinities; a view that holds one is no view. */
static nsc_status view_json(nsc_status status, const nsc_view *view) {
  if (status != NSC_OK) return status;
  if (!isfinite(view->center) || !isfinite(view->width))
    return bridge_fail(NSC_ERROR_CORRUPT, "a window that is no number");
  snprintf(bridge.text, sizeof bridge.text,
           "{\"frame\":%u,\"voiLut\":%d,\"function\":%d,\"center\":%.17g,\"width\":%.17g,\"invert\":%s}", view->frame,
           (int)view->voi_lut, (int)view->function, view->center, view->width, view->invert ? "true" : "false");
  return bridge_finish(NSC_OK, bridge.text);
}

/* The three views return JSON that stays the bridge's own: it is not to be freed. */
nsc_status bridge_view_default(nsc_image *image, uint32_t frame) {
  nsc_error *err = bridge_begin();
  nsc_view view = {0};
  return view_json(nsc_view_default(image, frame, &view, err), &view);
}

nsc_status bridge_view_window(const nsc_image *image, uint32_t index) {
  nsc_error *err = bridge_begin();
  nsc_view view = {0};
  return view_json(nsc_view_window(image, index, &view, err), &view);
}

nsc_status bridge_view_auto(nsc_image *image, uint32_t frame) {
  nsc_error *err = bridge_begin();
  nsc_view view = {0};
  return view_json(nsc_view_auto(image, frame, &view, err), &view);
}

nsc_status bridge_picture(uint32_t width, uint32_t height, uint8_t **out, size_t *size) {
  if (width && height > SIZE_MAX / 4 / width) return bridge_fail(NSC_ERROR_LIMIT, "the picture is too large to show");
  *size = (size_t)width * height * 4;
  *out = malloc(*size ? *size : 1);
  return *out ? NSC_OK : bridge_fail(NSC_ERROR_MEMORY, "no memory for the picture");
}

/* Result 0 is the address, result 1 the bytes. */
nsc_status bridge_hand_out(nsc_status status, uint8_t *rgba, size_t size) {
  if (status != NSC_OK) free(rgba);
  return bridge_finish_sized(status, rgba, size);
}

/* No steps where there is no text. */
static nsc_status read_steps(const char *json, nsc_steps *out, nsc_error *err) {
  *out = (nsc_steps){0};
  return json ? nsc_steps_parse(json, strlen(json), out, err) : NSC_OK;
}

static nsc_view view_of(uint32_t frame, int32_t voi_lut, int32_t function, double center, double width, int32_t invert,
                        uint32_t color_map) {
  return (nsc_view){.frame = frame,
                    .voi_lut = voi_lut,
                    .function = (nsc_voi_function)function,
                    .center = center,
                    .width = width,
                    .invert = invert != 0,
                    .color_map = color_map};
}

/* `steps`: filters on the rendered picture as nsc_steps_parse reads them, or NULL. They see shades, colours come after.
 */
nsc_status bridge_render(nsc_image *image, uint32_t frame, int32_t voi_lut, int32_t function, double center,
                         double width, int32_t invert, uint32_t color_map, const char *steps) {
  nsc_error *err = bridge_begin();
  nsc_steps filters;
  nsc_status status = read_steps(steps, &filters, err);
  if (status != NSC_OK) return status;
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  uint8_t *rgba;
  size_t size;
  status = bridge_picture(info.width, info.height, &rgba, &size);
  if (status != NSC_OK) return status;
  nsc_view view = view_of(frame, voi_lut, function, center, width, invert, steps ? 0 : color_map);
  status = nsc_render(image, &view, rgba, size, err);
  if (status == NSC_OK) status = nsc_filter_rgba(&filters, rgba, info.width, info.height, size, err);
  if (status == NSC_OK && steps && info.channels == 1) nsc_color_map_rgba(color_map, rgba, size / 4);
  return bridge_hand_out(status, rgba, size);
}

nsc_status bridge_screen_create(void) {
  nsc_error *err = bridge_begin();
  nsc_screen *screen = NULL;
  return bridge_finish(nsc_screen_create(&screen, err), screen);
}

/* `placement`: [9] width, height, x, y, scale_x, scale_y, turn, mirrored, smoothing. */
nsc_status bridge_screen_render(nsc_screen *screen, nsc_image *image, uint32_t frame, int32_t voi_lut, int32_t function,
                                double center, double width, int32_t invert, uint32_t color_map, const char *steps,
                                const double *placement) {
  nsc_error *err = bridge_begin();
  nsc_steps filters;
  nsc_status status = read_steps(steps, &filters, err);
  if (status != NSC_OK) return status;
  nsc_view view = view_of(frame, voi_lut, function, center, width, invert, color_map);
  nsc_placement place = {.width = (uint32_t)placement[0],
                         .height = (uint32_t)placement[1],
                         .x = placement[2],
                         .y = placement[3],
                         .scale_x = placement[4],
                         .scale_y = placement[5],
                         .turn = (uint32_t)placement[6],
                         .mirrored = placement[7] != 0,
                         .smoothing = (nsc_smoothing)placement[8]};
  uint8_t *rgba;
  size_t size;
  status = bridge_picture(place.width, place.height, &rgba, &size);
  if (status != NSC_OK) return status;
  return bridge_hand_out(nsc_screen_render(screen, image, &view, &filters, &place, rgba, size, err), rgba, size);
}

/* The key as two halves: JavaScript has no whole numbers of 64 bits here. */
nsc_status bridge_deidentify(const nsc_image *image, uint32_t high, uint32_t low) {
  nsc_error *err = bridge_begin();
  char *bytes = NULL;
  size_t size = 0;
  nsc_status status = nsc_image_deidentify(image, (uint64_t)high << 32 | low, &bytes, &size, err);
  return bridge_finish_sized(status, bytes, size);
}

/* `points` [count][2]. */
nsc_status bridge_measure(nsc_image *image, uint32_t frame, int kind, const double *points, uint32_t count) {
  nsc_error *err = bridge_begin();
  char *json = NULL;
  return bridge_finish(nsc_measure_json(image, frame, (nsc_measure_kind)kind, points, count, &json, err), json);
}

/* The key in four parts of 32 bits. */
nsc_status bridge_report_create(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  nsc_error *err = bridge_begin();
  const uint64_t key[2] = {(uint64_t)a << 32 | b, (uint64_t)c << 32 | d};
  nsc_report *report = NULL;
  return bridge_finish(nsc_report_create(key, &report, err), report);
}

/* `points` [count][2]. */
nsc_status bridge_report_add(nsc_report *report, nsc_image *image, uint32_t frame, int kind, const double *points,
                             uint32_t count, const char *label) {
  return nsc_report_add(report, image, frame, (nsc_measure_kind)kind, points, count, label, bridge_begin());
}

nsc_status bridge_report_write(const nsc_report *report, const char *now, int32_t nameless) {
  nsc_error *err = bridge_begin();
  char *bytes = NULL;
  size_t size = 0;
  nsc_status status = nsc_report_write(report, now, nameless != 0, &bytes, &size, err);
  return bridge_finish_sized(status, bytes, size);
}

/* JSON array of the modality value of each channel, the bridge's own. */
nsc_status bridge_probe(nsc_image *image, uint32_t frame, uint32_t x, uint32_t y) {
  nsc_error *err = bridge_begin();
  double value[3] = {0};
  nsc_status status = nsc_image_probe(image, frame, x, y, value, err);
  if (status != NSC_OK) return status;
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  size_t at = 0;
  for (uint32_t c = 0; c < info.channels && c < 3; c++) {
    const char *format = isfinite(value[c]) ? "%c%.9g" : "%cnull";
    at += (size_t)snprintf(bridge.text + at, sizeof bridge.text - at, format, c ? ',' : '[', value[c]);
  }
  snprintf(bridge.text + at, sizeof bridge.text - at, "]");
  return bridge_finish(NSC_OK, bridge.text);
}

/* Overlay planes of a frame as pixels to lay over it: transparent, and 0xRRGGBB where one is set. */
nsc_status bridge_overlays(const nsc_image *image, uint32_t frame, uint32_t color) {
  nsc_error *err = bridge_begin();
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  uint8_t *rgba;
  size_t size;
  nsc_status status = bridge_picture(info.width, info.height, &rgba, &size);
  if (status != NSC_OK) return status;
  size_t pixels = size / 4;
  uint8_t *mask = rgba + size - pixels; /* read before it is written over: entry i lies at or behind byte 4 i */
  status = nsc_image_overlays(image, frame, mask, pixels, err);
  for (size_t i = 0; status == NSC_OK && i < pixels; i++) {
    bool set = mask[i] != 0;
    for (int c = 0; c < 3; c++) rgba[4 * i + (size_t)c] = set ? (uint8_t)(color >> (16 - 8 * c)) : 0;
    rgba[4 * i + 3] = set ? 255 : 0;
  }
  return bridge_hand_out(status, rgba, size);
}

/* JSON of nsc_image_real_world_json, ended by nsc_text_free. */
nsc_status bridge_real_world(nsc_image *image, uint32_t frame, uint32_t x, uint32_t y) {
  nsc_error *err = bridge_begin();
  char *json = NULL;
  return bridge_finish(nsc_image_real_world_json(image, frame, x, y, &json, err), json);
}

/* ---- models and classification ---------------------------------------------------------------------------------- */

nsc_status bridge_model_open(nsc_source *source) {
  nsc_error *err = bridge_begin();
  nsc_model *model = NULL;
  return bridge_finish(nsc_model_open(source, &model, err), model);
}

/* Takes `source` over when it goes well. */
nsc_status bridge_model_add_file(nsc_model *model, const char *name, nsc_source *source) {
  return nsc_model_add_file(model, name, source, bridge_begin());
}

nsc_status bridge_model_json(const nsc_model *model) {
  nsc_error *err = bridge_begin();
  char *json = NULL;
  return bridge_finish(nsc_model_json(model, &json, err), json);
}

/* What bridge_classifier_create would take, as nsc_classifier_memory_json. */
nsc_status bridge_model_memory(const nsc_model *model, uint32_t threads, const char *recipe_json,
                               const char *labels_json, const char *output) {
  nsc_error *err = bridge_begin();
  nsc_classifier_options options = {
      .threads = threads, .recipe_json = recipe_json, .labels_json = labels_json, .output = output};
  char *json = NULL;
  return bridge_finish(nsc_classifier_memory_json(model, &options, &json, err), json);
}

/* The strings may be NULL: then the model's own metadata speaks. `batch`: pictures in a run, for bridge_classifier_put.
 */
nsc_status bridge_classifier_create(const nsc_model *model, uint32_t threads, const char *recipe_json,
                                    const char *labels_json, const char *output, uint32_t batch) {
  nsc_error *err = bridge_begin();
  nsc_classifier_options options = {
      .threads = threads, .recipe_json = recipe_json, .labels_json = labels_json, .output = output, .batch = batch};
  nsc_classifier *classifier = NULL;
  return bridge_finish(nsc_classifier_create(model, &options, &classifier, err), classifier);
}

/* Classifies one frame; result 0 is nsc_result_json. */
nsc_status bridge_classify(nsc_classifier *classifier, nsc_image *image, uint32_t frame) {
  nsc_error *err = bridge_begin();
  nsc_result result;
  nsc_status status = nsc_classifier_run(classifier, image, frame, &cancel_flag, &result, err);
  if (status != NSC_OK) return status;
  char *json = NULL;
  return bridge_finish(nsc_result_json(classifier, &result, &json, err), json);
}

nsc_status bridge_classifier_put(nsc_classifier *classifier, uint32_t slot, nsc_image *image, uint32_t frame) {
  return nsc_classifier_put(classifier, slot, image, frame, bridge_begin());
}

nsc_status bridge_classifier_run(nsc_classifier *classifier) {
  return nsc_classifier_run_batch(classifier, &cancel_flag, bridge_begin());
}

/* Result 0 is nsc_result_json of a slot. */
nsc_status bridge_classifier_result(nsc_classifier *classifier, uint32_t slot) {
  nsc_error *err = bridge_begin();
  nsc_result result;
  nsc_status status = nsc_classifier_result(classifier, slot, &result, err);
  if (status != NSC_OK) return status;
  char *json = NULL;
  return bridge_finish(nsc_result_json(classifier, &result, &json, err), json);
}

/* `method` is a name that nsc_quantize_method_named knows. One thread: the classifier has the others. */
nsc_status bridge_quantization_create(const nsc_model *model, const char *recipe_json, const char *labels_json,
                                      const char *output, const char *method) {
  nsc_error *err = bridge_begin();
  nsc_classifier_options classifier = {
      .threads = 1, .recipe_json = recipe_json, .labels_json = labels_json, .output = output};
  nsc_quantize_options options = {0};
  nsc_quantization *q = NULL;
  if (!nsc_quantize_method_named(method, &options.method)) options.method = NSC_QUANTIZE_MINMAX;
  return bridge_finish(nsc_quantization_create(model, &classifier, &options, &q, err), q);
}

nsc_status bridge_quantization_add(nsc_quantization *q, nsc_image *image, uint32_t frame) {
  return nsc_quantization_add(q, image, frame, &cancel_flag, bridge_begin());
}

nsc_status bridge_quantization_finish(nsc_quantization *q) {
  nsc_error *err = bridge_begin();
  char *bytes = NULL;
  size_t size = 0;
  nsc_status status = nsc_quantization_finish(q, &bytes, &size, err);
  return bridge_finish_sized(status, bytes, size);
}

nsc_status bridge_classifier_profile(const nsc_classifier *classifier) {
  nsc_error *err = bridge_begin();
  char *json = NULL;
  return bridge_finish(nsc_classifier_profile(classifier, &json, err), json);
}

/* A preset as JSON: what a form needs to start from when a model says nothing about its input. */
nsc_status bridge_recipe(const char *preset, uint32_t width, uint32_t height, uint32_t channels) {
  nsc_error *err = bridge_begin();
  nsc_recipe recipe = {
      .width = width, .height = height, .channels = channels, .crop_scale = 1, .high = 1, .scale = 1, .std = {1, 1, 1}};
  nsc_status status = nsc_recipe_preset(preset, &recipe, err);
  if (status != NSC_OK) return status;
  char *json = NULL;
  return bridge_finish(nsc_recipe_json(&recipe, &json, err), json);
}

/* Columns and rows of what the model sees, in results 0 and 1. */
nsc_status bridge_input_size(const nsc_classifier *classifier) {
  bridge_begin();
  const nsc_recipe *recipe = nsc_classifier_recipe(classifier);
  bridge.result[0] = recipe->width;
  bridge.result[1] = recipe->height;
  return NSC_OK;
}

static nsc_status preview(const nsc_recipe *recipe, nsc_image *image, uint32_t frame, nsc_error *err) {
  uint8_t *rgba;
  size_t size;
  nsc_status status = bridge_picture(recipe->width, recipe->height, &rgba, &size);
  if (status != NSC_OK) return status;
  return bridge_hand_out(nsc_preprocess_preview(image, frame, recipe, rgba, size, err), rgba, size);
}

nsc_status bridge_preview(const nsc_classifier *classifier, nsc_image *image, uint32_t frame) {
  nsc_error *err = bridge_begin();
  return preview(nsc_classifier_recipe(classifier), image, frame, err);
}

/* The same through a recipe that no model has yet, as nsc_recipe_parse reads it. */
nsc_status bridge_recipe_preview(const char *recipe_json, nsc_image *image, uint32_t frame) {
  nsc_error *err = bridge_begin();
  nsc_recipe recipe;
  nsc_status status = nsc_recipe_parse(recipe_json, strlen(recipe_json), &recipe, err);
  return status == NSC_OK ? preview(&recipe, image, frame, err) : status;
}

/* ---- a model on plain numbers, for measurements and for programs that prepare their own input -------------------- */

/* `batch` is for models that leave it open. */
nsc_status bridge_session_create(const nsc_model *model, uint32_t threads, bool stock, uint32_t batch) {
  nsc_error *err = bridge_begin();
  nsc_tensor_info input;
  nsc_status status = nsc_model_input_info(model, 0, &input, err);
  if (status != NSC_OK) return status;
  if (input.rank && input.dims[0] < 0) input.dims[0] = batch;
  nsc_session_options options = {.threads = threads, .stock = stock, .input_count = input.rank > 0, .inputs = &input};
  nsc_session *session = NULL;
  return bridge_finish(nsc_session_create(model, &options, &session, err), session);
}

/* Runs once: `count` floats [batch][height][width][channels] for the first input, then `room` floats of the first
 * output. */
nsc_status bridge_session_run(nsc_session *session, const float *input, double count, float *output, double room) {
  nsc_error *err = bridge_begin();
  size_t floats, capacity;
  if (!bridge_to_size(count, &floats) || !bridge_to_size(room, &capacity))
    return bridge_fail(NSC_ERROR_ARGUMENT, "a size that is none");
  nsc_status status = nsc_session_set_input_nhwc(session, 0, input, floats, err);
  if (status == NSC_OK) status = nsc_session_run(session, &cancel_flag, err);
  if (status != NSC_OK) return status;
  return nsc_session_get_output(session, 0, output, capacity * sizeof *output, err);
}

nsc_status bridge_session_json(const nsc_session *session) {
  nsc_error *err = bridge_begin();
  char *json = NULL;
  return bridge_finish(nsc_session_json(session, &json, err), json);
}
