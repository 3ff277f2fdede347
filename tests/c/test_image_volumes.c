/* MetaImage and NRRD: samples, axes and refusals of files written here as their headers' text. */
#include <stdlib.h>

#include "dicom_builder.h"
#include "image/image.h"
#include "test.h"
#include "volume_builder.h"

static volume_builder b;

/* A header and bytes behind it. */
static void build(const char *header, const void *bytes, size_t size) {
  memset(&b, 0, sizeof b);
  b.size = strlen(header);
  memcpy(b.bytes, header, b.size);
  if (size) memcpy(b.bytes + b.size, bytes, size);
  b.size += size;
}

static nsc_image *open_built(nsc_format format, nsc_image_info *info) {
  nsc_error err = {0};
  nsc_image *image = test_open(b.bytes, b.size, &err);
  CHECK_STR(err.text, "");
  if (!image) return NULL;
  nsc_image_get_info(image, info);
  CHECK_EQ(info->format, format);
  return image;
}

static void check_frame(nsc_image *image, uint32_t frame, const nsc_image_info *info, const double *expected) {
  const void *samples = NULL;
  CHECK_EQ(nsc_image_frame(image, frame, &samples, NULL), NSC_OK);
  for (uint32_t i = 0; samples && i < info->width * info->height * info->channels; i++) {
    CHECK_NEAR(nsc_sample_value(info->type, samples, i), expected[i], 0);
  }
}

static void check_json(const nsc_image *image, const char *part) {
  char *json = NULL;
  CHECK_EQ(nsc_image_json(image, &json, NULL), NSC_OK);
  CHECK_HAS(json, part);
  nsc_text_free(json);
}

static void check_refused(nsc_status status, const char *words) {
  nsc_error err = {0};
  CHECK_EQ(test_open_status(b.bytes, b.size, &err), status);
  CHECK_HAS(err.text, words);
}

#define MHA                                                                                                 \
  "ObjectType = Image\nNDims = 3\nBinaryData = True\nTransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 1 2 3\n" \
  "ElementSpacing = 0.5 0.25 2\n"

TEST(image_metaimage) {
  nsc_image_info info;
  build(MHA "DimSize = 2 1 2\nBinaryDataByteOrderMSB = True\nElementType = MET_SHORT\nElementDataFile = LOCAL\n",
        "\0\1\xFF\xFE\0\3\0\4", 8);
  nsc_image *image = open_built(NSC_FORMAT_METAIMAGE, &info);
  REQUIRE(image);
  CHECK_EQ(info.frames, 2);
  CHECK_EQ(info.type, NSC_SAMPLE_I16);
  CHECK_NEAR(info.spacing_x, 0.5, 1e-12);
  CHECK_NEAR(info.spacing_y, 0.25, 1e-12);
  check_frame(image, 0, &info, (const double[]){1, -2}); /* ITK's axes run as the screen wants them */
  check_frame(image, 1, &info, (const double[]){3, 4});
  check_json(image,
             "\"stored\":\"LPS\",\"from\":\"TransformMatrix\",\"shown\":\"LPS\",\"swapped\":false,\"flipped\":[]");
  check_json(image, "\"affine\":[[-0.5,0,0,-1],[0,-0.25,0,-2],[0,0,2,3]]");
  nsc_image_free(image);
}

TEST(image_metaimage_letters_and_colour) {
  nsc_image_info info;
  build(
      "ObjectType = Image\r\nNDims = 3\r\nAnatomicalOrientation = LAI\r\nElementNumberOfChannels = 3\r\n"
      "DimSize = 2 1 1\r\nElementType = MET_UCHAR\r\nElementDataFile = LOCAL\r\n",
      "\1\2\3\4\5\6", 6);
  nsc_image *image = open_built(NSC_FORMAT_METAIMAGE, &info);
  REQUIRE(image);
  CHECK_EQ(info.channels, 3);
  check_frame(image, 0, &info, (const double[]){4, 5, 6, 1, 2, 3}); /* from the left: mirrored */
  check_json(image, "\"stored\":\"RPS\",\"from\":\"AnatomicalOrientation\"");
  nsc_image_free(image);
}

TEST(image_metaimage_compressed) {
  static const uint8_t packed[] = {0x78, 1, 1, 2, 0, 0xFD, 0xFF, 7, 8, 0, 0x18, 0, 0x10}; /* stored; Adler-32 */
  nsc_image_info info;
  build("NDims = 2\nDimSize = 2 1\nElementType = MET_UCHAR\nCompressedData = True\nElementDataFile = LOCAL\n", packed,
        sizeof packed);
  nsc_image *image = open_built(NSC_FORMAT_METAIMAGE, &info);
  REQUIRE(image);
  check_frame(image, 0, &info, (const double[]){7, 8});
  check_json(image, "\"orientation\":null");
  nsc_image_free(image);
  b.bytes[b.size - 1] ^= 1;
  check_refused(NSC_ERROR_CORRUPT, "damaged");
}

TEST(image_metaimage_refused_by_name) {
  build(MHA "DimSize = 1 1 1\nElementType = MET_SHORT\nElementDataFile = brain.raw\n", NULL, 0);
  check_refused(NSC_ERROR_UNSUPPORTED, "brain.raw");
  build(MHA "DimSize = 1 1 1\nElementType = MET_LONG_LONG\nElementDataFile = LOCAL\n", "\0\0\0\0\0\0\0\0", 8);
  check_refused(NSC_ERROR_UNSUPPORTED, "MET_LONG_LONG");
  build(MHA "DimSize = 2 1 1\nElementType = MET_SHORT\nElementDataFile = LOCAL\n", "\0\0\0", 3);
  check_refused(NSC_ERROR_TRUNCATED, "need 4 bytes");
  build(MHA "DimSize = 1 1\nElementType = MET_SHORT\nElementDataFile = LOCAL\n", "\0\0\0", 3);
  check_refused(NSC_ERROR_CORRUPT, "DimSize");
  build(MHA "DimSize = 60000 60000 999999999999\nElementType = MET_SHORT\nElementDataFile = LOCAL\n", "\0\0\0", 3);
  check_refused(NSC_ERROR_LIMIT, "limit");
}

TEST(image_nrrd) {
  nsc_image_info info;
  build(
      "NRRD0004\n# made by hand\ntype: unsigned short\ndimension: 3\nspace: left-posterior-superior\nsizes: 2 2 1\n"
      "space directions: (0,3,0) (2, 0, 0) (0,0,5)\nkinds: domain domain domain\nendian: little\nencoding: raw\n"
      "space origin: (1,2,3)\nowner:=nobody\n\n",
      "\1\0\2\0\3\0\4\0", 8);
  nsc_image *image = open_built(NSC_FORMAT_NRRD, &info);
  REQUIRE(image);
  check_frame(image, 0, &info, (const double[]){1, 3, 2, 4}); /* the first axis runs to the back: rows */
  CHECK_NEAR(info.spacing_x, 2, 1e-12);
  CHECK_NEAR(info.spacing_y, 3, 1e-12);
  check_json(image, "\"stored\":\"PLS\",\"from\":\"space directions\",\"shown\":\"LPS\",\"swapped\":true");
  check_json(image, "\"affine\":[[0,-2,0,-1],[-3,0,0,-2],[0,0,5,3]]");
  check_json(image, "\"name\":\"owner\",\"value\":\"nobody\"");
  nsc_image_free(image);
}

/* Measurements of each voxel side by side, as diffusion data are: one frame for each. */
TEST(image_nrrd_list_first) {
  nsc_image_info info;
  build("NRRD0005\ntype: uint8\ndimension: 4\nsizes: 2 2 1 1\nkinds: list domain domain domain\nencoding: text\n\n",
        "1 10\n2 20\n", 10);
  nsc_image *image = open_built(NSC_FORMAT_NRRD, &info);
  REQUIRE(image);
  CHECK_EQ(info.frames, 2);
  check_frame(image, 0, &info, (const double[]){1, 2});
  check_frame(image, 1, &info, (const double[]){10, 20});
  nsc_image_free(image);
}

TEST(image_nrrd_gzip_and_colour) {
  nsc_image_info info;
  build(
      "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 3 1 2\nkinds: RGB-color domain domain\nencoding: gzip\n"
      "spacings: nan 0.5 0.75\n\n",
      NULL, 0);
  gzip_build(&b, "\1\2\3\4\5\6", 6, NULL);
  nsc_image *image = open_built(NSC_FORMAT_NRRD, &info);
  REQUIRE(image);
  CHECK_EQ(info.width, 1);
  CHECK_EQ(info.height, 2);
  CHECK_NEAR(info.spacing_y, 0.75, 1e-12);
  check_frame(image, 0, &info, (const double[]){1, 2, 3, 4, 5, 6});
  nsc_image_free(image);
}

TEST(image_nrrd_refused_by_name) {
  build("NRRD0004\ntype: short\ndimension: 2\nsizes: 2 2\nencoding: raw\nendian: little\ndata file: a.raw\n", NULL, 0);
  check_refused(NSC_ERROR_UNSUPPORTED, "a.raw");
  build("NRRD0004\ntype: int64\ndimension: 1\nsizes: 2\nencoding: raw\n\n", NULL, 0);
  check_refused(NSC_ERROR_UNSUPPORTED, "int64");
  build("NRRD0004\ntype: short\ndimension: 1\nsizes: 2\nencoding: bzip2\n\n", NULL, 0);
  check_refused(NSC_ERROR_UNSUPPORTED, "bzip2");
  build("NRRD0004\ntype: short\ndimension: 1\nsizes: 2\nencoding: raw\n\n", "\0\0\0\0", 4);
  check_refused(NSC_ERROR_CORRUPT, "endian");
  build("NRRD0004\ntype: uchar\ndimension: 1\nsizes: 2\nencoding: ascii\n\n", "7 256", 5);
  check_refused(NSC_ERROR_CORRUPT, "256");
  build("NRRD0004\ntype: uchar\ndimension: 1\nsizes: 3\nencoding: ascii\n\n", "7 25 ", 5);
  check_refused(NSC_ERROR_TRUNCATED, "2 of 3");
  build("NRRD0004\ntype: uchar\ndimension: 2\nsizes: 3 3\nencoding: gzip\n\n", NULL, 0);
  gzip_build(&b, "\1\2\3\4\5\6", 6, NULL);
  check_refused(NSC_ERROR_TRUNCATED, "need 9 bytes");
}
