/* Where a picture lies in the patient: PS3.3 C.7.6.2.1.1, patient coordinates in mm. */
#include <math.h>
#include <string.h>

#include "image/series.h"

/* Written direction cosines have three digits at worst. */
static const double turn = 0.01;

void nsc_slot_locate(nsc_slot *slot) {
  const double *position = slot->entry->facts.number + NSC_FACT_POSITION;
  const double *orientation = slot->entry->facts.number + NSC_FACT_ORIENTATION;
  nsc_place place;
  double normal[3];
  slot->placed = nsc_place_read(position, orientation, &place);
  slot->at = 0;
  if (!slot->placed) return;
  memcpy(slot->across, place.across, sizeof slot->across);
  memcpy(slot->down, place.down, sizeof slot->down);
  nsc_place_normal(&place, normal);
  slot->at = nsc_dot(position, normal);
}

bool nsc_slot_is_parallel(const nsc_slot *a, const nsc_slot *b) {
  if (a->placed != b->placed) return false;
  for (int i = 0; a->placed && i < 3; i++) {
    if (fabs(a->across[i] - b->across[i]) > turn || fabs(a->down[i] - b->down[i]) > turn) return false;
  }
  return true;
}
