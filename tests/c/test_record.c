/* Reports: digests, packed pictures, the manifest of a run, and its repetition. */
#include <stdlib.h>

#include "base/base64.h"
#include "base/deflate.h"
#include "base/error.h"
#include "base/json.h"
#include "base/png_write.h"
#include "base/sha256.h"
#include "dicom_builder.h"
#include "onnx_builder.h"
#include "pipeline/explain.h"
#include "test.h"

/* ---- digests and packing ---- */

/* Those of FIPS 180-4's examples, the empty message, and a million of one letter. */
TEST(sha256_of_known_messages) {
  char hex[NSC_SHA256_ROOM];
  nsc_sha256_hex("abc", 3, hex);
  CHECK_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  nsc_sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, hex);
  CHECK_STR(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  nsc_sha256_hex("", 0, hex);
  CHECK_STR(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  char *many = malloc(1000000);
  REQUIRE(many);
  memset(many, 'a', 1000000);
  nsc_sha256_hex(many, 1000000, hex);
  CHECK_STR(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  free(many);
}

/* Noise, runs, far and near repetitions: the PNG reader, which unpacks with libdeflate, gives what was packed. */
static void there_and_back(const uint8_t *bytes, uint32_t width, uint32_t height) {
  nsc_text png = {0};
  nsc_source *source = NULL;
  nsc_image *image = NULL;
  const void *samples;
  REQUIRE(nsc_png_write(bytes, width, height, 1, nsc_zlib_put, &png, NULL) == NSC_OK && !png.failed);
  REQUIRE(nsc_source_from_bytes(png.chars, png.size, &source, NULL) == NSC_OK);
  REQUIRE(nsc_image_open(source, NULL, &image, NULL) == NSC_OK);
  REQUIRE(nsc_image_frame(image, 0, &samples, NULL) == NSC_OK);
  CHECK(memcmp(bytes, samples, (size_t)width * height) == 0);
  nsc_image_free(image);
  nsc_text_drop(&png);
}

TEST(deflate_is_undone_by_libdeflate) {
  enum { MOST = 200000 };
  uint8_t *bytes = malloc(MOST);
  uint32_t state = 3;
  REQUIRE(bytes);
  for (size_t i = 0; i < MOST; i++) {
    state = state * 1664525u + 1013904223u;
    bytes[i] = i % 5000 < 1000      ? (uint8_t)(state >> 24)
               : i > 40000 && i % 3 ? bytes[i - 32768 + i % 7]
                                    : (uint8_t)(i / 300);
  }
  for (uint32_t size = 1; size < 600; size++) there_and_back(bytes, size, 1);
  there_and_back(bytes, 500, MOST / 500);
  memset(bytes, 7, MOST);
  for (uint32_t size = 250; size < 530; size++) there_and_back(bytes, size, 1);
  there_and_back(bytes, 500, MOST / 500);
  free(bytes);
}

TEST(json_is_written_again) {
  static const char text[] = "{\"a\":[1,2.5,-1e-7,true,null],\"b\":{\"ms\":3,\"c\":\"x\\\"y\"},\"ms\":4}";
  static const char *const without[] = {"ms", NULL};
  nsc_json json;
  nsc_text t = {0};
  char *out;
  REQUIRE(nsc_json_parse(text, strlen(text), &json, NULL) == NSC_OK);
  nsc_json_write(&t, &json.values[0], without);
  REQUIRE(nsc_text_finish(&t, &out, NULL) == NSC_OK);
  CHECK_STR(out, "{\"a\":[1,2.5,-1e-07,true,null],\"b\":{\"c\":\"x\\\"y\"}}");
  CHECK(isnan(nsc_json_number_of(&json.values[0], "b")) && !nsc_json_text_of(&json.values[0], "ms"));
  nsc_text_free(out);
  nsc_json_drop(&json);
}

/* ---- a run ---- */

enum { SIDE = 6 };

/* A DICOM file whose mean decides: the probability of "yes" is the sigmoid of (4 x mean - 1). */
static nsc_image *picture(uint16_t value, const char *patient) {
  uint16_t values[SIDE * SIDE];
  for (int i = 0; i < SIDE * SIDE; i++) values[i] = (uint16_t)(value + (i < SIDE ? 20 : 0));
  dicom_builder b = {0};
  dicom_begin(&b, EXPLICIT_LITTLE);
  dicom_text(&b, 0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.4");
  dicom_text(&b, 0x00080018, "UI", "2.25.9");
  dicom_text(&b, 0x00080020, "DA", "20240229");
  dicom_text(&b, 0x00080060, "CS", "MR");
  dicom_text(&b, 0x00100010, "PN", patient);
  dicom_text(&b, 0x00100020, "LO", "P<7>");
  dicom_text(&b, 0x0020000D, "UI", "2.25.7");
  dicom_text(&b, 0x0020000E, "UI", "2.25.8");
  dicom_text(&b, 0x00280030, "DS", "2\\2");
  dicom_image(&b, (dicom_pixels){.rows = SIDE, .columns = SIDE, .allocated = 16, .stored = 8, .high = 7});
  dicom_words(&b, 0x7FE00010, "OW", values, SIDE * SIDE);
  nsc_image *image = test_open(b.bytes, b.size, NULL);
  dicom_end(&b);
  return image;
}

static nsc_model *model_of(float weight) {
  const char *const metadata[] = {
      "nsc.input",  "{\"width\":6,\"height\":6,\"channels\":1,\"range\":{\"kind\":\"type\"}}",
      "nsc.name",   "mean",
      "nsc.task",   "binary",
      "nsc.labels", "[\"no\",\"yes <b>\"]",
      "nsc.output", "logits",
      "nsc.advice", "{\"yes <b>\":\"Look again.\"}",
      "nsc.limits", "Means & nothing else.",
      NULL};
  const float bias = -1;
  onnx_builder b = {0};
  onnx_attributes a = {0};
  onnx_input(&b, "x", 4, (const int64_t[]){1, 1, SIDE, SIDE});
  onnx_output(&b, "y", 2, (const int64_t[]){1, 1});
  onnx_floats(&b, "w", 2, (const int64_t[]){1, 1}, &weight);
  onnx_floats(&b, "b", 1, (const int64_t[]){1}, &bias);
  onnx_node(&b, "GlobalAveragePool", "x", "g", NULL);
  onnx_node(&b, "Flatten", "g", "f", NULL);
  onnx_int(&a, "transB", 1);
  onnx_node(&b, "Gemm", "f w b", "y", &a);
  for (const char *const *m = metadata; *m; m += 2) onnx_metadata(&b, m[0], m[1]);
  return onnx_model(&b);
}

typedef struct run {
  nsc_model *model;
  nsc_classifier *classifier;
  nsc_image *image;
  nsc_explanation *explanation;
  nsc_stability *stability;
  nsc_record *record;
} run;

static const char digest[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char marks[] =
    "[{\"kind\":\"length\",\"points\":[[0,0],[3,4]],\"text\":\"a <b>\"},{\"kind\":\"arrow\",\"points\":[[1,1],[2,2]]}]";

static nsc_status begin(run *r, uint16_t value, float weight, bool nameless, nsc_error *err) {
  const nsc_explain_options how = {.method = NSC_EXPLAIN_OCCLUSION, .label = -1, .window = 2, .stride = 2};
  const nsc_record_options options = {.time = "2026-01-02T03:04:05Z",
                                      .image_name = "doe.dcm",
                                      .image_sha256 = digest,
                                      .nameless = nameless,
                                      .threshold = 0.5,
                                      .marks = marks};
  uint32_t done, total;
  *r = (run){.model = model_of(weight), .image = picture(value, "Doe^Jane")};
  NSC_TRY(nsc_classifier_create(r->model, NULL, &r->classifier, err));
  NSC_TRY(nsc_explanation_create(r->classifier, r->image, 0, &how, NULL, &r->explanation, err));
  nsc_explanation_progress(r->explanation, &done, &total);
  for (; done < total; done++) NSC_TRY(nsc_explanation_step(r->explanation, NULL, err));
  NSC_TRY(nsc_stability_create(r->classifier, r->image, 0, 2, 5, NULL, &r->stability, err));
  nsc_stability_progress(r->stability, &done, &total);
  for (; done < total; done++) NSC_TRY(nsc_stability_step(r->stability, NULL, err));
  return nsc_record_create(r->classifier, r->image, 0, r->explanation, r->stability, &options, &r->record, err);
}

static void finish(run *r) {
  nsc_record_free(r->record);
  nsc_stability_free(r->stability);
  nsc_explanation_free(r->explanation);
  nsc_image_free(r->image);
  nsc_classifier_free(r->classifier);
  nsc_model_free(r->model);
}

static char *json_of(const run *r) {
  char *json = NULL;
  CHECK_EQ(nsc_record_json(r->record, &json, NULL), NSC_OK);
  return json;
}

TEST(record_says_what_was_run) {
  run r;
  nsc_error err = {0};
  nsc_json parsed;
  if (begin(&r, 100, 4, false, &err) != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  char *json = json_of(&r);
  REQUIRE(json && nsc_json_parse(json, strlen(json), &parsed, &err) == NSC_OK);
  const nsc_json_value *root = &parsed.values[0], *image = nsc_json_get(root, "image");
  const nsc_json_value *labels = nsc_json_get(nsc_json_get(root, "result"), "labels");
  const nsc_json_value *yes = nsc_json_next(nsc_json_first(labels));
  /* The first of six rows is 20 brighter. */
  double logit = 4 * (100 + 20 / 6.0) / 255 - 1;
  CHECK_NEAR(nsc_json_number_of(yes, "logit"), logit, 1e-5);
  CHECK_NEAR(nsc_json_number_of(yes, "score"), 1 / (1 + exp(-logit)), 1e-6);
  CHECK_STR(nsc_json_text_of(nsc_json_get(root, "result"), "verdict"), "yes <b>");
  CHECK_STR(nsc_json_text_of(image, "sha256"), digest);
  CHECK_STR(nsc_json_text_of(nsc_json_get(image, "patient"), "name"), "Doe^Jane");
  CHECK_EQ(nsc_json_number_of(image, "frame"), 1);
  CHECK_EQ(strlen(nsc_json_text_of(nsc_json_get(root, "model"), "sha256")), 64);
  CHECK_STR(nsc_json_text_of(nsc_json_get(root, "explanation"), "method"), "occlusion");
  CHECK(!strstr(json, "\"outline\"") && !strstr(json, "\"histogram\""));
  CHECK_EQ(nsc_json_number_of(nsc_json_get(root, "stability"), "seed"), 5);
  const nsc_json_value *mark = nsc_json_first(nsc_json_get(root, "marks"));
  CHECK_NEAR(nsc_json_number_of(nsc_json_get(mark, "value"), "length"), 10, 1e-9);
  nsc_json_drop(&parsed);
  nsc_text_free(json);
  finish(&r);
}

TEST(record_without_names) {
  run r;
  nsc_error err = {0};
  if (begin(&r, 100, 4, true, &err) != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  char *json = json_of(&r);
  REQUIRE(json);
  CHECK(!strstr(json, "Doe") && !strstr(json, "P<7>") && !strstr(json, "doe.dcm") && !strstr(json, "2.25.") &&
        !strstr(json, "20240229"));
  CHECK_HAS(json, digest);
  nsc_text_free(json);
  finish(&r);
}

/* What a comparison of a report with another run says. */
static char *compared(const char *report, const run *again) {
  nsc_record_request *request = NULL;
  char *out = NULL;
  nsc_error err = {0};
  if (nsc_record_request_read(report, strlen(report), &request, &err) != NSC_OK ||
      nsc_record_compare(request, again->record, &out, &err) != NSC_OK) {
    test_failed(__FILE__, __LINE__, "%s", err.text);
  }
  nsc_record_request_free(request);
  return out;
}

/* A copy with one place of it changed. */
static char *changed(const char *text, const char *from, const char *to) {
  const char *at = strstr(text, from);
  char *out = malloc(strlen(text) + strlen(to) + 1);
  if (!at || !out) {
    test_failed(__FILE__, __LINE__, "there is no %s in %s", from, text);
    return out;
  }
  sprintf(out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
  return out;
}

TEST(record_repeated) {
  run one, same, other;
  nsc_error err = {0};
  if (begin(&one, 100, 4, false, &err) != NSC_OK || begin(&same, 100, 4, true, &err) != NSC_OK ||
      begin(&other, 100, 4.0001f, false, &err) != NSC_OK) {
    test_failed(__FILE__, __LINE__, "%s", err.text);
  }
  char *report = json_of(&one), *said = compared(report, &same);
  CHECK_HAS(said, "{\"equal\":true,\"exact\":true,\"sameBuild\":true,\"largest\":0,\"differences\":[]}");
  nsc_text_free(said);
  said = compared(report, &other); /* another model by its digest; its score is another within 1e-5 */
  CHECK_HAS(said, "{\"equal\":false,\"exact\":false");
  CHECK_HAS(said, "{\"path\":\"model.sha256\"");
  CHECK_HAS(said, "{\"path\":\"result.labels[1].score\"");
  nsc_text_free(said);
  char *elsewhere = changed(report, "\"build\":\"", "\"build\":\"x"); /* another build: near is equal */
  said = compared(elsewhere, &other);
  CHECK_HAS(said, "\"sameBuild\":false");
  CHECK_HAS(said, "{\"path\":\"model.sha256\"");
  CHECK(!strstr(said, "result.labels"));
  nsc_text_free(said);
  char *far = changed(elsewhere, "\"score\":", "\"score\":0.5,\"was\":");
  said = compared(far, &one);
  CHECK_HAS(said, "{\"path\":\"result.labels[0].score\",\"reported\":0.5,");
  nsc_text_free(said);
  free(far), free(elsewhere);
  nsc_text_free(report);
  finish(&one), finish(&same), finish(&other);
}

TEST(record_request) {
  run r;
  nsc_error err = {0};
  if (begin(&r, 100, 4, false, &err) != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  char *report = json_of(&r);
  nsc_record_request *request;
  nsc_explain_options explain;
  double threshold;
  uint32_t draws;
  uint64_t seed;
  REQUIRE(nsc_record_request_read(report, strlen(report), &request, &err) == NSC_OK);
  CHECK_EQ(nsc_record_request_frame(request, &threshold), 0);
  CHECK_EQ(threshold, 0.5);
  CHECK(nsc_record_request_explanation(request, &explain));
  CHECK_EQ(explain.method, NSC_EXPLAIN_OCCLUSION);
  CHECK_EQ(explain.window, 2);
  CHECK(nsc_record_request_stability(request, &draws, &seed));
  CHECK_EQ(draws, 2);
  CHECK_EQ(seed, 5);
  CHECK_STR(nsc_record_request_model(request), "mean");
  nsc_record_request_free(request);
  for (size_t size = 0; size < strlen(report); size += 7) { /* cut anywhere it is no manifest */
    CHECK_EQ(nsc_record_request_read(report, size, &request, NULL), NSC_ERROR_CORRUPT);
  }
  char *later = changed(report, "\"version\":1", "\"version\":2");
  CHECK_EQ(nsc_record_request_read(later, strlen(later), &request, &err), NSC_ERROR_CORRUPT);
  CHECK_HAS(err.text, "another version");
  free(later);
  char *frame = changed(report, "\"frame\":1", "\"frame\":0");
  CHECK_EQ(nsc_record_request_read(frame, strlen(frame), &request, NULL), NSC_ERROR_CORRUPT);
  free(frame);
  nsc_text_free(report);
  finish(&r);
}

TEST(record_refuses) {
  run r;
  nsc_error err = {0};
  if (begin(&r, 100, 4, false, &err) != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  static const char *const times[] = {
      NULL, "", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02T03:04:05+1:00", "2026-01-02T03:04:05ZZ"};
  nsc_record *record = NULL;
  for (int i = 0; i < 6; i++) {
    const nsc_record_options options = {.time = times[i], .threshold = 0.5};
    CHECK_EQ(nsc_record_create(r.classifier, r.image, 0, NULL, NULL, &options, &record, NULL), NSC_ERROR_ARGUMENT);
  }
  static const char *const drawn[] = {"[{\"kind\":\"knot\",\"points\":[[0,0],[1,1]]}]",
                                      "[{\"kind\":\"length\"}]",
                                      "{}",
                                      "[{\"kind\":\"length\",\"points\":[[0,0]]}]",
                                      "[{\"kind\":\"arrow\",\"points\":[[0,0]]}]",
                                      "[{\"kind\":\"text\",\"points\":[[0]]}]"};
  for (int i = 0; i < 6; i++) {
    const nsc_record_options options = {.time = "2026-01-02T03:04:05+01:00", .threshold = 0.5, .marks = drawn[i]};
    CHECK_EQ(nsc_record_create(r.classifier, r.image, 0, NULL, NULL, &options, &record, NULL), NSC_ERROR_ARGUMENT);
  }
  const nsc_record_options options = {.time = "2026-01-02T03:04:05Z", .image_sha256 = "abc"};
  CHECK_EQ(nsc_record_create(r.classifier, r.image, 0, NULL, NULL, &options, &record, NULL), NSC_ERROR_ARGUMENT);
  finish(&r);
}

/* ---- the page ---- */

static char *page_of(const run *r, const char *language, const char *page) {
  char *html = NULL;
  nsc_error err = {0};
  if (nsc_record_html(r->record, language, page, &html, &err) != NSC_OK) {
    test_failed(__FILE__, __LINE__, "%s", err.text);
  }
  return html;
}

TEST(record_page) {
  run r;
  nsc_error err = {0};
  if (begin(&r, 100, 4, false, &err) != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  char *html = page_of(&r, "en", NULL);
  REQUIRE(html);
  /* The sigmoid of 4 x 103.33 / 255 - 1. */
  CHECK_HAS(html, "The score of “yes &lt;b&gt;” is 65.0 %: at or above the model&#39;s threshold of 50.0 %.");
  CHECK_HAS(html, "That is borderline"); /* odds of 1.86 to 1 */
  CHECK_HAS(html, "Doe^Jane");
  CHECK_HAS(html, "P&lt;7&gt;");
  CHECK_HAS(html, "Means &amp; nothing else.");
  CHECK_HAS(html, "Look again.");
  CHECK_HAS(html, "not a lesion");
  CHECK_HAS(html, "For research and teaching. Not for diagnosis.");
  CHECK_HAS(html, digest);
  CHECK_HAS(html, "a &lt;b&gt; 10.0 mm");
  CHECK_HAS(html, "@page{size:A4");
  CHECK(!strstr(html, "<script") && !strstr(html, "{{") && !strstr(html, "<b>\">") && !strstr(html, "style=\""));
  nsc_text_free(html);
  html = page_of(&r, "zh-CN", NULL);
  REQUIRE(html);
  CHECK_HAS(html, "<html lang=\"zh-CN\">");
  CHECK_HAS(html, "仅供研究与教学，不得用于诊断。");
  CHECK(!strstr(html, "Not for diagnosis"));
  nsc_text_free(html);
  finish(&r);
  if (begin(&r, 220, 4, false, &err) != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  html = page_of(&r, "en", "{{words}}");
  REQUIRE(html);
  CHECK(!strstr(html, "borderline"));
  nsc_text_free(html);
  finish(&r);
  if (begin(&r, 100, 4, true, &err) != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  html = page_of(&r, NULL, NULL);
  REQUIRE(html);
  CHECK(!strstr(html, "Doe") && !strstr(html, "P&lt;7&gt;") && !strstr(html, "20240229") && !strstr(html, "2.25."));
  CHECK(!strstr(html, "<h2>Patient</h2>"));
  nsc_text_free(html);
  finish(&r);
}

/* The picture in the page is the rendered one: the first row is 20 levels brighter, and greys need one channel. */
TEST(record_page_holds_the_picture) {
  run r;
  nsc_error err = {0};
  nsc_source *source = NULL;
  nsc_image *image = NULL;
  nsc_image_info info;
  const void *samples;
  uint8_t png[4096];
  if (begin(&r, 100, 4, false, &err) != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  char *html = page_of(&r, "en", "{{picture}}");
  REQUIRE(html);
  const char *from = strstr(html, "base64,") + 7;
  size_t length = strcspn(from, "\""), size = length / 4 * 3;
  size -= (from[length - 1] == '=') + (from[length - 2] == '=');
  REQUIRE(size < sizeof png && nsc_base64_read(from, length, png, size));
  REQUIRE(nsc_source_from_bytes(png, size, &source, NULL) == NSC_OK &&
          nsc_image_open(source, NULL, &image, NULL) == NSC_OK);
  nsc_image_get_info(image, &info);
  CHECK_EQ(info.width, SIDE);
  CHECK_EQ(info.channels, 1);
  REQUIRE(nsc_image_frame(image, 0, &samples, NULL) == NSC_OK);
  nsc_view view;
  uint8_t rgba[SIDE * SIDE * 4];
  REQUIRE(nsc_view_default(r.image, 0, &view, NULL) == NSC_OK &&
          nsc_render(r.image, &view, rgba, sizeof rgba, NULL) == NSC_OK);
  for (int i = 0; i < SIDE * SIDE; i++) CHECK_EQ(((const uint8_t *)samples)[i], rgba[4 * i]);
  nsc_image_free(image);
  nsc_text_free(html);
  finish(&r);
}

TEST(record_template) {
  run r;
  nsc_error err = {0};
  char *html = NULL;
  if (begin(&r, 100, 4, true, &err) != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  html = page_of(&r, "en",
                 "{ {{verdict}} }{{#patient}}[{{patient}}]{{/patient}}{{#limits}}({{limits}}){{/limits}} {{t.time}}");
  CHECK_STR(html, "{ yes &lt;b&gt; }(Means &amp; nothing else.) Time");
  nsc_text_free(html);
  static const struct {
    const char *page, *says;
  } wrong[] = {{"a {{nothing}} b", "{{nothing}}"}, {"{{t.nowhere}}", "{{t.nowhere}}"},
               {"{{verdict", "{{verdict"},         {"{{}}", "empty"},
               {"{{#verdict}}x", "{{#verdict}}"},  {"{{#what}}x{{/what}}", "{{what}}"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    err = (nsc_error){0};
    CHECK_EQ(nsc_record_html(r.record, "en", wrong[i].page, &html, &err), NSC_ERROR_ARGUMENT);
    CHECK_HAS(err.text, wrong[i].says);
  }
  err = (nsc_error){0};
  CHECK_EQ(nsc_record_html(r.record, "fr", NULL, &html, &err), NSC_ERROR_ARGUMENT);
  CHECK_HAS(err.text, "\"fr\"");
  finish(&r);
}

/* ---- DICOM ---- */

static nsc_image *object_of(const run *r, nsc_record_object object) {
  static const uint64_t key[2] = {3, 4};
  char *bytes = NULL;
  size_t size = 0;
  nsc_error err = {0};
  if (nsc_record_dicom(r->record, object, key, &bytes, &size, &err) != NSC_OK) {
    test_failed(__FILE__, __LINE__, "%s", err.text);
    return NULL;
  }
  nsc_image *image = test_open((const uint8_t *)bytes, size, NULL);
  nsc_text_free(bytes);
  return image;
}

/* The capture is the picture with the map over it; the segmentation is where the map is high enough. */
TEST(record_images) {
  run r;
  nsc_error err = {0};
  nsc_view view;
  uint8_t rgba[SIDE * SIDE * 4], mask[SIDE * SIDE];
  const void *samples;
  if (begin(&r, 100, 4, false, &err) != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  nsc_image *capture = object_of(&r, NSC_RECORD_SC), *segmentation = object_of(&r, NSC_RECORD_SEG);
  REQUIRE(capture && segmentation);
  REQUIRE(nsc_view_default(r.image, 0, &view, NULL) == NSC_OK &&
          nsc_render(r.image, &view, rgba, sizeof rgba, NULL) == NSC_OK &&
          nsc_explanation_blend(r.explanation, 0.5, 0.5, NSC_EXPLAIN_COLOR_MAP, rgba, SIDE, SIDE, sizeof rgba, NULL) ==
              NSC_OK);
  REQUIRE(nsc_image_frame(capture, 0, &samples, NULL) == NSC_OK);
  for (int i = 0; i < SIDE * SIDE; i++) CHECK(memcmp((const uint8_t *)samples + 3 * i, rgba + 4 * i, 3) == 0);
  REQUIRE(nsc_explanation_mask(r.explanation, 0.5, mask, sizeof mask, NULL) == NSC_OK);
  REQUIRE(nsc_image_frame(segmentation, 0, &samples, NULL) == NSC_OK);
  int inside = 0;
  for (int i = 0; i < SIDE * SIDE; i++) {
    CHECK_EQ(((const uint8_t *)samples)[i], mask[i]);
    inside += mask[i];
  }
  CHECK(inside > 0 && inside < SIDE * SIDE);
  nsc_image_free(capture);
  nsc_image_free(segmentation);
  finish(&r);
}

TEST(record_fhir_is_json) {
  run r;
  nsc_error err = {0};
  nsc_json parsed;
  char *json = NULL;
  if (begin(&r, 100, 4, false, &err) != NSC_OK) test_failed(__FILE__, __LINE__, "%s", err.text);
  REQUIRE(nsc_record_fhir(r.record, "zh-CN", &json, &err) == NSC_OK);
  REQUIRE(nsc_json_parse(json, strlen(json), &parsed, &err) == NSC_OK);
  CHECK_STR(nsc_json_text_of(&parsed.values[0], "resourceType"), "DiagnosticReport");
  CHECK_STR(nsc_json_text_of(&parsed.values[0], "language"), "zh-CN");
  CHECK_HAS(json, "“yes <b>”的得分");
  CHECK_HAS(json, "不得用于诊断");
  nsc_json_drop(&parsed);
  nsc_text_free(json);
  CHECK_EQ(nsc_record_fhir(r.record, "fr", &json, NULL), NSC_ERROR_ARGUMENT);
  finish(&r);
}
