/*
 * The inside of nsc_image. A reader (DICOM, picture) fills it when a file is opened; frames are decoded when somebody
 * asks, and the last one is kept.
 */
#ifndef NSC_IMAGE_IMAGE_H
#define NSC_IMAGE_IMAGE_H

#include "base/text.h"
#include "image/place.h"
#include "negatoscope.h"

/* A VOI window as the file states it: PS3.3 C.11.2.1.2 and C.11.2.1.3. */
typedef struct nsc_window {
  nsc_voi_function function;
  double center, width; /* width > 0, and at least 1 for LINEAR */
  char *name;           /* owned, UTF-8; NULL when the file gives none */
} nsc_window;

/* A lookup table: modality (PS3.3 C.11.1.1) or VOI (PS3.3 C.11.2.1.1). */
typedef struct nsc_lut {
  uint32_t count;   /* 1 to 65536 */
  int32_t first;    /* the input that maps to values[0]; inputs outside take the nearest end */
  uint32_t bits;    /* of an entry, 1 to 16 */
  uint16_t *values; /* [count], owned */
  char *name;       /* owned, UTF-8; NULL when the file gives none */
} nsc_lut;

/* What an enhanced multi-frame file says about one frame only: PS3.3 C.7.6.16. */
typedef struct nsc_frame_values {
  double slope, intercept;
  bool has_window;
  nsc_window window;           /* its name is always NULL */
  double spacing_x, spacing_y; /* mm; as those of the image where the frame says nothing of its own */
} nsc_frame_values;

/* Extremes of one frame's stored samples, all channels together. What is not finite is left out; 0 when nothing is. */
typedef struct nsc_frame_stats {
  double all_low, all_high; /* with padding */
  double low, high;         /* without; as all_* when everything is padding */
} nsc_frame_stats;

enum { NSC_IDENTITY_ROOM = 72 }; /* "uid-", 64 characters of a UID, and the end */

/* What a format's reader does after opening. `state` is its own. */
typedef struct nsc_image_reader {
  nsc_status (*decode)(const nsc_image *image, uint32_t frame, void *samples, nsc_error *err);
  bool (*needs_codec)(const nsc_image *image); /* NULL: never */
  /* A name that no other file has, of at most NSC_IDENTITY_ROOM - 1 bytes; false when it has none. NULL: never. */
  bool (*identity)(const nsc_image *image, char *out);
  /* Sets the bytes [height][width] where an overlay plane of the frame is; they are 0 before. NULL: there are none. */
  nsc_status (*overlays)(const nsc_image *image, uint32_t frame, uint8_t *mask, nsc_error *err);
  /* JSON of what a stored sample means in the real world, or null. NULL: files of this format do not say. */
  void (*real_world)(const nsc_image *image, uint32_t frame, double stored, nsc_text *t);
  void (*write_json)(const nsc_image *image, nsc_text *t); /* further members of an open object */
  void (*free_state)(void *state);
  /* Where a frame lies, spacing included; false: the file does not say. NULL: of no frame */
  bool (*locate)(const nsc_image *image, uint32_t frame, nsc_place *out);
} nsc_image_reader;

struct nsc_image {
  uint64_t serial; /* no two images have the same, also when one takes the other's place in memory */
  nsc_image_info info;
  nsc_image_options limits; /* defaults filled in */
  const nsc_image_reader *reader;
  void *state;

  uint64_t fingerprint[2]; /* of the file's bytes; 0 when it was made from none */

  /* From stored values to modality values (HU, SUV, ...). */
  double slope, intercept;
  nsc_lut modality_lut; /* count 0: none, slope and intercept hold */
  char *unit;           /* "HU"; owned; NULL when the file does not say */
  bool quadruped;    /* of an animal that goes on four feet: the patient's sides have other names (PS3.3 C.7.6.1.1.1) */
  char modality[17]; /* "CT"; "" when the file does not say */
  char age[5], sex[17];         /* Patient's Age ("045Y") and Sex ("F") (PS3.3 C.7.2.2, C.7.1.1); likewise */
  char body_part[17], view[17]; /* Body Part Examined and View Position (PS3.3 C.7.3.1, C.8.1.1); likewise */
  /* What the coordinates of places are counted from: Frame of Reference UID (PS3.3 C.7.4.1), of a volume a name made of
     its content. Only pictures with the same one lie beside each other. "" when nothing is known. */
  char space[65];
  nsc_frame_values *frame_values; /* [info.frames] or NULL */

  nsc_window *windows; /* [info.window_count] */
  nsc_lut *voi_luts;   /* [info.voi_lut_count] */

  /* What the significant bits can hold; a PNM's own maximum; 0..1 for floats. */
  double type_low, type_high;
  /* Shown from type_low to type_high when the file gives no window: pictures, 8-bit DICOM, colour. */
  bool full_range;
  /* Shown over the range of all frames when the file gives no window: of a volume, whose first slices are air. */
  bool whole_range, has_whole;
  double whole_low, whole_high; /* stored values, once has_whole */
  bool has_padding;             /* stored values padding_low..padding_high are no picture: PS3.3 C.7.5.1.1.2 */
  double padding_low, padding_high;

  void *samples; /* of `cached_frame`; NULL before the first decode */
  uint32_t cached_frame;
  bool has_samples, has_stats;
  nsc_frame_stats stats; /* of cached_frame */
};

/* An empty image with defaults filled in. */
NSC_WARN_UNUSED nsc_status nsc_image_create(const nsc_image_options *options, nsc_image **out, nsc_error *err);

/* Frames are other ones from now on: a new serial, and nothing that was kept holds. */
void nsc_image_renew(nsc_image *image);

/* Checks width, height, frames, channels and type of `info` against the limits. LIMIT, or CORRUPT for a zero. */
NSC_WARN_UNUSED nsc_status nsc_image_check_limits(const nsc_image *image, uint64_t width, uint64_t height,
                                                  uint64_t frames, uint32_t channels, nsc_sample_type type,
                                                  nsc_error *err);

/* Millimetres from column to column and from row to row of a frame; false where the file does not say. */
bool nsc_image_spacing(const nsc_image *image, uint32_t frame, double out[2]);
/* Bytes of one decoded frame; info has passed nsc_image_check_limits. */
size_t nsc_image_frame_bytes(const nsc_image *image);
/* Samples of one decoded frame. */
size_t nsc_image_sample_count(const nsc_image *image);

/* All bits of info.type are significant: sets info.bits, type_low and type_high; 0..1 for floats. */
void nsc_image_set_type_range(nsc_image *image);

/* Whether samples have so few values that a table of all of them is worth its making: 8 and 16 bits. */
static inline bool nsc_image_fits_table(const nsc_image *image) {
  return image->info.type <= NSC_SAMPLE_I16;
}
/* Sample number `at`, as a number. */
double nsc_sample_value(nsc_sample_type type, const void *samples, size_t at);
/* Whether a stored sample says "no value here" (PS3.3 C.7.5.1.1.2). */
static inline bool nsc_is_padding(const nsc_image *image, double stored) {
  return image->has_padding && stored >= image->padding_low && stored <= image->padding_high;
}

NSC_WARN_UNUSED nsc_status nsc_image_stats(nsc_image *image, uint32_t frame, nsc_frame_stats *out, nsc_error *err);

/* Extremes of the stored samples of all frames, which are decoded for it once. */
NSC_WARN_UNUSED nsc_status nsc_image_whole_stats(nsc_image *image, double *low, double *high, nsc_error *err);

/* The members of an image's JSON that only a DICOM file has, as null. */
void nsc_image_write_no_dicom(nsc_text *t);

/* The readers. On success `image` holds all it needs from `source`, which the caller then ends or hands over. */
NSC_WARN_UNUSED nsc_status nsc_picture_open(nsc_image *image, const uint8_t *bytes, size_t size, nsc_format format,
                                            nsc_error *err);
NSC_WARN_UNUSED nsc_status nsc_dicom_open(nsc_image *image, nsc_source *source, nsc_error *err);

#endif
