#include "train/loss.h"

#include <math.h>
#include <stdbool.h>

static double softplus(double z) {
  return z > 0 ? z + log1p(exp(-z)) : log1p(exp(z));
}

static double sigmoid(double z) {
  return z >= 0 ? 1 / (1 + exp(-z)) : exp(z) / (1 + exp(z));
}

static double smooth(const nsc_loss *loss, double target, size_t labels) {
  double s = (double)loss->smoothing;
  return target * (1 - s) + s / (loss->kind == NSC_LOSS_SOFTMAX ? (double)labels : 2.0);
}

static double weight_of(const nsc_loss *loss, size_t label) {
  return loss->class_weights ? (double)loss->class_weights[label] : 1.0;
}

/* Each label's term of -sum t log p is weighted, so a smoothed target takes part of every label's weight. */
static double softmax_row(const nsc_loss *loss, const float *z, const float *t, size_t labels, float *g) {
  double max = -INFINITY, sum = 0, value = 0, mass = 0;
  for (size_t i = 0; i < labels; i++) max = fmax(max, (double)z[i]);
  for (size_t i = 0; i < labels; i++) sum += exp((double)z[i] - max);
  double log_sum = max + log(sum);
  for (size_t i = 0; i < labels; i++) {
    double w = weight_of(loss, i) * smooth(loss, (double)t[i], labels);
    value += w * (log_sum - (double)z[i]);
    mass += w;
  }
  for (size_t i = 0; g && i < labels; i++) {
    double w = weight_of(loss, i) * smooth(loss, (double)t[i], labels);
    g[i] = (float)(mass * exp((double)z[i] - log_sum) - w);
  }
  return value;
}

static double sigmoid_row(const nsc_loss *loss, const float *z, const float *t, size_t labels, float *g) {
  double value = 0;
  for (size_t i = 0; i < labels; i++) {
    double target = smooth(loss, (double)t[i], labels), w = weight_of(loss, i), x = (double)z[i];
    value += w * (softplus(x) - target * x);
    if (g) g[i] = (float)(w * (sigmoid(x) - target));
  }
  return value;
}

/* -t (1-p)^gamma log p - (1-t) p^gamma log(1-p) */
static double focal_row(const nsc_loss *loss, const float *z, const float *t, size_t labels, float *g) {
  double value = 0, gamma = (double)loss->gamma;
  for (size_t i = 0; i < labels; i++) {
    double x = (double)z[i], target = smooth(loss, (double)t[i], labels), w = weight_of(loss, i);
    double p = sigmoid(x), q = sigmoid(-x), log_p = -softplus(-x), log_q = -softplus(x);
    double up = pow(q, gamma), down = pow(p, gamma);
    value -= w * (target * up * log_p + (1 - target) * down * log_q);
    if (!g) continue;
    double from_up = target * up * (gamma * p * log_p - q), from_down = (1 - target) * down * (p - gamma * q * log_q);
    g[i] = (float)(w * (from_up + from_down));
  }
  return value;
}

static double squared_row(const nsc_loss *loss, const float *z, const float *t, size_t labels, float *g) {
  double value = 0, share = 1 / (double)labels;
  for (size_t i = 0; i < labels; i++) {
    double d = (double)z[i] - (double)t[i], w = weight_of(loss, i) * share;
    value += w * d * d;
    if (g) g[i] = (float)(2 * w * d);
  }
  return value;
}

/* -log of the chance of what became of a case: of the event in its bin, and of none in the bins before, each given that
   it came so far. Its terms are those of sigmoids over the bins in which it was at risk. */
static double hazards_row(const float *z, const float *t, size_t bins, float *g) {
  double value = 0;
  for (size_t i = 0; i < bins; i++) {
    bool at_risk = t[i] >= 0;
    double x = (double)z[i], target = (double)t[i];
    if (at_risk) value += softplus(x) - target * x;
    if (g) g[i] = at_risk ? (float)(sigmoid(x) - target) : 0;
  }
  return value;
}

/* What the sum is divided by: samples, or the weights of their targets. */
static double divisor(const nsc_loss *loss, const float *targets, size_t batch, size_t labels) {
  if (!loss->class_weights || loss->kind != NSC_LOSS_SOFTMAX) return (double)batch;
  double sum = 0;
  for (size_t n = 0; n < batch; n++) {
    for (size_t i = 0; i < labels; i++) sum += (double)targets[n * labels + i] * weight_of(loss, i);
  }
  return sum;
}

double nsc_loss_compute(const nsc_loss *loss, const float *logits, const float *targets, size_t batch, size_t labels,
                        float *gradient) {
  double sum = 0, scale = 1 / divisor(loss, targets, batch, labels);
  for (size_t n = 0; n < batch; n++) {
    const float *z = logits + n * labels, *t = targets + n * labels;
    float *g = gradient ? gradient + n * labels : NULL;
    switch (loss->kind) {
      case NSC_LOSS_SOFTMAX:
        sum += softmax_row(loss, z, t, labels, g);
        break;
      case NSC_LOSS_SIGMOID:
        sum += sigmoid_row(loss, z, t, labels, g);
        break;
      case NSC_LOSS_FOCAL:
        sum += focal_row(loss, z, t, labels, g);
        break;
      case NSC_LOSS_SQUARED_ERROR:
        sum += squared_row(loss, z, t, labels, g);
        break;
      case NSC_LOSS_HAZARDS:
        sum += hazards_row(z, t, labels, g);
        break;
    }
    for (size_t i = 0; g && i < labels; i++) g[i] = (float)((double)g[i] * scale);
  }
  return sum * scale;
}
