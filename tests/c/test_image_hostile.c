/*
 * Files that mean harm or were cut off: every prefix of small files of each kind, and thousands of flipped bytes from a
 * fixed generator. What is asked is that each either opens and can be used, or is refused with a reason, under the
 * sanitizers and within bounded memory.
 */
#include <stdlib.h>

#include "dicom_builder.h"
#include "png_builder.h"
#include "test.h"
#include "tiff_builder.h"
#include "tiny_files.h"
#include "volume_builder.h"

enum { FLIPS = 3000, MAX_FILE = 4096 };

typedef struct sample_file {
  uint8_t bytes[MAX_FILE];
  size_t size;
} sample_file;

static void use_dicom(sample_file *f, const char *syntax) {
  static const uint16_t pixels[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  static const uint16_t descriptor[3] = {4, 0, 16}, data[4] = {0, 100, 200, 65535};
  dicom_builder b = {0};
  dicom_begin(&b, syntax);
  dicom_text(&b, 0x00080005, "CS", "ISO_IR 100");
  dicom_text(&b, 0x00100010, "PN", "Doe^Jane");
  dicom_text(&b, 0x00280030, "DS", "0.5\\0.5");
  dicom_text(&b, 0x00281050, "DS", "40\\80");
  dicom_text(&b, 0x00281051, "DS", "400\\800");
  dicom_text(&b, 0x00281052, "DS", "-1024");
  dicom_text(&b, 0x00281053, "DS", "1.5");
  dicom_us(&b, 0x00280120, 3);
  dicom_open(&b, 0x00283010);
  dicom_item(&b);
  dicom_words(&b, 0x00283002, "US", descriptor, 3);
  dicom_words(&b, 0x00283006, "OW", data, 4);
  dicom_end_item(&b);
  dicom_close(&b);
  dicom_open(&b, 0x52009230);
  for (int i = 0; i < 2; i++) {
    dicom_item(&b);
    dicom_open(&b, 0x00289145);
    dicom_item(&b);
    dicom_text(&b, 0x00281053, "DS", "2");
    dicom_end_item(&b);
    dicom_close(&b);
    dicom_end_item(&b);
  }
  dicom_close(&b);
  dicom_image(&b, (dicom_pixels){.rows = 2, .columns = 3, .allocated = 16, .stored = 12, .frames = 2});
  dicom_words(&b, 0x7FE00010, "OW", pixels, 12);
  if (strcmp(syntax, DEFLATED) == 0) dicom_deflate(&b);
  memcpy(f->bytes, b.bytes, b.size);
  f->size = b.size;
  dicom_end(&b);
}

static void use_bytes(sample_file *f, const void *bytes, size_t size) {
  memcpy(f->bytes, bytes, size);
  f->size = size;
}

static void use_png(sample_file *f, bool interlaced) {
  static png_builder p;
  uint8_t rows[2 * (1 + 5)] = {0};
  png_begin(&p);
  png_header(&p, 4, 2, 8, 3, interlaced);
  png_chunk(&p, "PLTE", "\1\2\3\4\5\6", 6);
  png_chunk(&p, "tRNS", "\x80", 1);
  png_data(&p, rows, interlaced ? 12 : 10);
  png_chunk(&p, "IEND", NULL, 0);
  use_bytes(f, p.bytes, p.size);
}

static void use_nifti(sample_file *f, bool two, bool big_endian) {
  static volume_builder b;
  static const uint8_t samples[48];
  nifti_facts facts = {.two = two,
                       .big_endian = big_endian,
                       .dim = {4, 3, 2, 2, 2},
                       .datatype = 4,
                       .sform_code = 1,
                       .pixdim = {1, 2, 2, 2, 1},
                       .slope = 2,
                       .cal_max = 100,
                       .srow = {{2, 0, 0, 1}, {0, -2, 0, 1}, {0, 0, 2, 1}},
                       .descrip = "tiny"};
  nifti_build(&b, &facts, samples, 48);
  use_bytes(f, b.bytes, b.size);
}

/* Everything that can be done with an image. */
static void use_image(nsc_image *image) {
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  uint32_t frames[2] = {0, info.frames - 1};
  size_t size = (size_t)info.width * info.height * 4;
  uint8_t *rgba = malloc(size);
  for (int i = 0; i < 2 && rgba; i++) {
    nsc_view view;
    double value[3];
    nsc_error err = {0};
    nsc_status status = nsc_view_default(image, frames[i], &view, &err);
    if (status == NSC_OK) status = nsc_render(image, &view, rgba, size, &err);
    if (status == NSC_OK) status = nsc_view_auto(image, frames[i], &view, &err);
    if (status == NSC_OK) status = nsc_image_probe(image, frames[i], info.width - 1, info.height - 1, value, &err);
    CHECK(status == NSC_OK || err.text[0]);
    nsc_recipe r = {.width = 5, .height = 4, .channels = 3, .scale = 1, .std = {1, 1, 1}};
    float tensor[60];
    if (status == NSC_OK && nsc_preprocess(image, frames[i], &r, tensor, 60, NULL) == NSC_OK) {
      for (int k = 0; k < 60; k++) CHECK(tensor[k] >= 0 && tensor[k] <= 1.0001f);
    }
  }
  free(rgba);
  char *json;
  if (nsc_image_json(image, &json, NULL) == NSC_OK) nsc_text_free(json);
}

static nsc_status try_bytes(const uint8_t *bytes, size_t size) {
  static const nsc_image_options options = {.max_frame_bytes = 1 << 20, .max_inflated = 1 << 20};
  nsc_source *source;
  nsc_image *image;
  nsc_error err = {0};
  if (nsc_source_from_bytes(bytes, size, &source, &err) != NSC_OK) return err.status;
  if (nsc_image_open(source, &options, &image, &err) == NSC_OK) {
    use_image(image);
    nsc_image_free(image);
    return NSC_OK;
  }
  CHECK(err.status != NSC_OK && err.status != NSC_ERROR_INTERNAL && err.text[0]);
  nsc_source_free(source);
  return err.status;
}

/* Every prefix is refused, except where `complete` says that the picture is already all there. */
static void check_prefixes(const sample_file *f, size_t complete) {
  CHECK_EQ(try_bytes(f->bytes, f->size), NSC_OK);
  for (size_t n = 0; n < f->size; n++) {
    nsc_status status = try_bytes(f->bytes, n);
    if (n < complete && status == NSC_OK) test_failed(__FILE__, __LINE__, "%zu of %zu bytes were opened", n, f->size);
  }
}

static void check_flips(const sample_file *f, uint32_t seed) {
  sample_file copy;
  for (int i = 0; i < FLIPS; i++) {
    copy = *f;
    for (uint32_t flips = 1 + seed % 3; flips > 0; flips--) {
      seed = seed * 1664525 + 1013904223;
      size_t at = (size_t)((uint64_t)seed * copy.size >> 32);
      seed = seed * 1664525 + 1013904223;
      copy.bytes[at] = (seed >> 30) ? (uint8_t)(seed >> 16) : (uint8_t)(copy.bytes[at] ^ (1 << (seed >> 24 & 7)));
    }
    (void)try_bytes(copy.bytes, copy.size);
  }
}

static void check_file(const sample_file *f, uint32_t seed) {
  check_prefixes(f, f->size);
  check_flips(f, seed);
}

TEST(image_hostile_dicom_explicit) {
  sample_file f;
  use_dicom(&f, EXPLICIT_LITTLE);
  check_file(&f, 1);
}

TEST(image_hostile_dicom_implicit) {
  sample_file f;
  use_dicom(&f, IMPLICIT_LITTLE);
  check_file(&f, 2);
}

TEST(image_hostile_dicom_big_endian) {
  sample_file f;
  use_dicom(&f, EXPLICIT_BIG);
  check_file(&f, 3);
}

TEST(image_hostile_dicom_deflated) {
  sample_file f;
  use_dicom(&f, DEFLATED);
  check_file(&f, 4);
}

TEST(image_hostile_dicom_without_preamble) {
  sample_file f;
  use_dicom(&f, EXPLICIT_LITTLE);
  f.size -= 132;
  memmove(f.bytes, f.bytes + 132, f.size);
  check_file(&f, 5);
}

TEST(image_hostile_png) {
  sample_file f;
  use_png(&f, false);
  check_file(&f, 6);
  use_png(&f, true);
  check_flips(&f, 7);
}

/* The same with right checksums, so that what stands behind them is reached. */
TEST(image_hostile_png_behind_checksums) {
  static png_builder p;
  uint32_t seed = 8;
  for (int i = 0; i < FLIPS; i++) {
    uint8_t header[13] = {0, 0, 0, 4, 0, 0, 0, 2, 8, 3, 0, 0, 0}, palette[6] = {1, 2, 3, 4, 5, 6}, rows[12] = {0};
    for (int k = 0; k < 3; k++) {
      seed = seed * 1664525 + 1013904223;
      uint8_t value = (uint8_t)(seed >> 16);
      if (seed >> 30 == 0) header[3 + 4 * (value & 1)] = value & 31;
      if (seed >> 30 == 1) header[8 + value % 5] = value >> 4;
      if (seed >> 30 >= 2) rows[value % 12] = value >> 3;
    }
    png_begin(&p);
    png_chunk(&p, "IHDR", header, 13);
    png_chunk(&p, "PLTE", palette, seed & 4 ? 6 : 3);
    png_chunk(&p, "tRNS", palette, seed >> 8 & 3);
    png_data(&p, rows, 10 + (seed >> 12 & 1) * 2);
    png_chunk(&p, "IEND", NULL, 0);
    (void)try_bytes(p.bytes, p.size);
  }
}

TEST(image_hostile_jpeg) {
  sample_file f;
  use_bytes(&f, tiny_jpeg_grey, sizeof tiny_jpeg_grey);
  check_file(&f, 9);
  use_bytes(&f, tiny_jpeg_progressive, sizeof tiny_jpeg_progressive);
  check_file(&f, 10);
}

TEST(image_hostile_gif) {
  sample_file f;
  use_bytes(&f, tiny_gif, sizeof tiny_gif);
  check_file(&f, 11);
}

TEST(image_hostile_bmp) {
  static const uint8_t header[62] = {'B', 'M', 0, 0, 0, 0, 0, 0, 0, 0, 62, 0, 0, 0, 40, 0, 0, 0, 9, 0, 0,
                                     0,   3,   0, 0, 0, 1, 0, 1, 0, 0, 0,  0, 0, 0, 0,  0, 0, 0, 0, 0, 0,
                                     0,   0,   0, 0, 0, 0, 0, 0, 0, 0, 0,  0, 1, 2, 3,  0, 9, 8, 7, 0};
  sample_file f;
  memcpy(f.bytes, header, sizeof header);
  memset(f.bytes + sizeof header, 0x5A, 12);
  f.size = sizeof header + 12;
  check_file(&f, 12);
}

TEST(image_hostile_tga) {
  static const uint8_t packed[] = {0, 0, 10, 0,  0,    0,    0, 0, 0, 0, 0, 0, 3,
                                   0, 1, 0,  24, 0x20, 0x81, 1, 2, 3, 0, 4, 5, 6};
  sample_file f;
  use_bytes(&f, packed, sizeof packed);
  check_file(&f, 13);
}

TEST(image_hostile_pnm) {
  sample_file f;
  use_bytes(&f, "P6 2 2 255\nabcdefghijkl", 23);
  check_file(&f, 14);
  use_bytes(&f, "P2 2 2 200 1 20 100 200", 23);
  check_prefixes(&f, 21); /* a cut last number is a smaller number */
  check_flips(&f, 15);
}

TEST(image_hostile_nifti) {
  sample_file f;
  for (uint32_t i = 0; i < 4; i++) {
    use_nifti(&f, i & 1, i >> 1);
    check_file(&f, 16 + i);
  }
}

TEST(image_hostile_gzip) {
  static volume_builder b;
  sample_file f;
  use_nifti(&f, false, false);
  b.size = 0;
  gzip_build(&b, f.bytes, f.size, "tiny.nii");
  use_bytes(&f, b.bytes, b.size);
  check_file(&f, 20);
}

TEST(image_hostile_metaimage) {
  static const char text[] =
      "ObjectType = Image\nNDims = 3\nDimSize = 2 2 1\nElementType = MET_SHORT\nElementSpacing = 1 1 2\n"
      "TransformMatrix = 1 0 0 0 1 0 0 0 1\nElementDataFile = LOCAL\nabcdefgh";
  sample_file f;
  use_bytes(&f, text, sizeof text - 1);
  check_file(&f, 21);
}

TEST(image_hostile_nrrd) {
  static const char raw[] =
      "NRRD0004\ntype: short\ndimension: 3\nspace: LPS\nsizes: 2 2 1\nspace directions: (1,0,0) (0,1,0) (0,0,2)\n"
      "kinds: domain domain domain\nendian: little\nencoding: raw\nspace origin: (0,0,0)\n\nabcdefgh";
  static const char words[] = "NRRD0004\ntype: float\ndimension: 2\nsizes: 2 2\nencoding: ascii\n\n1 2.5 -3e2 4 ";
  sample_file f;
  use_bytes(&f, raw, sizeof raw - 1);
  check_file(&f, 22);
  use_bytes(&f, words, sizeof words - 1);
  check_prefixes(&f, sizeof words - 3);
  check_flips(&f, 23);
}

/* Two pages of 4 x 3 pixels in the given compression, data first, so that every prefix lacks a directory. */
static void use_tiff(sample_file *f, uint32_t compression, const char *bytes, size_t size, bool big) {
  static tiff_builder b;
  tiff_begin(&b, big, big);
  for (int page = 0; page < 2; page++) {
    tiff_facts facts = {
        4, 3, 8, .compression = compression, .photometric = 1, .data_size = size, .predictor = 1 + (uint32_t)big};
    facts.data = tiff_data(&b, bytes, size);
    tiff_plain_page(&b, &facts);
  }
  use_bytes(f, b.bytes, b.size);
}

TEST(image_hostile_tiff) {
  sample_file f;
  use_tiff(&f, 1, "abcdefghijkl", 12, false);
  check_file(&f, 24);
  use_tiff(&f, 32773, "\3abcd\xF9x", 7, true);
  check_file(&f, 25);
  use_tiff(&f, 5, "\x80\x18\x4C\x50\x80\x60\x40\x28\x18\x10\x08\x04\x02\x02\x02\x01", 16, false);
  check_file(&f, 26);
}
