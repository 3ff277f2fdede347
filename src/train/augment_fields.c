/* The fields of nsc_augment by name: one list for options, forms and fingerprints. */
#include <stddef.h>

#include "train/augment.h"

#define FLAG(name, member) \
  { name, NSC_AUGMENT_FLAG, offsetof(nsc_augment, member), 1 }
#define NUMBER(name, member, most) \
  { name, NSC_AUGMENT_NUMBER, offsetof(nsc_augment, member), most }

static const nsc_augment_field fields[] = {
    FLAG("flipHorizontal", flip_horizontal),
    FLAG("flipVertical", flip_vertical),
    NUMBER("rotation", rotation, 180),
    NUMBER("shift", shift, 1),
    NUMBER("shear", shear, 60),
    NUMBER("zoom", zoom, 0.9f),
    NUMBER("brightness", brightness, 1),
    NUMBER("contrast", contrast, 1),
    NUMBER("gamma", gamma, 5),
    NUMBER("noise", noise, 1),
    NUMBER("cutout", cutout, 1),
    NUMBER("crop", crop, 0.9f),
    NUMBER("elastic", elastic, 0.2f),
    NUMBER("elasticSigma", elastic_sigma, 0.5f),
    NUMBER("blur", blur, 3),
    NUMBER("sharpen", sharpen, 4),
    NUMBER("speckle", speckle, 1),
    NUMBER("saltPepper", salt_pepper, 1),
    NUMBER("poisson", poisson, 0.5f),
    {"fill", NSC_AUGMENT_FILL, offsetof(nsc_augment, fill), NSC_FILL_WRAP},
    {0},
};

const nsc_augment_field *nsc_augment_fields(void) {
  return fields;
}

const char *const *nsc_fill_names(void) {
  static const char *const names[] = {"nearest", "reflect", "constant", "wrap", NULL};
  return names;
}

double nsc_augment_get(const nsc_augment *augment, const nsc_augment_field *field) {
  const char *at = (const char *)augment + field->offset;
  if (field->kind == NSC_AUGMENT_FLAG) return *(const bool *)at;
  if (field->kind == NSC_AUGMENT_FILL) return *(const nsc_fill *)at;
  return (double)*(const float *)at;
}

void nsc_augment_set(nsc_augment *augment, const nsc_augment_field *field, double value) {
  char *at = (char *)augment + field->offset;
  if (field->kind == NSC_AUGMENT_FLAG) {
    *(bool *)at = value != 0;
  } else if (field->kind == NSC_AUGMENT_FILL) {
    *(nsc_fill *)at = (nsc_fill)(int)value;
  } else {
    *(float *)at = (float)value;
  }
}
