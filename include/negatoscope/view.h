/* Looking at an image: windows, screens, measuring. Part of negatoscope.h, which has the conventions. */
#ifndef NEGATOSCOPE_VIEW_H
#define NEGATOSCOPE_VIEW_H

#include "negatoscope/recipe.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- looking at an image ---------------------------------------------------------------------------------------- */

/* How modality values become grey: PS3.3 C.11.2.1.2 and C.11.2.1.3. */
typedef enum nsc_voi_function { NSC_VOI_LINEAR = 0, NSC_VOI_LINEAR_EXACT = 1, NSC_VOI_SIGMOID = 2 } nsc_voi_function;

/* Colours for the shades of a grey picture: 0 is grey itself, 1 to 8 the well-known palettes of PS3.6 annex B.1. */
enum { NSC_COLOR_MAP_COUNT = 12 };

/* "grey", "hot-iron", "pet", "hot-metal-blue", "pet-20-step", "spring", "summer", "fall", "winter", "viridis",
 * "inferno", "magma". Static storage; "?" for a number that is none. */
const char *nsc_color_map_name(uint32_t map);

/* Colours a rendered grey picture, RGBA [pixels][4]: for one that went through filters first. */
void nsc_color_map_rgba(uint32_t map, uint8_t *rgba, size_t pixels);

/* One way to show an image. Only for the screen: a model never sees it. */
typedef struct nsc_view {
  uint32_t frame;
  int32_t voi_lut; /* index of one of the file's VOI LUTs, or -1 for the window below */
  nsc_voi_function function;
  double center, width; /* in modality units (HU for CT); width > 0, and at least 1 for LINEAR */
  bool invert;          /* on top of what MONOCHROME1 already asks for */
  uint32_t color_map;   /* of a grey image, below NSC_COLOR_MAP_COUNT; colour images stay as they are */
} nsc_view;

/* The file's first VOI window or LUT; without one, the full range of the frame's values, in a volume (NIfTI, MetaImage,
 * NRRD) of all its frames; 8-bit pictures 0..255. */
NSC_WARN_UNUSED nsc_status nsc_view_default(nsc_image *image, uint32_t frame, nsc_view *out, nsc_error *err);

/* The file's VOI window number `index` (0-based), as a view. */
NSC_WARN_UNUSED nsc_status nsc_view_window(const nsc_image *image, uint32_t index, nsc_view *out, nsc_error *err);

/* A window over the 1st to 99th percentile of a frame's values: for images whose own window shows nothing. */
NSC_WARN_UNUSED nsc_status nsc_view_auto(nsc_image *image, uint32_t frame, nsc_view *out, nsc_error *err);

/*
 * Renders a frame: modality LUT or rescale, VOI, inversion, to RGBA bytes [height][width][4], alpha 255. `size` is the
 * capacity of rgba and must be width * height * 4. Colour images pass through the window 0..2^bits-1 unless it was
 * moved.
 */
NSC_WARN_UNUSED nsc_status nsc_render(nsc_image *image, const nsc_view *view, uint8_t *rgba, size_t size,
                                      nsc_error *err);

/* The modality value (rescaled, HU for CT) of each channel at a pixel; `out` has room for 3. */
NSC_WARN_UNUSED nsc_status nsc_image_probe(nsc_image *image, uint32_t frame, uint32_t x, uint32_t y, double out[3],
                                           nsc_error *err);

/*
 * Overlay planes of a frame (PS3.3 C.9.2), all together: `mask` [height][width] becomes 1 where one is set and 0
 * elsewhere. `size` is its capacity. They are never part of the samples. Errors: ARGUMENT, MEMORY, those of decoding.
 */
NSC_WARN_UNUSED nsc_status nsc_image_overlays(const nsc_image *image, uint32_t frame, uint8_t *mask, size_t size,
                                              nsc_error *err);

/*
 * What the stored value of a pixel is in the real world (PS3.3 C.7.6.16.2.11): {"value", "unit": UCUM code, "meaning",
 * "label", "explanation", "first", "last", "slope", "intercept" (null: by a table)}, or null where the file maps
 * nothing. Ended by nsc_text_free.
 */
NSC_WARN_UNUSED nsc_status nsc_image_real_world_json(nsc_image *image, uint32_t frame, uint32_t x, uint32_t y,
                                                     char **out, nsc_error *err);

/* ---- pictures on a screen ---------------------------------------------------------------------------------------- */

/* How pixels between pixels are made. Lanczos has three lobes; both smooth ones average where a picture shrinks. */
typedef enum nsc_smoothing { NSC_SMOOTH_NEAREST = 0, NSC_SMOOTH_LINEAR = 1, NSC_SMOOTH_LANCZOS = 2 } nsc_smoothing;

/* Where a picture lies on a screen of width x height pixels. */
typedef struct nsc_placement {
  uint32_t width, height;  /* 1 to 16384 */
  double x, y;             /* where the picture's centre lies, from the screen's left upper corner */
  double scale_x, scale_y; /* pixels of the screen for a column and a row of the picture, before it is turned */
  uint32_t turn;           /* quarters clockwise, 0 to 3, after mirroring */
  bool mirrored;           /* left and right */
  nsc_smoothing smoothing;
} nsc_placement;

/* Renders onto one part of a page. It keeps what it resampled last: moving the window or inverting is then cheap. Not
 * for several threads at once. */
typedef struct nsc_screen nsc_screen;
NSC_WARN_UNUSED nsc_status nsc_screen_create(nsc_screen **out, nsc_error *err);
void nsc_screen_free(nsc_screen *screen);

/*
 * Renders a frame as it is seen: RGBA bytes [placement height][placement width][4], black beside the picture, alpha
 * 255. `size` is the capacity of rgba, which is aligned to 4 bytes. The samples are resampled before they pass through
 * the window; Lanczos' overshoot is cut to the range of the samples next to a place. `steps`: filters on the windowed
 * picture before it is placed, as nsc_filter_rgba; NULL for none.
 */
NSC_WARN_UNUSED nsc_status nsc_screen_render(nsc_screen *screen, nsc_image *image, const nsc_view *view,
                                             const nsc_steps *steps, const nsc_placement *placement, uint8_t *rgba,
                                             size_t size, nsc_error *err);

/* ---- measuring -------------------------------------------------------------------------------------------------- */

typedef enum nsc_measure_kind {
  NSC_MEASURE_LENGTH = 0,    /* two points */
  NSC_MEASURE_ANGLE = 1,     /* three points; the corner is the second */
  NSC_MEASURE_COBB = 2,      /* four points: the angle between two lines, 0 to 90 degrees (Cobb 1948) */
  NSC_MEASURE_RECTANGLE = 3, /* two opposite corners */
  NSC_MEASURE_ELLIPSE = 4,   /* two opposite corners of the rectangle around it */
  NSC_MEASURE_POLYGON = 5    /* three corners or more; where it crosses itself, what is enclosed twice is outside */
} nsc_measure_kind;

enum { NSC_MEASURE_KIND_COUNT = 6, NSC_MEASURE_POINTS_MAX = 4096 /* a hand draws hundreds */ };

/* "length", "angle", ... Static storage. */
const char *nsc_measure_kind_name(nsc_measure_kind kind);

/*
 * Measures in a frame. `points` [count][2] are x and y in pixels, the picture's first pixel reaching from 0 to 1 in
 * both. JSON:
 *
 *   length     {"length": mm | null without spacing, "pixels"}
 *   angle, cobb {"degrees" | null where a side has no length}, in millimetres where the file gives spacing
 *   regions    statistics of the modality values of the pixels whose centres lie in it: {"pixels", "padding": those
 * that the file marks as no picture, left out, "area": mm^2 | null, "unit": "HU" | null, "channels": [{"mean", "sd"
 * (with n, not n - 1), "min", "max", "median"}] | null without a pixel, "histogram": {"from", "to", "counts": [64 bins
 * of the first channel]}}
 *
 * Errors: ARGUMENT, MEMORY and those of nsc_image_frame.
 */
NSC_WARN_UNUSED nsc_status nsc_measure_json(nsc_image *image, uint32_t frame, nsc_measure_kind kind,
                                            const double *points, uint32_t count, char **out, nsc_error *err);

/*
 * Measurements as a DICOM structured report: Comprehensive SR after TID 1500 of PS3.16, values with units in UCUM, each
 * with the points and the picture it was measured on. Open it, add what was measured, write it.
 */
typedef struct nsc_report nsc_report;

/* `key` [2] decides the UIDs: random, another one for each report. Errors: ARGUMENT, MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_report_create(const uint64_t key[2], nsc_report **out, nsc_error *err);
void nsc_report_free(nsc_report *report);

/*
 * Measures as nsc_measure_json and takes the result in. `label` (UTF-8, or NULL) names it. The image must be a DICOM
 * file with the UIDs to refer to, of the same patient as those before. Errors: UNSUPPORTED (says which of it), LIMIT,
 * and those of nsc_measure_json.
 */
NSC_WARN_UNUSED nsc_status nsc_report_add(nsc_report *report, nsc_image *image, uint32_t frame, nsc_measure_kind kind,
                                          const double *points, uint32_t count, const char *label, nsc_error *err);

/*
 * The file, Explicit VR Little Endian. `now` is "YYYYMMDDHHMMSS". `nameless` leaves out patient, dates and numbers of
 * the study; UIDs stay, for a report without them refers to nothing. *bytes is ended by nsc_text_free. Errors: ARGUMENT
 * (also for a report without measurements), MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_report_write(const nsc_report *report, const char *now, bool nameless, char **bytes,
                                            size_t *size, nsc_error *err);

#ifdef __cplusplus
}
#endif

#endif
