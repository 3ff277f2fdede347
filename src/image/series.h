/* The inside of the index of files: entries as they came, and what is worked out of them for one listing. */
#ifndef NSC_IMAGE_SERIES_H
#define NSC_IMAGE_SERIES_H

#include "image/facts.h"

typedef struct nsc_index_entry {
  char *key;  /* NULL: a file that a DICOMDIR names and nobody has */
  char *path; /* for the order where nothing else tells */
  uint32_t order;
  nsc_facts facts;
} nsc_index_entry;

/* An entry in a listing. */
typedef struct nsc_slot {
  const nsc_index_entry *entry;
  bool placed;      /* position and orientation make sense */
  bool gathered;    /* in a stack of pictures that lie each at an angle of its own */
  double across[3]; /* unit vectors of the picture in the patient: PS3.3 C.7.6.2.1.1 */
  double down[3];
  double at;      /* mm along their normal */
  uint32_t part;  /* of its series: pictures that make one stack */
  uint32_t level; /* number of its position, counted along the stack */
  uint32_t time;  /* which of the pictures at this position, where every position has the same number */
  bool is_copy;   /* the same instance as another one */
} nsc_slot;

/* What is odd about a stack. */
typedef struct nsc_stack_report {
  uint32_t missing, copies, repeated, times;
  double spacing;     /* mm between positions; 0 when there are fewer than two */
  double least, most; /* mm, where distances are uneven; else 0 */
} nsc_stack_report;

/* series_geometry.c: fills placed, across, down, at. */
void nsc_slot_locate(nsc_slot *slot);
/* Whether two pictures lie in one stack: both placed in parallel planes turned the same way, or both not. */
bool nsc_slot_is_parallel(const nsc_slot *a, const nsc_slot *b);

/* series_order.c: puts the slots of one part in order and reports what is odd. */
void nsc_stack_sort(nsc_slot *slots, uint32_t count, nsc_stack_report *report);
/* Missing positions right behind slot `index` of a sorted stack. */
uint32_t nsc_stack_gap(const nsc_slot *slots, uint32_t count, uint32_t index, double spacing);

/* What the index knows of a file; NULL when it has none of this key. Good until the index changes. */
const nsc_facts *nsc_index_facts(const nsc_index *index, const char *key);

/* Digits are compared as numbers: "im2" stands before "im10". NULL stands before everything. 0 only for texts that are
 * the same byte for byte. */
int nsc_natural_compare(const char *a, const char *b);

#endif
