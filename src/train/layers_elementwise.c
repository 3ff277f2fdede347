/* Layers that treat each number by itself: activations, dropout, sum. */
#include <math.h>
#include <string.h>

#include "train/layers.h"

/* One layer on a range of numbers. `x` and `y` may be the same memory, and so may `dx` and `dy`. */
typedef struct element_task {
  const nsc_layer *layer;
  const float *x, *b, *dy;
  float *y, *dx;
  bool adds;
} element_task;

static element_task task_of(const nsc_pass *pass, const nsc_layer *layer) {
  const nsc_tensor *x = nsc_input_of(pass, layer), *y = nsc_result_of(pass, layer);
  return (element_task){
      .layer = layer, .x = x->value, .y = y->value, .dy = y->gradient, .dx = x->gradient, .adds = x->written};
}

static void run(const nsc_pass *pass, const nsc_layer *layer, element_task *task,
                void (*part)(void *context, size_t from, size_t count)) {
  nsc_compute_ranges(pass->compute, part, task, nsc_net_size(pass->net, layer->output), NSC_GRAIN);
}

static void add_part(void *context, size_t from, size_t count) {
  const element_task *t = context;
  for (size_t i = from; i < from + count; i++) t->dx[i] += t->dy[i];
}

static void copy_part(void *context, size_t from, size_t count) {
  const element_task *t = context;
  memcpy(t->dx + from, t->dy + from, count * sizeof(float));
}

void nsc_add_floats(nsc_compute *compute, float *to, const float *from, size_t count) {
  element_task task = {.dx = to, .dy = from};
  nsc_compute_ranges(compute, add_part, &task, count, NSC_GRAIN);
}

/* ---- activations ---- */

/* What is no number stays so: a training that has burst must be noticed. */
static float activate(nsc_activation_kind kind, float x) {
  switch (kind) {
    case NSC_ACTIVATION_RELU:
      return x < 0 ? 0 : x;
    case NSC_ACTIVATION_RELU6:
      return x < 0 ? 0 : x > 6 ? 6 : x;
    case NSC_ACTIVATION_LEAKY_RELU:
      return x > 0 ? x : 0.01f * x;
    case NSC_ACTIVATION_ELU:
      return x > 0 ? x : expm1f(x);
    case NSC_ACTIVATION_SIGMOID:
      return 1 / (1 + expf(-x));
    case NSC_ACTIVATION_TANH:
      return tanhf(x);
    case NSC_ACTIVATION_HARD_SWISH:
      return x <= -3 ? 0 : x >= 3 ? x : x * (x + 3) / 6;
  }
  return x;
}

/* The derivative, from the result: the input may be overwritten. Hard swish alone needs the input. */
static float slope(nsc_activation_kind kind, float x, float y) {
  switch (kind) {
    case NSC_ACTIVATION_RELU:
      return y > 0;
    case NSC_ACTIVATION_RELU6:
      return y > 0 && y < 6;
    case NSC_ACTIVATION_LEAKY_RELU:
      return y > 0 ? 1 : 0.01f;
    case NSC_ACTIVATION_ELU:
      return y > 0 ? 1 : y + 1;
    case NSC_ACTIVATION_SIGMOID:
      return y * (1 - y);
    case NSC_ACTIVATION_TANH:
      return 1 - y * y;
    case NSC_ACTIVATION_HARD_SWISH:
      return x <= -3 ? 0 : x >= 3 ? 1 : (2 * x + 3) / 6;
  }
  return 1;
}

static void activate_part(void *context, size_t from, size_t count) {
  const element_task *t = context;
  nsc_activation_kind kind = t->layer->activation;
  if (kind == NSC_ACTIVATION_RELU) { /* by far the most common: a loop that vectorises */
    for (size_t i = from; i < from + count; i++) t->y[i] = t->x[i] < 0 ? 0 : t->x[i];
  } else {
    for (size_t i = from; i < from + count; i++) t->y[i] = activate(kind, t->x[i]);
  }
}

nsc_status nsc_activation_forward(nsc_pass *pass, nsc_layer *layer) {
  element_task task = task_of(pass, layer);
  run(pass, layer, &task, activate_part);
  return NSC_OK;
}

static void slope_part(void *context, size_t from, size_t count) {
  const element_task *t = context;
  nsc_activation_kind kind = t->layer->activation;
  const float *x = t->x + from, *y = t->y + from, *dy = t->dy + from;
  float *dx = t->dx + from;
  if (kind == NSC_ACTIVATION_RELU && !t->adds) {
    for (size_t i = 0; i < count; i++) {
      float d = dy[i];
      dx[i] = y[i] > 0 ? d : 0;
    }
    return;
  }
  for (size_t i = 0; i < count; i++) {
    float d = dy[i] * slope(kind, x[i], y[i]);
    dx[i] = t->adds ? dx[i] + d : d;
  }
}

nsc_status nsc_activation_backward(nsc_pass *pass, nsc_layer *layer) {
  element_task task = task_of(pass, layer);
  (void)nsc_adds_gradient(nsc_input_of(pass, layer));
  run(pass, layer, &task, slope_part);
  return NSC_OK;
}

/* ---- dropout (Srivastava et al. 2014), scaled in training so that inference needs nothing ---- */

typedef struct dropout_task {
  const nsc_layer *layer;
  const float *x;
  float *y;
  nsc_rng rng;
  size_t each; /* numbers of a picture: each picture has its own stream, whichever thread draws */
} dropout_task;

static void drop_part(void *context, size_t from, size_t count) {
  const dropout_task *t = context;
  float keep = 1 - t->layer->rate, scale = keep > 0 ? 1 / keep : 0;
  for (size_t n = from; n < from + count; n++) {
    nsc_rng rng = nsc_rng_split(&t->rng, n);
    for (size_t i = n * t->each; i < (n + 1) * t->each; i++) {
      t->layer->saved[i] = nsc_rng_float(&rng) < keep ? scale : 0;
      t->y[i] = t->x[i] * t->layer->saved[i];
    }
  }
}

nsc_status nsc_dropout_forward(nsc_pass *pass, nsc_layer *layer) {
  const nsc_tensor *x = nsc_input_of(pass, layer), *y = nsc_result_of(pass, layer);
  size_t count = nsc_net_size(pass->net, layer->output);
  if (pass->training) {
    nsc_rng rng = nsc_rng_seeded(nsc_rng_u64(pass->rng));
    dropout_task task = {layer, x->value, y->value, rng, count / pass->net->batch};
    nsc_compute_ranges(pass->compute, drop_part, &task, pass->net->batch, 1);
  } else if (x->value != y->value) {
    memcpy(y->value, x->value, count * sizeof(float));
  }
  return NSC_OK;
}

static void undrop_part(void *context, size_t from, size_t count) {
  const element_task *t = context;
  for (size_t i = from; i < from + count; i++) {
    float d = t->dy[i] * t->layer->saved[i];
    t->dx[i] = t->adds ? t->dx[i] + d : d;
  }
}

nsc_status nsc_dropout_backward(nsc_pass *pass, nsc_layer *layer) {
  element_task task = task_of(pass, layer);
  bool adds = nsc_adds_gradient(nsc_input_of(pass, layer));
  if (pass->training) {
    run(pass, layer, &task, undrop_part);
  } else if (task.dx != task.dy) {
    run(pass, layer, &task, adds ? add_part : copy_part);
  }
  return NSC_OK;
}

/* ---- sum ---- */

static void sum_part(void *context, size_t from, size_t count) {
  const element_task *t = context;
  for (size_t i = from; i < from + count; i++) t->y[i] = t->x[i] + t->b[i];
}

nsc_status nsc_add_forward(nsc_pass *pass, nsc_layer *layer) {
  element_task task = task_of(pass, layer);
  task.b = nsc_net_tensor(pass->net, layer->inputs[1])->value;
  run(pass, layer, &task, sum_part);
  return NSC_OK;
}

nsc_status nsc_add_backward(nsc_pass *pass, nsc_layer *layer) {
  for (uint32_t k = 0; k < 2; k++) {
    nsc_tensor *x = nsc_net_tensor(pass->net, layer->inputs[k]);
    if (!x->wanted) continue;
    element_task task = task_of(pass, layer);
    task.dx = x->gradient;
    run(pass, layer, &task, nsc_adds_gradient(x) ? add_part : copy_part);
  }
  return NSC_OK;
}
