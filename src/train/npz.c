#include "train/npz.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/zip.h"
#include "train/npy.h"

static const uint64_t default_most = (uint64_t)4 << 30;
static const char *const prefixes[NSC_SPLITS] = {"train", "val", "test"};

typedef struct opening {
  nsc_zip zip;
  uint64_t most;
  nsc_npz npz;
  bool has_pixels[NSC_SPLITS], has_labels[NSC_SPLITS];
  uint32_t pictures[NSC_SPLITS], labelled[NSC_SPLITS];
} opening;

/* "train_images.npy"; false for arrays of other names, which are left alone. */
static bool name_of(const nsc_zip_entry *e, nsc_split *split, bool *images) {
  for (int s = 0; s < NSC_SPLITS; s++) {
    size_t n = strlen(prefixes[s]), rest = e->name_size - n;
    if (e->name_size < n || memcmp(e->name, prefixes[s], n) != 0 || rest != 11) continue;
    *images = memcmp(e->name + n, "_images.npy", 11) == 0;
    *split = (nsc_split)s;
    if (*images || memcmp(e->name + n, "_labels.npy", 11) == 0) return true;
  }
  return false;
}

/* ---- pictures ---- */

static nsc_status check_shape(const nsc_npy *a, nsc_error *err) {
  if (a->kind != 'u' || a->width != 1) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "pictures of type %c%u; bytes (uint8) are read", a->kind, a->width);
  }
  bool grey = a->rank == 3, colour = a->rank == 4 && a->dims[3] == 3;
  if (!grey && !colour) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED,
                    "an array of %u dimensions; pictures are (N, H, W) or (N, H, W, 3), volumes are not read", a->rank);
  }
  if (a->dims[0] > UINT32_MAX / 2 || a->dims[1] > NSC_NPZ_MAX_SIDE || a->dims[2] > NSC_NPZ_MAX_SIDE) {
    return nsc_fail(err, NSC_ERROR_LIMIT, "%llu pictures of %llu x %llu; %d on a side are read",
                    (unsigned long long)a->dims[0], (unsigned long long)a->dims[2], (unsigned long long)a->dims[1],
                    NSC_NPZ_MAX_SIDE);
  }
  return a->dims[1] && a->dims[2] ? NSC_OK : nsc_fail(err, NSC_ERROR_CORRUPT, "pictures without pixels");
}

static nsc_status take_images(opening *o, nsc_split split, const nsc_npy *a, nsc_error *err) {
  NSC_TRY(check_shape(a, err));
  nsc_npz *z = &o->npz;
  uint32_t height = (uint32_t)a->dims[1], width = (uint32_t)a->dims[2], channels = a->rank == 4 ? 3 : 1;
  if (z->width && (z->height != height || z->width != width || z->channels != channels)) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "pictures of %u x %u x %u, those of another split are %u x %u x %u", width,
                    height, channels, z->width, z->height, z->channels);
  }
  z->height = height;
  z->width = width;
  z->channels = channels;
  z->splits[split].pixels = a->data;
  o->pictures[split] = (uint32_t)a->dims[0];
  o->has_pixels[split] = true;
  return NSC_OK;
}

/* ---- labels ---- */

/* The element as a number, negative ones as very large ones. */
static uint64_t element(const nsc_npy *a, size_t i) {
  const uint8_t *p = a->data + i * a->width;
  bool negative = a->kind == 'i' && (p[a->width - 1] & 0x80);
  if (negative) return UINT64_MAX;
  return a->width == 1   ? *p
         : a->width == 2 ? nsc_load_u16(p, false)
         : a->width == 4 ? nsc_load_u32(p, false)
                         : nsc_load_u64(p, false);
}

static nsc_status take_labels(opening *o, nsc_split split, const nsc_npy *a, nsc_error *err) {
  if (a->rank == 2 && a->dims[1] > 1) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "%llu labels a picture; data with one label each are read",
                    (unsigned long long)a->dims[1]);
  }
  if (a->rank < 1 || a->rank > 2 || (a->rank == 2 && a->dims[1] != 1) || a->dims[0] > UINT32_MAX / 2) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "labels are no list of numbers, (N,) or (N, 1)");
  }
  size_t count = (size_t)a->dims[0];
  uint32_t *labels = malloc((count + 1) * sizeof *labels);
  if (!labels) return nsc_fail_memory(err, count * sizeof *labels, "labels");
  o->npz.splits[split].labels = labels; /* ended with the whole from here on */
  for (size_t i = 0; i < count; i++) {
    uint64_t label = element(a, i);
    if (label >= NSC_NPZ_MAX_LABELS) {
      return nsc_fail(err, NSC_ERROR_CORRUPT, "the label of picture %zu is no number from 0 to %d", i,
                      NSC_NPZ_MAX_LABELS - 1);
    }
    labels[i] = (uint32_t)label;
    if (label >= o->npz.label_count) o->npz.label_count = (uint32_t)label + 1;
  }
  o->labelled[split] = (uint32_t)count;
  o->has_labels[split] = true;
  return NSC_OK;
}

/* ---- the whole ---- */

static nsc_status take_array(opening *o, const nsc_zip_entry *e, nsc_split split, bool images, nsc_error *err) {
  const uint8_t *bytes;
  void *owned = NULL;
  nsc_npy array;
  if (images ? o->has_pixels[split] : o->has_labels[split]) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "the archive has this array twice");
  }
  NSC_TRY(nsc_zip_read(&o->zip, e, o->most, &bytes, &owned, err));
  nsc_status status = nsc_npy_read(bytes, (size_t)e->unpacked, &array, err);
  if (status == NSC_OK) status = images ? take_images(o, split, &array, err) : take_labels(o, split, &array, err);
  if (status == NSC_OK && images) {
    o->npz.owned[split] = owned;
  } else {
    free(owned);
  }
  return status;
}

static nsc_status check_whole(opening *o, nsc_error *err) {
  uint64_t pictures = 0;
  for (int s = 0; s < NSC_SPLITS; s++) {
    if (o->has_pixels[s] != o->has_labels[s] || o->pictures[s] != o->labelled[s]) {
      return nsc_fail(err, NSC_ERROR_CORRUPT, "%u %s_images and %u %s_labels", o->pictures[s], prefixes[s],
                      o->labelled[s], prefixes[s]);
    }
    o->npz.splits[s].count = o->pictures[s];
    pictures += o->pictures[s];
  }
  if (pictures == 0) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "no arrays train_images, val_images or test_images with pictures");
  }
  if (pictures > UINT32_MAX) return nsc_fail(err, NSC_ERROR_LIMIT, "more than %u pictures", UINT32_MAX);
  return NSC_OK;
}

static nsc_status take_all(opening *o, nsc_error *err) {
  for (;;) {
    bool found, images;
    nsc_zip_entry e;
    nsc_split split;
    NSC_TRY(nsc_zip_next(&o->zip, &found, &e, err));
    if (!found) return check_whole(o, err);
    if (!name_of(&e, &split, &images)) continue;
    nsc_error why = {0};
    if (take_array(o, &e, split, images, &why) != NSC_OK) {
      return nsc_fail(err, why.status, "%s_%s: %s", prefixes[split], images ? "images" : "labels", why.text);
    }
  }
}

nsc_status nsc_npz_open(const uint8_t *bytes, size_t size, uint64_t most, nsc_npz *out, nsc_error *err) {
  opening o = {.most = most ? most : default_most};
  NSC_TRY(nsc_zip_open(bytes, size, &o.zip, err));
  nsc_status status = take_all(&o, err);
  if (status != NSC_OK) {
    nsc_npz_drop(&o.npz);
    return status;
  }
  *out = o.npz;
  return NSC_OK;
}

void nsc_npz_drop(nsc_npz *npz) {
  for (int s = 0; s < NSC_SPLITS; s++) {
    free(npz->owned[s]);
    free(npz->splits[s].labels);
  }
  *npz = (nsc_npz){0};
}
