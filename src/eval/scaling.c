/* Making scores probabilities again: temperature and Platt scaling. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "eval/private.h"

double nsc_eval_log_odds(double p) {
  const double least = (double)FLT_EPSILON / 2; /* between 1 and the float below it */
  p = p < least ? least : p > 1 - least ? 1 - least : p;
  return log(p) - log1p(-p);
}

/* ln(1 + e^x), which is neither infinite nor 0 too early. */
static double softplus(double x) {
  return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double sigmoid(double x) {
  return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}

/* ---- temperature ---- */

/* The mean log loss at 1 / temperature = `inverse`, and its first two derivatives by it. */
typedef struct descent {
  double loss, slope, curvature;
} descent;

static double logit_of(const nsc_eval_data *d, bool logits, size_t i, uint32_t k) {
  double s = (double)d->scores[i * d->labels + k];
  if (logits) return s;
  if (d->task == NSC_TASK_SINGLE) return log(s < (double)FLT_MIN ? (double)FLT_MIN : s);
  return nsc_eval_log_odds(s);
}

static void add_sigmoid(descent *sum, double z, bool truth, double inverse) {
  double p = sigmoid(inverse * z);
  sum->loss += softplus(truth ? -inverse * z : inverse * z);
  sum->slope += (p - truth) * z;
  sum->curvature += p * (1 - p) * z * z;
}

static void add_softmax(descent *sum, const nsc_eval_data *d, bool logits, size_t i, double inverse) {
  double top = -INFINITY, total = 0, mean = 0, square = 0;
  for (uint32_t k = 0; k < d->labels; k++) top = fmax(top, logit_of(d, logits, i, k));
  for (uint32_t k = 0; k < d->labels; k++) {
    double z = logit_of(d, logits, i, k) - top, e = exp(inverse * z);
    total += e;
    mean += e * z;
    square += e * z * z;
  }
  double z_true = logit_of(d, logits, i, (uint32_t)d->truth[i]) - top;
  mean /= total;
  sum->loss += log(total) - inverse * z_true;
  sum->slope += mean - z_true;
  sum->curvature += fmax(0, square / total - mean * mean);
}

static descent descend(const nsc_eval_data *d, bool logits, double inverse, uint64_t *terms) {
  descent sum = {0};
  uint64_t n = 0;
  for (size_t i = 0; i < d->count; i++) {
    if (d->task == NSC_TASK_SINGLE) {
      add_softmax(&sum, d, logits, i, inverse);
      n++;
    } else if (d->task == NSC_TASK_BINARY) {
      double z = logit_of(d, logits, i, 1) - (logits ? logit_of(d, logits, i, 0) : 0);
      add_sigmoid(&sum, z, d->truth[i] == 1, inverse);
      n++;
    } else {
      for (uint32_t k = 0; k < d->labels; k++) {
        uint8_t truth = d->truths[i * d->labels + k];
        if (truth == NSC_EVAL_UNKNOWN) continue;
        add_sigmoid(&sum, logit_of(d, logits, i, k), truth == 1, inverse);
        n++;
      }
    }
  }
  *terms = n;
  double scale = n ? 1 / (double)n : 0;
  return (descent){sum.loss * scale, sum.slope * scale, sum.curvature * scale};
}

nsc_status nsc_eval_fit_temperature(const nsc_eval_data *data, bool logits, nsc_eval_temperature *out, nsc_error *err) {
  const double lowest = 1 / 20.0, highest = 1 / 0.05, flat = 1e-12;
  NSC_TRY(nsc_eval_check_data(data, !logits, err));
  uint64_t terms;
  double before = descend(data, logits, 1, &terms).loss;
  if (terms == 0) return nsc_fail(err, NSC_ERROR_ARGUMENT, "a temperature cannot be fitted without cases");
  descent soft = descend(data, logits, lowest, &terms), hard = descend(data, logits, highest, &terms);
  double inverse = 1, low = lowest, high = highest;
  bool at_bound = false;
  if (fabs(soft.slope) < flat && fabs(hard.slope) < flat) {
    inverse = 1; /* scores that say nothing: every temperature is as good */
  } else if (soft.slope >= 0 || hard.slope <= 0) {
    inverse = soft.slope >= 0 ? lowest : highest;
    at_bound = true;
  } else {
    for (int i = 0; i < 100; i++) {
      descent here = descend(data, logits, inverse, &terms);
      if (here.slope > 0) {
        high = inverse;
      } else {
        low = inverse;
      }
      double step = here.slope / here.curvature;
      if (fabs(step) <= 1e-12 * inverse) break;
      inverse -= step;
      /* A step over the bounds, or by a curvature of 0, becomes a geometric halving. */
      if (!(inverse > low && inverse < high)) inverse = sqrt(low * high);
    }
  }
  *out = (nsc_eval_temperature){1 / inverse, before, descend(data, logits, inverse, &terms).loss, at_bound};
  return NSC_OK;
}

static void scale_row(nsc_task task, float *row, uint32_t labels, double inverse) {
  if (task == NSC_TASK_BINARY) {
    double z = inverse * nsc_eval_log_odds((double)row[1]);
    row[0] = (float)sigmoid(-z);
    row[1] = (float)sigmoid(z);
  } else if (task == NSC_TASK_MULTI) {
    for (uint32_t k = 0; k < labels; k++) row[k] = (float)sigmoid(inverse * nsc_eval_log_odds((double)row[k]));
  } else {
    double top = 0, total = 0;
    for (uint32_t k = 0; k < labels; k++) top = fmax(top, (double)row[k]);
    for (uint32_t k = 0; k < labels; k++) total += pow((double)row[k] / top, inverse);
    for (uint32_t k = 0; k < labels; k++) row[k] = (float)(pow((double)row[k] / top, inverse) / total);
  }
}

nsc_status nsc_eval_apply_temperature(nsc_task task, float *scores, size_t count, uint32_t labels, double temperature,
                                      nsc_error *err) {
  if (!(temperature > 0) || !isfinite(temperature)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "the temperature %g is not above 0", temperature);
  }
  if (labels == 0 || (task == NSC_TASK_BINARY && labels != 2)) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "%u labels do not fit the task", labels);
  }
  for (size_t i = 0; i < count; i++) {
    double sum = 0;
    for (uint32_t k = 0; k < labels; k++) {
      float s = scores[i * labels + k];
      if (!(s >= 0 && s <= 1)) return nsc_fail(err, NSC_ERROR_ARGUMENT, "a score of case %zu is no probability", i);
      sum += (double)s;
    }
    if (task == NSC_TASK_SINGLE && sum <= 0) {
      return nsc_fail(err, NSC_ERROR_ARGUMENT, "the scores of case %zu are all 0", i);
    }
  }
  for (size_t i = 0; i < count; i++) scale_row(task, scores + i * labels, labels, 1 / temperature);
  return NSC_OK;
}

/* ---- Platt ---- */

double nsc_eval_apply_platt(const nsc_eval_platt *platt, double z) {
  return sigmoid(-(platt->slope * z + platt->offset));
}

typedef struct platt_problem {
  const float *z;
  const uint8_t *truth;
  size_t count;
  double target[2]; /* Platt's, for negatives and positives: (1, N+ + 1) / (N + 2), which keeps the fit finite */
} platt_problem;

static double platt_loss(const platt_problem *p, double slope, double offset) {
  double sum = 0;
  for (size_t i = 0; i < p->count; i++) {
    double f = slope * (double)p->z[i] + offset;
    sum += softplus(-f) + p->target[p->truth[i]] * f; /* -t ln(q) - (1 - t) ln(1 - q) */
  }
  return sum;
}

typedef struct platt_step {
  double slope, offset; /* where to go */
  double descent;       /* the loss's derivative in that direction, negative */
  bool done;
} platt_step;

static platt_step newton_step(const platt_problem *p, double slope, double offset) {
  double g_slope = 0, g_offset = 0, h_slope = 1e-12, h_offset = 1e-12, h_both = 0, size = 0;
  for (size_t i = 0; i < p->count; i++) {
    double z = (double)p->z[i], q = sigmoid(-(slope * z + offset)), wrong = p->target[p->truth[i]] - q;
    double weight = q * (1 - q);
    g_slope += wrong * z;
    g_offset += wrong;
    h_slope += weight * z * z;
    h_offset += weight;
    h_both += weight * z;
    size += fabs(wrong) * (1 + fabs(z));
  }
  double determinant = h_slope * h_offset - h_both * h_both;
  platt_step step = {.done = fabs(g_slope) + fabs(g_offset) <= 1e-12 * (1 + size) || !(determinant > 0)};
  step.slope = -(h_offset * g_slope - h_both * g_offset) / determinant;
  step.offset = -(h_slope * g_offset - h_both * g_slope) / determinant;
  step.descent = g_slope * step.slope + g_offset * step.offset;
  return step;
}

nsc_status nsc_eval_fit_platt(const float *z, const uint8_t *truth, size_t count, nsc_eval_platt *out, nsc_error *err) {
  uint32_t positives, negatives;
  NSC_TRY(nsc_eval_check_class(z, truth, count, &positives, &negatives, err));
  if (positives == 0 || negatives == 0) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "Platt scaling needs positive and negative cases");
  }
  platt_problem p = {z, truth, count, {1 / (negatives + 2.0), (positives + 1.0) / (positives + 2.0)}};
  nsc_eval_platt at = {0, log((negatives + 1.0) / (positives + 1.0)), 0};
  double loss = platt_loss(&p, at.slope, at.offset);
  for (; at.iterations < 100; at.iterations++) {
    platt_step step = newton_step(&p, at.slope, at.offset);
    if (step.done) break;
    double length = 1, next = 0;
    for (; length >= 1e-10; length /= 2) {
      next = platt_loss(&p, at.slope + length * step.slope, at.offset + length * step.offset);
      if (next < loss + 1e-4 * length * step.descent) break;
    }
    if (length < 1e-10) break; /* rounding hides any further descent */
    at.slope += length * step.slope;
    at.offset += length * step.offset;
    loss = next;
  }
  *out = at;
  return NSC_OK;
}
