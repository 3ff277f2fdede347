/* base/: errors, sources, text and JSON, half floats, arenas. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/half.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "test.h"

TEST(error_first_one_stays) {
  nsc_error err = {0};
  CHECK_EQ(nsc_fail(&err, NSC_ERROR_CORRUPT, "row %d", 7), NSC_ERROR_CORRUPT);
  CHECK_EQ(nsc_fail(&err, NSC_ERROR_LIMIT, "later"), NSC_ERROR_LIMIT);
  CHECK_STR(err.text, "row 7");
  CHECK_EQ(err.status, NSC_ERROR_CORRUPT);
  CHECK_EQ(nsc_fail(NULL, NSC_ERROR_IO, "nobody listens"), NSC_ERROR_IO);
}

TEST(error_long_text_is_cut_between_characters) {
  nsc_error err = {0};
  char name[400] = "";
  for (int i = 0; i < 130; i++) memcpy(name + 3 * i, "\xE7\x89\x87", 4); /* 片 */
  (void)nsc_fail(&err, NSC_ERROR_CORRUPT, "%s", name);
  CHECK_EQ(strlen(err.text), 255);
  (void)memset(&err, 0, sizeof err);
  (void)nsc_fail(&err, NSC_ERROR_CORRUPT, "x%s", name);
  CHECK_EQ(strlen(err.text), 253); /* 1 + 84 * 3: the 85th would be cut in two */
}

TEST(status_names_are_stable) {
  CHECK_STR(nsc_status_name(NSC_OK), "NSC_OK");
  CHECK_STR(nsc_status_name(NSC_ERROR_INTERNAL), "NSC_ERROR_INTERNAL");
  CHECK_STR(nsc_status_name((nsc_status)99), "NSC_ERROR_?");
  for (int i = 0; i < NSC_STATUS_COUNT; i++) CHECK(strcmp(nsc_status_name((nsc_status)i), "NSC_ERROR_?") != 0);
}

TEST(source_grows_and_refuses_too_much) {
  nsc_source *s;
  nsc_error err = {0};
  REQUIRE(nsc_source_create(4, &s, &err) == NSC_OK);
  for (int i = 0; i < 100; i++) {
    uint8_t *to;
    REQUIRE(nsc_source_reserve(s, 10, &to, &err) == NSC_OK);
    memset(to, i, 10);
    CHECK_EQ(nsc_source_commit(s, 7, &err), NSC_OK);
  }
  CHECK_EQ(nsc_source_commit(s, 1, &err), NSC_ERROR_ARGUMENT);
  uint8_t *to;
  err = (nsc_error){0};
  CHECK_EQ(nsc_source_reserve(s, SIZE_MAX - 10, &to, &err), NSC_ERROR_MEMORY);
  nsc_source_free(s);
  nsc_source_free(NULL);
}

TEST(reader_stops_at_end) {
  nsc_reader r = nsc_reader_of("12345678", 8);
  CHECK(nsc_reader_take(&r, 3) != NULL);
  CHECK(nsc_reader_take(&r, 6) == NULL);
  CHECK(nsc_reader_take(&r, UINT64_MAX) == NULL);
  CHECK_EQ(r.at, 3);
  CHECK(nsc_reader_take(&r, 5) != NULL);
  CHECK_EQ(nsc_reader_left(&r), 0);
}

TEST(json_writes_what_it_reads) {
  nsc_text t = {0};
  nsc_json_object(&t);
  nsc_json_key(&t, "a\"b"), nsc_json_string(&t, "line\n\\ \x01");
  nsc_json_key(&t, "list"), nsc_json_array(&t);
  nsc_json_int(&t, -5), nsc_json_number(&t, 0.1), nsc_json_float(&t, 0.1f), nsc_json_bool(&t, true), nsc_json_null(&t);
  nsc_json_number(&t, NAN);
  nsc_json_end_array(&t);
  nsc_json_key(&t, "bad"), nsc_json_string_n(&t, "\xFFz\xE7\x89", 4);
  nsc_json_end_object(&t);
  char *text;
  nsc_error err = {0};
  REQUIRE(nsc_text_finish(&t, &text, &err) == NSC_OK);
  CHECK_STR(text,
            "{\"a\\\"b\":\"line\\u000a\\\\ \\u0001\",\"list\":[-5,0.1,0.1,true,null,null],"
            "\"bad\":\"\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD\"}");
  nsc_json json;
  REQUIRE(nsc_json_parse(text, strlen(text), &json, &err) == NSC_OK);
  CHECK_STR(nsc_json_get(json.values, "a\"b")->string, "line\n\\ \x01");
  const nsc_json_value *list = nsc_json_get(json.values, "list");
  CHECK_EQ(list->count, 6);
  CHECK_NEAR(nsc_json_next(nsc_json_first(list))->number, 0.1, 0);
  CHECK(nsc_json_get(json.values, "none") == NULL);
  nsc_json_drop(&json);
  nsc_text_free(text);
}

TEST(json_unescapes) {
  nsc_json json;
  nsc_error err = {0};
  const char text[] = " [\"\\u00e9\\u7247\\ud83d\\ude00\\/\"] ";
  REQUIRE(nsc_json_parse(text, strlen(text), &json, &err) == NSC_OK);
  CHECK_STR(nsc_json_first(json.values)->string, "\xC3\xA9\xE7\x89\x87\xF0\x9F\x98\x80/");
  nsc_json_drop(&json);
}

TEST(json_refuses_what_is_none) {
  static const char *const bad[] = {"",        "{",           "[1,]",        "{\"a\" 1}", "{\"a\":}", "[1 2]", "nul",
                                    "\"\\x\"", "\"\\ud800\"", "\"\\u0000\"", "\"a",       "[\"\t\"]", "1 2",   "+1",
                                    "{1:2}",   "[",           "]",           "--1",       "\"\\"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    nsc_json json;
    nsc_error err = {0};
    CHECK_EQ(nsc_json_parse(bad[i], strlen(bad[i]), &json, &err), NSC_ERROR_CORRUPT);
    CHECK_HAS(err.text, "at byte");
  }
  char deep[200];
  memset(deep, '[', sizeof deep);
  nsc_json json;
  CHECK_EQ(nsc_json_parse(deep, sizeof deep, &json, NULL), NSC_ERROR_LIMIT);
}

TEST(half_all_values_survive) {
  for (uint32_t h = 0; h < 0x10000; h++) {
    float value = nsc_half_to_float((uint16_t)h);
    bool nan = (h & 0x7C00) == 0x7C00 && (h & 0x3FF);
    if (nan) {
      CHECK(isnan(value));
    } else if (nsc_half_from_float(value) != h) {
      test_failed(__FILE__, __LINE__, "half %04x became %04x", h, nsc_half_from_float(value));
    }
  }
  CHECK_NEAR(nsc_half_to_float(0x3C00), 1, 0);
  CHECK_NEAR(nsc_half_to_float(0x0001), 0x1p-24, 0);
  CHECK_NEAR(nsc_half_to_float(0x7BFF), 65504, 0);
}

TEST(half_rounds_to_even) {
  CHECK_EQ(nsc_half_from_float(1 + 0x1p-11f), 0x3C00);     /* tie to even: down */
  CHECK_EQ(nsc_half_from_float(1 + 3 * 0x1p-11f), 0x3C02); /* tie to even: up */
  CHECK_EQ(nsc_half_from_float(1 + 0x1.01p-11f), 0x3C01);
  CHECK_EQ(nsc_half_from_float(65519), 0x7BFF);
  CHECK_EQ(nsc_half_from_float(65520), 0x7C00);
  CHECK_EQ(nsc_half_from_float(-0x1p-26f), 0x8000);
}

TEST(arena_keeps_everything_apart) {
  nsc_arena a = {0};
  uint8_t *blocks[200];
  for (size_t i = 0; i < 200; i++) {
    blocks[i] = nsc_arena_alloc(&a, i * 97 + 1, 1);
    REQUIRE(blocks[i] != NULL);
    CHECK_EQ((uintptr_t)blocks[i] % 8, 0);
    CHECK_EQ(blocks[i][i * 97], 0);
    memset(blocks[i], (int)i, i * 97 + 1);
  }
  for (size_t i = 0; i < 200; i++) CHECK_EQ(blocks[i][i * 97], i & 0xFF);
  CHECK(nsc_arena_alloc(&a, SIZE_MAX, 2) == NULL);
  CHECK(nsc_arena_alloc(&a, SIZE_MAX - 5, 1) == NULL);
  nsc_arena_free(&a);
}

TEST(hash_of_pieces_is_that_of_the_whole) {
  unsigned char bytes[101];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * 37 + 5);
  for (size_t size = 0; size <= sizeof bytes; size++) {
    for (size_t piece = 8; piece <= 40; piece += 8) {
      size_t at = 0;
      uint64_t hash = nsc_hash_begin(9, size);
      for (; size - at > piece; at += piece) hash = nsc_hash_add(hash, bytes + at, piece);
      CHECK(nsc_hash_end(hash, bytes + at, size - at) == nsc_hash(9, bytes, size));
    }
  }
}

TEST(text_takes_bytes_before_others) {
  nsc_text t = {0};
  char *out;
  nsc_error err = {0};
  nsc_text_reserve(&t, 4);
  nsc_text_prepend(&t, "c", 1);
  nsc_text_prepend(&t, "ab", 2);
  nsc_text_put(&t, "d");
  REQUIRE(nsc_text_finish(&t, &out, &err) == NSC_OK);
  CHECK_STR(out, "abcd");
  nsc_text_free(out);
}
