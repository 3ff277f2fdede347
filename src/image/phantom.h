/*
 * Synthetic axial CT slices of an abdomen, with and without one liver lesion: pictures whose truth is known, for
 * teaching, for tests and for trying a training. Nothing in them comes from a person.
 *
 * The same seed, number and options give the same bytes in every build: shapes, textures and noise use only + - * /
 * and square roots (IEEE 754 rounds these in one way) and integers from base/rng.h, no function of a C library's libm.
 *
 *   phantom.c (options) -> phantom_anatomy.c (what lies where) -> phantom_paint.c (HU and labels)
 *   -> phantom_scan.c (noise, rings) -> nsc_phantom -> phantom_file.c (DICOM)
 */
#ifndef NSC_IMAGE_PHANTOM_H
#define NSC_IMAGE_PHANTOM_H

#include "negatoscope.h"

enum { NSC_PHANTOM_LEAST_SIZE = 64, NSC_PHANTOM_MOST_SIZE = 1024 };

/* Labels of pixels: what fills more than half of one. */
typedef enum nsc_tissue {
  NSC_TISSUE_AIR = 0,
  NSC_TISSUE_TABLE,
  NSC_TISSUE_SKIN,
  NSC_TISSUE_FAT,
  NSC_TISSUE_MUSCLE,
  NSC_TISSUE_BONE,
  NSC_TISSUE_NERVE, /* spinal canal */
  NSC_TISSUE_VESSEL,
  NSC_TISSUE_LIVER,
  NSC_TISSUE_SPLEEN,
  NSC_TISSUE_KIDNEY,
  NSC_TISSUE_PANCREAS,
  NSC_TISSUE_GALLBLADDER,
  NSC_TISSUE_GUT, /* wall and contents of stomach and bowel */
  NSC_TISSUE_GAS,
  NSC_TISSUE_LESION
} nsc_tissue;

typedef struct nsc_phantom_options {
  uint32_t number;    /* 1 to 999999: which picture of the series with this seed; names the patient too */
  uint32_t size;      /* pixels on a side */
  bool lesion;        /* anatomy and noise are those of the same number without one */
  double contrast[2]; /* HU against the liver around it, from..to */
  double diameter[2]; /* mm, from..to */
  double noise;       /* HU, standard deviation in the middle of the body */
} nsc_phantom_options;

typedef struct nsc_phantom {
  uint32_t size;
  double spacing, thickness; /* mm */
  bool enhanced;             /* with contrast medium, portal venous; else plain */
  int16_t *hu;               /* [size][size], -1024..3071, owned */
  uint8_t *labels;           /* [size][size] nsc_tissue, owned */
  bool has_lesion;
  double lesion_x, lesion_y; /* mm from the centre of the first pixel, to the right and down */
  double diameter, contrast; /* mm across on average; HU */
} nsc_phantom;

/* 256 pixels, no lesion, -110..-60 HU, 30..60 mm, noise 12 HU. */
nsc_phantom_options nsc_phantom_defaults(void);
/* Strict: {"number", "size", "lesion", "contrast": [from, to], "diameter": [from, to], "noise"}. Errors: ARGUMENT. */
NSC_WARN_UNUSED nsc_status nsc_phantom_read_options(const char *json, nsc_phantom_options *out, nsc_error *err);

/* Options are as nsc_phantom_read_options lets them be. Ended by nsc_phantom_drop. Errors: MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_phantom_draw(uint32_t seed, const nsc_phantom_options *options, nsc_phantom *out,
                                            nsc_error *err);
void nsc_phantom_drop(nsc_phantom *phantom);

#endif
