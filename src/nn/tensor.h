/* Shapes, element types and moving elements about: what every operator needs. */
#ifndef NSC_NN_TENSOR_H
#define NSC_NN_TENSOR_H

#include "negatoscope.h"

typedef struct nsc_shape {
  uint32_t rank;
  int64_t dims[NSC_MAX_RANK];
} nsc_shape;

size_t nsc_type_size(nsc_type type);
const char *nsc_type_name(nsc_type type);
/* Element i as a double; int64 beyond 2^53 loses its last bits. Not for F16. */
double nsc_element_real(const void *data, int64_t i, nsc_type type);

/* Elements, or false when the product overflows or a dimension is negative. A scalar (rank 0) has one. */
bool nsc_shape_count(const nsc_shape *shape, size_t *count);
/* The product of dims[from..to). The shape must have passed nsc_shape_count. */
size_t nsc_shape_product(const nsc_shape *shape, uint32_t from, uint32_t to);
bool nsc_shape_equal(const nsc_shape *a, const nsc_shape *b);
/* "[1, 3, 224, 224]" into `out`, which is returned. */
const char *nsc_shape_text(const nsc_shape *shape, char out[96]);
/* ONNX multidirectional broadcasting; false when the shapes do not fit. */
bool nsc_shape_broadcast(const nsc_shape *a, const nsc_shape *b, nsc_shape *out);
/* The same elements with ones in front, up to `rank`. */
nsc_shape nsc_shape_pad_front(const nsc_shape *shape, uint32_t rank);
/* Dimension i of the result is dimension perm[i] of `shape`. */
nsc_shape nsc_shape_permute(const nsc_shape *shape, const uint32_t *perm);
/* N, C, spatial... -> N, spatial..., C and back. Ranks below 3 stay as they are. */
void nsc_channels_last_perm(uint32_t rank, uint32_t *perm);
void nsc_channels_first_perm(uint32_t rank, uint32_t *perm);
/* Strides in elements of a densely packed tensor. */
void nsc_shape_strides(const nsc_shape *shape, int64_t *strides);
/* Does permuting only move dimensions of size one about, so that the elements stay in order? */
bool nsc_permutation_is_trivial(const nsc_shape *shape, const uint32_t *perm);

/*
 * out[i0,i1,...] = in[i0*strides[0] + i1*strides[1] + ...] for all i below `shape`; out is dense. Strides are in
 * elements of `size` bytes; 0 repeats, negative walks back from `in`.
 */
void nsc_gather_strided(void *out, const void *in, const nsc_shape *shape, const int64_t *strides, size_t size);
/* Dense transpose: out has the shape nsc_shape_permute(shape, perm). */
void nsc_transpose(void *out, const void *in, const nsc_shape *shape, const uint32_t *perm, size_t size);

#endif
