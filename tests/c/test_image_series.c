/* Headers of files, series and stacks made of them, DICOMDIRs, archives. */
#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "dicom_builder.h"
#include "npz_builder.h"
#include "test.h"

#define CT "1.2.840.10008.5.1.4.1.1.2"

typedef struct slice {
  const char *patient, *study, *series, *sop, *position, *orientation, *kind;
  int instance, rows, frames, temporal; /* 0: left out */
} slice;

static void text(dicom_builder *b, uint32_t tag, const char *vr, const char *value) {
  if (value) dicom_text(b, tag, vr, value);
}

static void number(dicom_builder *b, uint32_t tag, int value) {
  char digits[16];
  snprintf(digits, sizeof digits, "%d", value);
  if (value) dicom_text(b, tag, "IS", digits);
}

/* A file of a few hundred bytes; elements in the order of their tags. */
static void build(dicom_builder *b, slice s) {
  int rows = s.rows ? s.rows : 2;
  uint16_t pixels[64] = {0};
  dicom_begin(b, EXPLICIT_LITTLE);
  text(b, 0x00080008, "CS", s.kind);
  dicom_text(b, 0x00080016, "UI", CT);
  text(b, 0x00080018, "UI", s.sop);
  dicom_text(b, 0x00080060, "CS", "CT");
  dicom_text(b, 0x0008103E, "LO", "thorax");
  text(b, 0x00100020, "LO", s.patient);
  text(b, 0x0020000D, "UI", s.study);
  text(b, 0x0020000E, "UI", s.series);
  number(b, 0x00200013, s.instance);
  text(b, 0x00200032, "DS", s.position);
  text(b, 0x00200037, "DS", s.orientation);
  number(b, 0x00200100, s.temporal);
  dicom_image(b, (dicom_pixels){.rows = (uint32_t)rows, .columns = 2, .allocated = 16, .frames = (uint32_t)s.frames});
  dicom_words(b, 0x7FE00010, "OW", pixels, (size_t)(2 * rows * (s.frames ? s.frames : 1)));
}

static const slice plain = {.study = "1.2", .series = "1.2.3", .orientation = "1\\0\\0\\0\\1\\0"};

static void add(nsc_index *index, const char *key, const char *path, slice s) {
  nsc_error err = {0};
  dicom_builder b = {0};
  char *json = NULL;
  build(&b, s);
  REQUIRE(nsc_header_json(b.bytes, b.size, b.size, &json, &err) == NSC_OK);
  CHECK_HAS(json, "\"kind\":\"image\"");
  CHECK_EQ(nsc_index_add(index, key, path, json, &err), NSC_OK);
  nsc_text_free(json);
  dicom_end(&b);
}

/* A slice at `z` mm with a key of its own. */
static void add_at(nsc_index *index, int instance, double z, slice s) {
  char key[16], position[48], sop[32];
  snprintf(key, sizeof key, "k%d", instance);
  snprintf(position, sizeof position, "-100\\-100\\%g", z);
  snprintf(sop, sizeof sop, "1.2.3.%d", instance);
  s.instance = instance;
  s.position = position;
  if (!s.sop) s.sop = sop;
  add(index, key, key, s);
}

static nsc_index *new_index(void) {
  nsc_index *index = NULL;
  return nsc_index_create(&index, NULL) == NSC_OK ? index : NULL;
}

/* The listing; the caller frees it. */
static char *listing(nsc_index *index) {
  char *json = NULL;
  nsc_error err = {0};
  CHECK_EQ(nsc_index_json(index, &json, &err), NSC_OK);
  return json;
}

static void check_listing(nsc_index *index, const char *part) {
  char *json = listing(index);
  CHECK_HAS(json, part);
  nsc_text_free(json);
}

static int count_of(const char *text, const char *part) {
  int n = 0;
  for (const char *at = text; at && (at = strstr(at, part)); at += strlen(part)) n++;
  return n;
}

TEST(header_needs_no_pixels_and_says_when_it_is_cut_off) {
  dicom_builder b = {0};
  nsc_error err = {0};
  char *json = NULL;
  slice s = plain;
  s.patient = "P1", s.instance = 7, s.position = "1\\2\\3.5", s.kind = "ORIGINAL\\PRIMARY\\LOCALIZER";
  build(&b, s);
  size_t head = b.size - 8 - 12 - 2; /* without pixels and the head of their element */
  while (head < b.size && nsc_header_json(b.bytes, head, 1 << 20, &json, &err) == NSC_ERROR_TRUNCATED) {
    err = (nsc_error){0};
    head++;
  }
  REQUIRE(json != NULL);
  CHECK(head < b.size);
  CHECK_HAS(json, "\"patientId\":\"P1\"");
  CHECK_HAS(json, "\"position\":[1,2,3.5]");
  CHECK_HAS(json, "\"instance\":7");
  CHECK_HAS(json, "\"localizer\":true");
  nsc_text_free(json);
  for (size_t n = 140; n < head; n++) { /* never half of the facts */
    err = (nsc_error){0};
    json = NULL;
    CHECK_EQ(nsc_header_json(b.bytes, n, 1 << 20, &json, &err), NSC_ERROR_TRUNCATED);
    nsc_text_free(json);
  }
  dicom_end(&b);
}

TEST(header_of_what_is_no_dicom) {
  nsc_error err = {0};
  char *json = NULL;
  CHECK_EQ(nsc_header_json((const uint8_t *)"PK\3\4....", 8, 8, &json, &err), NSC_OK);
  CHECK_STR(json, "{\"kind\":\"archive\"}");
  nsc_text_free(json);
  CHECK_EQ(nsc_header_json((const uint8_t *)"hello", 5, 5, &json, &err), NSC_OK);
  CHECK_STR(json, "{\"kind\":\"unknown\"}");
  nsc_text_free(json);
  CHECK_EQ(nsc_header_json((const uint8_t *)"", 0, 0, &json, &err), NSC_OK);
  nsc_text_free(json);
  CHECK_EQ(nsc_header_json((const uint8_t *)"hello", 5, 4, &json, &err), NSC_ERROR_ARGUMENT);
}

TEST(series_lies_along_its_normal_whatever_the_names_say) {
  nsc_index *index = new_index();
  const int order[] = {5, 1, 4, 2, 6, 3};
  for (int i = 0; i < 6; i++) add_at(index, order[i], order[i] * 2.5 - 40, plain);
  check_listing(index,
                "\"keys\":[\"k1\",\"k2\",\"k3\",\"k4\",\"k5\",\"k6\"],\"spacing\":2.5,\"positions\":[-37.5,-35,");
  check_listing(index, "\"gaps\":[],\"reports\":[]");
  check_listing(index, "\"space\":null,\"normal\":[0,0,1]}");
  nsc_index_remove(index, "k3");
  nsc_index_remove(index, "k3");
  check_listing(index, "\"keys\":[\"k1\",\"k2\",\"k4\",\"k5\",\"k6\"]");
  check_listing(index, "\"gaps\":[[1,1]],\"reports\":[{\"code\":\"missing\",\"count\":1}]");
  nsc_index_free(index);
}

TEST(series_begins_where_instance_numbers_begin) {
  nsc_index *index = new_index();
  for (int i = 1; i <= 4; i++) add_at(index, i, 100 - i * 5, plain); /* head first */
  check_listing(index, "\"keys\":[\"k1\",\"k2\",\"k3\",\"k4\"],\"spacing\":5,\"positions\":[95,90,85,80]");
  nsc_index_free(index);
  index = new_index();
  slice sagittal = plain; /* the normal is x here: z does not count */
  sagittal.orientation = "0\\1\\0\\0\\0\\-1";
  for (int i = 1; i <= 3; i++) {
    char key[8], position[32];
    snprintf(key, sizeof key, "k%d", i);
    snprintf(position, sizeof position, "%d\\0\\%d", -4 * i, 7 * (i % 2));
    sagittal.position = position, sagittal.instance = i;
    add(index, key, key, sagittal);
  }
  check_listing(index, "\"keys\":[\"k1\",\"k2\",\"k3\"],\"spacing\":4");
  nsc_index_free(index);
}

TEST(series_gaps_copies_and_uneven_distances) {
  nsc_index *index = new_index();
  const double places[] = {0, 1, 2, 5, 6, 7, 9};
  for (int i = 0; i < 7; i++) add_at(index, i + 1, places[i], plain);
  check_listing(index, "\"gaps\":[[2,2],[5,1]],\"reports\":[{\"code\":\"missing\",\"count\":3}]");
  slice copy = plain;
  copy.sop = "1.2.3.4"; /* of the fourth */
  add_at(index, 8, 5, copy);
  check_listing(index, "\"reports\":[{\"code\":\"missing\",\"count\":3},{\"code\":\"copies\",\"count\":1}]");
  nsc_index_free(index);
  index = new_index();
  const double odd[] = {0, 1, 2, 3.4, 4.4};
  for (int i = 0; i < 5; i++) add_at(index, i + 1, odd[i], plain);
  char *json = listing(index);
  CHECK_HAS(json, "\"reports\":[{\"code\":\"uneven\",\"least\":1,\"most\":1.4");
  CHECK(!strstr(json, "missing"));
  nsc_text_free(json);
  nsc_index_free(index);
}

TEST(series_at_several_times_follow_one_another) {
  nsc_index *index = new_index();
  slice s = plain;
  for (int i = 0; i < 6; i++) { /* instance numbers go through the times at each position */
    s.temporal = i % 2 + 1;
    add_at(index, i + 1, i / 2 * 3, s);
  }
  check_listing(index, "\"keys\":[\"k1\",\"k3\",\"k5\",\"k2\",\"k4\",\"k6\"]");
  check_listing(index, "\"reports\":[{\"code\":\"times\",\"count\":2}]");
  add_at(index, 7, 6, s);
  check_listing(index, "\"reports\":[{\"code\":\"repeated\",\"count\":4}]");
  nsc_index_free(index);
}

TEST(series_is_split_where_pictures_cannot_be_one_stack) {
  nsc_index *index = new_index();
  slice scout = plain, large = plain, turned = plain, cine = plain;
  scout.kind = "ORIGINAL\\PRIMARY\\LOCALIZER", large.rows = 4, turned.orientation = "0\\1\\0\\0\\0\\-1",
  cine.frames = 3;
  add_at(index, 1, 0, plain);
  add_at(index, 2, 1, scout);
  add_at(index, 3, 2, large);
  add_at(index, 4, 3, turned);
  add_at(index, 5, 4, cine);
  add_at(index, 6, 5, cine);
  add_at(index, 7, 6, plain);
  char *json = listing(index);
  CHECK_EQ(count_of(json, "\"parts\":6"), 6);
  CHECK_HAS(json, "\"keys\":[\"k1\",\"k7\"]");
  CHECK_EQ(count_of(json, "{\"code\":\"sizes\",\"count\":2}"), 6);
  CHECK_EQ(count_of(json, "\"frames\":3"), 2);
  nsc_text_free(json);
  nsc_index_free(index);
}

TEST(series_pictures_at_angles_of_their_own_share_a_stack) {
  nsc_index *index = new_index();
  slice frontal = plain, lateral = plain;
  frontal.orientation = "1\\0\\0\\0\\0\\-1", lateral.orientation = "0\\1\\0\\0\\0\\-1";
  add_at(index, 2, 0, lateral);
  add_at(index, 1, 0, frontal);
  for (int i = 3; i < 6; i++) add_at(index, i, i, plain);
  check_listing(index, "\"keys\":[\"k1\",\"k2\"],\"spacing\":null,\"positions\":null");
  check_listing(index, "\"reports\":[{\"code\":\"turned\",\"count\":2}]");
  check_listing(index, "\"keys\":[\"k3\",\"k4\",\"k5\"],\"spacing\":1");
  nsc_index_free(index);
}

TEST(series_of_two_patients_are_never_one) {
  nsc_index *index = new_index();
  slice a = plain, b = plain;
  a.patient = "7", b.patient = "007";
  add_at(index, 1, 0, a);
  add_at(index, 2, 1, b);
  char *json = listing(index);
  CHECK_EQ(count_of(json, "\"patientId\""), 2);
  CHECK_EQ(count_of(json, "\"keys\":"), 2);
  nsc_text_free(json);
  nsc_index_free(index);
}

TEST(series_without_geometry_go_by_number_then_name) {
  nsc_index *index = new_index();
  slice s = {.study = "1.2", .series = "1.2.3"};
  s.instance = 10;
  add(index, "ten", "im1", s);
  s.instance = 9;
  add(index, "nine", "im2", s);
  s.instance = 0;
  add(index, "b", "im20", s);
  add(index, "a", "im3", s);
  s.position = "nan\\0\\1", s.orientation = "1\\0\\0\\0\\1\\0"; /* no number, no place */
  add(index, "c", "im21", s);
  s.position = "0\\0\\1", s.orientation = "0\\0\\0\\0\\0\\0";
  add(index, "d", "im22", s);
  check_listing(index, "\"keys\":[\"nine\",\"ten\",\"a\",\"b\",\"c\",\"d\"],\"spacing\":null,\"positions\":null");
  nsc_index_free(index);
}

TEST(series_without_uid_stand_alone) {
  nsc_index *index = new_index();
  slice s = {.instance = 1};
  add(index, "a", "a", s);
  add(index, "b", "b", s);
  char *json = listing(index);
  CHECK_EQ(count_of(json, "\"keys\":"), 2);
  CHECK_EQ(count_of(json, "\"patientName\""), 1);
  nsc_text_free(json);
  nsc_index_free(index);
  index = new_index();
  check_listing(index, "[]");
  nsc_error err = {0};
  CHECK_EQ(nsc_index_add(index, "k", "p", "{\"position\":[1,2],\"series\":5,\"rows\":\"x\"}", &err), NSC_OK);
  CHECK_EQ(nsc_index_add(index, "k", "p", "[]", &err), NSC_OK);
  CHECK_EQ(nsc_index_add(index, "k", "p", "{", &err), NSC_ERROR_CORRUPT);
  check_listing(index, "\"uid\":null");
  nsc_index_free(index);
}

/* Built facts: what is measured is the index. One orientation each, or all in one stack. */
static void many(bool hostile) {
  nsc_index *index = new_index();
  nsc_error err = {0};
  clock_t start = clock();
  for (int i = 0; i < 10000; i++) {
    char key[16], facts[300];
    int n = (i * 7919) % 10000;
    double c = cos(n * 0.0006), s = sin(n * 0.0006);
    snprintf(key, sizeof key, "k%d", n);
    snprintf(
        facts, sizeof facts,
        "{\"kind\":\"image\",\"study\":\"1.2\",\"series\":\"1.2.3\",\"sop\":\"1.2.3.%d\",\"instance\":%d,\"rows\":512,"
        "\"columns\":512,\"position\":[0,0,%g],\"orientation\":[%.9g,%.9g,0,%.9g,%.9g,0]}",
        n, n, n * 0.5, hostile ? c : 1, hostile ? s : 0, hostile ? -s : 0, hostile ? c : 1);
    CHECK_EQ(nsc_index_add(index, key, key, facts, &err), NSC_OK);
  }
  char *json = listing(index);
  double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
  CHECK(seconds < 1);
  if (!hostile) CHECK_HAS(json, "\"keys\":[\"k0\",\"k1\",\"k2\",\"k3\",");
  nsc_text_free(json);
  nsc_index_free(index);
}

TEST(series_of_ten_thousand_files_in_a_second) {
  many(false);
  many(true);
}

/* ---- DICOMDIR ---- */

typedef struct records {
  dicom_builder b;
  size_t at[16];              /* offsets of the records */
  size_t next[16], lower[16]; /* where their links stand */
  int count;
} records;

static void put_link(dicom_builder *b, size_t at, size_t target) {
  for (int i = 0; i < 4; i++) b->bytes[at + (size_t)i] = (uint8_t)(target >> 8 * i);
}

static int record(records *r, const char *type) {
  uint8_t zero[4] = {0};
  r->at[r->count] = r->b.size;
  dicom_item(&r->b);
  dicom_bytes(&r->b, 0x00041400, "UL", zero, 4);
  r->next[r->count] = r->b.size - 4;
  dicom_bytes(&r->b, 0x00041420, "UL", zero, 4);
  r->lower[r->count] = r->b.size - 4;
  dicom_text(&r->b, 0x00041430, "CS", type);
  return r->count++;
}

static void image_record(records *r, const char *path, int instance) {
  record(r, "IMAGE");
  dicom_text(&r->b, 0x00041500, "CS", path);
  dicom_text(&r->b, 0x00041511, "UI", path[strlen(path) - 1] == '1' ? "1.2.3.1" : "1.2.3.2");
  number(&r->b, 0x00200013, instance);
  dicom_end_item(&r->b);
}

/* Patient, study, series and two images; `links`: with offsets, the second image linked before the first. */
static void build_directory(records *r, bool links) {
  uint8_t zero[4] = {0};
  dicom_begin(&r->b, EXPLICIT_LITTLE);
  dicom_text(&r->b, 0x00080016, "UI", "1.2.840.10008.1.3.10");
  dicom_bytes(&r->b, 0x00041200, "UL", zero, 4);
  size_t first = r->b.size - 4;
  dicom_open(&r->b, 0x00041220);
  record(r, "PATIENT");
  dicom_text(&r->b, 0x00100020, "LO", "P1");
  dicom_end_item(&r->b);
  record(r, "STUDY");
  dicom_text(&r->b, 0x0020000D, "UI", "1.2");
  dicom_end_item(&r->b);
  record(r, "SERIES");
  dicom_text(&r->b, 0x00080060, "CS", "CT");
  dicom_text(&r->b, 0x0020000E, "UI", "1.2.3");
  dicom_end_item(&r->b);
  image_record(r, "DICOM\\IM1", 2);
  image_record(r, "DICOM\\IM2", 1);
  dicom_close(&r->b);
  if (!links) return;
  put_link(&r->b, first, r->at[0]);
  for (int i = 0; i < 2; i++) put_link(&r->b, r->lower[i], r->at[i + 1]);
  put_link(&r->b, r->lower[2], r->at[4]);
  put_link(&r->b, r->next[4], r->at[3]);
  put_link(&r->b, r->next[3], r->at[4]); /* a circle: each is met once */
}

TEST(dicomdir_records_become_facts) {
  for (int links = 0; links < 2; links++) {
    records r = {0};
    nsc_error err = {0};
    char *json = NULL;
    build_directory(&r, links);
    REQUIRE(nsc_dicomdir_json(r.b.bytes, r.b.size, &json, &err) == NSC_OK);
    CHECK_EQ(count_of(json, "\"path\":"), 2);
    CHECK_HAS(json, "\"path\":\"DICOM/IM1\",\"facts\":{\"kind\":\"image\",\"patientName\":null,\"patientId\":\"P1\"");
    CHECK_EQ(count_of(json, "\"series\":\"1.2.3\""), 2);
    CHECK_HAS(json, "\"sop\":\"1.2.3.2\"");
    const char *one = strstr(json, "IM1"), *two = strstr(json, "IM2");
    CHECK(links ? two < one : one < two);
    nsc_text_free(json);
    CHECK_EQ(nsc_header_json(r.b.bytes, r.b.size, r.b.size, &json, &err), NSC_OK);
    CHECK_HAS(json, "\"kind\":\"directory\"");
    nsc_text_free(json);
    for (size_t n = 0; n < r.b.size; n++) { /* every truncation: an answer, no crash */
      json = NULL;
      err = (nsc_error){0};
      if (nsc_dicomdir_json(r.b.bytes, n, &json, &err) == NSC_OK) nsc_text_free(json);
    }
    dicom_end(&r.b);
  }
}

TEST(index_counts_files_that_are_absent) {
  nsc_index *index = new_index();
  nsc_error err = {0};
  add_at(index, 1, 0, plain);
  add_at(index, 2, 1, plain);
  const char *facts = "{\"study\":\"1.2\",\"series\":\"1.2.3\"}", *other = "{\"study\":\"1.2\",\"series\":\"1.2.9\"}";
  CHECK_EQ(nsc_index_add(index, NULL, "A/B", facts, &err), NSC_OK);
  CHECK_EQ(nsc_index_add(index, NULL, "A/C", other, &err), NSC_OK);
  check_listing(index, "\"keys\":[\"k1\",\"k2\"]");
  check_listing(index, "\"keys\":[]");
  char *json = listing(index);
  CHECK_EQ(count_of(json, "{\"code\":\"absent\",\"count\":1}"), 2);
  nsc_text_free(json);
  nsc_index_free(index);
}

/* ---- archives ---- */

static nsc_archive *open_archive(const npz_builder *b, const nsc_archive_options *options, nsc_error *err) {
  nsc_source *source = NULL;
  nsc_archive *archive = NULL;
  if (nsc_source_from_bytes(b->bytes, b->size, &source, err) != NSC_OK) return NULL;
  if (nsc_archive_open(source, options, &archive, err) == NSC_OK) return archive;
  nsc_source_free(source);
  return NULL;
}

TEST(archive_is_a_folder_of_files) {
  npz_builder b = {.deflate = true};
  nsc_error err = {0};
  npz_entry(&b, "ct/", "", 0);
  npz_entry(&b, "ct/a.dcm", "hello", 5);
  npz_entry(&b, "__MACOSX/ct/a.dcm", "x", 1);
  npz_entry(&b, "inner.zip", "PK\3\4....", 8);
  npz_end(&b);
  nsc_archive *archive = open_archive(&b, NULL, &err);
  REQUIRE(archive != NULL);
  char *json = NULL;
  CHECK_EQ(nsc_archive_json(archive, &json, &err), NSC_OK);
  CHECK_STR(json, "[{\"path\":\"ct/a.dcm\",\"size\":5},{\"path\":\"inner.zip\",\"size\":8}]");
  nsc_text_free(json);
  const uint8_t *bytes = NULL;
  size_t size = 0;
  REQUIRE(nsc_archive_read(archive, 0, &bytes, &size, &err) == NSC_OK);
  CHECK(size == 5 && memcmp(bytes, "hello", 5) == 0);
  CHECK_EQ(nsc_archive_read(archive, 1, &bytes, &size, &err), NSC_ERROR_UNSUPPORTED);
  CHECK_HAS(err.text, "inside an archive");
  CHECK_EQ(nsc_archive_read(archive, 2, &bytes, &size, NULL), NSC_ERROR_ARGUMENT);
  nsc_archive_free(archive);
}

TEST(archive_limits_and_encryption) {
  npz_builder b = {.deflate = true};
  nsc_error err = {0};
  npz_entry(&b, "a", "hello", 5);
  npz_entry(&b, "b", "hello", 5);
  npz_end(&b);
  CHECK(open_archive(&b, &(nsc_archive_options){.max_total = 9}, &err) == NULL);
  CHECK_EQ(err.status, NSC_ERROR_LIMIT);
  CHECK_HAS(err.text, "more than 9 bytes");
  err = (nsc_error){0};
  CHECK(open_archive(&b, &(nsc_archive_options){.max_entries = 1}, &err) == NULL);
  CHECK_HAS(err.text, "more than 1 files");
  /* A bomb: the directory announces 400 MB in all. */
  npz_builder bomb = b;
  for (size_t i = 0; i + 46 < bomb.size; i++) {
    if (memcmp(bomb.bytes + i, "PK\1\2", 4) == 0) memcpy(bomb.bytes + i + 24, "\0\0\0\x0C", 4);
  }
  err = (nsc_error){0};
  CHECK(open_archive(&bomb, NULL, &err) == NULL);
  CHECK_EQ(err.status, NSC_ERROR_LIMIT);
  CHECK_HAS(err.text, "which no pictures do");
  for (size_t i = 0; i + 46 < b.size; i++) {
    if (memcmp(b.bytes + i, "PK\1\2", 4) == 0) b.bytes[i + 8] |= 1;
  }
  err = (nsc_error){0};
  nsc_archive *archive = open_archive(&b, NULL, &err);
  REQUIRE(archive != NULL);
  const uint8_t *bytes;
  size_t size;
  CHECK_EQ(nsc_archive_read(archive, 0, &bytes, &size, &err), NSC_ERROR_UNSUPPORTED);
  CHECK_HAS(err.text, "encrypted");
  nsc_archive_free(archive);
}
