/* Which parts of stb_image are compiled. Include this, not stb_image.h, so that all see the same. */
#ifndef NSC_IMAGE_STB_H
#define NSC_IMAGE_STB_H

#define STBI_ONLY_JPEG
#define STBI_ONLY_TGA
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_MAX_DIMENSIONS 65535 /* options.max_dimension is checked before, and may only be stricter in effect */
#include "stb_image.h"

#endif
