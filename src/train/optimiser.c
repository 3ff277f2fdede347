#include "train/optimiser.h"

#include <math.h>

#include "base/error.h"

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
  bool ok = o->first && o->second, adam = options->kind == NSC_OPTIMISER_ADAM || options->kind == NSC_OPTIMISER_ADAMW;
  for (uint32_t i = 0; i < count && ok; i++) {
    size_t n = net->parameters[i].count;
    if (!net->parameters[i].gradient) continue;
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

static double gradient_length(const nsc_net *net) {
  double sum = 0;
  for (uint32_t i = 0; i < net->parameter_count; i++) {
    const nsc_parameter *p = &net->parameters[i];
    if (!p->gradient || p->frozen) continue;
    for (size_t k = 0; k < p->count; k++) sum += (double)p->gradient[k] * (double)p->gradient[k];
  }
  return sqrt(sum);
}

static void sgd(const nsc_optimiser *o, nsc_parameter *p, float *velocity, float rate, float scale, float decay) {
  float m = o->options.momentum;
  for (size_t k = 0; k < p->count; k++) {
    float g = p->gradient[k] * scale + decay * p->value[k];
    velocity[k] = m * velocity[k] + g;
    p->value[k] -= rate * (o->options.nesterov ? g + m * velocity[k] : velocity[k]);
  }
}

static void rmsprop(const nsc_optimiser *o, nsc_parameter *p, float *velocity, float *square, float rate, float scale,
                    float decay) {
  float b = o->options.beta2, m = o->options.momentum, epsilon = o->options.epsilon;
  for (size_t k = 0; k < p->count; k++) {
    float g = p->gradient[k] * scale + decay * p->value[k];
    square[k] = b * square[k] + (1 - b) * g * g;
    velocity[k] = m * velocity[k] + g / (sqrtf(square[k]) + epsilon);
    p->value[k] -= rate * velocity[k];
  }
}

static void adam(const nsc_optimiser *o, nsc_parameter *p, float *mean, float *square, float rate, float scale,
                 float decay) {
  float b1 = o->options.beta1, b2 = o->options.beta2, epsilon = o->options.epsilon;
  double t = (double)o->steps;
  float step = (float)((double)rate / (1 - pow((double)b1, t)));
  float correction = (float)(1 / sqrt(1 - pow((double)b2, t)));
  bool decoupled = o->options.kind == NSC_OPTIMISER_ADAMW;
  for (size_t k = 0; k < p->count; k++) {
    float g = p->gradient[k] * scale;
    if (decoupled) {
      p->value[k] -= rate * decay * p->value[k];
    } else {
      g += decay * p->value[k];
    }
    mean[k] = b1 * mean[k] + (1 - b1) * g;
    square[k] = b2 * square[k] + (1 - b2) * g * g;
    p->value[k] -= step * mean[k] / (sqrtf(square[k]) * correction + epsilon);
  }
}

double nsc_optimiser_step(nsc_optimiser *o, nsc_net *net, float rate) {
  double length = gradient_length(net);
  float clip = o->options.clip_norm;
  float scale = clip > 0 && length > (double)clip ? (float)((double)clip / length) : 1;
  o->steps++;
  for (uint32_t i = 0; i < net->parameter_count; i++) {
    nsc_parameter *p = &net->parameters[i];
    if (!p->gradient || p->frozen) continue;
    float decay = p->decays ? o->options.weight_decay : 0;
    switch (o->options.kind) {
      case NSC_OPTIMISER_SGD:
        sgd(o, p, o->first[i], rate, scale, decay);
        break;
      case NSC_OPTIMISER_RMSPROP:
        rmsprop(o, p, o->first[i], o->second[i], rate, scale, decay);
        break;
      case NSC_OPTIMISER_ADAM:
      case NSC_OPTIMISER_ADAMW:
        adam(o, p, o->first[i], o->second[i], rate, scale, decay);
        break;
    }
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
