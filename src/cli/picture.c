#include "cli/picture.h"

#include <libdeflate.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/png_write.h"

enum { LEVEL = 6 }; /* libdeflate's own default: more takes twice the time for a percent */

static nsc_status pack(nsc_text *out, const uint8_t *bytes, size_t size, nsc_error *err) {
  struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(LEVEL);
  size_t room = compressor ? libdeflate_zlib_compress_bound(compressor, size) : 0;
  char *packed = compressor ? malloc(room) : NULL;
  nsc_status status = packed ? NSC_OK : nsc_fail_memory(err, room, "a PNG");
  if (packed) nsc_text_append(out, packed, libdeflate_zlib_compress(compressor, bytes, size, packed, room));
  free(packed);
  libdeflate_free_compressor(compressor);
  return status;
}

nsc_status nsc_cli_png(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels, nsc_text *out,
                       nsc_error *err) {
  return nsc_png_write(pixels, width, height, channels, pack, out, err);
}

void nsc_pnm_write(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels, nsc_text *out) {
  nsc_text_printf(out, "P%d\n%u %u\n255\n", channels == 3 ? 6 : 5, width, height);
  nsc_text_append(out, (const char *)pixels, (size_t)width * height * channels);
}
