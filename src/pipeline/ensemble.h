/* What the parts of an ensemble share: opinions (ensemble.c), and what is learnt from them (ensemble_fit.c). */
#ifndef NSC_PIPELINE_ENSEMBLE_H
#define NSC_PIPELINE_ENSEMBLE_H

#include "base/arena.h"
#include "pipeline/stack.h"

enum { NSC_ENSEMBLE_NAME = 128 };

struct nsc_ensemble {
  nsc_arena arena;
  nsc_combine combine;
  nsc_task task;
  uint32_t labels;    /* 0 until the first member or a stack names them */
  const char **names; /* [labels] */

  uint32_t known, asked; /* members there are; those asked about this picture */
  char member_names[NSC_ENSEMBLE_MOST][NSC_ENSEMBLE_NAME];
  const char *member_texts[NSC_ENSEMBLE_MOST];
  float *opinions;         /* [NSC_ENSEMBLE_MOST][labels] */
  float *their_thresholds; /* [NSC_ENSEMBLE_MOST][labels] */
  uint32_t verdicts[NSC_ENSEMBLE_MOST], *votes;
  nsc_applies_verdict applies;
  double ms;
  float *scores, *deviation, *lowest, *highest, *thresholds; /* [labels] */

  bool has_stack;
  nsc_stack stack;         /* its columns: all labels, or the second of a binary task */
  float *stack_thresholds; /* [labels] */
  double *logits;          /* [labels] */

  uint32_t cases, capacity;
  float *case_scores;  /* [cases][known][columns] */
  uint8_t *case_truth; /* [cases][columns] */
};

/* Labels that are columns of a stack: from the first one on. */
static inline uint32_t nsc_ensemble_first(const struct nsc_ensemble *e) {
  return e->task == NSC_TASK_BINARY ? 1 : 0;
}
static inline uint32_t nsc_ensemble_columns(const struct nsc_ensemble *e) {
  return e->labels - nsc_ensemble_first(e);
}

/* ensemble.c: room for `count` labels, which are copied. */
NSC_WARN_UNUSED nsc_status nsc_ensemble_name_labels(struct nsc_ensemble *e, nsc_task task, const char *const *labels,
                                                    uint32_t count, nsc_error *err);
/* ensemble_fit.c: what nsc_ensemble_fit wrote. */
NSC_WARN_UNUSED nsc_status nsc_ensemble_read_stack(struct nsc_ensemble *e, const char *json, nsc_error *err);

#endif
