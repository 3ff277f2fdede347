/*
 * Grids of samples with a place in space: NIfTI, MetaImage, NRRD. A reader fills a nsc_volume from its header; what is
 * the same for all of them, the turning of slices for the screen included, is here.
 *
 * World axes are NIfTI's ("RAS+"): x grows towards the patient's right, y towards the front, z towards the head, in
 * millimetres. DICOM and ITK count the other way along the first two ("LPS+").
 */
#ifndef NSC_IMAGE_VOLUME_H
#define NSC_IMAGE_VOLUME_H

#include "image/image.h"

enum { NSC_VOLUME_I, NSC_VOLUME_J, NSC_VOLUME_K, NSC_VOLUME_T, NSC_VOLUME_AXES };

/* Something that the header says, for people to read. */
typedef struct nsc_volume_field {
  char *name, *value; /* owned */
} nsc_volume_field;

enum { NSC_VOLUME_FIELDS_MAX = 256 };

typedef struct nsc_volume {
  uint8_t *owned;       /* the file's bytes, or what they unpacked to; ended with the volume */
  const uint8_t *bytes; /* of the samples; points into `owned` */
  uint64_t available;   /* bytes from there on */
  bool big_endian;
  uint64_t size[NSC_VOLUME_AXES];   /* voxels along i, j, k, and times; 1 where there is no such axis */
  uint64_t stride[NSC_VOLUME_AXES]; /* samples from one to the next along each */
  uint32_t channels;                /* 1, or 3 that stand together */
  nsc_sample_type type;

  double spacing[3];       /* mm along i, j, k; 0 where the file does not say */
  double time_ms;          /* between times; 0 where the file does not say */
  bool has_affine;         /* whether the file says where voxels are in the patient */
  double affine[3][4];     /* [x, y, z][i, j, k, 1]: voxel indices as stored to RAS+ mm */
  const char *affine_from; /* "sform", "qform", ...; static */

  char *description, *intent; /* owned; NULL when the file says nothing */
  const char *units;          /* of the header's lengths, static; NULL when it does not say */
  nsc_volume_field *fields;   /* [field_count], owned */
  uint32_t field_count;

  /* By nsc_volume_open. */
  bool swapped;    /* the picture's columns run along j instead of i */
  bool flipped[2]; /* columns, rows: against the order in the file */
  char stored[4];  /* where i, j and k lead: "RAS", "LPI", ...; "" without an affine */
  char shown[4];   /* where columns, rows and frames lead */
} nsc_volume;

/* A field to be shown; names and values need not be terminated. Beyond NSC_VOLUME_FIELDS_MAX they are left out. */
void nsc_volume_add_field(nsc_volume *v, const char *name, size_t name_size, const char *value, size_t value_size);
/* Strides of samples that stand one after another: i, j, k, times. */
void nsc_volume_pack(nsc_volume *v);
/* The affine of direction columns in ITK's LPS+ to RAS+. */
void nsc_volume_from_lps(nsc_volume *v);

/* What a format knows: fills a volume and the image's values from a file, whose bytes stay the source's. */
typedef nsc_status nsc_volume_filler(nsc_volume *v, const nsc_source *source, nsc_image *image, nsc_error *err);

/*
 * Opens: calls the format's own part, then looks at limits, extent and orientation. Takes the bytes out of `source` on
 * success unless the format has unpacked them into v->owned. `what` begins error texts. Errors: those of `fill`, LIMIT,
 * CORRUPT, TRUNCATED, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_volume_open(nsc_image *image, nsc_source *source, nsc_volume_filler *fill,
                                           const char *what, nsc_error *err);

/* NIfTI-1 and NIfTI-2 in one file, or in a pair's two, joined; likewise Analyze 7.5. A lone header is refused. */
bool nsc_nifti_sniff(const uint8_t *bytes, size_t size);
NSC_WARN_UNUSED nsc_status nsc_nifti_open(nsc_image *image, nsc_source *source, nsc_error *err);

/* Header and samples in one file (.mha, .nrrd); where they are in two, the other's name is in the refusal. */
bool nsc_metaimage_sniff(const uint8_t *bytes, size_t size);
NSC_WARN_UNUSED nsc_status nsc_metaimage_open(nsc_image *image, nsc_source *source, nsc_error *err);
bool nsc_nrrd_sniff(const uint8_t *bytes, size_t size);
NSC_WARN_UNUSED nsc_status nsc_nrrd_open(nsc_image *image, nsc_source *source, nsc_error *err);

#endif
