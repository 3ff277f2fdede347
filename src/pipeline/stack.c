#include "pipeline/stack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Probabilities of exactly 0 and 1 are rounding, and their logarithms would outweigh all others. */
static const double SURE = 1e-6;
/* Of squared distances from equal weights and no bias, against the mean loss: enough to settle what few pictures leave
 * open. */
static const double RIDGE = 1e-3;

enum { MOST_STEPS = 500 };

typedef struct fit {
  const nsc_stack_cases *cases;
  const double *logs; /* [count][members][columns]: what weights multiply */
  int fold;           /* left out */
  uint32_t members, columns, unknowns;
  bool softmax;
} fit;

static double log_of(const nsc_stack *s, double p) {
  p = fmin(fmax(p, SURE), 1 - SURE);
  return s->softmax ? log(p) : log(p / (1 - p));
}

void nsc_stack_logits(const nsc_stack *stack, const float *scores, double *out) {
  for (uint32_t k = 0; k < stack->columns; k++) {
    out[k] = (double)stack->bias[k];
    for (uint32_t m = 0; m < stack->members; m++) {
      out[k] += (double)stack->weights[m] * log_of(stack, (double)scores[(size_t)m * stack->columns + k]);
    }
  }
}

/* Loss of a case; logits become what they must change by: probability less truth. */
static double judge(bool softmax, uint32_t columns, const uint8_t *truth, double *z) {
  double loss = 0, highest = z[0], sum = 0;
  if (!softmax) {
    for (uint32_t k = 0; k < columns; k++) {
      double p = 1 / (1 + exp(-z[k]));
      loss += fmax(z[k], 0) - z[k] * truth[k] + log1p(exp(-fabs(z[k])));
      z[k] = p - truth[k];
    }
    return loss / columns;
  }
  for (uint32_t k = 1; k < columns; k++) highest = fmax(highest, z[k]);
  for (uint32_t k = 0; k < columns; k++) sum += exp(z[k] - highest);
  for (uint32_t k = 0; k < columns; k++) {
    double log_p = z[k] - highest - log(sum);
    loss -= truth[k] * log_p;
    z[k] = exp(log_p) - truth[k];
  }
  return loss;
}

static bool is_in(size_t i, int fold) {
  return fold >= 0 && i % NSC_STACK_FOLDS == (size_t)fold;
}

/* Mean loss and ridge at `x` [members weights, columns biases], and its slope. */
static double objective(const fit *f, const double *x, double *slope, double *z) {
  size_t used = 0, cells = (size_t)f->members * f->columns;
  double loss = 0, ridge = 0;
  memset(slope, 0, f->unknowns * sizeof *slope);
  for (size_t i = 0; i < f->cases->count; i++) {
    if (is_in(i, f->fold)) continue;
    const double *logs = f->logs + i * cells;
    for (uint32_t k = 0; k < f->columns; k++) z[k] = x[f->members + k];
    for (size_t c = 0; c < cells; c++) z[c % f->columns] += x[c / f->columns] * logs[c];
    loss += judge(f->softmax, f->columns, f->cases->truth + i * f->columns, z);
    for (size_t c = 0; c < cells; c++) slope[c / f->columns] += z[c % f->columns] * logs[c];
    for (uint32_t k = 0; k < f->columns; k++) slope[f->members + k] += z[k];
    used++;
  }
  double share = used ? 1.0 / (double)used : 0, each = f->softmax ? 1 : 1.0 / f->columns;
  for (uint32_t i = 0; i < f->unknowns; i++) {
    double away = x[i] - (i < f->members ? 1.0 / f->members : 0);
    slope[i] = slope[i] * share * each + 2 * RIDGE * away;
    ridge += RIDGE * away * away;
  }
  return loss * share + ridge;
}

/* Gradient descent with a step that grows while it helps; weights that would fall below 0 stay at 0. The loss is
 * convex. */
static void descend(const fit *f, double *x, double *slope, double *next, double *next_slope, double *z) {
  double step = 1, value = objective(f, x, slope, z);
  for (int i = 0; i < MOST_STEPS && step > 1e-9; i++) {
    double moved = 0;
    for (uint32_t u = 0; u < f->unknowns; u++) {
      next[u] = x[u] - step * slope[u];
      if (u < f->members) next[u] = fmax(next[u], 0);
      moved += (next[u] - x[u]) * (next[u] - x[u]);
    }
    double lower = objective(f, next, next_slope, z);
    if (lower > value - moved / (4 * step)) {
      step /= 2;
      continue;
    }
    bool done = value - lower < 1e-10;
    value = lower;
    memcpy(x, next, f->unknowns * sizeof *x);
    memcpy(slope, next_slope, f->unknowns * sizeof *slope);
    step *= 1.5;
    if (done) return;
  }
}

nsc_status nsc_stack_fit(const nsc_stack_cases *cases, int fold, nsc_stack *stack, nsc_error *err) {
  uint32_t unknowns = stack->members + stack->columns;
  size_t cells = cases->count * stack->members * stack->columns;
  double *logs = malloc((cells + 4 * (size_t)unknowns + stack->columns) * sizeof *logs);
  if (!logs) return nsc_fail_memory(err, cells * sizeof *logs, "logarithms of scores");
  double *x = logs + cells;
  for (size_t i = 0; i < cells; i++) logs[i] = log_of(stack, (double)cases->scores[i]);
  for (uint32_t u = 0; u < unknowns; u++) x[u] = u < stack->members ? 1.0 / stack->members : 0;
  const fit f = {cases, logs, fold, stack->members, stack->columns, unknowns, stack->softmax};
  descend(&f, x, x + unknowns, x + 2 * (size_t)unknowns, x + 3 * (size_t)unknowns, x + 4 * (size_t)unknowns);
  for (uint32_t m = 0; m < stack->members; m++) stack->weights[m] = (float)x[m];
  for (uint32_t k = 0; k < stack->columns; k++) stack->bias[k] = (float)x[stack->members + k];
  free(logs);
  return NSC_OK;
}

nsc_status nsc_stack_loss(const nsc_stack_cases *cases, int fold, const nsc_stack *stack, double *out, nsc_error *err) {
  double *z = malloc(stack->columns * sizeof *z), loss = 0;
  size_t used = 0;
  if (!z) return nsc_fail_memory(err, stack->columns * sizeof *z, "logits");
  for (size_t i = 0; i < cases->count; i++) {
    if (fold >= 0 && !is_in(i, fold)) continue;
    nsc_stack_logits(stack, cases->scores + i * stack->members * stack->columns, z);
    loss += judge(stack->softmax, stack->columns, cases->truth + i * stack->columns, z);
    used++;
  }
  free(z);
  *out = used ? loss / (double)used : NAN;
  return NSC_OK;
}
