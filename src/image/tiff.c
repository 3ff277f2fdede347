/*
 * TIFF files: pages that are alike are frames, as microscopes, OME-TIFF and ImageJ write stacks. A file of several
 * kinds of pages shows the first and tells how many others there are. Reduced copies and masks are left out.
 */
#include "image/tiff.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/source.h"

bool nsc_tiff_sniff(const uint8_t *bytes, size_t size) {
  if (size < 8 || (memcmp(bytes, "II", 2) != 0 && memcmp(bytes, "MM", 2) != 0)) return false;
  bool big_endian = bytes[0] == 'M';
  uint16_t version = nsc_load_u16(bytes + 2, big_endian);
  if (version == 42) return true;
  return version == 43 && nsc_load_u16(bytes + 4, big_endian) == 8 && nsc_load_u16(bytes + 6, big_endian) == 0;
}

static void free_tiff(void *state) {
  nsc_tiff *t = state;
  if (!t) return;
  if (t->owned) free(t->bytes);
  free(t->pages);
  free(t);
}

/* Section 8, Orientation: which sides of the picture its first row and column are. From 5 on they change places. */
static void turn(const nsc_tiff_page *p, const uint8_t *stored, uint8_t *shown) {
  size_t width = (size_t)p->width, height = (size_t)p->height, pixel = nsc_sample_size(p->type) * p->channels;
  bool swapped = p->orientation >= 5;
  bool mirror_x = p->orientation == 2 || p->orientation == 3 || p->orientation == 6 || p->orientation == 7;
  bool mirror_y = p->orientation == 3 || p->orientation == 4 || p->orientation == 7 || p->orientation == 8;
  size_t across = swapped ? height : width, down = swapped ? width : height;
  for (size_t row = 0; row < height; row++) {
    for (size_t column = 0; column < width; column++, stored += pixel) {
      size_t x = swapped ? row : column, y = swapped ? column : row;
      if (mirror_x) x = across - 1 - x;
      if (mirror_y) y = down - 1 - y;
      memcpy(shown + (y * across + x) * pixel, stored, pixel);
    }
  }
}

static nsc_status decode_page(const nsc_image *image, uint32_t frame, void *samples, nsc_error *err) {
  const nsc_tiff *t = image->state;
  nsc_tiff_page page;
  uint64_t next;
  NSC_TRY(nsc_tiff_read_page(t, t->pages[t->run ? 0 : frame], &page, &next, err));
  uint64_t shift = t->run ? (uint64_t)frame * nsc_image_frame_bytes(image) : 0;
  if (page.orientation == 1) return nsc_tiff_decode(t, &page, shift, samples, err);
  uint8_t *stored = malloc(nsc_image_frame_bytes(image));
  if (!stored) return nsc_fail_memory(err, nsc_image_frame_bytes(image), "a page");
  nsc_status status = nsc_tiff_decode(t, &page, shift, stored, err);
  if (status == NSC_OK) turn(&page, stored, samples);
  free(stored);
  return status;
}

/* ---- what is said of it ---- */

static void write_member(nsc_text *t, const char *key, const char *value) {
  nsc_json_key(t, key);
  nsc_json_string(t, value);
}

/* A text tag of the first page, as a row for people to read. Long ones (OME's XML) are cut. */
static void write_text_tag(const nsc_tiff *t, uint16_t tag, const char *name, nsc_text *out) {
  enum { MAX_SHOWN = 1024 };
  nsc_tiff_entry e;
  if (!nsc_tiff_find(t, t->pages[0], tag, &e) || e.type != 2 || e.count == 0) return;
  const char *chars = (const char *)t->bytes + e.at, *end = memchr(chars, 0, (size_t)e.count);
  size_t size = end ? (size_t)(end - chars) : (size_t)e.count;
  char number[8];
  snprintf(number, sizeof number, "%u", tag);
  nsc_json_object(out);
  write_member(out, "tag", number);
  write_member(out, "vr", "");
  write_member(out, "name", name);
  nsc_json_key(out, "value");
  nsc_json_string_n(out, chars, size < MAX_SHOWN ? size : MAX_SHOWN);
  nsc_json_end_object(out);
}

static void write_tiff(const nsc_image *image, nsc_text *out) {
  static const struct {
    uint16_t tag;
    const char *name;
  } tags[] = {{269, "DocumentName"}, {270, "ImageDescription"}, {271, "Make"},
              {272, "Model"},        {285, "PageName"},         {305, "Software"},
              {306, "DateTime"},     {315, "Artist"},           {316, "HostComputer"}};
  const nsc_tiff *t = image->state;
  nsc_image_write_no_dicom(out);
  nsc_json_key(out, "otherPages"), nsc_json_int(out, t->other_pages);
  nsc_json_key(out, "tags");
  nsc_json_array(out);
  for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) write_text_tag(t, tags[i].tag, tags[i].name, out);
  nsc_json_end_array(out);
}

static const nsc_image_reader tiff_reader = {.decode = decode_page, .write_json = write_tiff, .free_state = free_tiff};

/* ---- opening ---- */

static nsc_status read_header(nsc_tiff *t, uint64_t *first, nsc_error *err) {
  t->big_endian = t->bytes[0] == 'M'; /* nsc_tiff_sniff has seen eight bytes */
  t->big = nsc_load_u16(t->bytes + 2, t->big_endian) == 43;
  if (t->big && t->size < 16) return nsc_fail(err, NSC_ERROR_TRUNCATED, "TIFF: the header is cut off");
  *first = t->big ? nsc_load_u64(t->bytes + 8, t->big_endian) : nsc_load_u32(t->bytes + 4, t->big_endian);
  return NSC_OK;
}

static bool alike(const nsc_tiff_page *a, const nsc_tiff_page *b) {
  return a->width == b->width && a->height == b->height && a->type == b->type && a->channels == b->channels &&
         a->photometric == b->photometric && a->bits == b->bits && a->orientation == b->orientation;
}

/* Every chunk lies in the file, and all of them together could hold the page. */
static nsc_status check_chunks(const nsc_tiff *t, const nsc_tiff_page *p, nsc_error *err) {
  /* The most that a byte can become: 128 of two in PackBits, a string of 4096 of 12 bits in LZW, RFC 1951. */
  uint32_t ratio = p->compression == NSC_TIFF_NONE       ? 1
                   : p->compression == NSC_TIFF_PACKBITS ? 64
                   : p->compression == NSC_TIFF_LZW      ? 2731
                                                         : 1032;
  uint64_t packed = 0, chunks = p->across * p->down * (p->planar ? p->samples : 1);
  for (uint64_t i = 0; i < chunks; i++) {
    const uint8_t *bytes;
    size_t size;
    NSC_TRY(nsc_tiff_chunk(t, p, i, &bytes, &size, err));
    packed += size;
  }
  uint64_t need = (p->width * p->samples * p->bits + 7) / 8 * p->height;
  if (p->compression != NSC_TIFF_NONE && packed * ratio + 4096 < need) {
    return nsc_fail(err, NSC_ERROR_TRUNCATED, "TIFF: %llu bytes of compressed data cannot hold a page",
                    (unsigned long long)packed);
  }
  return NSC_OK;
}

/* Limits of a page before anything is allocated for it, a chunk of it included. */
static nsc_status check_page(const nsc_image *image, const nsc_tiff *t, const nsc_tiff_page *p, nsc_error *err) {
  NSC_TRY(nsc_image_check_limits(image, p->width, p->height, 1, p->channels, p->type, err));
  uint64_t row = (p->chunk_width * p->samples * p->bits + 7) / 8; /* at most 2^16 * 8 * 64 bits */
  if (row * p->chunk_height > image->limits.max_frame_bytes) {
    return nsc_fail(err, NSC_ERROR_LIMIT, "TIFF: a tile of %llu x %llu pixels is larger than the limit of %llu bytes",
                    (unsigned long long)p->chunk_width, (unsigned long long)p->chunk_height,
                    (unsigned long long)image->limits.max_frame_bytes);
  }
  return check_chunks(t, p, err);
}

static nsc_status add_page(nsc_tiff *t, uint64_t at, nsc_error *err) {
  if ((t->page_count & (t->page_count - 1)) == 0) { /* powers of two */
    uint64_t *pages = realloc(t->pages, (t->page_count ? (size_t)t->page_count * 2 : 1) * sizeof *pages);
    if (!pages) return nsc_fail_memory(err, t->page_count * sizeof *pages, "a list of pages");
    t->pages = pages;
  }
  t->pages[t->page_count++] = at;
  return NSC_OK;
}

/*
 * All directories. The first decides; a later one that is damaged or of another kind makes it the only frame. What the
 * directories and their lists take together is no more than the file, or they overlap, as in a chain that leads back
 * into itself.
 */
static nsc_status read_pages(const nsc_image *image, nsc_tiff *t, uint64_t at, nsc_tiff_page *first, nsc_error *err) {
  uint64_t seen = 0, taken = 0;
  bool same = true;
  for (uint64_t next = 0; at != 0; at = next) {
    nsc_tiff_page page;
    if (seen++ > image->limits.max_frames) {
      return nsc_fail(err, NSC_ERROR_LIMIT, "TIFF: more than %u pages", image->limits.max_frames);
    }
    next = 0;
    nsc_error own = {0};
    nsc_status status = nsc_tiff_read_page(t, at, &page, &next, &own);
    taken += nsc_tiff_directory_bytes(t, at);
    if (status == NSC_OK && page.across * page.down > 4) taken += page.across * page.down * 2;
    if (taken > t->size) return nsc_fail(err, NSC_ERROR_CORRUPT, "TIFF: directories overlap");
    if (status == NSC_OK && page.reduced && t->page_count) continue;
    if (status == NSC_OK) status = check_page(image, t, &page, &own);
    if (status != NSC_OK && t->page_count == 0) return nsc_fail(err, status, "%s", own.text);
    if (status == NSC_ERROR_TRUNCATED) return nsc_fail(err, status, "%s", own.text);
    if (t->page_count == 0) *first = page;
    if (status != NSC_OK || !alike(first, &page)) same = false;
    NSC_TRY(add_page(t, at, err));
  }
  if (!t->page_count) return nsc_fail(err, NSC_ERROR_NO_PIXELS, "TIFF: the file has no page");
  if (same) return NSC_OK;
  t->other_pages = t->page_count - 1;
  t->page_count = 1;
  return NSC_OK;
}

/* ImageJ writes stacks of more than 4 GB with one directory: "images=N" in its text, one picture behind the other. */
static void find_run(const nsc_image *image, nsc_tiff *t, const nsc_tiff_page *p) {
  nsc_tiff_entry e;
  uint64_t images = 0, offset, bytes, all;
  bool plain = t->page_count == 1 && p->compression == NSC_TIFF_NONE && !p->planar && p->bits >= 8 && !p->tiled &&
               p->down == 1 && p->samples == p->channels && p->photometric != 3;
  if (!plain || !nsc_tiff_find(t, t->pages[0], 270, &e) || e.type != 2) return;
  const char *chars = (const char *)t->bytes + e.at, *end = chars + e.count;
  if (e.count < 8 || memcmp(chars, "ImageJ=", 7) != 0) return;
  while (chars && end - chars > 7 && memcmp(chars, "images=", 7) != 0) {
    chars = memchr(chars, '\n', (size_t)(end - chars));
    if (chars) chars++;
  }
  if (!chars || end - chars <= 7) return;
  for (chars += 7; chars < end && *chars >= '0' && *chars <= '9' && images < UINT32_MAX; chars++) {
    images = images * 10 + (uint64_t)(*chars - '0');
  }
  bytes = p->width * p->height * p->channels * nsc_sample_size(p->type); /* was checked */
  bool there = images > 1 && images <= image->limits.max_frames && nsc_tiff_value(t, &p->offsets, 0, &offset) &&
               nsc_mul_u64(bytes, images, &all) && offset <= t->size && all <= t->size - offset;
  if (there) t->run = (uint32_t)images;
}

static void describe(nsc_image *image, const nsc_tiff *t, const nsc_tiff_page *p) {
  nsc_image_info *info = &image->info;
  bool swapped = p->orientation >= 5;
  info->width = (uint32_t)(swapped ? p->height : p->width);
  info->height = (uint32_t)(swapped ? p->width : p->height);
  info->frames = t->run ? t->run : t->page_count;
  info->channels = p->channels;
  info->type = p->type;
  info->bits = (uint32_t)nsc_sample_size(p->type) * 8;
  info->photometric = p->channels == 3      ? NSC_PHOTOMETRIC_RGB
                      : p->photometric == 0 ? NSC_PHOTOMETRIC_MONOCHROME1
                                            : NSC_PHOTOMETRIC_MONOCHROME2;
  info->spacing_x = swapped ? p->spacing_y : p->spacing_x;
  info->spacing_y = swapped ? p->spacing_x : p->spacing_y;
  nsc_image_set_type_range(image);
  /* Cameras of microscopes fill 12 of 16 bits: more than 8 are shown over what is there. */
  image->full_range = p->type == NSC_SAMPLE_U8 || p->channels == 3;
}

nsc_status nsc_tiff_open(nsc_image *image, nsc_source *source, nsc_error *err) {
  nsc_tiff *t = calloc(1, sizeof *t);
  if (!t) return nsc_fail_memory(err, sizeof *t, "a TIFF");
  *t = (nsc_tiff){.bytes = source->bytes, .size = source->size};
  image->reader = &tiff_reader;
  image->state = t;
  uint64_t first = 0;
  nsc_tiff_page page = {0};
  NSC_TRY(read_header(t, &first, err));
  NSC_TRY(read_pages(image, t, first, &page, err));
  find_run(image, t, &page);
  describe(image, t, &page);
  t->owned = true;
  source->bytes = NULL;
  return NSC_OK;
}
