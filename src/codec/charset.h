/*
 * Character sets whose tables belong to the platform: iconv in the command, the browser's TextDecoder on the page
 * (emscripten/charset_library.js).
 */
#ifndef NSC_CODEC_CHARSET_H
#define NSC_CODEC_CHARSET_H

#include <stddef.h>

/*
 * `size` bytes to UTF-8 in `out`, whose `room` is three times as much at least. `name` is one that iconv and the
 * Encoding Standard share: "EUC-JP", "EUC-KR", "GBK", "GB18030", "ISO-8859-2", ... What cannot be converted becomes
 * U+FFFD. Returns the bytes written; 0 when the platform does not know the set.
 */
size_t nsc_charset_to_utf8(const char *name, const char *bytes, size_t size, char *out, size_t room);

#endif
