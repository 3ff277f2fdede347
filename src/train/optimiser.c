#include "train/optimiser.h"

#include <math.h>

#include "base/error.h"

enum { BLOCK = 16384 /* numbers that are worth a thread */, LANES = 8 };

nsc_optimiser_options nsc_optimiser_defaults(nsc_optimiser_kind kind) {
  return (nsc_optimiser_options){.kind = kind,
                                 .momentum = kind == NSC_OPTIMISER_SGD ? 0.9f : 0,
                                 .beta1 = 0.9f,
                                 .beta2 = kind == NSC_OPTIMISER_RMSPROP ? 0.99f : 0.999f,
                                 .epsilon = 1e-8f};
}

nsc_status nsc_optimiser_init(nsc_optimiser *o, const nsc_net *net, const nsc_optimiser_options *options,
                              nsc_error *err) {
  *o = (nsc_optimiser){.options = *options};
  uint32_t count = net->parameter_count;
  o->first = nsc_arena_alloc(&o->arena, count + 1, sizeof *o->first);
  o->second = nsc_arena_alloc(&o->arena, count + 1, sizeof *o->second);
  size_t largest = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (net->parameters[i].count > largest) largest = net->parameters[i].count;
  }
  o->sums = nsc_arena_alloc(&o->arena, largest / BLOCK + 1, sizeof *o->sums);
  bool ok = o->first && o->second && o->sums,
       adam = options->kind == NSC_OPTIMISER_ADAM || options->kind == NSC_OPTIMISER_ADAMW;
  for (uint32_t i = 0; i < count && ok; i++) {
    size_t n = net->parameters[i].count;
    if (!net->parameters[i].learned) continue;
    o->first[i] = nsc_arena_alloc(&o->arena, n, sizeof(float));
    o->second[i] = adam || options->kind == NSC_OPTIMISER_RMSPROP ? nsc_arena_alloc(&o->arena, n, sizeof(float)) : NULL;
    ok = o->first[i] && (o->second[i] || options->kind == NSC_OPTIMISER_SGD);
  }
  if (ok) return NSC_OK;
  nsc_optimiser_drop(o);
  return nsc_fail(err, NSC_ERROR_MEMORY, "not enough memory for the optimiser");
}

void nsc_optimiser_drop(nsc_optimiser *o) {
  nsc_arena_free(&o->arena);
  o->first = o->second = NULL;
}

/* ---- the gradient's length ---- */

typedef struct length_task {
  const float *gradient;
  double *sums; /* a block each, so that the sum does not depend on threads */
  size_t count;
} length_task;

static void square_blocks(void *context, size_t from, size_t count) {
  const length_task *t = context;
  for (size_t b = from; b < from + count; b++) {
    const float *g = t->gradient + b * BLOCK;
    size_t n = t->count - b * BLOCK < BLOCK ? t->count - b * BLOCK : BLOCK, k = 0;
    double lanes[LANES] = {0}, sum = 0;
    for (; k + LANES <= n; k += LANES) {
      for (int i = 0; i < LANES; i++) lanes[i] += (double)g[k + (size_t)i] * (double)g[k + (size_t)i];
    }
    for (; k < n; k++) sum += (double)g[k] * (double)g[k];
    for (int i = 0; i < LANES; i++) sum += lanes[i];
    t->sums[b] = sum;
  }
}

static double gradient_length(const nsc_optimiser *o, const nsc_net *net, nsc_compute *compute) {
  double sum = 0;
  for (uint32_t i = 0; i < net->parameter_count; i++) {
    const nsc_parameter *p = &net->parameters[i];
    if (!p->gradient || p->frozen) continue;
    size_t blocks = (p->count + BLOCK - 1) / BLOCK;
    length_task task = {p->gradient, o->sums, p->count};
    nsc_compute_ranges(compute, square_blocks, &task, blocks, 1);
    for (size_t b = 0; b < blocks; b++) sum += o->sums[b];
  }
  return sqrt(sum);
}

/* ---- a step ---- */

/* One parameter's update; ranges of it are independent. */
typedef struct update {
  const nsc_optimiser_options *options;
  const float *gradient;
  float *value, *first, *second;
  float rate, scale, decay; /* scale: of clipping; decay: of this parameter */
  float step, correction;   /* Adam: rate and second moment with their bias corrected */
} update;

static void sgd(void *context, size_t from, size_t count) {
  const update *u = context;
  const float *g = u->gradient + from;
  float *restrict w = u->value + from, *restrict velocity = u->first + from;
  float m = u->options->momentum, again = u->options->nesterov ? m : 0, now = u->options->nesterov ? 1.0f : 0;
  for (size_t k = 0; k < count; k++) {
    float d = g[k] * u->scale + u->decay * w[k];
    velocity[k] = m * velocity[k] + d;
    w[k] -= u->rate * (now * d + (again + 1 - now) * velocity[k]);
  }
}

static void rmsprop(void *context, size_t from, size_t count) {
  const update *u = context;
  const float *g = u->gradient + from;
  float *restrict w = u->value + from, *restrict velocity = u->first + from, *restrict square = u->second + from;
  float b = u->options->beta2, m = u->options->momentum, epsilon = u->options->epsilon;
  for (size_t k = 0; k < count; k++) {
    float d = g[k] * u->scale + u->decay * w[k];
    square[k] = b * square[k] + (1 - b) * d * d;
    velocity[k] = m * velocity[k] + d / (sqrtf(square[k]) + epsilon);
    w[k] -= u->rate * velocity[k];
  }
}

static void adam(void *context, size_t from, size_t count) {
  const update *u = context;
  const float *g = u->gradient + from;
  float *restrict w = u->value + from, *restrict mean = u->first + from, *restrict square = u->second + from;
  float b1 = u->options->beta1, b2 = u->options->beta2, epsilon = u->options->epsilon;
  bool decoupled = u->options->kind == NSC_OPTIMISER_ADAMW;
  float shrink = decoupled ? 1 - u->rate * u->decay : 1, added = decoupled ? 0 : u->decay;
  for (size_t k = 0; k < count; k++) {
    float d = g[k] * u->scale + added * w[k];
    mean[k] = b1 * mean[k] + (1 - b1) * d;
    square[k] = b2 * square[k] + (1 - b2) * d * d;
    w[k] = shrink * w[k] - u->step * mean[k] / (sqrtf(square[k]) * u->correction + epsilon);
  }
}

void nsc_optimiser_begin(nsc_optimiser *o, float rate) {
  double t = (double)++o->steps;
  o->now.rate = rate;
  o->now.scale = 1;
  o->now.adam_rate = (float)((double)rate / (1 - pow((double)o->options.beta1, t)));
  o->now.correction = (float)(1 / sqrt(1 - pow((double)o->options.beta2, t)));
}

void nsc_optimiser_update(nsc_optimiser *o, nsc_net *net, nsc_compute *compute, uint32_t parameter) {
  static void (*const updates[])(void *, size_t, size_t) = {sgd, rmsprop, adam, adam};
  nsc_parameter *p = &net->parameters[parameter];
  update u = {.options = &o->options,
              .gradient = p->gradient,
              .value = p->value,
              .first = o->first[parameter],
              .second = o->second[parameter],
              .rate = o->now.rate,
              .scale = o->now.scale,
              .decay = p->decays ? o->options.weight_decay : 0,
              .step = o->now.adam_rate,
              .correction = o->now.correction};
  nsc_compute_ranges(compute, updates[o->options.kind], &u, p->count, BLOCK);
}

double nsc_optimiser_step(nsc_optimiser *o, nsc_net *net, nsc_compute *compute, float rate) {
  double length = gradient_length(o, net, compute), clip = (double)o->options.clip_norm;
  nsc_optimiser_begin(o, rate);
  if (clip > 0 && length > clip) o->now.scale = (float)(clip / length);
  for (uint32_t i = 0; i < net->parameter_count; i++) {
    if (net->parameters[i].gradient && !net->parameters[i].frozen) nsc_optimiser_update(o, net, compute, i);
  }
  return length;
}

static double half_cosine(double from, double to, double share) {
  return to + (from - to) * (1 + cos(acos(-1.0) * share)) / 2;
}

float nsc_schedule_rate(nsc_schedule_kind kind, float rate, float warm_up, uint64_t step, uint64_t total) {
  double at = total ? (double)step / (double)total : 1, r = (double)rate, warm = (double)warm_up;
  if (kind == NSC_SCHEDULE_ONE_CYCLE) {
    if (warm <= 0) warm = 0.3;
    if (at < warm) return (float)half_cosine(r / 25, r, at / warm);
    return (float)half_cosine(r, r / 25e4, (at - warm) / (1 - warm));
  }
  if (warm > 0 && at < warm) return (float)(r * ((double)step + 1) / (warm * (double)total + 1));
  switch (kind) {
    case NSC_SCHEDULE_STEP:
      return (float)(at < 1.0 / 3 ? r : at < 2.0 / 3 ? r * 0.1 : r * 0.01);
    case NSC_SCHEDULE_COSINE:
      return (float)half_cosine(r, 0, warm < 1 ? (at - warm) / (1 - warm) : 1);
    default:
      return rate;
  }
}
