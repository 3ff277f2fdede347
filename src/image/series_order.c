/*
 * The order of the pictures of one stack. Along the normal of their plane where all of them have a place, from the end
 * where instance numbers begin; otherwise by slice location, instance number, name.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/series.h"

/* Pictures closer than this lie at one position: positions are often written with two digits. */
static const double same_place = 0.01;
/* A distance may differ by this part of the usual one: gantry steps are rounded to tenths of a millimetre. */
static const double uneven = 0.1;

static const char *skip_zeros(const char *p) {
  while (*p == '0' && isdigit((unsigned char)p[1])) p++;
  return p;
}

/* Two runs of digits, both moved behind. */
static int compare_digits(const char **a, const char **b) {
  const char *p = skip_zeros(*a), *q = skip_zeros(*b);
  size_t n = strspn(p, "0123456789"), m = strspn(q, "0123456789");
  *a = p + n;
  *b = q + m;
  if (n != m) return n < m ? -1 : 1;
  return strncmp(p, q, n);
}

int nsc_natural_compare(const char *a, const char *b) {
  if (!a || !b) return (a != NULL) - (b != NULL);
  const char *whole_a = a, *whole_b = b;
  while (*a && *b) {
    if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
      int order = compare_digits(&a, &b);
      if (order) return order;
      continue;
    }
    if (*a != *b) return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
    a++;
    b++;
  }
  int order = (*a != 0) - (*b != 0);
  return order ? order : strcmp(whole_a, whole_b); /* "7" and "007" are not the same */
}

/* What is unknown stands last. */
static int compare_numbers(double a, double b) {
  if (isnan(a) || isnan(b)) return isnan(a) - isnan(b);
  return (a > b) - (a < b);
}

static double fact(const nsc_slot *slot, nsc_fact_number which) {
  return slot->entry->facts.number[which];
}

/* The order of pictures at one position, and of those that have none. */
static int compare_rest(const nsc_slot *a, const nsc_slot *b) {
  static const nsc_fact_number later[] = {NSC_FACT_TEMPORAL, NSC_FACT_TRIGGER, NSC_FACT_ACQUISITION, NSC_FACT_INSTANCE};
  for (size_t i = a->placed ? 0 : 3; i < sizeof later / sizeof later[0]; i++) {
    int order = compare_numbers(fact(a, later[i]), fact(b, later[i]));
    if (order) return order;
  }
  int order = nsc_natural_compare(a->entry->path, b->entry->path);
  if (order) return order;
  return (a->entry->order > b->entry->order) - (a->entry->order < b->entry->order);
}

static int by_place(const void *left, const void *right) {
  const nsc_slot *a = left, *b = right;
  int order = a->placed ? compare_numbers(a->at, b->at)
                        : compare_numbers(fact(a, NSC_FACT_LOCATION), fact(b, NSC_FACT_LOCATION));
  return order ? order : compare_rest(a, b);
}

static int by_level(const void *left, const void *right) {
  const nsc_slot *a = left, *b = right;
  if (a->level != b->level) return a->level < b->level ? -1 : 1;
  return compare_rest(a, b);
}

static int by_time(const void *left, const void *right) {
  const nsc_slot *a = left, *b = right;
  if (a->time != b->time) return a->time < b->time ? -1 : 1;
  return by_level(a, b);
}

static int by_instance(const void *left, const void *right) {
  const nsc_slot *a = *(nsc_slot *const *)left, *b = *(nsc_slot *const *)right;
  int order = nsc_natural_compare(a->entry->facts.text[NSC_FACT_SOP], b->entry->facts.text[NSC_FACT_SOP]);
  if (order) return order;
  return (a->entry->order > b->entry->order) - (a->entry->order < b->entry->order);
}

/* The first of equal instances stays, the others are copies of it. */
static uint32_t mark_copies(nsc_slot *slots, uint32_t count) {
  nsc_slot **sorted = malloc(count * sizeof *sorted);
  if (!sorted) return 0; /* a report that is left out, nothing worse */
  for (uint32_t i = 0; i < count; i++) sorted[i] = &slots[i];
  qsort(sorted, count, sizeof *sorted, by_instance);
  uint32_t copies = 0;
  for (uint32_t i = 1; i < count; i++) {
    const char *uid = sorted[i]->entry->facts.text[NSC_FACT_SOP],
               *before = sorted[i - 1]->entry->facts.text[NSC_FACT_SOP];
    sorted[i]->is_copy = uid && before && strcmp(uid, before) == 0;
    copies += sorted[i]->is_copy;
  }
  free(sorted);
  return copies;
}

/* Numbers the positions of slots in order of `at`; gives how many there are. */
static uint32_t number_levels(nsc_slot *slots, uint32_t count) {
  uint32_t level = 0;
  double start = slots[0].at;
  for (uint32_t i = 0; i < count; i++) {
    if (slots[i].at - start > same_place) {
      level++;
      start = slots[i].at;
    }
    slots[i].level = level;
  }
  return level + 1;
}

/* Turned round where instance numbers mostly fall: one reads a stack as it was made. Slots are sorted by level. */
static void turn_round(nsc_slot *slots, uint32_t count, uint32_t levels) {
  uint32_t up = 0, down = 0;
  double before = NAN;
  for (uint32_t i = 0; i < count; i++) {
    if (i && slots[i].level == slots[i - 1].level) continue;
    double instance = fact(&slots[i], NSC_FACT_INSTANCE);
    up += instance > before;
    down += instance < before;
    before = instance;
  }
  if (down <= up) return;
  for (uint32_t i = 0; i < count; i++) slots[i].level = levels - 1 - slots[i].level;
  qsort(slots, count, sizeof *slots, by_level);
}

/*
 * Every position the same number of times, more than once: a stack at several times (or echoes, or weightings). Then
 * one time follows the other. Otherwise pictures that share a position are counted as repeated.
 */
static void find_times(nsc_slot *slots, uint32_t count, uint32_t levels, nsc_stack_report *report) {
  uint32_t least = UINT32_MAX, most = 0, real = 0;
  for (uint32_t i = 0, here = 0; i < count; i++) {
    if (i == 0 || slots[i].level != slots[i - 1].level) here = 0;
    slots[i].time = slots[i].is_copy ? (here ? here - 1 : 0) : here++;
    real += !slots[i].is_copy;
    if (i + 1 < count && slots[i + 1].level == slots[i].level) continue;
    least = here < least ? here : least;
    most = here > most ? here : most;
  }
  if (least == most && most > 1 && levels > 1) {
    report->times = most;
    qsort(slots, count, sizeof *slots, by_time);
    return;
  }
  report->repeated = real > levels ? real - levels : 0;
  for (uint32_t i = 0; i < count; i++) slots[i].time = 0;
}

static int compare_doubles(const void *left, const void *right) {
  return compare_numbers(*(const double *)left, *(const double *)right);
}

static double whole_steps(double distance, double spacing) {
  double steps = floor(distance / spacing + 0.5);
  return steps >= 1 && fabs(distance - steps * spacing) <= uneven * spacing ? steps : 0;
}

uint32_t nsc_stack_gap(const nsc_slot *slots, uint32_t count, uint32_t index, double spacing) {
  if (index + 1 >= count || !(spacing > 0) || slots[index].time != slots[index + 1].time) return 0;
  double steps = whole_steps(fabs(slots[index + 1].at - slots[index].at), spacing);
  return steps > 1 && steps < 1e6 ? (uint32_t)steps - 1 : 0;
}

/* The usual distance is the median: a few missing slices do not move it. */
static void measure(const nsc_slot *slots, uint32_t count, uint32_t levels, nsc_stack_report *report) {
  double *gaps = levels > 1 ? malloc((levels - 1) * sizeof *gaps) : NULL;
  if (!gaps) return;
  uint32_t n = 0;
  for (uint32_t i = 0; i + 1 < count && slots[i + 1].time == 0; i++) {
    if (slots[i + 1].level != slots[i].level && n < levels - 1) gaps[n++] = fabs(slots[i + 1].at - slots[i].at);
  }
  if (n) {
    qsort(gaps, n, sizeof *gaps, compare_doubles);
    report->spacing = gaps[(n - 1) / 2];
  }
  for (uint32_t i = 0; i < n && n > 1; i++) {
    if (whole_steps(gaps[i], report->spacing) > 0) continue;
    report->least = gaps[0];
    report->most = gaps[n - 1];
  }
  free(gaps);
  if (n < 2) return; /* one distance says nothing about another */
  for (uint32_t i = 0; i + 1 < count && slots[i + 1].time == 0; i++) {
    report->missing += nsc_stack_gap(slots, count, i, report->spacing);
  }
}

void nsc_stack_sort(nsc_slot *slots, uint32_t count, nsc_stack_report *report) {
  *report = (nsc_stack_report){0};
  if (count == 0) return;
  report->copies = mark_copies(slots, count);
  qsort(slots, count, sizeof *slots, by_place);
  if (!slots[0].placed) return;
  uint32_t levels = number_levels(slots, count);
  qsort(slots, count, sizeof *slots, by_level);
  turn_round(slots, count, levels);
  find_times(slots, count, levels, report);
  measure(slots, count, levels, report);
}
