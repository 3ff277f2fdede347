/* Colours for grey pictures: one for each of 256 shades. */
#ifndef NSC_IMAGE_COLOR_MAP_H
#define NSC_IMAGE_COLOR_MAP_H

#include "negatoscope.h"

/* The colours of map number `map`; grey for one that is none. */
void nsc_color_map_table(uint32_t map, uint8_t out[256][3]);

#endif
