/* Facts about a patient: as people write them, and as DICOM files have them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/image.h"
#include "pipeline/survival.h"

static bool same_word(const char *chars, size_t size, const char *word) {
  size_t i = 0;
  for (; i < size && word[i]; i++) {
    if ((chars[i] >= 'A' && chars[i] <= 'Z' ? chars[i] + 32 : chars[i]) != word[i]) return false;
  }
  return i == size && !word[i];
}

static bool is_listed(const char *chars, size_t size, const char *const *words) {
  for (; *words; words++) {
    if (same_word(chars, size, *words)) return true;
  }
  return false;
}

static bool parse_sex(const char *chars, size_t size, double *value) {
  static const char *const female[] = {"f", "female", NULL}, *const male[] = {"m", "male", NULL},
                           *const neither[] = {"o", "other", "u", "unknown", NULL};
  bool is_female = is_listed(chars, size, female), is_male = is_listed(chars, size, male);
  *value = is_female ? 0 : is_male ? 1 : NAN;
  return is_female || is_male || is_listed(chars, size, neither);
}

/* All of it is a finite number, in the form of C. */
static bool parse_number(const char *chars, size_t size, double *value) {
  char text[64], *end;
  if (size >= sizeof text) return false;
  memcpy(text, chars, size);
  text[size] = 0;
  bool plain = strspn(text, "0123456789+-.eE") == size; /* no "nan", "inf" or 0x */
  *value = strtod(text, &end);
  return plain && end == text + size && isfinite(*value);
}

/* Age String: three digits and a unit (PS3.5 6.2). Years, as the mean year has 365.25 days. */
static bool parse_age(const char *chars, size_t size, double *value) {
  static const char units[] = "YMWD";
  static const double days[] = {365.25, 365.25 / 12, 7, 1};
  const char *unit = size > 1 ? memchr(units, chars[size - 1], sizeof units - 1) : NULL;
  if (!parse_number(chars, unit ? size - 1 : size, value) || *value < 0) return false;
  if (unit && *unit != 'Y') *value *= days[unit - units] / days[0];
  return true;
}

bool nsc_field_parse(const char *name, const char *text, size_t size, double *value) {
  while (size && (*text == ' ' || *text == '\t')) text++, size--;
  while (size && (text[size - 1] == ' ' || text[size - 1] == '\t')) size--;
  *value = NAN;
  if (size == 0) return true;
  if (same_word(name, strlen(name), "sex")) return parse_sex(text, size, value);
  bool is_age = same_word(name, strlen(name), "age");
  if (is_age ? parse_age(text, size, value) : parse_number(text, size, value)) return true;
  *value = NAN;
  return false;
}

double nsc_field_of_file(const char *name, const nsc_image *image) {
  const char *text = same_word(name, strlen(name), "sex")   ? image->sex
                     : same_word(name, strlen(name), "age") ? image->age
                                                            : "";
  double value;
  return nsc_field_parse(name, text, strlen(text), &value) ? value : NAN;
}

const char *nsc_field_source_name(nsc_field_source source) {
  static const char *const names[] = {"given", "file", "mean"};
  return (size_t)source < sizeof names / sizeof *names ? names[source] : "";
}

void nsc_survival_find_fields(const nsc_survival_spec *spec, const nsc_image *image, double *fields,
                              nsc_field_source *sources) {
  for (uint32_t i = 0; i < spec->field_count; i++) {
    sources[i] = NSC_FIELD_GIVEN;
    if (!isnan(fields[i])) continue;
    fields[i] = nsc_field_of_file(spec->fields[i].name, image);
    sources[i] = NSC_FIELD_FILE;
    if (!isnan(fields[i])) continue;
    fields[i] = spec->fields[i].mean;
    sources[i] = NSC_FIELD_MEAN;
  }
}
