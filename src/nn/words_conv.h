/* Convolutions and products of int8 in words (words.h), of any kernel, stride, dilation and groups. */
#ifndef NSC_NN_WORDS_CONV_H
#define NSC_NN_WORDS_CONV_H

#include <pthreadpool.h>

#include "nn/op_conv.h"
#include "nn/words.h"

typedef struct nsc_words_conv {
  nsc_conv_geometry g;
  size_t batch;
  int32_t zero; /* of x, and of its padding */
} nsc_words_conv;

/* Columns of all panels: each group has whole ones. Column c of group g stands at g * columns / groups + c. */
size_t nsc_words_conv_columns(const nsc_words_conv *c);

size_t nsc_words_conv_weight_bytes(const nsc_words_conv *c);
/* `weights`: [outputs][group_in][height][width]. */
void nsc_words_conv_pack(const nsc_words_conv *c, const int8_t *weights, int8_t *packed, pthreadpool_t pool);

/* Bytes that a run works in, with so many threads. */
size_t nsc_words_conv_workspace(const nsc_words_conv *c, size_t threads);
/* x and y are channels last. `after` has entries for nsc_words_conv_columns. */
void nsc_words_conv_run(const nsc_words_conv *c, const int8_t *x, const int8_t *packed, const nsc_words_after *after,
                        int8_t *y, pthreadpool_t pool, void *workspace);

#endif
