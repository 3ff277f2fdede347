/* Writes TIFF files for tests: pages in either byte order, classic or BigTIFF. */
#ifndef NSC_TIFF_BUILDER_H
#define NSC_TIFF_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tiff_builder {
  uint8_t bytes[8192];
  size_t size;
  bool big_endian, big;
  size_t link;      /* where the place of the next directory goes */
  size_t directory; /* of the page at hand */
  uint32_t entries;
} tiff_builder;

/* The header. A page is: data, tiff_page, its tags in rising order, tiff_end_page. */
void tiff_begin(tiff_builder *b, bool big_endian, bool big);
/* Bytes as they are; where they begin. */
size_t tiff_data(tiff_builder *b, const void *bytes, size_t size);
/* Numbers of `bytes_each` in the file's byte order. */
size_t tiff_numbers(tiff_builder *b, const uint32_t *values, size_t count, size_t bytes_each);
void tiff_page(tiff_builder *b, uint32_t tags);
/* One SHORT or LONG, or the place of several. */
void tiff_tag(tiff_builder *b, uint16_t tag, uint16_t type, uint64_t count, uint64_t value);
void tiff_end_page(tiff_builder *b);

/* Tags of a page of one strip at `data`: size, bits, compression, photometric, samples. */
typedef struct tiff_facts {
  uint32_t width, height, bits, compression, photometric, samples, format, predictor, planar;
  size_t data, data_size;
} tiff_facts;
void tiff_plain_page(tiff_builder *b, const tiff_facts *f);

#endif
