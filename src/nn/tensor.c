#include "nn/tensor.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

size_t nsc_type_size(nsc_type type) {
  switch (type) {
    case NSC_TYPE_F32:
    case NSC_TYPE_I32:
      return 4;
    case NSC_TYPE_I64:
    case NSC_TYPE_F64:
      return 8;
    case NSC_TYPE_F16:
      return 2;
    case NSC_TYPE_BOOL:
    case NSC_TYPE_U8:
    case NSC_TYPE_I8:
      return 1;
  }
  return 1;
}

const char *nsc_type_name(nsc_type type) {
  static const char *const names[] = {"float32", "int64", "int32", "bool", "uint8", "int8", "float16", "float64"};
  return (unsigned)type < sizeof names / sizeof *names ? names[type] : "?";
}

double nsc_element_real(const void *data, int64_t i, nsc_type type) {
  switch (type) {
    case NSC_TYPE_F32:
      return (double)((const float *)data)[i];
    case NSC_TYPE_F64:
      return ((const double *)data)[i];
    case NSC_TYPE_I64:
      return (double)((const int64_t *)data)[i];
    case NSC_TYPE_I32:
      return ((const int32_t *)data)[i];
    case NSC_TYPE_I8:
      return ((const int8_t *)data)[i];
    default:
      return ((const uint8_t *)data)[i];
  }
}

bool nsc_shape_count(const nsc_shape *shape, size_t *count) {
  uint64_t product = 1;
  for (uint32_t i = 0; i < shape->rank; i++) {
    if (shape->dims[i] < 0 || !nsc_mul_u64(product, (uint64_t)shape->dims[i], &product)) return false;
  }
  if (product > SIZE_MAX / 16) return false;
  *count = (size_t)product;
  return true;
}

size_t nsc_shape_product(const nsc_shape *shape, uint32_t from, uint32_t to) {
  size_t product = 1;
  for (uint32_t i = from; i < to; i++) product *= (size_t)shape->dims[i];
  return product;
}

bool nsc_shape_equal(const nsc_shape *a, const nsc_shape *b) {
  return a->rank == b->rank && memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) == 0;
}

const char *nsc_shape_text(const nsc_shape *shape, char out[96]) {
  size_t at = 0;
  out[at++] = '[';
  for (uint32_t i = 0; i < shape->rank && at < 90; i++) {
    int n = snprintf(out + at, 92 - at, i ? ", %lld" : "%lld", (long long)shape->dims[i]);
    at += n > 0 && (size_t)n < 92 - at ? (size_t)n : 0;
  }
  out[at++] = ']';
  out[at] = 0;
  return out;
}

bool nsc_shape_broadcast(const nsc_shape *a, const nsc_shape *b, nsc_shape *out) {
  uint32_t rank = a->rank > b->rank ? a->rank : b->rank;
  nsc_shape pa = nsc_shape_pad_front(a, rank), pb = nsc_shape_pad_front(b, rank);
  out->rank = rank;
  for (uint32_t i = 0; i < rank; i++) {
    int64_t x = pa.dims[i], y = pb.dims[i];
    if (x != y && x != 1 && y != 1) return false;
    out->dims[i] = x == 1 ? y : x;
  }
  return true;
}

nsc_shape nsc_shape_pad_front(const nsc_shape *shape, uint32_t rank) {
  nsc_shape out = {.rank = rank};
  uint32_t extra = rank > shape->rank ? rank - shape->rank : 0;
  for (uint32_t i = 0; i < rank; i++) out.dims[i] = i < extra ? 1 : shape->dims[i - extra];
  return out;
}

nsc_shape nsc_shape_permute(const nsc_shape *shape, const uint32_t *perm) {
  nsc_shape out = {.rank = shape->rank};
  for (uint32_t i = 0; i < shape->rank; i++) out.dims[i] = shape->dims[perm[i]];
  return out;
}

void nsc_channels_last_perm(uint32_t rank, uint32_t *perm) {
  for (uint32_t i = 0; i < rank; i++) perm[i] = i;
  if (rank < 3) return;
  for (uint32_t i = 1; i + 1 < rank; i++) perm[i] = i + 1;
  perm[rank - 1] = 1;
}

void nsc_channels_first_perm(uint32_t rank, uint32_t *perm) {
  for (uint32_t i = 0; i < rank; i++) perm[i] = i;
  if (rank < 3) return;
  for (uint32_t i = 2; i < rank; i++) perm[i] = i - 1;
  perm[1] = rank - 1;
}

void nsc_shape_strides(const nsc_shape *shape, int64_t *strides) {
  int64_t stride = 1;
  for (uint32_t i = shape->rank; i-- > 0;) {
    strides[i] = stride;
    stride *= shape->dims[i];
  }
}

bool nsc_permutation_is_trivial(const nsc_shape *shape, const uint32_t *perm) {
  uint32_t last = 0;
  bool any = false;
  for (uint32_t i = 0; i < shape->rank; i++) {
    if (shape->dims[perm[i]] == 1) continue;
    if (any && perm[i] < last) return false;
    last = perm[i];
    any = true;
  }
  return true;
}

/* One run along the innermost dimension; the constant sizes let the compiler drop memcpy's call. */
static void copy_run(uint8_t *out, int64_t out_step, const uint8_t *in, int64_t in_step, int64_t count, size_t size) {
  if (size == 4) {
    for (int64_t i = 0; i < count; i++) memcpy(out + i * out_step, in + i * in_step, 4);
  } else if (size == 1) {
    for (int64_t i = 0; i < count; i++) out[i * out_step] = in[i * in_step];
  } else {
    for (int64_t i = 0; i < count; i++) memcpy(out + i * out_step, in + i * in_step, size);
  }
}

/* Walks all positions; `os` and `is` are strides in bytes. */
static void copy_nd(uint8_t *out, const int64_t *os, const uint8_t *in, const int64_t *is, const nsc_shape *shape,
                    size_t size) {
  for (uint32_t i = 0; i < shape->rank; i++) {
    if (shape->dims[i] == 0) return;
  }
  if (shape->rank == 0) {
    memcpy(out, in, size);
    return;
  }
  uint32_t inner = shape->rank - 1;
  int64_t index[NSC_MAX_RANK] = {0};
  bool dense = os[inner] == (int64_t)size && is[inner] == (int64_t)size;
  for (;;) {
    if (dense) {
      memcpy(out, in, (size_t)shape->dims[inner] * size);
    } else {
      copy_run(out, os[inner], in, is[inner], shape->dims[inner], size);
    }
    uint32_t d = inner;
    for (;;) {
      if (d == 0) return;
      d--;
      out += os[d];
      in += is[d];
      if (++index[d] < shape->dims[d]) break;
      out -= os[d] * shape->dims[d];
      in -= is[d] * shape->dims[d];
      index[d] = 0;
    }
  }
}

static void in_bytes(const int64_t *elements, uint32_t rank, size_t size, int64_t *bytes) {
  for (uint32_t i = 0; i < rank; i++) bytes[i] = elements[i] * (int64_t)size;
}

void nsc_gather_strided(void *out, const void *in, const nsc_shape *shape, const int64_t *strides, size_t size) {
  int64_t dense[NSC_MAX_RANK], os[NSC_MAX_RANK], is[NSC_MAX_RANK];
  nsc_shape_strides(shape, dense);
  in_bytes(dense, shape->rank, size, os);
  in_bytes(strides, shape->rank, size, is);
  copy_nd(out, os, in, is, shape, size);
}

void nsc_transpose(void *out, const void *in, const nsc_shape *shape, const uint32_t *perm, size_t size) {
  int64_t strides[NSC_MAX_RANK], permuted[NSC_MAX_RANK];
  nsc_shape_strides(shape, strides);
  for (uint32_t i = 0; i < shape->rank; i++) permuted[i] = strides[perm[i]];
  nsc_shape target = nsc_shape_permute(shape, perm);
  nsc_gather_strided(out, in, &target, permuted, size);
}
