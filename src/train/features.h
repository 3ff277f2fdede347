/* What the layers before a network's head make of pictures, computed once: for training heads and for neighbours. */
#ifndef NSC_TRAIN_FEATURES_H
#define NSC_TRAIN_FEATURES_H

#include "train/dataset.h"
#include "train/net.h"

/* Features of a picture: the numbers that layer `head` reads. */
size_t nsc_feature_count(const nsc_net *net, uint32_t head);

enum { NSC_FEATURE_BATCH = 32 /* pictures at a time */ };

/* All samples of a data set: `out` is [count][nsc_feature_count]. The network's batch size changes. */
NSC_WARN_UNUSED nsc_status nsc_features_of_data(nsc_net *net, uint32_t head, nsc_compute *compute, const nsc_dataset *d,
                                                const nsc_normal *normal, float *out, nsc_error *err);

/* One picture [height][width][channels] of values 0..1. */
NSC_WARN_UNUSED nsc_status nsc_features_of_picture(nsc_net *net, uint32_t head, nsc_compute *compute,
                                                   const float *picture, const nsc_normal *normal, float *out,
                                                   nsc_error *err);

/* The head alone: a network from features to the head's outputs, with its present weights. */
NSC_WARN_UNUSED nsc_status nsc_head_create(const nsc_net *net, uint32_t head, nsc_net **out, nsc_error *err);
/* Puts the weights of such a network back. */
void nsc_head_return(nsc_net *net, uint32_t head, const nsc_net *trained);

/* Lets only the last `layers` convolutions and dense layers learn, with the norms behind the first of them; UINT32_MAX
 * for all. Norms that do not learn use their running statistics. */
void nsc_net_freeze(nsc_net *net, uint32_t layers);

/* ---- nearest neighbours ---- */

typedef struct nsc_neighbour {
  uint32_t sample;
  float similarity; /* cosine of the angle between features, -1 to 1 */
} nsc_neighbour;

/* The `k` training samples most similar to `query`, the most similar first; *found may be fewer. The sample `asked` and
 * all others of its patient are left out (UINT32_MAX: none is). `features` is [count][size], of the samples of `d`. */
void nsc_neighbours_find(const nsc_dataset *d, const float *features, size_t size, const float *query, uint32_t asked,
                         uint32_t k, nsc_neighbour *out, uint32_t *found);

/* Shares of labels among neighbours, each counting as much as it is closer than the farthest one (Dudani 1976), and all
 * alike when they are equally far. Without a neighbour all labels have the same share. `scores` is [labels]. */
void nsc_neighbours_vote(const nsc_dataset *d, const nsc_neighbour *neighbours, uint32_t count, float *scores);

#endif
