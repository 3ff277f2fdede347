#include "train/split.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/rng.h"

/* ---- words ---- */

const char *nsc_split_name(nsc_split split) {
  static const char *const names[NSC_SPLITS] = {"training", "validation", "test"};
  return names[split];
}

static bool same_word(const char *chars, size_t size, const char *word) {
  size_t i = 0;
  for (; i < size && word[i]; i++) {
    char c = chars[i] >= 'A' && chars[i] <= 'Z' ? (char)(chars[i] + 32) : chars[i];
    if (c != word[i]) return false;
  }
  return i == size && !word[i];
}

bool nsc_split_parse(const char *word, size_t size, nsc_split *out) {
  static const struct {
    const char *word;
    nsc_split split;
  } words[] = {{"train", NSC_SPLIT_TRAIN},          {"training", NSC_SPLIT_TRAIN}, {"val", NSC_SPLIT_VALIDATION},
               {"valid", NSC_SPLIT_VALIDATION},     {"test", NSC_SPLIT_TEST},      {"testing", NSC_SPLIT_TEST},
               {"validation", NSC_SPLIT_VALIDATION}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (!same_word(word, size, words[i].word)) continue;
    *out = words[i].split;
    return true;
  }
  return false;
}

/* ---- patients ---- */

/* Samples that must stay together: list[starts[g] .. starts[g + 1]). */
typedef struct groups {
  uint32_t *list, *starts, *order;
  uint32_t count;
} groups;

typedef struct ordered {
  const char *patient;
  uint32_t sample;
} ordered;

/* Samples without a patient first, each for itself; the order of the file decides between equals. */
static int by_patient(const void *a, const void *b) {
  const ordered *x = a, *y = b;
  if (x->patient && y->patient) {
    int order = strcmp(x->patient, y->patient);
    if (order) return order;
  } else if (x->patient || y->patient) {
    return x->patient ? 1 : -1;
  }
  return x->sample < y->sample ? -1 : x->sample > y->sample;
}

static void drop_groups(groups *g) {
  free(g->list);
  free(g->starts);
  free(g->order);
  *g = (groups){0};
}

/* The groups of the samples of `label` (UINT32_MAX: of any) without a given split, or of all samples with `given`. */
static nsc_status make_groups(const nsc_sample *samples, uint32_t count, uint32_t label, bool given, groups *out,
                              nsc_error *err) {
  ordered *sorted = malloc(((size_t)count + 1) * sizeof *sorted);
  groups g = {.list = malloc(((size_t)count + 1) * sizeof *g.list),
              .starts = malloc(((size_t)count + 1) * sizeof *g.starts),
              .order = malloc(((size_t)count + 1) * sizeof *g.order)};
  if (!sorted || !g.list || !g.starts || !g.order) {
    free(sorted);
    drop_groups(&g);
    return nsc_fail_memory(err, count * sizeof *sorted, "the split");
  }
  uint32_t n = 0;
  for (uint32_t i = 0; i < count; i++) {
    if ((label == UINT32_MAX || samples[i].label == label) && (given || !samples[i].split_given)) {
      sorted[n++] = (ordered){samples[i].patient, i};
    }
  }
  qsort(sorted, n, sizeof *sorted, by_patient);
  for (uint32_t i = 0; i < n; i++) {
    const char *before = i ? sorted[i - 1].patient : NULL, *now = sorted[i].patient;
    if (i == 0 || !before || !now || strcmp(before, now) != 0) {
      g.order[g.count] = g.count;
      g.starts[g.count++] = i;
    }
    g.list[i] = sorted[i].sample;
  }
  g.starts[g.count] = n;
  free(sorted);
  *out = g;
  return NSC_OK;
}

/* ---- shares ---- */

/* Gives whole patients, in random order, to test, then validation, until each has its share of `label`. */
static nsc_status split_label(nsc_sample *samples, uint32_t count, uint32_t label, double validation, double test,
                              nsc_rng rng, nsc_error *err) {
  groups g;
  NSC_TRY(make_groups(samples, count, label, false, &g, err));
  nsc_rng_shuffle(&rng, g.order, g.count);
  uint32_t n = g.starts[g.count], got[NSC_SPLITS] = {0};
  double wanted[NSC_SPLITS] = {0, validation * n, test * n};
  for (uint32_t k = 0; k < g.count; k++) {
    uint32_t from = g.starts[g.order[k]], size = g.starts[g.order[k] + 1] - from;
    /* Half a group more or less: as near to the share as whole patients allow. */
    nsc_split to = got[2] + size / 2.0 <= wanted[2]   ? NSC_SPLIT_TEST
                   : got[1] + size / 2.0 <= wanted[1] ? NSC_SPLIT_VALIDATION
                                                      : NSC_SPLIT_TRAIN;
    got[to] += size;
    for (uint32_t i = from; i < from + size; i++) samples[g.list[i]].split = to;
  }
  drop_groups(&g);
  return NSC_OK;
}

/* A patient seen in several labels may have landed in several splits: all go where a given one stands, else the first.
 */
static nsc_status join_patients(nsc_sample *samples, uint32_t count, nsc_error *err) {
  groups g;
  NSC_TRY(make_groups(samples, count, UINT32_MAX, true, &g, err));
  for (uint32_t k = 0; k < g.count; k++) {
    const uint32_t *list = g.list + g.starts[k], size = g.starts[k + 1] - g.starts[k];
    uint32_t leader = 0;
    for (uint32_t i = size; i-- > 0;) {
      if (samples[list[i]].split_given) leader = i;
    }
    for (uint32_t i = 0; i < size; i++) {
      if (!samples[list[i]].split_given) samples[list[i]].split = samples[list[leader]].split;
    }
  }
  drop_groups(&g);
  return NSC_OK;
}

nsc_status nsc_split_shares(nsc_sample *samples, uint32_t count, uint32_t label_count, double validation, double test,
                            uint64_t seed, nsc_error *err) {
  if (!(validation >= 0 && test >= 0 && validation + test < 1)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "shares of %g and %g leave nothing for training", validation, test);
  }
  const nsc_rng root = nsc_rng_seeded(seed);
  for (uint32_t label = 0; label < label_count; label++) {
    NSC_TRY(split_label(samples, count, label, validation, test, nsc_rng_split(&root, label), err));
  }
  return join_patients(samples, count, err);
}

/* ---- folds ---- */

typedef struct dealing {
  const nsc_sample *samples;
  const groups *groups;
  uint32_t labels, folds;
  double *weight;  /* [labels] 1 / samples of the label squared: rare labels count as much as common ones */
  uint32_t *dealt; /* [folds][labels] */
  uint32_t *hand;  /* [labels] of the group being dealt, zero between groups */
  uint32_t *sizes; /* [folds] samples */
} dealing;

/*
 * How much the sum of squared counts grows, over labels, when the group goes to a fold. Taking the least is what keeps
 * each label even: the sum of squares is smallest when all folds have the same count.
 */
static double cost_of(const dealing *d, uint32_t group, uint32_t fold) {
  double cost = 0;
  for (uint32_t i = d->groups->starts[group]; i < d->groups->starts[group + 1]; i++) {
    uint32_t label = d->samples[d->groups->list[i]].label;
    cost += d->weight[label] * (2.0 * d->dealt[(size_t)fold * d->labels + label] + d->hand[label]);
  }
  return cost;
}

static uint32_t choose_fold(const dealing *d, uint32_t group) {
  uint32_t best = 0;
  double least = 0;
  for (uint32_t fold = 0; fold < d->folds; fold++) {
    double cost = cost_of(d, group, fold);
    bool better = cost < least || (cost == least && d->sizes[fold] < d->sizes[best]);
    if (fold && !better) continue;
    best = fold;
    least = cost;
  }
  return best;
}

/* Deals one group and returns its fold. */
static uint32_t deal(dealing *d, uint32_t group) {
  uint32_t from = d->groups->starts[group], to = d->groups->starts[group + 1];
  const uint32_t *list = d->groups->list;
  for (uint32_t i = from; i < to; i++) d->hand[d->samples[list[i]].label]++;
  uint32_t fold = choose_fold(d, group);
  for (uint32_t i = from; i < to; i++) d->hand[d->samples[list[i]].label] = 0;
  for (uint32_t i = from; i < to; i++) d->dealt[(size_t)fold * d->labels + d->samples[list[i]].label]++;
  d->sizes[fold] += to - from;
  return fold;
}

/* Large patients first: what is small can still even out what is large. Equal sizes stay in their random order. */
static void largest_first(groups *g, uint32_t *room) {
  uint32_t most = 0, at = 0;
  for (uint32_t k = 0; k < g->count; k++) {
    uint32_t size = g->starts[k + 1] - g->starts[k];
    most = size > most ? size : most;
  }
  for (uint32_t size = most, next; size > 0; size = next) {
    next = 0;
    for (uint32_t k = 0; k < g->count; k++) {
      uint32_t here = g->starts[g->order[k] + 1] - g->starts[g->order[k]];
      if (here == size) room[at++] = g->order[k];
      if (here < size && here > next) next = here;
    }
  }
  memcpy(g->order, room, g->count * sizeof *room);
}

static void deal_all(dealing *d, nsc_sample *samples, uint32_t fold) {
  const groups *g = d->groups;
  for (uint32_t i = 0; i < g->starts[g->count]; i++) d->weight[samples[g->list[i]].label]++;
  for (uint32_t k = 0; k < d->labels; k++) d->weight[k] = d->weight[k] > 0 ? 1 / (d->weight[k] * d->weight[k]) : 0;
  for (uint32_t k = 0; k < g->count; k++) {
    uint32_t group = g->order[k];
    nsc_split to = deal(d, group) == fold ? NSC_SPLIT_VALIDATION : NSC_SPLIT_TRAIN;
    for (uint32_t i = g->starts[group]; i < g->starts[group + 1]; i++) samples[g->list[i]].split = to;
  }
}

nsc_status nsc_split_fold(nsc_sample *samples, uint32_t count, uint32_t label_count, uint32_t folds, uint32_t fold,
                          uint64_t seed, nsc_error *err) {
  if (folds < 2 || fold >= folds) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "fold %u of %u: there must be two folds at least, and that one", fold + 1,
                    folds);
  }
  groups g;
  NSC_TRY(make_groups(samples, count, UINT32_MAX, false, &g, err));
  nsc_status status = NSC_OK;
  if (g.count < folds) {
    status = nsc_fail(err, NSC_ERROR_ARGUMENT, "%u patients do not fill %u folds", g.count, folds);
  }
  dealing d = {.samples = samples, .groups = &g, .labels = label_count, .folds = folds};
  uint32_t *room = malloc(((size_t)g.count + 1) * sizeof *room);
  d.weight = calloc((size_t)label_count + 1, sizeof *d.weight);
  d.dealt = calloc(folds, ((size_t)label_count + 1) * sizeof *d.dealt);
  d.hand = calloc((size_t)label_count + 1, sizeof *d.hand);
  d.sizes = calloc(folds, sizeof *d.sizes);
  if (status == NSC_OK && (!room || !d.weight || !d.dealt || !d.hand || !d.sizes)) {
    status = nsc_fail_memory(err, g.count * sizeof *room, "the folds");
  }
  if (status == NSC_OK) {
    nsc_rng rng = nsc_rng_seeded(seed);
    nsc_rng_shuffle(&rng, g.order, g.count);
    largest_first(&g, room);
    deal_all(&d, samples, fold);
  }
  free(room);
  free(d.weight);
  free(d.dealt);
  free(d.hand);
  free(d.sizes);
  drop_groups(&g);
  /* A patient who has a given split too follows it. */
  return status == NSC_OK ? join_patients(samples, count, err) : status;
}
