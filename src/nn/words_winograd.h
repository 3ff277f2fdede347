/*
 * int8 convolutions of 3x3 taps at stride 1 by Winograd's minimal filtering in words, exact to the bit: 36 products for
 * 144, or for less at edges, where segments of three outputs stand beside those of four (winograd_cut.h). Weights stand
 * as their taps, bytes, and are transformed in every run.
 */
#ifndef NSC_NN_WORDS_WINOGRAD_H
#define NSC_NN_WORDS_WINOGRAD_H

#include "nn/winograd.h"
#include "nn/words.h"

typedef struct nsc_words_winograd {
  nsc_winograd shape;
  int32_t zero;    /* of x, and of its padding */
  size_t channels; /* whose sums are restored together: too many would leave the range that can be */
} nsc_words_winograd;

/*
 * Whether c->shape, at stride 1, takes less time than a plain product, and no sum can be too large. `weights` is
 * [out][in][3][3]. Sets the rest.
 */
bool nsc_words_winograd_choose(nsc_words_winograd *c, const int8_t *weights, int32_t zero);

/* Bytes; numbers of channels are multiples of eight (in) and of four (out). */
size_t nsc_words_winograd_weight_bytes(size_t in, size_t out);
void nsc_words_winograd_pack(size_t in, size_t out, const int8_t *weights, int8_t *taps, pthreadpool_t pool);

/* Bytes that a run works in, with so many threads. */
size_t nsc_words_winograd_workspace(const nsc_words_winograd *c, size_t threads);
/* x and y are channels last; `after` has entries for all columns of whole panels. */
void nsc_words_winograd_run(const nsc_words_winograd *c, const int8_t *x, const int8_t *taps,
                            const nsc_words_after *after, int8_t *y, pthreadpool_t pool, void *workspace);

#endif
