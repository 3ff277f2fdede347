/* A phantom for the outside: as a DICOM file with its truth beside it, and as an opened image. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/rng.h"
#include "base/text.h"
#include "image/dicom_write.h"
#include "image/phantom.h"

/* Between the customary windows for the abdomen (60, 400) and the liver (100, 150): what a network gets through the
 * file's own window shows the liver with more contrast, at the price that fat is as black as air. */
static const double window_center = 80, window_width = 250;

typedef struct uids {
  char study[NSC_UID_ROOM], series[NSC_UID_ROOM], frame[NSC_UID_ROOM], instance[NSC_UID_ROOM];
} uids;

/* From seed and number; the instance also from the pixels, so that other options never give another picture under a UID
 * that is in use. */
static uids make_uids(uint32_t seed, uint32_t number, const nsc_phantom *p) {
  static const char salt[] = "negatoscope phantom";
  uids u;
  char *const names[] = {u.study, u.series, u.frame, u.instance};
  const nsc_rng root = nsc_rng_seeded(nsc_hash(seed, salt, sizeof salt));
  uint64_t pixels = nsc_hash(0, p->hu, (size_t)p->size * p->size * sizeof *p->hu);
  for (uint64_t i = 0; i < 4; i++) {
    nsc_rng rng = nsc_rng_split(&root, (uint64_t)number << 2 | i);
    uint64_t high = nsc_rng_u64(&rng), low = nsc_rng_u64(&rng);
    nsc_uid_write(high, i == 3 ? low ^ pixels : low, names[i]);
  }
  return u;
}

static nsc_status write_file(uint32_t seed, uint32_t number, const nsc_phantom *p, char **bytes, size_t *size,
                             nsc_error *err) {
  char name[32], id[32];
  snprintf(name, sizeof name, "PHANTOM^%04u", number);
  snprintf(id, sizeof id, "PHANTOM-%u-%04u", seed, number);
  const uids u = make_uids(seed, number, p);
  double half = (p->size - 1) * p->spacing / 2;
  const nsc_ct_slice slice = {.rows = p->size,
                              .columns = p->size,
                              .hu = p->hu,
                              .spacing = p->spacing,
                              .thickness = p->thickness,
                              .position = {-half, -half, 0},
                              .window_center = window_center,
                              .window_width = window_width,
                              .number = 1,
                              .patient_name = name,
                              .patient_id = id,
                              .study = "SYNTHETIC PHANTOM",
                              .series = p->enhanced ? "SYNTHETIC abdomen, portal venous" : "SYNTHETIC abdomen, plain",
                              .comments = "SYNTHETIC: computed, no person was scanned",
                              .study_uid = u.study,
                              .series_uid = u.series,
                              .frame_uid = u.frame,
                              .instance_uid = u.instance};
  return nsc_dicom_write_ct(&slice, bytes, size, err);
}

static nsc_status write_truth(uint32_t number, const nsc_phantom *p, char **out, nsc_error *err) {
  nsc_text t = {0};
  nsc_json_object(&t);
  nsc_json_key(&t, "number"), nsc_json_int(&t, number);
  nsc_json_key(&t, "size"), nsc_json_int(&t, p->size);
  nsc_json_key(&t, "spacing"), nsc_json_number(&t, p->spacing);
  nsc_json_key(&t, "enhanced"), nsc_json_bool(&t, p->enhanced);
  nsc_json_key(&t, "lesion");
  if (p->has_lesion) {
    nsc_json_object(&t);
    nsc_json_key(&t, "x"), nsc_json_number(&t, p->lesion_x);
    nsc_json_key(&t, "y"), nsc_json_number(&t, p->lesion_y);
    nsc_json_key(&t, "diameter"), nsc_json_number(&t, p->diameter);
    nsc_json_key(&t, "contrast"), nsc_json_number(&t, p->contrast);
    nsc_json_end_object(&t);
  } else {
    nsc_json_null(&t);
  }
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, out, err);
}

nsc_status nsc_phantom_file(uint32_t seed, const char *options, char **bytes, size_t *size, char **truth,
                            nsc_error *err) {
  nsc_phantom_options o;
  nsc_phantom p;
  NSC_TRY(nsc_phantom_read_options(options, &o, err));
  NSC_TRY(nsc_phantom_draw(seed, &o, &p, err));
  char *file = NULL;
  nsc_status status = write_file(seed, o.number, &p, &file, size, err);
  if (status == NSC_OK && truth) status = write_truth(o.number, &p, truth, err);
  nsc_phantom_drop(&p);
  if (status == NSC_OK) {
    *bytes = file;
  } else {
    nsc_text_free(file);
  }
  return status;
}

nsc_status nsc_phantom_create(uint32_t seed, const char *options, nsc_image **out, nsc_error *err) {
  char *bytes;
  size_t size;
  NSC_TRY(nsc_phantom_file(seed, options, &bytes, &size, NULL, err));
  nsc_source *source = NULL;
  nsc_status status = nsc_source_from_bytes(bytes, size, &source, err);
  nsc_text_free(bytes);
  if (status == NSC_OK) status = nsc_image_open(source, NULL, out, err);
  if (status != NSC_OK) nsc_source_free(source);
  return status;
}
