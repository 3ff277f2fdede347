/* Writes NIfTI-1 and NIfTI-2 files, and gzip around anything, for tests. */
#ifndef NSC_VOLUME_BUILDER_H
#define NSC_VOLUME_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a header says; 0 is left out. `dim[0]` 0 stands for three dimensions. */
typedef struct nifti_facts {
  bool two, big_endian;
  int64_t dim[8];
  int datatype, qform_code, sform_code, xyzt_units, intent_code;
  double pixdim[8], slope, inter, cal_min, cal_max;
  double quatern[3], qoffset[3], srow[3][4];
  const char *descrip, *magic; /* magic NULL: of one file */
} nifti_facts;

typedef struct volume_builder {
  uint8_t bytes[8192];
  size_t size;
} volume_builder;

/* Header and `size` bytes of samples, which are copied as they are. */
void nifti_build(volume_builder *b, const nifti_facts *facts, const void *samples, size_t size);
/* One gzip member around bytes, in stored blocks, behind what is there. `name`: of the original, or NULL. */
void gzip_build(volume_builder *b, const void *bytes, size_t size, const char *name);

#endif
