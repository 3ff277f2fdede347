#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "codec/charset.h"

size_t nsc_charset_to_utf8(const char *name, const char *bytes, size_t size, char *out, size_t room) {
  iconv_t converter = iconv_open("UTF-8", name);
  if (converter == (iconv_t)-1) return 0;
  char *from = (char *)bytes, *to = out; /* iconv leaves its input as it is, whatever its prototype says */
  size_t left = size, free_bytes = room;
  while (left > 0 && iconv(converter, &from, &left, &to, &free_bytes) == (size_t)-1) {
    if (free_bytes < 3 || left == 0) break;
    memcpy(to, "\xEF\xBF\xBD", 3);
    to += 3;
    free_bytes -= 3;
    if (errno == EINVAL) break; /* the last character is cut off */
    from++;
    left--;
  }
  iconv_close(converter);
  return (size_t)(to - out);
}
