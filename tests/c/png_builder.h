/* Writes PNG files for tests, with stored deflate blocks: no compressor needed. */
#ifndef NSC_PNG_BUILDER_H
#define NSC_PNG_BUILDER_H

#include <stddef.h>
#include <stdint.h>

typedef struct png_builder {
  uint8_t bytes[8192];
  size_t size;
} png_builder;

void png_begin(png_builder *p);
void png_chunk(png_builder *p, const char *type, const void *data, size_t size);
void png_header(png_builder *p, uint32_t width, uint32_t height, uint32_t depth, uint32_t color, uint32_t interlace);
/* IDAT with `size` bytes of filter bytes and rows. */
void png_data(png_builder *p, const void *rows, size_t size);
/* Signature, header, data and IEND in one. */
void png_whole(png_builder *p, uint32_t width, uint32_t height, uint32_t depth, uint32_t color, const void *rows,
               size_t size);

#endif
