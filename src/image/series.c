/*
 * The index: files by patient, study and series, and within a series the stacks that one can look through. All of it is
 * worked out anew when it is asked for, from facts alone; 10,000 files take some tens of milliseconds.
 */
#include "image/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

/* Stacks of a series that are told apart by comparing; what differs from all of these stands alone. */
enum { MAX_PARTS = 256, MAX_GAPS = 1000 };

struct nsc_index {
  nsc_index_entry **entries;
  uint32_t count, capacity, next_order;
};

/* A stack in a listing. */
typedef struct stack {
  const nsc_slot *slots;
  uint32_t count, part, parts, sizes, absent;
  nsc_stack_report report;
} stack;

typedef struct listing {
  nsc_slot *slots;
  uint32_t count;
  stack *stacks;
  uint32_t stack_count;
} listing;

/* ---- entries ---- */

static void free_entry(nsc_index_entry *e) {
  if (!e) return;
  free(e->key);
  free(e->path);
  nsc_facts_drop(&e->facts);
  free(e);
}

nsc_status nsc_index_create(nsc_index **out, nsc_error *err) {
  *out = calloc(1, sizeof **out);
  return *out ? NSC_OK : nsc_fail_memory(err, sizeof **out, "an index");
}

void nsc_index_free(nsc_index *index) {
  if (!index) return;
  for (uint32_t i = 0; i < index->count; i++) free_entry(index->entries[i]);
  free(index->entries);
  free(index);
}

static bool copy_text(const char *text, char **out) {
  if (!text) return true;
  *out = nsc_copy_chars(text, strlen(text));
  return *out != NULL;
}

static nsc_status make_entry(const char *key, const char *path, const char *facts, nsc_index_entry **out,
                             nsc_error *err) {
  nsc_json json = {0};
  NSC_TRY(nsc_json_parse(facts, strlen(facts), &json, err));
  nsc_index_entry *e = calloc(1, sizeof *e);
  nsc_status status = e ? nsc_facts_from_json(json.values, &e->facts, err) : nsc_fail_memory(err, sizeof *e, "a file");
  nsc_json_drop(&json);
  if (status == NSC_OK && (!copy_text(key, &e->key) || !copy_text(path, &e->path))) {
    status = nsc_fail_memory(err, 0, "a file's name");
  }
  if (status == NSC_OK) {
    *out = e;
  } else {
    free_entry(e);
  }
  return status;
}

nsc_status nsc_index_add(nsc_index *index, const char *key, const char *path, const char *facts, nsc_error *err) {
  if (!index || !facts) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no index or no facts");
  if (index->count == index->capacity) {
    uint32_t capacity = index->capacity ? index->capacity * 2 : 64;
    nsc_index_entry **entries = realloc(index->entries, capacity * sizeof *entries);
    if (!entries) return nsc_fail_memory(err, capacity * sizeof *entries, "an index");
    index->entries = entries;
    index->capacity = capacity;
  }
  nsc_index_entry *e = NULL;
  NSC_TRY(make_entry(key, path, facts, &e, err));
  e->order = index->next_order++;
  index->entries[index->count++] = e;
  return NSC_OK;
}

void nsc_index_remove(nsc_index *index, const char *key) {
  if (!index || !key) return;
  for (uint32_t i = 0; i < index->count; i++) {
    nsc_index_entry *e = index->entries[i];
    if (!e->key || strcmp(e->key, key) != 0) continue;
    free_entry(e);
    index->count--;
    memmove(index->entries + i, index->entries + i + 1, (index->count - i) * sizeof *index->entries);
    return;
  }
}

const nsc_facts *nsc_index_facts(const nsc_index *index, const char *key) {
  for (uint32_t i = 0; i < index->count; i++) {
    const nsc_index_entry *e = index->entries[i];
    if (e->key && strcmp(e->key, key) == 0) return &e->facts;
  }
  return NULL;
}

/* ---- series ---- */

static int compare_text(const nsc_slot *a, const nsc_slot *b, nsc_fact_text which) {
  return nsc_natural_compare(a->entry->facts.text[which], b->entry->facts.text[which]);
}

static int compare_order(const nsc_slot *a, const nsc_slot *b) {
  return (a->entry->order > b->entry->order) - (a->entry->order < b->entry->order);
}

/* A patient's identifier counts too: pictures of two people must not make one stack because somebody copied a UID. */
static int compare_study(const nsc_slot *a, const nsc_slot *b) {
  int order = compare_text(a, b, NSC_FACT_PATIENT_ID);
  return order ? order : compare_text(a, b, NSC_FACT_STUDY);
}

static bool is_same_series(const nsc_slot *a, const nsc_slot *b) {
  return a->entry->facts.text[NSC_FACT_SERIES] && compare_study(a, b) == 0 && compare_text(a, b, NSC_FACT_SERIES) == 0;
}

static int by_series(const void *left, const void *right) {
  const nsc_slot *a = left, *b = right;
  int order = compare_study(a, b);
  if (!order) order = compare_text(a, b, NSC_FACT_SERIES);
  return order ? order : compare_order(a, b);
}

static int by_part(const void *left, const void *right) {
  const nsc_slot *a = left, *b = right;
  if (a->part != b->part) return a->part < b->part ? -1 : 1;
  return compare_order(a, b);
}

static bool is_same_number(const nsc_slot *a, const nsc_slot *b, nsc_fact_number which) {
  double x = a->entry->facts.number[which], y = b->entry->facts.number[which];
  return x == y || (isnan(x) && isnan(y));
}

static bool is_same_size(const nsc_slot *a, const nsc_slot *b) {
  return is_same_number(a, b, NSC_FACT_ROWS) && is_same_number(a, b, NSC_FACT_COLUMNS);
}

/* A file of several frames is a stack of its own. */
static bool is_same_stack(const nsc_slot *a, const nsc_slot *b) {
  const double *x = a->entry->facts.number, *y = b->entry->facts.number;
  if (x[NSC_FACT_FRAMES] > 1 || y[NSC_FACT_FRAMES] > 1) return false;
  return a->entry->facts.localizer == b->entry->facts.localizer && is_same_size(a, b) && nsc_slot_is_parallel(a, b);
}

/* Deals the slots of one series out to parts; gives the number of parts and of picture sizes. */
static uint32_t deal_out(nsc_slot *slots, uint32_t count, uint32_t *sizes) {
  uint32_t first[MAX_PARTS], parts = 0, kept = 0;
  *sizes = 0;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t k = 0;
    bool new_size = true;
    while (k < kept && !is_same_stack(&slots[first[k]], &slots[i])) {
      new_size &= !is_same_size(&slots[first[k++]], &slots[i]);
    }
    if (k < kept) {
      slots[i].part = slots[first[k]].part;
      continue;
    }
    *sizes += new_size;
    slots[i].part = parts++;
    if (kept < MAX_PARTS) first[kept++] = i;
  }
  return parts;
}

/* Whether two pictures that lie in no stack may share one all the same: scouts from two sides, slices through single
 * discs. */
static bool is_same_kind(const nsc_slot *a, const nsc_slot *b) {
  return a->entry->facts.localizer == b->entry->facts.localizer && is_same_size(a, b);
}

/* Pictures whose orientation no other one has are gathered; without a common normal they have no places. */
static nsc_status gather(nsc_slot *slots, uint32_t count, uint32_t parts, nsc_error *err) {
  uint32_t *members = calloc((size_t)parts + 1, sizeof *members), first[MAX_PARTS], kept = 0;
  if (!members) return nsc_fail_memory(err, (size_t)parts * sizeof *members, "a list of stacks");
  for (uint32_t i = 0; i < count; i++) members[slots[i].part]++;
  for (uint32_t i = 0; i < count; i++) {
    if (members[slots[i].part] > 1 || slots[i].entry->facts.number[NSC_FACT_FRAMES] > 1) continue;
    uint32_t k = 0;
    while (k < kept && !is_same_kind(&slots[first[k]], &slots[i])) k++;
    if (k == kept) {
      if (kept < MAX_PARTS) first[kept++] = i;
      continue;
    }
    slots[i].part = slots[first[k]].part;
    slots[i].placed = slots[first[k]].placed = false;
    slots[i].gathered = slots[first[k]].gathered = true;
  }
  free(members);
  return NSC_OK;
}

/* Absent files (of a DICOMDIR) are counted and not sorted: they go behind the others. */
static int by_presence(const void *left, const void *right) {
  const nsc_slot *a = left, *b = right;
  int order = (a->entry->key == NULL) - (b->entry->key == NULL);
  return order ? order : compare_order(a, b);
}

/* Slots of one part, from `at` on. */
static uint32_t run_length(const nsc_slot *slots, uint32_t at, uint32_t count) {
  uint32_t n = 1;
  while (at + n < count && slots[at + n].part == slots[at].part) n++;
  return n;
}

static nsc_status list_series(listing *l, nsc_slot *slots, uint32_t count, nsc_error *err) {
  uint32_t present = 0, sizes = 0, parts = 0;
  qsort(slots, count, sizeof *slots, by_presence);
  while (present < count && slots[present].entry->key) present++;
  if (!present) { /* every file of the series is missing: that is worth a line, too */
    l->stacks[l->stack_count++] = (stack){.slots = slots, .parts = 1, .absent = count};
    return NSC_OK;
  }
  uint32_t dealt = deal_out(slots, present, &sizes);
  NSC_TRY(gather(slots, present, dealt, err));
  qsort(slots, present, sizeof *slots, by_part);
  for (uint32_t at = 0; at < present; at += run_length(slots, at, present)) parts++;
  for (uint32_t at = 0, n, part = 0; at < present; at += n, part++) {
    n = run_length(slots, at, present);
    stack *s = &l->stacks[l->stack_count++];
    *s = (stack){.slots = slots + at, .count = n, .part = part, .parts = parts, .sizes = sizes};
    s->absent = at == 0 ? count - present : 0;
    nsc_stack_sort(slots + at, n, &s->report);
  }
  return NSC_OK;
}

static int by_study(const void *left, const void *right) {
  const stack *a = left, *b = right;
  const nsc_slot *x = a->slots, *y = b->slots;
  int order = compare_text(x, y, NSC_FACT_PATIENT_NAME);
  if (!order) order = compare_text(x, y, NSC_FACT_PATIENT_ID);
  if (!order) order = compare_text(x, y, NSC_FACT_STUDY_DATE);
  if (!order) order = compare_text(x, y, NSC_FACT_STUDY);
  if (order) return order;
  double n = x->entry->facts.number[NSC_FACT_SERIES_NUMBER], m = y->entry->facts.number[NSC_FACT_SERIES_NUMBER];
  if (isnan(n) != isnan(m)) return isnan(n) ? 1 : -1;
  if (n != m && !isnan(n)) return n < m ? -1 : 1;
  if (is_same_series(x, y)) return (a->part > b->part) - (a->part < b->part);
  order = compare_text(x, y, NSC_FACT_SERIES);
  return order ? order : compare_order(x, y);
}

static void drop_listing(listing *l) {
  free(l->slots);
  free(l->stacks);
}

static nsc_status make_listing(const nsc_index *index, listing *l, nsc_error *err) {
  size_t room = index->count ? index->count : 1;
  *l = (listing){.slots = calloc(room, sizeof *l->slots), .stacks = calloc(room, sizeof *l->stacks)};
  if (!l->slots || !l->stacks) {
    drop_listing(l);
    return nsc_fail_memory(err, room * (sizeof *l->slots + sizeof *l->stacks), "a list of series");
  }
  l->count = index->count;
  for (uint32_t i = 0; i < l->count; i++) {
    l->slots[i].entry = index->entries[i];
    nsc_slot_locate(&l->slots[i]);
  }
  qsort(l->slots, l->count, sizeof *l->slots, by_series);
  for (uint32_t at = 0, n; at < l->count; at += n) {
    for (n = 1; at + n < l->count && is_same_series(&l->slots[at], &l->slots[at + n]);) n++;
    nsc_status status = list_series(l, l->slots + at, n, err);
    if (status == NSC_OK) continue;
    drop_listing(l);
    return status;
  }
  qsort(l->stacks, l->stack_count, sizeof *l->stacks, by_study);
  return NSC_OK;
}

/* ---- JSON ---- */

static void write_text(nsc_text *t, const char *key, const nsc_slot *slot, nsc_fact_text which) {
  nsc_json_key(t, key);
  nsc_json_string(t, slot->entry->facts.text[which]);
}

static void write_number(nsc_text *t, const char *key, double value) {
  nsc_json_key(t, key);
  nsc_json_number(t, value);
}

static void write_report(nsc_text *t, const char *code, uint32_t count) {
  if (!count) return;
  nsc_json_object(t);
  nsc_json_key(t, "code"), nsc_json_string(t, code);
  nsc_json_key(t, "count"), nsc_json_int(t, count);
  nsc_json_end_object(t);
}

static void write_reports(nsc_text *t, const stack *s) {
  const nsc_stack_report *r = &s->report;
  nsc_json_key(t, "reports");
  nsc_json_array(t);
  write_report(t, "absent", s->absent);
  write_report(t, "missing", r->missing);
  write_report(t, "copies", r->copies);
  write_report(t, "times", r->times);
  write_report(t, "repeated", r->repeated);
  write_report(t, "turned", s->count && s->slots[0].gathered ? s->count : 0);
  write_report(t, "sizes", s->sizes > 1 ? s->sizes : 0);
  if (r->most > 0) {
    nsc_json_object(t);
    nsc_json_key(t, "code"), nsc_json_string(t, "uneven");
    write_number(t, "least", r->least);
    write_number(t, "most", r->most);
    nsc_json_end_object(t);
  }
  nsc_json_end_array(t);
}

/* What the positions are counted along, and from where. */
static void write_course(nsc_text *t, const stack *s) {
  double normal[3];
  const nsc_slot *first = s->slots;
  write_text(t, "space", first, NSC_FACT_SPACE);
  nsc_json_key(t, "normal");
  if (!s->count || !first->placed) {
    nsc_json_null(t);
    return;
  }
  nsc_cross(first->across, first->down, normal);
  nsc_json_array(t);
  for (int i = 0; i < 3; i++) nsc_json_number(t, normal[i] + 0.0); /* no -0 */
  nsc_json_end_array(t);
}

static void write_positions(nsc_text *t, const stack *s) {
  bool placed = s->count && s->slots[0].placed;
  write_number(t, "spacing", s->report.spacing > 0 ? s->report.spacing : NAN);
  nsc_json_key(t, "positions");
  if (!placed) {
    nsc_json_null(t);
    return;
  }
  nsc_json_array(t);
  for (uint32_t i = 0; i < s->count; i++) nsc_json_number(t, floor(s->slots[i].at * 1000 + 0.5) / 1000);
  nsc_json_end_array(t);
  nsc_json_key(t, "gaps");
  nsc_json_array(t);
  for (uint32_t i = 0, n = 0; s->report.missing && i < s->count && n < MAX_GAPS; i++) {
    uint32_t gap = nsc_stack_gap(s->slots, s->count, i, s->report.spacing);
    if (!gap) continue;
    n++;
    nsc_json_array(t);
    nsc_json_int(t, i);
    nsc_json_int(t, gap);
    nsc_json_end_array(t);
  }
  nsc_json_end_array(t);
}

static void write_stack(nsc_text *t, const stack *s) {
  const nsc_slot *first = s->slots;
  const double *numbers = first->entry->facts.number;
  nsc_json_object(t);
  write_text(t, "uid", first, NSC_FACT_SERIES);
  write_text(t, "description", first, NSC_FACT_SERIES_DESCRIPTION);
  write_text(t, "modality", first, NSC_FACT_MODALITY);
  write_number(t, "number", numbers[NSC_FACT_SERIES_NUMBER]);
  nsc_json_key(t, "part"), nsc_json_int(t, s->part);
  nsc_json_key(t, "parts"), nsc_json_int(t, s->parts);
  nsc_json_key(t, "localizer"), nsc_json_bool(t, first->entry->facts.localizer);
  write_number(t, "width", numbers[NSC_FACT_COLUMNS]);
  write_number(t, "height", numbers[NSC_FACT_ROWS]);
  write_number(t, "frames", numbers[NSC_FACT_FRAMES] > 1 ? numbers[NSC_FACT_FRAMES] : 1);
  nsc_json_key(t, "keys");
  nsc_json_array(t);
  for (uint32_t i = 0; i < s->count; i++) nsc_json_string(t, s->slots[i].entry->key);
  nsc_json_end_array(t);
  write_positions(t, s);
  write_reports(t, s);
  write_course(t, s);
  nsc_json_end_object(t);
}

static void begin_study(nsc_text *t, const nsc_slot *first) {
  nsc_json_object(t);
  write_text(t, "patientName", first, NSC_FACT_PATIENT_NAME);
  write_text(t, "patientId", first, NSC_FACT_PATIENT_ID);
  write_text(t, "uid", first, NSC_FACT_STUDY);
  write_text(t, "date", first, NSC_FACT_STUDY_DATE);
  write_text(t, "description", first, NSC_FACT_STUDY_DESCRIPTION);
  nsc_json_key(t, "series");
  nsc_json_array(t);
}

static void end_study(nsc_text *t) {
  nsc_json_end_array(t);
  nsc_json_end_object(t);
}

nsc_status nsc_index_json(const nsc_index *index, char **out, nsc_error *err) {
  if (!index || !out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no index");
  listing l;
  NSC_TRY(make_listing(index, &l, err));
  nsc_text t = {0};
  nsc_json_array(&t);
  for (uint32_t i = 0; i < l.stack_count; i++) {
    bool is_new = i == 0 || compare_study(l.stacks[i - 1].slots, l.stacks[i].slots) != 0;
    if (is_new && i) end_study(&t);
    if (is_new) begin_study(&t, l.stacks[i].slots);
    write_stack(&t, &l.stacks[i]);
  }
  if (l.stack_count) end_study(&t);
  nsc_json_end_array(&t);
  drop_listing(&l);
  return nsc_text_finish(&t, out, err);
}
