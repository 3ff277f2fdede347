/* Readers of data sets: tables and .npz files, good and hostile. */
#include <stdlib.h>

#include "base/rng.h"
#include "npz_builder.h"
#include "test.h"
#include "train/npz.h"
#include "train/table.h"

/* ---- tables ---- */

static nsc_status parse(const char *text, nsc_table *out, nsc_error *err) {
  *err = (nsc_error){0};
  *out = (nsc_table){0};
  return nsc_table_parse(text, strlen(text), out, err);
}

TEST(table_columns_in_any_order) {
  nsc_table t;
  nsc_error err;
  REQUIRE(
      parse("Split,notes,LABEL,Patient, Filename\r\ntrain,x,cat,p1,a/b.png\r\n,y,dog,,c.png\r\nTESTING,,cat,p2,d.png",
            &t, &err) == NSC_OK);
  REQUIRE(t.count == 3);
  CHECK_STR(t.rows[0].file, "a/b.png");
  CHECK_STR(t.rows[0].label, "cat");
  CHECK_STR(t.rows[0].patient, "p1");
  CHECK(t.rows[0].split_given && t.rows[0].split == NSC_SPLIT_TRAIN);
  CHECK(!t.rows[1].split_given && t.rows[1].patient == NULL);
  CHECK(t.rows[2].split_given && t.rows[2].split == NSC_SPLIT_TEST);
  CHECK_EQ(t.rows[2].line, 4);
  nsc_table_drop(&t);
}

/* RFC 4180, section 2, rules 5 to 7; a byte order mark, semicolons, empty lines, old line ends. */
TEST(table_quotes_delimiters_and_line_ends) {
  nsc_table t;
  nsc_error err;
  REQUIRE(parse("\xEF\xBB\xBFpath;class\r\r\"a;\"\"b\"\"\r\nc.png\";\" x \"\r\rd;e f\r", &t, &err) == NSC_OK);
  REQUIRE(t.count == 2);
  CHECK_STR(t.rows[0].file, "a;\"b\"\r\nc.png");
  CHECK_STR(t.rows[0].label, " x ");
  CHECK_EQ(t.rows[0].line, 3);
  CHECK_STR(t.rows[1].label, "e f");
  CHECK_EQ(t.rows[1].line, 6);
  nsc_table_drop(&t);
  REQUIRE(parse("file\tlabel\na,b\tc\n", &t, &err) == NSC_OK);
  CHECK_STR(t.rows[0].file, "a,b");
  nsc_table_drop(&t);
}

TEST(table_errors_name_the_line) {
  static const struct {
    const char *text, *part;
  } cases[] = {{"", "empty"},
               {"\n\n", "empty"},
               {"file,what\na,b\n", "no column \"label\""},
               {"file,label,path\n", "two columns for \"file\""},
               {"file,label\na,b\nc\n", "line 3 has 1 fields"},
               {"file,label\na,b,c\n", "line 2 has 3 fields"},
               {"file,label\n\na,\n", "line 3: the label is empty"},
               {"file,label\n,b\n", "line 2: the file is empty"},
               {"file,label,split\na,b,trian\n", "line 2: \"trian\" is no split"},
               {"file,label\na,\"b\n", "line 2: a quotation mark is never closed"},
               {"file,label\n\"a\"b,c\n", "line 2: text follows"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    nsc_table t;
    nsc_error err;
    CHECK_EQ(parse(cases[i].text, &t, &err), NSC_ERROR_CORRUPT);
    CHECK_HAS(err.text, cases[i].part);
    nsc_table_drop(&t);
  }
}

TEST(table_survives_cuts_and_changes) {
  static const char text[] = "file,label,patient,split\r\n\"a,\"\"1\"\"\",x,p,train\r\nb,y,,test\nc,\"z\n\",q,\n";
  nsc_rng rng = nsc_rng_seeded(3);
  for (size_t size = 0; size < sizeof text; size++) {
    nsc_table t = {0};
    char *cut = malloc(size + 1); /* so that a read past the end is seen */
    if (size) memcpy(cut, text, size);
    if (nsc_table_parse(cut, size, &t, NULL) == NSC_OK) nsc_table_drop(&t);
    for (int round = 0; round < 200 && size; round++) {
      static const char alphabet[] = ",;\"\r\n\tax";
      cut[nsc_rng_below(&rng, (uint32_t)size)] = alphabet[nsc_rng_below(&rng, sizeof alphabet)];
      if (nsc_table_parse(cut, size, &t, NULL) == NSC_OK) nsc_table_drop(&t);
    }
    free(cut);
  }
}

/* ---- .npz ---- */

static void check_small(const npz_builder *b) {
  nsc_npz z;
  nsc_error err = {0};
  if (nsc_npz_open(b->bytes, b->size, 0, &z, &err) != NSC_OK) {
    test_failed(__FILE__, __LINE__, "%s", err.text);
    return;
  }
  CHECK_EQ(z.height, 2);
  CHECK_EQ(z.width, 3);
  CHECK_EQ(z.channels, 1);
  CHECK_EQ(z.label_count, 2);
  CHECK_EQ(z.splits[NSC_SPLIT_TRAIN].count, 3);
  CHECK_EQ(z.splits[NSC_SPLIT_VALIDATION].count, 0);
  CHECK_EQ(z.splits[NSC_SPLIT_TEST].count, 2);
  for (int i = 0; i < 6; i++) CHECK_EQ(nsc_npz_pixels(&z, NSC_SPLIT_TRAIN, 2)[i], 12 + i);
  CHECK_EQ(z.splits[NSC_SPLIT_TRAIN].labels[1], 1);
  CHECK_EQ(z.splits[NSC_SPLIT_TRAIN].labels[2], 0);
  CHECK_EQ(z.splits[NSC_SPLIT_TEST].labels[0], 1);
  nsc_npz_drop(&z);
}

TEST(npz_in_every_form_of_zip) {
  for (int form = 0; form < 8; form++) {
    npz_builder b = {.deflate = form & 1, .wide = form & 2, .descriptors = form & 4};
    npz_small(&b);
    check_small(&b);
  }
}

/* One archive of a pictures array and a labels array. */
static nsc_status open_arrays(const char *type, const char *order, const char *shape, size_t size, const char *labels,
                              const char *label_shape, size_t label_size, nsc_error *err) {
  static const uint8_t zeros[256];
  npz_builder b = {0};
  nsc_npz z;
  npz_array(&b, "val_images.npy", 1, type, order, shape, zeros, size);
  npz_array(&b, "val_labels.npy", 1, labels, "False", label_shape, zeros, label_size);
  npz_end(&b);
  *err = (nsc_error){0};
  nsc_status status = nsc_npz_open(b.bytes, b.size, 0, &z, err);
  if (status == NSC_OK) nsc_npz_drop(&z);
  return status;
}

TEST(npz_refuses_what_it_does_not_read) {
  nsc_error err;
  CHECK_EQ(open_arrays("'|u1'", "False", "(2, 2, 2, 3)", 24, "'<u4'", "(2, 1)", 8, &err), NSC_OK);
  CHECK_EQ(open_arrays("'|u1'", "True", "(2, 2, 2)", 8, "'|u1'", "(2,)", 2, &err), NSC_ERROR_UNSUPPORTED);
  CHECK_HAS(err.text, "val_images: an array in Fortran's order");
  CHECK_EQ(open_arrays("'<f4'", "False", "(2, 2, 2)", 32, "'|u1'", "(2,)", 2, &err), NSC_ERROR_UNSUPPORTED);
  CHECK_EQ(open_arrays("'<u2'", "False", "(2, 2, 2)", 16, "'|u1'", "(2,)", 2, &err), NSC_ERROR_UNSUPPORTED);
  CHECK_EQ(open_arrays("'|u1'", "False", "(2, 2, 2, 2)", 16, "'|u1'", "(2,)", 2, &err), NSC_ERROR_UNSUPPORTED);
  CHECK_EQ(open_arrays("'|u1'", "False", "(2, 2, 2)", 8, "'>i4'", "(2,)", 8, &err), NSC_ERROR_UNSUPPORTED);
  CHECK_HAS(err.text, "big-endian");
  CHECK_EQ(open_arrays("'|u1'", "False", "(2, 2, 2)", 8, "'|u1'", "(2, 14)", 28, &err), NSC_ERROR_UNSUPPORTED);
  CHECK_HAS(err.text, "14 labels a picture");
  CHECK_EQ(open_arrays("'|u1'", "False", "(2, 2, 2)", 8, "'|u1'", "(3,)", 3, &err), NSC_ERROR_CORRUPT);
  CHECK_EQ(open_arrays("'|u1'", "False", "(2, 2, 2)", 7, "'|u1'", "(2,)", 2, &err), NSC_ERROR_TRUNCATED);
  CHECK_EQ(open_arrays("'|u1'", "False", "(2, 2, 2)", 9, "'|u1'", "(2,)", 2, &err), NSC_ERROR_CORRUPT);
  CHECK_EQ(open_arrays("'|u1'", "False", "(2, 0, 2)", 0, "'|u1'", "(2,)", 2, &err), NSC_ERROR_CORRUPT);
  CHECK_EQ(open_arrays("'|u1'", "False", "(4294967296, 4294967296, 2)", 8, "'|u1'", "(2,)", 2, &err),
           NSC_ERROR_CORRUPT);
  CHECK_EQ(open_arrays("'|u1'", "False", "(0, 70000, 2)", 0, "'|u1'", "(0,)", 0, &err), NSC_ERROR_LIMIT);
}

TEST(npz_negative_labels_and_limits) {
  const uint8_t pixels[4] = {0}, labels[1] = {0xFF};
  npz_builder b = {0};
  nsc_npz z;
  nsc_error err = {0};
  npz_array(&b, "train_images.npy", 1, "'|u1'", "False", "(1, 2, 2)", pixels, 4);
  npz_array(&b, "train_labels.npy", 1, "'|i1'", "False", "(1,)", labels, 1);
  npz_end(&b);
  CHECK_EQ(nsc_npz_open(b.bytes, b.size, 0, &z, &err), NSC_ERROR_CORRUPT);
  CHECK_HAS(err.text, "label of picture 0");
  npz_builder small = {.deflate = true};
  npz_small(&small);
  err = (nsc_error){0};
  CHECK_EQ(nsc_npz_open(small.bytes, small.size, 20, &z, &err), NSC_ERROR_LIMIT);
  npz_builder none = {0};
  npz_entry(&none, "other.npy", "x", 1);
  npz_end(&none);
  CHECK_EQ(nsc_npz_open(none.bytes, none.size, 0, &z, NULL), NSC_ERROR_UNSUPPORTED);
  CHECK_EQ(nsc_npz_open((const uint8_t *)"\x89PNG", 4, 0, &z, NULL), NSC_ERROR_UNKNOWN_FORMAT);
}

/* A copy at the end of an allocation, so that AddressSanitizer sees a read past it. */
static void open_copy(const uint8_t *bytes, size_t size) {
  nsc_npz z;
  uint8_t *copy = malloc(size + 1);
  if (size) memcpy(copy + 1, bytes, size);
  if (nsc_npz_open(copy + 1, size, 1 << 20, &z, NULL) == NSC_OK) {
    uint32_t sum = 0;
    for (int s = 0; s < NSC_SPLITS; s++) {
      size_t all = (size_t)z.splits[s].count * z.height * z.width * z.channels;
      for (size_t i = 0; i < all; i++) sum += z.splits[s].pixels[i];
    }
    CHECK(sum < UINT32_MAX);
    nsc_npz_drop(&z);
  }
  free(copy);
}

TEST(npz_every_cut_is_refused) {
  for (int form = 0; form < 8; form++) {
    npz_builder b = {.deflate = form & 1, .wide = form & 2, .descriptors = form & 4};
    nsc_npz z;
    npz_small(&b);
    for (size_t size = 0; size < b.size; size++) {
      open_copy(b.bytes, size);
      CHECK(nsc_npz_open(b.bytes, size, 0, &z, NULL) != NSC_OK);
    }
  }
}

TEST(npz_survives_changes) {
  nsc_rng rng = nsc_rng_seeded(11);
  for (int round = 0; round < 20000; round++) {
    npz_builder b = {.deflate = round & 1, .wide = round & 2, .descriptors = round & 4};
    npz_small(&b);
    for (uint32_t i = nsc_rng_below(&rng, 4) + 1; i > 0; i--) {
      uint32_t at = nsc_rng_below(&rng, (uint32_t)b.size);
      b.bytes[at] =
          nsc_rng_below(&rng, 2) ? (uint8_t)nsc_rng_u32(&rng) : (uint8_t)(b.bytes[at] ^ 1u << nsc_rng_below(&rng, 8));
    }
    open_copy(b.bytes, b.size);
  }
}

/* The counts that MedMNIST publishes. */
TEST(npz_of_pneumoniamnist) {
  char path[512];
  size_t size;
  nsc_npz z;
  nsc_error err = {0};
  if (!test_real_data()) SKIP("no real data");
  snprintf(path, sizeof path, "%s/medmnist-28/pneumoniamnist.npz", test_real_data());
  uint8_t *bytes = test_read_file(path, &size);
  if (!bytes) SKIP("no pneumoniamnist.npz");
  if (nsc_npz_open(bytes, size, 0, &z, &err) == NSC_OK) {
    CHECK_EQ(z.splits[NSC_SPLIT_TRAIN].count, 4708);
    CHECK_EQ(z.splits[NSC_SPLIT_VALIDATION].count, 524);
    CHECK_EQ(z.splits[NSC_SPLIT_TEST].count, 624);
    CHECK_EQ(z.height * z.width, 28 * 28);
    CHECK_EQ(z.label_count, 2);
    nsc_npz_drop(&z);
  } else {
    test_failed(__FILE__, __LINE__, "%s", err.text);
  }
  free(bytes);
}
