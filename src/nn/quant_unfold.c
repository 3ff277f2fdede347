/*
 * The first convolution of a network has one or three input channels, and int8 kernels take four or eight at a time:
 * most of their work would be padding. Pixels under a row of the kernel lie side by side, so they become the channels
 * of one pixel: N, H, W, C turns into N, H, outputs of a row, C * width of the kernel, and the kernel is one pixel
 * wide.
 */
#include <string.h>

#include "nn/quant_product.h"

enum { MOST_CHANNELS = 4, GRAIN = 4 };

typedef struct unfold_params {
  size_t batch, height, width, channels, columns, stride, left, taps, room; /* room: bytes of a pixel that is written */
  int8_t zero;
} unfold_params;

typedef struct unfold_task {
  const unfold_params *params;
  const int8_t *in;
  int8_t *out;
} unfold_task;

static void put_edge(const unfold_params *p, const int8_t *row, ptrdiff_t x, int8_t *to) {
  memset(to, p->zero, p->room);
  for (size_t k = 0; k < p->taps; k++, x++) {
    if (x < 0 || x >= (ptrdiff_t)p->width) continue;
    memcpy(to + k * p->channels, row + (size_t)x * p->channels, p->channels);
  }
}

static void unfold_row(void *context, size_t row) {
  const unfold_task *t = context;
  const unfold_params *p = t->params;
  const int8_t *in = t->in + row * p->width * p->channels;
  int8_t *to = t->out + row * p->columns * p->room;
  for (size_t c = 0; c < p->columns; c++, to += p->room) {
    ptrdiff_t x = (ptrdiff_t)(c * p->stride) - (ptrdiff_t)p->left;
    if (x < 0 || x + (ptrdiff_t)p->taps > (ptrdiff_t)p->width) {
      put_edge(p, in, x, to);
      continue;
    }
    /* Up to three bytes too many, whose weights are zero; behind the last pixel they are XNN_EXTRA_BYTES. */
    const int8_t *from = in + (size_t)x * p->channels;
    for (size_t b = 0; b < p->room; b += GRAIN) memcpy(to + b, from + b, GRAIN);
  }
}

static void run_unfold(nsc_step *step, pthreadpool_t pool) {
  const unfold_params *p = step->params;
  unfold_task task = {p, step->in[0], step->out[0]};
  pthreadpool_parallelize_1d(pool, unfold_row, &task, p->batch * p->height, 0);
}

static bool pays(const nsc_conv_geometry *g) {
  const nsc_window *w = &g->window;
  return g->groups == 1 && g->group_in <= MOST_CHANNELS && g->group_in % GRAIN && w->kernel[1] > 1 &&
         w->dilation[1] == 1;
}

nsc_status nsc_quant_unfold(nsc_plan *plan, const nsc_node *node, nsc_conv_geometry *g, int32_t zero, uint32_t *input,
                            size_t *room) {
  nsc_window *w = &g->window;
  *room = g->groups * g->group_in;
  if (!pays(g)) return NSC_OK;
  size_t channels = g->group_in * (size_t)w->kernel[1];
  int64_t batch = plan->values[*input].shape.dims[0];
  unfold_params *p;
  NSC_TRY(nsc_plan_alloc(plan, 1, sizeof *p, &p));
  *room = (channels + GRAIN - 1) / GRAIN * GRAIN;
  *p = (unfold_params){.batch = (size_t)batch,
                       .height = (size_t)w->in[0],
                       .width = (size_t)w->in[1],
                       .channels = g->group_in,
                       .columns = (size_t)w->out[1],
                       .stride = (size_t)w->stride[1],
                       .left = (size_t)w->pad_begin[1],
                       .taps = (size_t)w->kernel[1],
                       .room = *room,
                       .zero = (int8_t)zero};
  const nsc_shape shape = {4, {batch, (int64_t)*room, w->in[0], w->out[1]}};
  uint32_t output;
  NSC_TRY(nsc_plan_temporary(plan, NSC_TYPE_I8, &shape, true, &output));
  NSC_TRY(nsc_plan_add_loop(plan, node, "Unfold", *input, output, run_unfold, p));
  *input = output;
  g->group_in = channels;
  w->kernel[1] = w->stride[1] = 1;
  w->pad_begin[1] = w->pad_end[1] = 0;
  w->in[1] = w->out[1];
  return NSC_OK;
}
