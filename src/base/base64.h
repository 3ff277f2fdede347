/* Bytes as text: base64 of RFC 4648, section 4. */
#ifndef NSC_BASE_BASE64_H
#define NSC_BASE_BASE64_H

#include "base/text.h"

/* Appends to a text; a multiple of four characters, padded with '='. */
void nsc_base64_put(nsc_text *t, const void *bytes, size_t size);
/* Exactly `size` bytes; false where the text is no base64 of so many. */
bool nsc_base64_read(const char *chars, size_t length, void *bytes, size_t size);

#endif
