/* Between the files of the phantom: shapes, the parts of a body, and planes of pixels. */
#ifndef NSC_IMAGE_PHANTOM_PRIVATE_H
#define NSC_IMAGE_PHANTOM_PRIVATE_H

#include "base/rng.h"
#include "image/phantom.h"

/* ---- shapes: millimetres from the middle of the picture, x to the right (the patient's left), y down (to the back) */

enum { NSC_SHAPE_WAVES = 4 };

typedef struct nsc_shape {
  enum { NSC_SHAPE_BLOB, NSC_SHAPE_TUBE } kind;
  double x, y;                     /* centre; a tube's one end */
  double a, b;                     /* half axes; a tube's radii at its ends */
  double along_x, along_y;         /* unit vector in which `a` points */
  double to_x, to_y;               /* a tube's other end */
  double wave[NSC_SHAPE_WAVES][2]; /* share of the radius that goes with cos and sin of 2, 3, 4, 5 times the angle */
} nsc_shape;

/* An ellipse whose axis `a` is turned by `degrees` clockwise on the picture. */
nsc_shape nsc_blob(double x, double y, double a, double b, double degrees);
/* Bounds between which a blob is drawn; {0} leaves a value 0. */
typedef struct nsc_spread {
  double x[2], y[2], a[2], b[2], turn[2];
} nsc_spread;

/* Draws x, y, a, b and turn, in this order. (Arguments of a call are drawn in no order that C would fix, so that no
 * call of the phantom's has two of them that draw.) */
nsc_shape nsc_blob_drawn(nsc_rng *rng, nsc_spread bounds);
/* The same blob, its radius changed smoothly by up to about `share`. */
nsc_shape nsc_blob_varied(nsc_shape blob, double share, nsc_rng *rng);
/* `by` mm further in (negative: further out) on all sides. */
nsc_shape nsc_blob_inset(nsc_shape blob, double by);
nsc_shape nsc_tube(double x, double y, double to_x, double to_y, double radius, double to_radius);

/* mm from the edge, negative inside; exact for tubes, of first order near the edge for blobs. */
double nsc_shape_distance(const nsc_shape *shape, double x, double y);
/* Half the side of a square around (x, y) of the shape that holds it. */
double nsc_shape_reach(const nsc_shape *shape);

/* Rounds the crease where two distances meet, over about `k` mm. */
double nsc_distance_union(double d1, double d2, double k);

void nsc_direction(double degrees, double *x, double *y);
double nsc_between(nsc_rng *rng, double low, double high);
/* Standard normal within 3.5, from integers alone: the sum of four uniform values. */
double nsc_about(nsc_rng *rng);

/* ---- anatomy ---- */

typedef enum nsc_clip { NSC_CLIP_NONE, NSC_CLIP_CAVITY, NSC_CLIP_LIVER } nsc_clip;

/* Something of one density. Later parts lie over earlier ones. */
typedef struct nsc_part {
  nsc_shape shape;
  nsc_clip clip; /* only inside of that */
  nsc_tissue tissue;
  double hu;
  double grain;   /* HU by which the texture moves it */
  double edge;    /* mm over which it fades, on top of what the scanner blurs */
  bool has_level; /* only above `level`: gas in a lying patient */
  double level;   /* y, mm */
} nsc_part;

enum { NSC_ANATOMY_PARTS = 640, NSC_ANATOMY_HOLLOWS = 4 };

typedef struct nsc_anatomy {
  double field, thickness; /* side of the picture, mm */
  bool enhanced;
  double height; /* of the slice: 0 at the dome of the liver, 1 at the lower pole of the kidneys */
  nsc_shape body, muscle, cavity;
  nsc_shape lobes[2], hollows[NSC_ANATOMY_HOLLOWS]; /* the liver: lobes without hollows, within the cavity */
  uint32_t hollow_count;
  double liver_hu;
  uint32_t count;
  nsc_part parts[NSC_ANATOMY_PARTS];
} nsc_anatomy;

/* Everything of one patient and slice, but no lesion. Draws from `rng` alone. */
void nsc_anatomy_draw(nsc_rng rng, nsc_anatomy *out);
/* Adds a part with the anatomy's usual edge; what does not fit any more is left out. */
nsc_part *nsc_anatomy_add(nsc_anatomy *a, nsc_shape shape, nsc_clip clip, nsc_tissue tissue, double hu, double grain);
/* phantom_organs.c */
void nsc_anatomy_add_organs(nsc_anatomy *a, nsc_rng *rng);

/* mm to the liver's surface, negative inside. */
double nsc_liver_distance(const nsc_anatomy *a, double x, double y);
/* Puts a lesion where it fits into the liver and says where. */
void nsc_anatomy_add_lesion(nsc_anatomy *a, nsc_rng rng, const nsc_phantom_options *options, nsc_phantom *out);

/* ---- planes: [size][size] ---- */

/* Paints all parts into `hu` and `labels`. Errors: MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_phantom_paint(const nsc_anatomy *a, nsc_rng texture, uint32_t size, float *hu,
                                             uint8_t *labels, nsc_error *err);
/* What a scanner adds: correlated noise, faint rings, a slight cup. Errors: MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_phantom_scan(const nsc_anatomy *a, nsc_rng rng, double noise, uint32_t size, float *hu,
                                            nsc_error *err);

#endif
