/* IEEE 754 binary16, the storage format of small models. */
#ifndef NSC_BASE_HALF_H
#define NSC_BASE_HALF_H

#include <stddef.h>
#include <stdint.h>

float nsc_half_to_float(uint16_t half);
uint16_t nsc_half_from_float(float value); /* rounds to nearest, ties to even */
/* `half` need not be aligned. */
void nsc_half_expand(const void *half, size_t count, float *out);

#endif
