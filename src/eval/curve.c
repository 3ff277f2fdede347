/* ROC and precision-recall curves of one class, their areas, and thresholds chosen on them. */
#include <math.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "eval/private.h"

/* ---- making ---- */

static int by_score(const void *a, const void *b) {
  const nsc_eval_key *x = a, *y = b;
  if (x->score != y->score) return x->score > y->score ? -1 : 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

nsc_status nsc_eval_sort(const float *scores, size_t count, nsc_eval_key **out, nsc_error *err) {
  size_t bytes;
  if (!nsc_mul_size(count + 1, sizeof **out, &bytes)) return nsc_fail(err, NSC_ERROR_LIMIT, "too many cases");
  nsc_eval_key *keys = malloc(bytes);
  if (!keys) return nsc_fail_memory(err, bytes, "sorting scores");
  for (size_t i = 0; i < count; i++) keys[i] = (nsc_eval_key){scores[i], (uint32_t)i};
  qsort(keys, count, sizeof *keys, by_score);
  *out = keys;
  return NSC_OK;
}

nsc_status nsc_eval_check_class(const float *scores, const uint8_t *truth, size_t count, uint32_t *positives,
                                uint32_t *negatives, nsc_error *err) {
  if (count > NSC_EVAL_MAX_CASES) return nsc_fail(err, NSC_ERROR_LIMIT, "more than %d cases", NSC_EVAL_MAX_CASES);
  if (count && (!scores || !truth)) return nsc_fail(err, NSC_ERROR_ARGUMENT, "scores or truth are missing");
  uint32_t ones = 0;
  for (size_t i = 0; i < count; i++) {
    if (!isfinite(scores[i])) {
      return nsc_fail(err, NSC_ERROR_ARGUMENT, "the score of case %zu is not a finite number", i);
    }
    if (truth[i] > 1) return nsc_fail(err, NSC_ERROR_ARGUMENT, "the truth of case %zu is neither 0 nor 1", i);
    ones += truth[i];
  }
  *positives = ones;
  *negatives = (uint32_t)count - ones;
  return NSC_OK;
}

nsc_status nsc_eval_curve_of_sorted(const float *scores, const uint8_t *truth, size_t count, nsc_eval_curve *out,
                                    nsc_error *err) {
  uint32_t distinct = 0;
  for (size_t i = 0; i < count; i++) distinct += i == 0 || scores[i] != scores[i - 1];
  size_t bytes;
  if (!nsc_mul_size((size_t)distinct + 1, sizeof *out->points, &bytes)) {
    return nsc_fail(err, NSC_ERROR_LIMIT, "too many cases");
  }
  nsc_eval_point *points = malloc(bytes);
  if (!points) return nsc_fail_memory(err, bytes, "a curve");
  nsc_eval_point at = {INFINITY, 0, 0};
  uint32_t n = 0;
  for (size_t i = 0; i < count; i++) {
    if (i == 0 || scores[i] != scores[i - 1]) points[n++] = at;
    at.threshold = scores[i];
    at.tp += truth[i];
    at.fp += !truth[i];
  }
  points[n++] = at;
  *out = (nsc_eval_curve){points, n, at.tp, at.fp};
  return NSC_OK;
}

nsc_status nsc_eval_curve_make(const float *scores, const uint8_t *truth, size_t count, nsc_eval_curve *out,
                               nsc_error *err) {
  uint32_t positives, negatives;
  NSC_TRY(nsc_eval_check_class(scores, truth, count, &positives, &negatives, err));
  nsc_eval_key *keys;
  NSC_TRY(nsc_eval_sort(scores, count, &keys, err));
  float *sorted = malloc((count + 1) * sizeof *sorted);
  uint8_t *sorted_truth = malloc(count + 1);
  nsc_status status = NSC_OK;
  if (sorted && sorted_truth) {
    for (size_t i = 0; i < count; i++) {
      sorted[i] = keys[i].score;
      sorted_truth[i] = truth[keys[i].index];
    }
    status = nsc_eval_curve_of_sorted(sorted, sorted_truth, count, out, err);
  } else {
    status = nsc_fail_memory(err, count * (1 + sizeof *sorted), "a curve");
  }
  free(sorted);
  free(sorted_truth);
  free(keys);
  return status;
}

void nsc_eval_curve_drop(nsc_eval_curve *curve) {
  free(curve->points);
  *curve = (nsc_eval_curve){0};
}

/* ---- areas ---- */

double nsc_eval_curve_auc(const nsc_eval_curve *c) {
  if (c->positives == 0 || c->negatives == 0) return NAN;
  uint64_t twice = 0;
  for (uint32_t i = 1; i < c->count; i++) {
    twice += (uint64_t)(c->points[i].fp - c->points[i - 1].fp) * ((uint64_t)c->points[i].tp + c->points[i - 1].tp);
  }
  return (double)twice / 2 / ((double)c->positives * c->negatives);
}

double nsc_eval_curve_ap(const nsc_eval_curve *c) {
  if (c->positives == 0) return NAN;
  double sum = 0;
  for (uint32_t i = 1; i < c->count; i++) {
    const nsc_eval_point *p = &c->points[i];
    sum += (double)(p->tp - p[-1].tp) * p->tp / ((double)p->tp + p->fp);
  }
  return sum / c->positives;
}

/* ---- fewer points for drawing ---- */

typedef struct place {
  double x, y;
} place;

static place place_of(const nsc_eval_curve *c, nsc_eval_axes axes, uint32_t i) {
  const nsc_eval_point *p = &c->points[i];
  double recall = c->positives ? (double)p->tp / c->positives : 0;
  if (axes == NSC_EVAL_ROC) return (place){c->negatives ? (double)p->fp / c->negatives : 0, recall};
  return (place){recall, i ? p->tp / ((double)p->tp + p->fp) : 1};
}

/* A part of the curve that is drawn as one line so far, and the point that is farthest from that line. */
typedef struct segment {
  uint32_t first, last, farthest;
  double distance;
} segment;

static segment make_segment(const nsc_eval_curve *c, nsc_eval_axes axes, uint32_t first, uint32_t last) {
  segment s = {first, last, first, 0};
  place a = place_of(c, axes, first), b = place_of(c, axes, last);
  double dx = b.x - a.x, dy = b.y - a.y, length = sqrt(dx * dx + dy * dy);
  for (uint32_t i = first + 1; i < last; i++) {
    place p = place_of(c, axes, i);
    double away = length > 0 ? fabs(dx * (p.y - a.y) - dy * (p.x - a.x)) / length : hypot(p.x - a.x, p.y - a.y);
    if (away > s.distance) {
      s.distance = away;
      s.farthest = i;
    }
  }
  return s;
}

static int by_number(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

nsc_status nsc_eval_curve_reduce(const nsc_eval_curve *c, nsc_eval_axes axes, uint32_t most, uint32_t *kept,
                                 uint32_t *count, nsc_error *err) {
  /* Rounding moves points on a line off it by less than this; corners are off by at least 1 / (positives * negatives).
   */
  const double on_the_line = 1e-13;
  if (most < 2 || c->count == 0) return nsc_fail(err, NSC_ERROR_ARGUMENT, "a curve cannot have fewer than 2 points");
  if (most > c->count) most = c->count;
  kept[0] = 0;
  if (c->count == 1) {
    *count = 1;
    return NSC_OK;
  }
  segment *segments = malloc(most * sizeof *segments);
  if (!segments) return nsc_fail_memory(err, most * sizeof *segments, "a curve");
  uint32_t n = 2, used = 1;
  kept[1] = c->count - 1;
  segments[0] = make_segment(c, axes, 0, c->count - 1);
  while (n < most) {
    uint32_t worst = 0;
    for (uint32_t i = 1; i < used; i++) {
      if (segments[i].distance > segments[worst].distance) worst = i;
    }
    segment s = segments[worst];
    if (s.distance <= on_the_line) break;
    kept[n++] = s.farthest;
    segments[worst] = make_segment(c, axes, s.first, s.farthest);
    segments[used++] = make_segment(c, axes, s.farthest, s.last);
  }
  free(segments);
  qsort(kept, n, sizeof *kept, by_number);
  *count = n;
  return NSC_OK;
}

/* ---- thresholds ---- */

static nsc_eval_counts counts_of(const nsc_eval_curve *c, const nsc_eval_point *p) {
  return (nsc_eval_counts){p->tp, p->fp, c->negatives - p->fp, c->positives - p->tp};
}

nsc_eval_counts nsc_eval_curve_at(const nsc_eval_curve *c, float threshold) {
  uint32_t low = 0, high = c->count; /* points[low] is at or above, points[high] is not */
  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    if (c->points[middle].threshold >= threshold) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return counts_of(c, &c->points[low]);
}

static nsc_eval_choice choose(const nsc_eval_curve *c, uint32_t i) {
  return (nsc_eval_choice){c->points[i].threshold, counts_of(c, &c->points[i]), NSC_EVAL_DEFINED};
}

static nsc_eval_choice no_choice(const nsc_eval_curve *c, nsc_eval_reason reason) {
  if (c->positives + c->negatives == 0) reason = NSC_EVAL_NO_CASES;
  return (nsc_eval_choice){NAN, {0}, reason};
}

nsc_eval_choice nsc_eval_choose_youden(const nsc_eval_curve *c) {
  if (c->positives == 0) return no_choice(c, NSC_EVAL_NO_POSITIVES);
  if (c->negatives == 0) return no_choice(c, NSC_EVAL_NO_NEGATIVES);
  /* In integers, times positives and negatives: which of two equal thresholds wins must not depend on rounding. */
  int64_t best = 0;
  uint32_t at = 0;
  for (uint32_t i = 1; i < c->count; i++) {
    int64_t j = (int64_t)c->points[i].tp * c->negatives - (int64_t)c->points[i].fp * c->positives;
    if (j > best) {
      best = j;
      at = i;
    }
  }
  return at ? choose(c, at) : no_choice(c, NSC_EVAL_NOT_REACHED);
}

nsc_eval_choice nsc_eval_choose_f1(const nsc_eval_curve *c) {
  if (c->positives == 0) return no_choice(c, NSC_EVAL_NO_POSITIVES);
  uint32_t at = 0;
  double best = 0;
  for (uint32_t i = 1; i < c->count; i++) {
    const nsc_eval_point *p = &c->points[i];
    double f1 = 2.0 * p->tp / ((double)p->tp + p->fp + c->positives);
    if (f1 > best) {
      best = f1;
      at = i;
    }
  }
  return choose(c, at);
}

/* How many of `of` are needed: a rounding error above a whole number does not ask for one more. */
static double needed(double share, uint32_t of) {
  return ceil(share * of - 1e-9 * of);
}

nsc_eval_choice nsc_eval_choose_sensitivity(const nsc_eval_curve *c, double at_least) {
  if (c->positives == 0) return no_choice(c, NSC_EVAL_NO_POSITIVES);
  for (uint32_t i = 1; i < c->count; i++) {
    if (c->points[i].tp >= needed(at_least, c->positives)) return choose(c, i);
  }
  return no_choice(c, NSC_EVAL_NOT_REACHED);
}

nsc_eval_choice nsc_eval_choose_specificity(const nsc_eval_curve *c, double at_least) {
  if (c->negatives == 0) return no_choice(c, NSC_EVAL_NO_NEGATIVES);
  uint32_t at = 0;
  for (uint32_t i = 1; i < c->count; i++) {
    if (c->negatives - c->points[i].fp < needed(at_least, c->negatives)) break;
    if (at == 0 || c->points[i].tp > c->points[at].tp) at = i;
  }
  return at ? choose(c, at) : no_choice(c, NSC_EVAL_NOT_REACHED);
}
