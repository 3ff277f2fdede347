/* Codestreams of JPEG, JPEG-LS and JPEG 2000: what the libraries' encoders made must come back, damage must not. */
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "codec_builder.h"
#include "dicom_builder.h"
#include "test.h"

enum { WIDTH = 24, HEIGHT = 17, SAMPLES = WIDTH * HEIGHT * 3 };

typedef struct example {
  uint16_t words[SAMPLES];
  uint8_t bytes[SAMPLES];
  picture p;
} example;

/* A slope with noise, over all of the range. Signed ones are two's complement. */
static void make_example(example *e, uint32_t channels, uint32_t bits, bool is_signed) {
  uint32_t random = 12345, mask = (1u << bits) - 1;
  for (uint32_t i = 0; i < WIDTH * HEIGHT * channels; i++) {
    random = random * 1103515245u + 12345u;
    uint32_t value = (i / channels * mask / (WIDTH * HEIGHT) + (random >> 16) % (mask / 8 + 1)) & mask;
    if (is_signed && value >> (bits - 1)) value |= ~mask;
    e->words[i] = (uint16_t)value;
    e->bytes[i] = (uint8_t)value;
  }
  e->p = (picture){WIDTH, HEIGHT, channels, bits, is_signed, bits <= 8 ? (void *)e->bytes : e->words};
}

static nsc_codec_frame frame_of(const picture *p) {
  return (nsc_codec_frame){.width = p->width,
                           .height = p->height,
                           .channels = p->channels,
                           .container = p->bits <= 8 ? 8 : 16,
                           .bits = p->bits,
                           .is_signed = p->is_signed};
}

/* The largest difference to what was encoded, or -1 with a failed check. */
static int decoded_difference(nsc_codec_kind kind, const codestream *c, const picture *p, const char *what) {
  static uint16_t out[SAMPLES];
  nsc_error err = {0};
  nsc_codec_frame frame = frame_of(p);
  if (!c->size || nsc_codec_decode(kind, c->bytes, c->size, &frame, out, &err) != NSC_OK) {
    test_failed(__FILE__, __LINE__, "%s of %u bits, %u channels: %s", what, p->bits, p->channels, err.text);
    return -1;
  }
  int worst = 0;
  for (size_t i = 0; i < (size_t)WIDTH * HEIGHT * p->channels; i++) {
    int a = p->bits <= 8 ? ((uint8_t *)out)[i] : out[i],
        b = p->bits <= 8 ? ((const uint8_t *)p->samples)[i] : ((const uint16_t *)p->samples)[i];
    worst = abs(a - b) > worst ? abs(a - b) : worst;
  }
  return worst;
}

static codestream stream;
static example e;

TEST(codec_lossless_jpeg_gives_back_every_sample) {
  for (uint32_t bits = 2; bits <= 16; bits++) {
    make_example(&e, 1, bits, false);
    for (int predictor = 1; predictor <= 7; predictor++) {
      encode_jpeg(&e.p, predictor, 0, &stream);
      CHECK_EQ(decoded_difference(NSC_CODEC_JPEG, &stream, &e.p, "lossless JPEG"), 0);
    }
  }
  make_example(&e, 3, 8, false);
  encode_jpeg(&e.p, 1, 0, &stream);
  CHECK_EQ(decoded_difference(NSC_CODEC_JPEG, &stream, &e.p, "lossless JPEG"), 0);
}

TEST(codec_lossy_jpeg_is_near) {
  static const uint32_t bits[2] = {8, 12};
  static const int limits[2] = {12, 190}; /* quality 98 of noise */
  for (int i = 0; i < 2; i++) {
    make_example(&e, 1, bits[i], false);
    encode_jpeg(&e.p, 0, 98, &stream);
    int worst = decoded_difference(NSC_CODEC_JPEG, &stream, &e.p, "JPEG");
    CHECK(worst > 0 && worst <= limits[i]);
  }
}

TEST(codec_jpeg_ls_gives_back_every_sample) {
  for (uint32_t bits = 2; bits <= 16; bits++) {
    for (uint32_t channels = 1; channels <= 3; channels += 2) {
      make_example(&e, channels, bits, false);
      encode_jpeg_ls(&e.p, 0, &stream);
      CHECK_EQ(decoded_difference(NSC_CODEC_JPEG_LS, &stream, &e.p, "JPEG-LS"), 0);
    }
  }
  make_example(&e, 1, 12, false);
  encode_jpeg_ls(&e.p, 3, &stream);
  CHECK_EQ(decoded_difference(NSC_CODEC_JPEG_LS, &stream, &e.p, "near-lossless JPEG-LS"), 3);
}

TEST(codec_jpeg_2000_gives_back_every_sample) {
  for (uint32_t bits = 2; bits <= 16; bits++) {
    for (int kind = 0; kind < 3; kind++) { /* unsigned, signed, RGB with the reversible transformation */
      make_example(&e, kind == 2 ? 3 : 1, bits, kind == 1);
      encode_jpeg_2000(&e.p, 0, &stream);
      CHECK_EQ(decoded_difference(NSC_CODEC_JPEG_2000, &stream, &e.p, "JPEG 2000"), 0);
    }
  }
  make_example(&e, 1, 12, false);
  encode_jpeg_2000(&e.p, 2, &stream);
  int worst = decoded_difference(NSC_CODEC_JPEG_2000, &stream, &e.p, "lossy JPEG 2000");
  CHECK(worst > 0 && worst < 256); /* a sixteenth of the range, for noise at half its size */
}

static void encode(nsc_codec_kind kind, const picture *p, codestream *out) {
  if (kind == NSC_CODEC_JPEG) encode_jpeg(p, 1, 0, out);
  if (kind == NSC_CODEC_JPEG_LS) encode_jpeg_ls(p, 0, out);
  if (kind == NSC_CODEC_JPEG_2000) encode_jpeg_2000(p, 0, out);
}

TEST(codec_header_must_agree_with_the_file) {
  static uint16_t out[4 * SAMPLES];
  for (int kind = 0; kind < 3; kind++) {
    make_example(&e, 1, 12, false);
    encode((nsc_codec_kind)kind, &e.p, &stream);
    nsc_codec_frame wrong[4] = {frame_of(&e.p), frame_of(&e.p), frame_of(&e.p), frame_of(&e.p)};
    wrong[0].width++;
    wrong[1].height--;
    wrong[2].channels = 3;
    wrong[3].container = wrong[3].bits = 8;
    for (int i = 0; i < 4; i++) {
      nsc_error err = {0};
      CHECK_EQ(nsc_codec_decode((nsc_codec_kind)kind, stream.bytes, stream.size, &wrong[i], out, &err),
               NSC_ERROR_CORRUPT);
      CHECK_HAS(err.text, i < 3 ? "where the file says" : "where the file has room for 8");
    }
  }
}

/* An error or a picture, under the sanitizers. */
static void decode_anything(nsc_codec_kind kind, const uint8_t *bytes, size_t size, const picture *p) {
  static uint16_t out[SAMPLES];
  nsc_codec_frame frame = frame_of(p);
  uint8_t *copy = malloc(size ? size : 1); /* of its very size: reading past it is seen */
  memcpy(copy, bytes, size);
  (void)!nsc_codec_decode(kind, copy, size, &frame, out, NULL);
  free(copy);
}

TEST(codec_every_truncation_ends_well) {
  static uint16_t out[SAMPLES];
  for (int kind = 0; kind < 3; kind++) {
    make_example(&e, 1, 12, false);
    encode((nsc_codec_kind)kind, &e.p, &stream);
    REQUIRE(stream.size > 100);
    for (size_t cut = 0; cut < stream.size; cut++) {
      decode_anything((nsc_codec_kind)kind, stream.bytes, cut, &e.p);
    }
    nsc_codec_frame frame = frame_of(&e.p);
    CHECK(nsc_codec_decode((nsc_codec_kind)kind, stream.bytes, stream.size / 2, &frame, out, NULL) != NSC_OK);
  }
}

TEST(codec_damage_ends_well) {
  static uint8_t damaged[sizeof stream.bytes];
  uint32_t random = 1;
  for (int kind = 0; kind < 4; kind++) {
    nsc_codec_kind codec = kind == 3 ? NSC_CODEC_JPEG : (nsc_codec_kind)kind;
    make_example(&e, kind == 3 ? 3 : 1, kind == 3 ? 8 : 12, false);
    if (kind < 3) encode(codec, &e.p, &stream);
    if (kind == 3) encode_jpeg(&e.p, 0, 90, &stream);
    for (int round = 0; round < 1500; round++) {
      memcpy(damaged, stream.bytes, stream.size);
      for (int hits = round % 4; hits >= 0; hits--) {
        random = random * 1664525u + 1013904223u;
        /* Half of the hits go to the headers, where one byte changes most. */
        size_t at = (random >> 8) % (random & 0x80 ? stream.size : 160);
        random = random * 1664525u + 1013904223u;
        damaged[at % stream.size] = (uint8_t)(random >> 24);
      }
      decode_anything(codec, damaged, stream.size, &e.p);
    }
  }
}

/* ---- in DICOM files ---- */

static const char *const syntaxes[3] = {"1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"};

/* Two frames, each in two items and without an offset table: a frame begins where a codestream begins. */
TEST(codec_frames_begin_where_codestreams_begin) {
  for (int kind = 0; kind < 3; kind++) {
    nsc_error err = {0};
    dicom_builder b = {0};
    make_example(&e, 1, 12, false);
    encode((nsc_codec_kind)kind, &e.p, &stream);
    dicom_begin(&b, syntaxes[kind]);
    dicom_image(&b, (dicom_pixels){.rows = HEIGHT, .columns = WIDTH, .allocated = 16, .stored = 12, .frames = 2});
    dicom_encapsulate(&b, NULL, 0);
    for (int frame = 0; frame < 2; frame++) {
      dicom_fragment(&b, stream.bytes, 100);
      dicom_fragment(&b, stream.bytes + 100, stream.size - 100);
    }
    dicom_close(&b);
    nsc_image *image = test_open(b.bytes, b.size, &err);
    REQUIRE(image);
    CHECK(nsc_image_needs_codec(image));
    for (uint32_t frame = 0; frame < 2; frame++) {
      const void *samples;
      REQUIRE(nsc_image_frame(image, frame, &samples, &err) == NSC_OK);
      CHECK(memcmp(samples, e.words, WIDTH * HEIGHT * 2) == 0);
    }
    nsc_image_free(image);
    dicom_end(&b);
  }
}

/* DICOM's pixels are signed where JPEG and JPEG-LS know no sign: the bits are two's complement. */
TEST(codec_signs_come_from_the_file) {
  for (int kind = 0; kind < 2; kind++) {
    nsc_error err = {0};
    dicom_builder b = {0};
    make_example(&e, 1, 12, true);
    for (size_t i = 0; i < WIDTH * HEIGHT; i++) e.words[i] &= 0xFFF;
    e.p.is_signed = false;
    encode((nsc_codec_kind)kind, &e.p, &stream);
    make_example(&e, 1, 12, true);
    dicom_begin(&b, syntaxes[kind]);
    dicom_image(&b, (dicom_pixels){.rows = HEIGHT, .columns = WIDTH, .allocated = 16, .stored = 12, .is_signed = 1});
    dicom_encapsulate(&b, NULL, 0);
    dicom_fragment(&b, stream.bytes, stream.size);
    dicom_close(&b);
    nsc_image *image = test_open(b.bytes, b.size, &err);
    const void *samples;
    REQUIRE(image && nsc_image_frame(image, 0, &samples, &err) == NSC_OK);
    CHECK(memcmp(samples, e.words, WIDTH * HEIGHT * 2) == 0);
    nsc_image_free(image);
    dicom_end(&b);
  }
}
