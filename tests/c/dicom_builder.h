/*
 * Writes DICOM files for tests, element by element, in any of the uncompressed encodings.
 *
 *   dicom_builder b = {0};
 *   dicom_begin(&b, "1.2.840.10008.1.2.1");
 *   dicom_image(&b, (dicom_pixels){.rows = 2, .columns = 3, .allocated = 16, .stored = 12});
 *   dicom_words(&b, 0x7FE00010, "OW", pixels, 6);
 *   nsc_image *image = test_open(b.bytes, b.size, &err);
 *   dicom_end(&b);
 */
#ifndef NSC_DICOM_BUILDER_H
#define NSC_DICOM_BUILDER_H

#include "negatoscope.h"

#define IMPLICIT_LITTLE "1.2.840.10008.1.2"
#define EXPLICIT_LITTLE "1.2.840.10008.1.2.1"
#define EXPLICIT_BIG "1.2.840.10008.1.2.2"
#define DEFLATED "1.2.840.10008.1.2.1.99"

typedef struct dicom_builder {
  uint8_t *bytes;
  size_t size, capacity;
  bool implicit, big_endian;
  size_t data_set; /* where it begins */
} dicom_builder;

/* The Image Pixel Module; zeros take the usual value: 1 sample, high bit stored - 1, MONOCHROME2. */
typedef struct dicom_pixels {
  uint32_t rows, columns, samples, allocated, stored, high, is_signed, planar, frames;
  const char *photometric;
} dicom_pixels;

/* Preamble and meta group. Everything after is written in that syntax (DEFLATED: see dicom_deflate). */
void dicom_begin(dicom_builder *b, const char *syntax);
/* The same without preamble and meta group. */
void dicom_begin_bare(dicom_builder *b, bool implicit, bool big_endian);
void dicom_end(dicom_builder *b);

void dicom_bytes(dicom_builder *b, uint32_t tag, const char *vr, const void *bytes, size_t size);
void dicom_text(dicom_builder *b, uint32_t tag, const char *vr, const char *text); /* padded to an even length */
void dicom_words(dicom_builder *b, uint32_t tag, const char *vr, const uint16_t *words, size_t count);
void dicom_us(dicom_builder *b, uint32_t tag, uint32_t value);
/* Tag, VR and a length that nothing keeps. */
void dicom_header(dicom_builder *b, uint32_t tag, const char *vr, uint32_t length);
void dicom_image(dicom_builder *b, dicom_pixels pixels);

/* Sequences of undefined length: open, item, elements, end_item, ..., close. */
void dicom_open(dicom_builder *b, uint32_t tag);
void dicom_item(dicom_builder *b);
void dicom_end_item(dicom_builder *b);
void dicom_close(dicom_builder *b);

/* Encapsulated Pixel Data: encapsulate with a Basic Offset Table (NULL and 0: empty), fragments, close. */
void dicom_encapsulate(dicom_builder *b, const uint32_t *offsets, size_t count);
void dicom_fragment(dicom_builder *b, const void *bytes, size_t size); /* padded to an even length */

/* An RLE frame of `segments` times `size` bytes, one segment after another, in literal runs and runs of equal bytes. */
size_t rle_encode(const uint8_t *bytes, uint32_t segments, size_t size, uint8_t *out);

/* Replaces the data set by its deflated form: stored blocks. */
void dicom_deflate(dicom_builder *b);

/* nsc_image_open on a copy; NULL on failure, with the reason in `err` (which may be NULL). */
nsc_image *test_open(const void *bytes, size_t size, nsc_error *err);
/* The status of opening, everything freed. */
nsc_status test_open_status(const void *bytes, size_t size, nsc_error *err);

#endif
