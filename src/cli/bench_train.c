/* negatoscope bench --train: how many pictures a second a network learns from here, and where the time goes. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/cli.h"
#include "train/loss.h"
#include "train/optimiser.h"
#include "train/zoo.h"

typedef struct work {
  nsc_net *net;
  nsc_compute *compute;
  nsc_optimiser optimiser;
  nsc_rng rng;
  float *targets;
  size_t batch, outputs;
} work;

static nsc_status prepare(const nsc_bench_train *b, work *w, nsc_error *err) {
  w->batch = (size_t)b->batch;
  w->outputs = (size_t)b->labels;
  w->rng = nsc_rng_seeded(1);
  NSC_TRY(nsc_zoo_build(b->net, (size_t)b->size, (size_t)b->size, (size_t)b->channels, w->outputs, 1, &w->net, err));
  NSC_TRY(nsc_compute_create((uint32_t)b->threads, &w->compute, err));
  NSC_TRY(nsc_net_set_batch(w->net, w->batch, err));
  const nsc_optimiser_options options = nsc_optimiser_defaults(NSC_OPTIMISER_ADAM);
  NSC_TRY(nsc_optimiser_init(&w->optimiser, w->net, &options, err));
  w->targets = calloc(w->batch * w->outputs, sizeof *w->targets);
  if (!w->targets) return nsc_fail_memory(err, w->batch * w->outputs * sizeof *w->targets, "targets");
  for (size_t i = 0; i < w->batch; i++) w->targets[i * w->outputs + i % w->outputs] = 1;
  nsc_tensor *in = nsc_net_tensor(w->net, w->net->input);
  for (size_t i = 0; i < nsc_net_size(w->net, w->net->input); i++) in->value[i] = (float)nsc_rng_normal(&w->rng);
  return NSC_OK;
}

static void drop(work *w) {
  nsc_optimiser_drop(&w->optimiser);
  nsc_compute_free(w->compute);
  nsc_net_free(w->net);
  free(w->targets);
}

static nsc_status step(work *w, nsc_error *err) {
  nsc_tensor *out = nsc_net_tensor(w->net, w->net->output);
  const nsc_loss loss = {.kind = NSC_LOSS_SOFTMAX};
  NSC_TRY(nsc_net_forward(w->net, w->compute, true, &w->rng, err));
  (void)nsc_loss_compute(&loss, out->value, w->targets, w->batch, w->outputs, out->gradient);
  NSC_TRY(nsc_net_backward(w->net, w->compute, err));
  nsc_optimiser_step(&w->optimiser, w->net, w->compute, 1e-4f);
  return NSC_OK;
}

static void print_profile(const work *w, const double *times, double total, long steps) {
  static const char *const kinds[] = {"input",    "conv",         "dense",       "norm",    "activation",
                                      "max pool", "average pool", "global pool", "dropout", "add",
                                      "concat",   "flatten",      "upsample"};
  printf("%9s %9s %6s  %-12s %s\n", "forward", "backward", "share", "layer", "output");
  double layers = 0;
  for (uint32_t l = 0; l < w->net->layer_count; l++) {
    const nsc_layer *layer = &w->net->layers[l];
    const nsc_tensor *t = &w->net->tensors[layer->output];
    double both = times[2 * l] + times[2 * l + 1];
    layers += both;
    printf("%9.3f %9.3f %5.1f%%  %-12s %zux%zux%zu\n", times[2 * l] / (double)steps, times[2 * l + 1] / (double)steps,
           100 * both / total, kinds[layer->kind], t->height, t->width, t->channels);
  }
  printf("%9.3f ms a step outside of layers: loss, optimiser\n", (total - layers) / (double)steps);
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static nsc_status measure(const nsc_bench_train *b, work *w, double *ms, nsc_error *err) {
  double *times = calloc((size_t)w->net->layer_count * 2, sizeof *times), total = 0;
  if (!times) return nsc_fail_memory(err, w->net->layer_count * sizeof *times, "times");
  nsc_status status = NSC_OK;
  for (int i = 0; i < 2 && status == NSC_OK; i++) status = step(w, err); /* not counted: memory is touched first */
  if (b->profile) w->net->times = times;
  for (long i = 0; i < b->steps && status == NSC_OK; i++) {
    double start = nsc_now_ms();
    status = step(w, err);
    ms[i] = nsc_now_ms() - start;
    total += ms[i];
  }
  if (status == NSC_OK && b->profile) print_profile(w, times, total, b->steps);
  w->net->times = NULL;
  free(times);
  if (status != NSC_OK) return status;
  qsort(ms, (size_t)b->steps, sizeof *ms, by_value);
  double median = ms[b->steps / 2];
  printf("%s %ldx%ldx%ld, batch %ld: %.1f images/s (median %.2f ms a step, minimum %.2f; %ld steps, %ld threads)\n",
         b->net, b->size, b->size, b->channels, b->batch, 1e3 * (double)b->batch / median, median, ms[0], b->steps,
         b->threads);
  return NSC_OK;
}

nsc_status nsc_cli_bench_train(const nsc_bench_train *b, nsc_error *err) {
  work w = {0};
  double *ms = malloc((size_t)b->steps * sizeof *ms);
  nsc_status status = ms ? prepare(b, &w, err) : nsc_fail_memory(err, 0, "times");
  if (status == NSC_OK) status = measure(b, &w, ms, err);
  free(ms);
  drop(&w);
  return status;
}
