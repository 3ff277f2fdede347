/* The inside of the TIFF reader: TIFF 6.0 (1992), its Technical Notes on Deflate, and BigTIFF. */
#ifndef NSC_IMAGE_TIFF_H
#define NSC_IMAGE_TIFF_H

#include "image/image.h"

/* Values of one tag: `count` of `type`, beginning at byte `at`, all inside the file. */
typedef struct nsc_tiff_entry {
  uint16_t type;
  uint64_t count;
  size_t at;
} nsc_tiff_entry;

typedef enum nsc_tiff_compression {
  NSC_TIFF_NONE = 1,
  NSC_TIFF_LZW = 5,
  NSC_TIFF_DEFLATE = 8,
  NSC_TIFF_PACKBITS = 32773,
  NSC_TIFF_OLD_DEFLATE = 32946
} nsc_tiff_compression;

enum { NSC_TIFF_MAX_SAMPLES = 8 /* of a pixel: three colours, alpha, and some that are left out */ };

/* One picture of the file. Chunks are strips or tiles. */
typedef struct nsc_tiff_page {
  uint64_t width, height;
  uint32_t bits, samples; /* of a sample; stored samples of a pixel */
  uint32_t format;        /* 1 unsigned, 2 signed, 3 float */
  uint32_t photometric, compression, predictor, fill_order, orientation;
  bool planar;             /* a plane for each sample */
  bool unassociated_alpha; /* the sample behind the colours multiplies them */
  bool reduced;            /* a thumbnail, a smaller copy or a mask of another page */
  uint64_t chunk_width, chunk_height;
  uint64_t across, down; /* chunks */
  bool tiled;
  nsc_tiff_entry offsets, counts; /* of chunks; counts.count 0 when the file has none */
  nsc_tiff_entry colors;          /* ColorMap */
  double spacing_x, spacing_y;    /* mm; 0 when the file does not say */

  uint32_t channels; /* of the picture: 1 or 3 */
  nsc_sample_type type;
} nsc_tiff_page;

typedef struct nsc_tiff {
  uint8_t *bytes; /* of the file; owned once the image is open */
  size_t size;
  bool owned, big_endian, big;
  uint64_t *pages; /* [page_count] where their directories begin; owned */
  uint32_t page_count, other_pages;
  uint32_t run; /* pictures that follow the first without directories of their own (ImageJ); 0: none */
} nsc_tiff;

/* tiff_page.c: a directory, understood and checked except for the bytes of its chunks. UNSUPPORTED names what is not
 * read. `next`: where the next directory begins, 0 behind the last. */
NSC_WARN_UNUSED nsc_status nsc_tiff_read_page(const nsc_tiff *t, uint64_t at, nsc_tiff_page *page, uint64_t *next,
                                              nsc_error *err);
/* Bytes of the directory at byte `at`; 0 when it is not in the file. */
uint64_t nsc_tiff_directory_bytes(const nsc_tiff *t, uint64_t at);
/* Value `index` of an entry as a whole number; false when there is none or it is of another kind. */
bool nsc_tiff_value(const nsc_tiff *t, const nsc_tiff_entry *e, uint64_t index, uint64_t *out);
/* An entry of the directory at byte `at`; false when there is none. */
bool nsc_tiff_find(const nsc_tiff *t, uint64_t at, uint16_t tag, nsc_tiff_entry *out);
/* Where the bytes of a chunk are; CORRUPT or TRUNCATED when they are not in the file. */
NSC_WARN_UNUSED nsc_status nsc_tiff_chunk(const nsc_tiff *t, const nsc_tiff_page *page, uint64_t index,
                                          const uint8_t **bytes, size_t *size, nsc_error *err);
/* Bytes of a row of a chunk, and of a whole chunk; the page was checked. */
size_t nsc_tiff_row_bytes(const nsc_tiff_page *page);
size_t nsc_tiff_chunk_bytes(const nsc_tiff_page *page);

/* tiff_decode.c: all chunks to the samples of a frame; `shift` is added to where each chunk begins. */
NSC_WARN_UNUSED nsc_status nsc_tiff_decode(const nsc_tiff *t, const nsc_tiff_page *page, uint64_t shift, void *samples,
                                           nsc_error *err);

/* tiff_unpack.c: PackBits (section 9) and LZW (section 13) to exactly `room` bytes. Errors: TRUNCATED, CORRUPT. */
NSC_WARN_UNUSED nsc_status nsc_tiff_packbits(const uint8_t *bytes, size_t size, uint8_t *out, size_t room,
                                             nsc_error *err);
NSC_WARN_UNUSED nsc_status nsc_tiff_lzw(const uint8_t *bytes, size_t size, uint8_t *out, size_t room, nsc_error *err);

NSC_WARN_UNUSED nsc_status nsc_tiff_open(nsc_image *image, nsc_source *source, nsc_error *err);
bool nsc_tiff_sniff(const uint8_t *bytes, size_t size);

#endif
