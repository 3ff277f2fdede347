/* The one place where stb_image is compiled: JPEG, BMP and TGA from memory, nothing else. */
#include <stddef.h>

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wshift-negative-value"
#endif

#include "image/stb.h"

#define STB_IMAGE_IMPLEMENTATION
#define STBI_ASSERT(x) ((void)0) /* an assert must not end the program because of a file */
#include "stb_image.h"
