/*
 * Stacking: how much the word of each of several models counts, learnt from pictures whose labels are known (Wolpert
 * 1992; Ting & Witten 1999).
 *
 * One weight a model, not below 0 (Breiman 1996), and one bias a label, on logarithms of probabilities: few numbers,
 * for few pictures. Models that are equal and calibrated get their mean.
 */
#ifndef NSC_PIPELINE_STACK_H
#define NSC_PIPELINE_STACK_H

#include "negatoscope.h"

typedef struct nsc_stack {
  uint32_t members, columns;
  bool softmax;   /* columns exclude each other; else each is asked for itself */
  float *weights; /* [members] */
  float *bias;    /* [columns] */
} nsc_stack;

/* Probabilities of pictures, and what they show: a label each with `softmax`, else any number of them. */
typedef struct nsc_stack_cases {
  size_t count;
  const float *scores;  /* [count][members][columns] */
  const uint8_t *truth; /* [count][columns], 0 or 1 */
} nsc_stack_cases;

enum { NSC_STACK_FOLDS = 5 };

/*
 * Fits `weights` and `bias`, which are the caller's, to the cases whose number is not `fold` modulo NSC_STACK_FOLDS
 * (-1: to all of them). Errors: MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_stack_fit(const nsc_stack_cases *cases, int fold, nsc_stack *stack, nsc_error *err);

/* Combined logits of a picture's `scores` [members][columns], into `out` [columns]. */
void nsc_stack_logits(const nsc_stack *stack, const float *scores, double *out);

/* Mean log loss over the cases that are `fold` (-1: over all); NAN without any. Errors: MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_stack_loss(const nsc_stack_cases *cases, int fold, const nsc_stack *stack, double *out,
                                          nsc_error *err);

#endif
