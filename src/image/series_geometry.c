/* Where a picture lies in the patient: PS3.3 C.7.6.2.1.1, patient coordinates in mm. */
#include <math.h>
#include <string.h>

#include "image/series.h"

/* No scanner reaches 100 m; beyond it numbers are rubbish that would drown the others. */
static const double farthest = 1e5;
/* Written direction cosines have three digits at worst. */
static const double turn = 0.01;

static double dot(const double a[3], const double b[3]) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static bool take_unit(const double in[3], double out[3]) {
  double length = sqrt(dot(in, in));
  if (!(fabs(length - 1) < 0.1)) return false;
  for (int i = 0; i < 3; i++) out[i] = in[i] / length;
  return true;
}

void nsc_slot_locate(nsc_slot *slot) {
  const double *position = slot->entry->facts.number + NSC_FACT_POSITION;
  const double *orientation = slot->entry->facts.number + NSC_FACT_ORIENTATION;
  slot->placed = false;
  slot->at = 0;
  for (int i = 0; i < 3; i++) {
    if (!(fabs(position[i]) < farthest)) return;
  }
  if (!take_unit(orientation, slot->across) || !take_unit(orientation + 3, slot->down)) return;
  if (fabs(dot(slot->across, slot->down)) > 0.1) return;
  const double *a = slot->across, *d = slot->down;
  double normal[3] = {a[1] * d[2] - a[2] * d[1], a[2] * d[0] - a[0] * d[2], a[0] * d[1] - a[1] * d[0]};
  slot->at = dot(position, normal) / sqrt(dot(normal, normal));
  slot->placed = true;
}

bool nsc_slot_is_parallel(const nsc_slot *a, const nsc_slot *b) {
  if (a->placed != b->placed) return false;
  for (int i = 0; a->placed && i < 3; i++) {
    if (fabs(a->across[i] - b->across[i]) > turn || fabs(a->down[i] - b->down[i]) > turn) return false;
  }
  return true;
}
