/* Networks by name, built at any input size and number of labels. */
#ifndef NSC_TRAIN_ZOO_H
#define NSC_TRAIN_ZOO_H

#include "train/net.h"

typedef struct nsc_zoo_entry {
  const char *name, *what;
  size_t size, channels; /* of the published network's input */
} nsc_zoo_entry;

/* All networks, ended by a NULL name. Static storage. */
const nsc_zoo_entry *nsc_zoo_list(void);

/* What a network ends with: logits, and how many numbers about the patient join the features before them. */
typedef struct nsc_zoo_head {
  size_t outputs, fields;
} nsc_zoo_head;

/* ARGUMENT when there is no such network, SHAPE when the pictures are too small for it. The output are `outputs`
 * logits. */
NSC_WARN_UNUSED nsc_status nsc_zoo_build(const char *name, size_t height, size_t width, size_t channels, size_t outputs,
                                         uint64_t seed, nsc_net **out, nsc_error *err);

NSC_WARN_UNUSED nsc_status nsc_zoo_build_head(const char *name, size_t height, size_t width, size_t channels,
                                              nsc_zoo_head head, uint64_t seed, nsc_net **out, nsc_error *err);

/* Learnable numbers of such a network, without making room for them. */
NSC_WARN_UNUSED nsc_status nsc_zoo_parameters(const char *name, size_t height, size_t width, size_t channels,
                                              size_t outputs, size_t *count, nsc_error *err);

/* The network without weights, to count what it would take: see nsc_net_outline. */
NSC_WARN_UNUSED nsc_status nsc_zoo_outline(const char *name, size_t height, size_t width, size_t channels,
                                           nsc_zoo_head head, nsc_net **out, nsc_error *err);

#endif
