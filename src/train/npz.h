/*
 * MedMNIST's files (Yang et al., Scientific Data 10:41, 2023): a ZIP of NumPy arrays (NEP 1) named train_images,
 * train_labels, val_images, val_labels, test_images and test_labels.
 *
 *   images  uint8 (N, H, W) or (N, H, W, 3)
 *   labels  any integers (N,) or (N, 1), from 0
 *
 * A split may be missing with both its arrays. Several labels a picture (N, K) and volumes are refused.
 */
#ifndef NSC_TRAIN_NPZ_H
#define NSC_TRAIN_NPZ_H

#include "train/split.h"

enum {
  NSC_NPZ_MAX_LABELS = 10000, /* far above any classification of images; a label of 4 billion is damage */
  NSC_NPZ_MAX_SIDE = 4096     /* as of recipes */
};

typedef struct nsc_npz_split {
  uint32_t count;
  const uint8_t *pixels; /* [count][height][width][channels] */
  uint32_t *labels;      /* [count] */
} nsc_npz_split;

typedef struct nsc_npz {
  uint32_t height, width, channels; /* channels: 1 or 3 */
  uint32_t label_count;             /* the largest label + 1 */
  nsc_npz_split splits[NSC_SPLITS]; /* by nsc_split */
  void *owned[NSC_SPLITS];          /* unpacked pictures; NULL where `pixels` point into the file */
} nsc_npz;

/*
 * `bytes` [size] are borrowed and must outlive `out`, which nsc_npz_drop ends. `most`: bytes that each array may
 * unpack to, 0 for 4 GiB (of which a 32-bit build can use less). Errors: UNKNOWN_FORMAT, TRUNCATED, CORRUPT,
 * UNSUPPORTED, LIMIT, MEMORY; the text names the array.
 */
NSC_WARN_UNUSED nsc_status nsc_npz_open(const uint8_t *bytes, size_t size, uint64_t most, nsc_npz *out, nsc_error *err);
void nsc_npz_drop(nsc_npz *npz);

static inline const uint8_t *nsc_npz_pixels(const nsc_npz *npz, nsc_split split, uint32_t picture) {
  return npz->splits[split].pixels + (size_t)picture * npz->height * npz->width * npz->channels;
}

#endif
