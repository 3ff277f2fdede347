/*
 * Overlay planes (PS3.3 C.9.2): up to sixteen groups 6000, 6002, ... 601E, each with a picture of single bits. Its bits
 * stand in Overlay Data, or, as old files have it (retired), in bits of the pixel samples that the picture does not
 * use. A plane that is damaged is left out: it only explains the picture.
 */
#include "image/dicom_overlay.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"

enum { FIRST_GROUP = 0x6000, LAST_GROUP = 0x601E };

typedef struct plane {
  uint32_t group;
  uint32_t rows, columns;
  int64_t top, left;       /* row and column of the picture where it begins, the first being 0 */
  uint32_t frames;         /* of its own; 0: one for all frames of the picture */
  uint32_t first;          /* the picture's frame that its first one belongs to, from 0 */
  const nsc_element *data; /* Overlay Data; NULL where it is in the pixel samples */
  uint32_t bit;            /* there */
} plane;

static const nsc_element *find(const nsc_dicom *d, uint32_t group, uint32_t element) {
  return nsc_dicom_find(d->elements, NSC_TAG(group, element));
}

static uint32_t uint_or(const nsc_dicom *d, uint32_t group, uint32_t element, uint32_t otherwise) {
  uint32_t value;
  return nsc_dicom_uint(d, find(d, group, element), &value) ? value : otherwise;
}

/* ---- which there are ---- */

/* Its own bits are all there. */
static bool has_all_data(const plane *p) {
  if (p->data->count || !p->rows || !p->columns) return false;
  uint64_t bits = (uint64_t)p->rows * p->columns; /* of 16 bits each */
  return nsc_mul_u64(bits, p->frames ? p->frames : 1, &bits) && (bits + 7) / 8 <= p->data->length;
}

/* In the samples: where the picture's own bits are not, and samples come out of the file as they went in. */
static bool is_embedded(const nsc_dicom *d, const nsc_image *image, plane *p) {
  uint32_t lowest = d->high_bit + 1 - d->bits_stored;
  if (!nsc_dicom_uint(d, find(d, p->group, 0x0102), &p->bit) || d->channels != 1) return false;
  if (p->bit >= d->bits_allocated || (p->bit >= lowest && p->bit <= d->high_bit)) return false;
  if (d->bits_allocated != 8 && d->bits_allocated != 16) return false;
  p->rows = image->info.height; /* a plane of the samples is as large as they are */
  p->columns = image->info.width;
  p->top = p->left = 0;
  p->frames = 0;
  return d->syntax->coding < NSC_CODING_JPEG;
}

static bool read_plane(const nsc_dicom *d, const nsc_image *image, uint32_t group, plane *p) {
  if (!find(d, group, 0x0010) && !find(d, group, 0x0102)) return false;
  double row = 1, column = 1, frames = 0;
  *p = (plane){.group = group, .rows = uint_or(d, group, 0x0010, 0), .columns = uint_or(d, group, 0x0011, 0)};
  (void)nsc_dicom_number(d, find(d, group, 0x0050), 0, &row);
  (void)nsc_dicom_number(d, find(d, group, 0x0050), 1, &column);
  if (p->rows > UINT16_MAX || p->columns > UINT16_MAX || !(row >= INT16_MIN && row <= INT16_MAX) ||
      !(column >= INT16_MIN && column <= INT16_MAX)) {
    return false;
  }
  p->top = (int64_t)row - 1;
  p->left = (int64_t)column - 1;
  p->data = find(d, group, 0x3000);
  if (!p->data) return is_embedded(d, image, p);
  bool has_frames = nsc_dicom_number(d, find(d, group, 0x0015), 0, &frames) && frames >= 1 && frames <= UINT32_MAX;
  uint32_t origin = uint_or(d, group, 0x0051, 1);
  /* One frame in a file of one says nothing of others; in a file of several it belongs to the one it names. */
  p->frames = has_frames ? (uint32_t)frames : 0;
  p->first = origin > 0 ? origin - 1 : 0;
  return has_all_data(p);
}

/* ---- its bits ---- */

/* Bit number `at` of Overlay Data: the first is the lowest of the first byte or word (PS3.5 8.1.2). */
static bool data_bit(const nsc_dicom *d, const nsc_element *e, uint64_t at) {
  size_t byte = (size_t)(at / 8);
  bool swapped = e->big_endian && e->vr[1] == 'W' && (byte ^ 1) < e->length;
  return d->bytes[e->offset + (swapped ? byte ^ 1 : byte)] >> (at % 8) & 1;
}

/* `begin`..`end` of 0..size that lie inside 0..limit when they begin at `origin`. */
static void clip(int64_t origin, uint32_t size, uint32_t limit, uint32_t *begin, uint32_t *end) {
  int64_t first = origin < 0 ? -origin : 0, last = (int64_t)limit - origin;
  *begin = (uint32_t)(first < size ? first : size);
  *end = last < 0 ? 0 : (uint32_t)(last < size ? last : size);
}

static void draw_data(const nsc_dicom *d, const nsc_image *image, const plane *p, uint32_t number, uint8_t *mask) {
  uint32_t top, bottom, left, right;
  clip(p->top, p->rows, image->info.height, &top, &bottom);
  clip(p->left, p->columns, image->info.width, &left, &right);
  for (uint32_t y = top; y < bottom; y++) {
    uint64_t from = ((uint64_t)number * p->rows + y) * p->columns;
    uint8_t *row = mask + (size_t)(p->top + y) * image->info.width;
    for (uint32_t x = left; x < right; x++) {
      if (data_bit(d, p->data, from + x)) row[p->left + x] = 1;
    }
  }
}

/* The samples once more, with this bit as if it were the picture's only one. */
static nsc_status draw_embedded(const nsc_dicom *d, const nsc_image *image, const plane *p, uint32_t frame,
                                uint8_t *mask, nsc_error *err) {
  size_t pixels = (size_t)image->info.width * image->info.height, each = d->bits_allocated / 8;
  uint8_t *samples = malloc(pixels * each);
  if (!samples) return nsc_fail_memory(err, pixels * each, "an overlay");
  nsc_dicom other = *d;
  other.bits_stored = 1;
  other.high_bit = p->bit;
  other.is_signed = false;
  nsc_status status = nsc_dicom_decode_stored(&other, image, frame, samples, err);
  for (size_t i = 0; status == NSC_OK && i < pixels; i++) {
    if (samples[i * each] | samples[i * each + each - 1]) mask[i] = 1; /* in either order of bytes */
  }
  free(samples);
  return status;
}

nsc_status nsc_dicom_overlays(const nsc_image *image, uint32_t frame, uint8_t *mask, nsc_error *err) {
  const nsc_dicom *d = image->state;
  for (uint32_t group = FIRST_GROUP; group <= LAST_GROUP; group += 2) {
    plane p;
    if (!read_plane(d, image, group, &p)) continue;
    if (!p.data) {
      NSC_TRY(draw_embedded(d, image, &p, frame, mask, err));
    } else if (p.frames == 0) {
      draw_data(d, image, &p, 0, mask);
    } else if (frame >= p.first && frame - p.first < p.frames) {
      draw_data(d, image, &p, frame - p.first, mask);
    }
  }
  return NSC_OK;
}

/* ---- what is said of them ---- */

static void write_text(const nsc_dicom *d, const char *key, const nsc_element *e, nsc_text *t) {
  char *text = nsc_dicom_copy_text(d, e, 0);
  nsc_json_key(t, key), nsc_json_string(t, text);
  nsc_text_free(text);
}

void nsc_dicom_write_overlays(const nsc_image *image, nsc_text *t) {
  const nsc_dicom *d = image->state;
  nsc_json_key(t, "overlays");
  nsc_json_array(t);
  for (uint32_t group = FIRST_GROUP; group <= LAST_GROUP; group += 2) {
    plane p;
    if (!read_plane(d, image, group, &p)) continue;
    nsc_json_object(t);
    nsc_json_key(t, "group"), nsc_json_int(t, group);
    write_text(d, "type", find(d, group, 0x0040), t);
    write_text(d, "label", find(d, group, 0x1500), t);
    write_text(d, "description", find(d, group, 0x0022), t);
    nsc_json_key(t, "rows"), nsc_json_int(t, p.rows);
    nsc_json_key(t, "columns"), nsc_json_int(t, p.columns);
    nsc_json_key(t, "top"), nsc_json_int(t, p.top);
    nsc_json_key(t, "left"), nsc_json_int(t, p.left);
    nsc_json_key(t, "frames"), nsc_json_int(t, p.frames);
    nsc_json_key(t, "embedded"), nsc_json_bool(t, !p.data);
    nsc_json_end_object(t);
  }
  nsc_json_end_array(t);
}
