/* Luminance and two colour differences to RGB: PS3.3 C.7.6.3.1.2. */
#ifndef NSC_BASE_YBR_H
#define NSC_BASE_YBR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `pixels` triples in place. `partial`: Y from 16 and colour differences up to 240 (ITU-R BT.601), else all of 0..255.
 */
void nsc_ybr_to_rgb_u8(uint8_t *samples, size_t pixels, bool partial);
/* The same for samples of `bits` bits, 9 to 16. */
void nsc_ybr_to_rgb_u16(uint16_t *samples, size_t pixels, uint32_t bits, bool partial);

#endif
