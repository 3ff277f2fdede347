/*
 * GIF89a (CompuServe, 1990), with GIF87a. Opening walks the blocks and notes where each frame stands; frames are then
 * composed one after the other onto a black canvas, as browsers do, and going back starts again from the first.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "image/picture.h"

enum { MAX_CODES = 4096, NO_CODE = MAX_CODES, DISPOSE_BACKGROUND = 2, DISPOSE_PREVIOUS = 3 };

typedef struct gif_frame {
  uint32_t x, y, width, height;
  size_t palette, data; /* offsets: colours, and the byte with the LZW code size */
  uint32_t palette_count;
  int transparent; /* palette index or -1 */
  uint8_t dispose;
  bool interlaced;
} gif_frame;

typedef struct gif {
  uint8_t *bytes; /* own copy of the file */
  size_t size;
  gif_frame *frames;
  uint32_t count, capacity;
  uint32_t width, height;
  uint8_t *canvas, *previous; /* RGB; `previous` is what DISPOSE_PREVIOUS goes back to */
  uint32_t composed;          /* frames on the canvas so far */
} gif;

static void free_gif(void *state) {
  gif *g = state;
  if (!g) return;
  free(g->bytes);
  free(g->frames);
  free(g->canvas);
  free(g->previous);
  free(g);
}

/* ---- blocks ---- */

static nsc_status cut_off(nsc_error *err) {
  return nsc_fail(err, NSC_ERROR_TRUNCATED, "GIF: the file ends before its trailer");
}

static nsc_status skip_sub_blocks(nsc_reader *r, nsc_error *err) {
  for (;;) {
    const uint8_t *length = nsc_reader_take(r, 1);
    if (!length) return cut_off(err);
    if (*length == 0) return NSC_OK;
    if (!nsc_reader_take(r, *length)) return cut_off(err);
  }
}

static nsc_status take_palette(nsc_reader *r, uint8_t flags, size_t *at, uint32_t *count, nsc_error *err) {
  if (!(flags & 0x80)) return NSC_OK;
  *at = r->at;
  *count = 2u << (flags & 7);
  return nsc_reader_take(r, *count * 3) ? NSC_OK : cut_off(err);
}

static nsc_status read_extension(nsc_reader *r, gif_frame *next, double *frame_ms, nsc_error *err) {
  const uint8_t *label = nsc_reader_take(r, 1);
  if (!label) return cut_off(err);
  if (*label == 0xF9 && nsc_reader_left(r) >= 5 && r->bytes[r->at] == 4) { /* graphic control */
    const uint8_t *p = r->bytes + r->at + 1;
    next->dispose = p[0] >> 2 & 7;
    next->transparent = p[0] & 1 ? p[3] : -1;
    if (*frame_ms == 0) *frame_ms = 10.0 * nsc_load_u16(p + 1, false);
  }
  return skip_sub_blocks(r, err);
}

static nsc_status add_frame(gif *g, nsc_reader *r, gif_frame *next, uint32_t max_frames, nsc_error *err) {
  const uint8_t *p = nsc_reader_take(r, 9);
  if (!p) return cut_off(err);
  next->x = nsc_load_u16(p, false);
  next->y = nsc_load_u16(p + 2, false);
  next->width = nsc_load_u16(p + 4, false);
  next->height = nsc_load_u16(p + 6, false);
  next->interlaced = p[8] & 0x40;
  NSC_TRY(take_palette(r, p[8], &next->palette, &next->palette_count, err));
  if (!next->palette_count) return nsc_fail(err, NSC_ERROR_CORRUPT, "GIF: frame %u has no palette", g->count + 1);
  next->data = r->at;
  if (!nsc_reader_take(r, 1)) return cut_off(err);
  NSC_TRY(skip_sub_blocks(r, err));
  if (g->count == max_frames) return nsc_fail(err, NSC_ERROR_LIMIT, "GIF: more than %u frames", max_frames);
  if (g->count == g->capacity) {
    uint32_t capacity = g->capacity ? g->capacity * 2 : 4;
    gif_frame *frames = realloc(g->frames, capacity * sizeof *frames);
    if (!frames) return nsc_fail_memory(err, capacity * sizeof *frames, "a GIF");
    g->frames = frames;
    g->capacity = capacity;
  }
  g->frames[g->count++] = *next;
  return NSC_OK;
}

static nsc_status read_blocks(gif *g, uint32_t max_frames, double *frame_ms, nsc_error *err) {
  nsc_reader r = nsc_reader_of(g->bytes, g->size);
  const uint8_t *head = nsc_reader_take(&r, 13);
  if (!head) return cut_off(err);
  g->width = nsc_load_u16(head + 6, false);
  g->height = nsc_load_u16(head + 8, false);
  gif_frame base = {.transparent = -1};
  NSC_TRY(take_palette(&r, head[10], &base.palette, &base.palette_count, err));
  gif_frame next = base;
  for (;;) {
    const uint8_t *kind = nsc_reader_take(&r, 1);
    if (!kind) return cut_off(err);
    if (*kind == 0x3B) return NSC_OK;
    if (*kind == 0x21) {
      NSC_TRY(read_extension(&r, &next, frame_ms, err));
    } else if (*kind == 0x2C) {
      NSC_TRY(add_frame(g, &r, &next, max_frames, err));
      next = base;
    } else {
      return nsc_fail(err, NSC_ERROR_CORRUPT, "GIF: there is no block of kind %02x (byte %zu)", *kind, r.at - 1);
    }
  }
}

/* ---- LZW (appendix F) ---- */

typedef struct lzw {
  nsc_reader r;
  uint32_t block_left, bits, bit_count;
  uint16_t prefix[MAX_CODES];
  uint8_t suffix[MAX_CODES], stack[MAX_CODES];
} lzw;

/* The next code, or NO_CODE at the end of the data. */
static uint32_t next_code(lzw *z, uint32_t width) {
  while (z->bit_count < width) {
    if (z->block_left == 0) {
      const uint8_t *length = nsc_reader_take(&z->r, 1);
      if (!length || *length == 0) return NO_CODE;
      z->block_left = *length;
    }
    const uint8_t *byte = nsc_reader_take(&z->r, 1);
    if (!byte) return NO_CODE;
    z->block_left--;
    z->bits |= (uint32_t)*byte << z->bit_count;
    z->bit_count += 8;
  }
  uint32_t code = z->bits & ((1u << width) - 1);
  z->bits >>= width;
  z->bit_count -= width;
  return code;
}

/* Writes `count` palette indices. Returns how many there were; stops at the first impossible code. */
static size_t unpack_lzw(lzw *z, uint32_t min_width, uint8_t *out, size_t count) {
  uint32_t clear = 1u << min_width, end = clear + 1, next = end + 1, width = min_width + 1, old = NO_CODE;
  uint8_t first = 0;
  size_t done = 0;
  for (uint32_t i = 0; i < clear; i++) z->suffix[i] = (uint8_t)i;
  while (done < count) {
    uint32_t code = next_code(z, width);
    if (code == NO_CODE || code == end) break;
    if (code == clear) {
      next = end + 1;
      width = min_width + 1;
      old = NO_CODE;
      continue;
    }
    if (code > next || (code == next && old == NO_CODE) || (old == NO_CODE && code > end)) break;
    uint32_t depth = 0, at = code;
    if (code == next) { /* the string that is just being defined: old + its own first index */
      z->stack[depth++] = first;
      at = old;
    }
    for (; at > end; at = z->prefix[at]) z->stack[depth++] = z->suffix[at];
    first = z->suffix[at];
    z->stack[depth++] = first;
    while (depth && done < count) out[done++] = z->stack[--depth];
    if (old != NO_CODE && next < MAX_CODES) {
      z->prefix[next] = (uint16_t)old;
      z->suffix[next++] = first;
      if (next == 1u << width && width < 12) width++;
    }
    old = code;
  }
  return done;
}

/* ---- composition ---- */

/* Row number `i` in the order of the data to its place in the picture (appendix E). */
static uint32_t interlaced_row(uint32_t i, uint32_t height) {
  static const uint8_t start[4] = {0, 4, 2, 1}, step[4] = {8, 8, 4, 2};
  for (int k = 0; k < 4; k++) {
    uint32_t rows = height > start[k] ? (height - start[k] + step[k] - 1u) / step[k] : 0;
    if (i < rows) return start[k] + i * step[k];
    i -= rows;
  }
  return 0;
}

static nsc_status paint(gif *g, const gif_frame *f, const uint8_t *indices, nsc_error *err) {
  const uint8_t *palette = g->bytes + f->palette;
  for (uint32_t i = 0; i < f->height; i++) {
    uint32_t y = f->y + (f->interlaced ? interlaced_row(i, f->height) : i);
    for (uint32_t x = 0; x < f->width; x++) {
      uint32_t index = indices[(size_t)i * f->width + x];
      if ((int)index == f->transparent || y >= g->height || f->x + x >= g->width) continue;
      if (index >= f->palette_count) {
        return nsc_fail(err, NSC_ERROR_CORRUPT, "GIF: colour %u is not in the palette", index);
      }
      memcpy(g->canvas + ((size_t)y * g->width + f->x + x) * 3, palette + (size_t)index * 3, 3);
    }
  }
  return NSC_OK;
}

static nsc_status draw(gif *g, const gif_frame *f, uint32_t number, nsc_error *err) {
  size_t count = (size_t)f->width * f->height;
  uint32_t min_width = g->bytes[f->data];
  if (min_width < 1 || min_width > 8) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "GIF: frame %u has codes of %u bits", number + 1, min_width);
  }
  /* A code of 12 bits stands for at most 4096 pixels: less data than that is no frame of this size. */
  if (count / (MAX_CODES * 8 / 12 + 1) > g->size) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "GIF: frame %u of %u x %u pixels does not fit into the file", number + 1,
                    f->width, f->height);
  }
  lzw *z = calloc(1, sizeof *z);
  uint8_t *indices = malloc(count ? count : 1);
  nsc_status status = NSC_OK;
  if (!z || !indices) {
    status = nsc_fail_memory(err, count, "a GIF");
  } else {
    z->r = nsc_reader_of(g->bytes, g->size);
    z->r.at = f->data + 1;
    size_t done = unpack_lzw(z, min_width, indices, count);
    status = done == count ? paint(g, f, indices, err)
                           : nsc_fail(err, NSC_ERROR_CORRUPT, "GIF: the data of frame %u ends after %zu of %zu pixels",
                                      number + 1, done, count);
  }
  free(z);
  free(indices);
  return status;
}

static void clear_rectangle(gif *g, const gif_frame *f) {
  for (uint32_t y = f->y; y < f->y + f->height && y < g->height; y++) {
    for (uint32_t x = f->x; x < f->x + f->width && x < g->width; x++) {
      memset(g->canvas + ((size_t)y * g->width + x) * 3, 0, 3);
    }
  }
}

/* Puts the next frame onto the canvas, after doing away with the last one as it asked. */
static nsc_status compose_next(gif *g, nsc_error *err) {
  size_t bytes = (size_t)g->width * g->height * 3;
  if (g->composed > 0) {
    const gif_frame *last = &g->frames[g->composed - 1];
    if (last->dispose == DISPOSE_BACKGROUND) clear_rectangle(g, last);
    if (last->dispose == DISPOSE_PREVIOUS) memcpy(g->canvas, g->previous, bytes);
  } else {
    memset(g->canvas, 0, bytes);
  }
  const gif_frame *f = &g->frames[g->composed];
  if (f->dispose == DISPOSE_PREVIOUS) {
    if (!g->previous) g->previous = malloc(bytes);
    if (!g->previous) return nsc_fail_memory(err, bytes, "a GIF");
    memcpy(g->previous, g->canvas, bytes);
  }
  NSC_TRY(draw(g, f, g->composed, err));
  g->composed++;
  return NSC_OK;
}

static nsc_status decode(const nsc_image *image, uint32_t frame, void *samples, nsc_error *err) {
  gif *g = image->state;
  if (frame < g->composed) g->composed = 0;
  while (g->composed <= frame) NSC_TRY(compose_next(g, err));
  memcpy(samples, g->canvas, nsc_image_frame_bytes(image));
  return NSC_OK;
}

static const nsc_image_reader gif_reader = {.decode = decode, .free_state = free_gif};

nsc_status nsc_gif_open(nsc_image *image, const uint8_t *bytes, size_t size, nsc_error *err) {
  gif *g = calloc(1, sizeof *g);
  if (!g) return nsc_fail_memory(err, sizeof *g, "a GIF");
  image->reader = &gif_reader;
  image->state = g;
  g->bytes = malloc(size);
  if (!g->bytes) return nsc_fail_memory(err, size, "a GIF");
  memcpy(g->bytes, bytes, size);
  g->size = size;
  double frame_ms = 0;
  NSC_TRY(read_blocks(g, image->limits.max_frames, &frame_ms, err));
  if (!g->count) return nsc_fail(err, NSC_ERROR_CORRUPT, "GIF: the file has no picture");
  NSC_TRY(nsc_picture_describe(image, g->width, g->height, 3, 8, 255, err));
  image->reader = &gif_reader;
  image->info.frames = g->count;
  image->info.frame_ms = g->count > 1 ? frame_ms : 0;
  g->canvas = malloc(nsc_image_frame_bytes(image));
  if (!g->canvas) return nsc_fail_memory(err, nsc_image_frame_bytes(image), "a GIF");
  const void *first;
  return nsc_image_frame(image, 0, &first, err);
}
