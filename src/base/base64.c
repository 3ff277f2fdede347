#include "base/base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void nsc_base64_put(nsc_text *t, const void *bytes, size_t size) {
  const uint8_t *b = bytes;
  for (size_t i = 0; i < size; i += 3) {
    uint32_t left = size - i < 3 ? (uint32_t)(size - i) : 3, bits = 0;
    for (uint32_t k = 0; k < 3; k++) bits = bits << 8 | (k < left ? b[i + k] : 0);
    char four[4];
    for (uint32_t k = 0; k < 4; k++) four[k] = k <= left ? digits[bits >> (18 - 6 * k) & 63] : '=';
    nsc_text_append(t, four, sizeof four);
  }
}

static int value_of(char c) {
  const char *at = c ? strchr(digits, c) : NULL;
  return at ? (int)(at - digits) : -1;
}

bool nsc_base64_read(const char *chars, size_t length, void *bytes, size_t size) {
  uint8_t *out = bytes;
  if (length % 4 != 0 || length / 4 != (size + 2) / 3) return false;
  for (size_t i = 0; i < length; i += 4) {
    size_t left = size - i / 4 * 3 < 3 ? size - i / 4 * 3 : 3;
    uint32_t bits = 0;
    for (size_t k = 0; k < 4; k++) {
      int value = k <= left ? value_of(chars[i + k]) : chars[i + k] == '=' ? 0 : -1;
      if (value < 0) return false;
      bits = bits << 6 | (uint32_t)value;
    }
    if (bits & ((1u << (8 * (3 - left))) - 1)) return false; /* bits behind the last byte are 0 */
    for (size_t k = 0; k < left; k++) out[i / 4 * 3 + k] = (uint8_t)(bits >> (16 - 8 * k));
  }
  return true;
}
