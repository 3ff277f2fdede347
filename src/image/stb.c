/* The one place where stb_image is compiled: JPEG and TGA from memory, nothing else. */
#include <stdlib.h>

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wshift-negative-value"
#endif

#include "image/stb.h"

#define STB_IMAGE_IMPLEMENTATION
#define STBI_ASSERT(x) ((void)0) /* an assert must not end the program because of a file */
/* A damaged JPEG leaves pixels unwritten: they shall be black, not what the memory held before. */
#define STBI_MALLOC(size) calloc(1, size)
#define STBI_REALLOC(p, size) realloc(p, size)
#define STBI_FREE(p) free(p)
#include "stb_image.h"
