/*
 * Text of DICOM files to UTF-8 (PS3.3 C.12.1.1.2, PS3.5 section 6.1): the single-byte sets that are a few ranges of
 * Unicode each, UTF-8 itself, and the escape sequences that switch between them. The sets of two bytes (Japanese,
 * Korean, Chinese) would need tables of their own: their characters become U+FFFD.
 */
#include <string.h>

#include "image/dicom.h"

enum { REPLACEMENT = 0xFFFD };

/* Bytes first..last are the characters from `code` on. */
typedef struct range {
  uint8_t first, last;
  uint16_t code;
} range;

static const range latin1[] = {{0xA0, 0xFF, 0xA0}, {0}};
static const range cyrillic[] = {{0xA0, 0xA0, 0xA0},  {0xA1, 0xAC, 0x401},  {0xAD, 0xAD, 0xAD},
                                 {0xAE, 0xEF, 0x40E}, {0xF0, 0xF0, 0x2116}, {0xF1, 0xFC, 0x451},
                                 {0xFD, 0xFD, 0xA7},  {0xFE, 0xFF, 0x45E},  {0}};
static const range arabic[] = {{0xA0, 0xA0, 0xA0},  {0xA4, 0xA4, 0xA4},  {0xAC, 0xAC, 0x60C},
                               {0xAD, 0xAD, 0xAD},  {0xBB, 0xBB, 0x61B}, {0xBF, 0xBF, 0x61F},
                               {0xC1, 0xDA, 0x621}, {0xE0, 0xF2, 0x640}, {0}};
static const range greek[] = {{0xA0, 0xA0, 0xA0},
                              {0xA1, 0xA2, 0x2018},
                              {0xA3, 0xA3, 0xA3},
                              {0xA4, 0xA4, 0x20AC},
                              {0xA5, 0xA5, 0x20AF},
                              {0xA6, 0xA9, 0xA6},
                              {0xAA, 0xAA, 0x37A},
                              {0xAB, 0xAD, 0xAB},
                              {0xAF, 0xAF, 0x2015},
                              {0xB0, 0xB3, 0xB0},
                              {0xB4, 0xB6, 0x384},
                              {0xB7, 0xB7, 0xB7},
                              {0xB8, 0xBA, 0x388},
                              {0xBB, 0xBB, 0xBB},
                              {0xBC, 0xBC, 0x38C},
                              {0xBD, 0xBD, 0xBD},
                              {0xBE, 0xD1, 0x38E},
                              {0xD3, 0xFE, 0x3A3},
                              {0}};
static const range hebrew[] = {{0xA0, 0xA0, 0xA0},   {0xA2, 0xA9, 0xA2},  {0xAA, 0xAA, 0xD7},
                               {0xAB, 0xB9, 0xAB},   {0xBA, 0xBA, 0xF7},  {0xBB, 0xBE, 0xBB},
                               {0xDF, 0xDF, 0x2017}, {0xE0, 0xFA, 0x5D0}, {0}};
static const range thai[] = {{0xA0, 0xA0, 0xA0}, {0xA1, 0xDA, 0xE01}, {0xDF, 0xFB, 0xE3F}, {0}};
static const range katakana[] = {{0xA1, 0xDF, 0xFF61}, {0}};
static const range ascii[] = {{0}};

/* By nsc_charset. `number` ends the defined terms ("ISO_IR 144", "ISO 2022 IR 144"), `escape` designates the set. */
static const struct {
  const char *number, *escape;
  const range *ranges;
} charsets[] = {
    [NSC_CHARSET_ASCII] = {"6", NULL, ascii},         [NSC_CHARSET_LATIN1] = {"100", "-A", latin1},
    [NSC_CHARSET_CYRILLIC] = {"144", "-L", cyrillic}, [NSC_CHARSET_ARABIC] = {"127", "-G", arabic},
    [NSC_CHARSET_GREEK] = {"126", "-F", greek},       [NSC_CHARSET_HEBREW] = {"138", "-H", hebrew},
    [NSC_CHARSET_THAI] = {"166", "-T", thai},         [NSC_CHARSET_KATAKANA] = {"13", ")I", katakana},
    [NSC_CHARSET_UTF8] = {"192", NULL, NULL},
};
enum { CHARSETS = sizeof charsets / sizeof charsets[0] };

nsc_charset nsc_dicom_charset_of(const nsc_dicom *d) {
  const nsc_element *e = nsc_dicom_find(d->elements, NSC_TAG(0x0008, 0x0005));
  const char *chars;
  size_t size;
  /* The first value holds until an escape sequence; PS3.3 tables C.12-2 and C.12-3 give the same sets two names. */
  if (!nsc_dicom_text(d, e, 0, &chars, &size)) return NSC_CHARSET_ASCII;
  size_t digits = 0;
  while (digits < size && chars[size - 1 - digits] >= '0' && chars[size - 1 - digits] <= '9') digits++;
  for (int i = 0; i < CHARSETS; i++) {
    const char *number = charsets[i].number;
    if (strlen(number) == digits && memcmp(number, chars + size - digits, digits) == 0) return (nsc_charset)i;
  }
  return NSC_CHARSET_ASCII;
}

static void put_code(nsc_text *out, uint32_t code) {
  char utf8[3] = {(char)(0xE0 | code >> 12), (char)(0x80 | (code >> 6 & 0x3F)), (char)(0x80 | (code & 0x3F))};
  if (code < 0x800) {
    utf8[1] = (char)(0xC0 | code >> 6);
    nsc_text_append(out, utf8 + 1, 2);
  } else {
    nsc_text_append(out, utf8, 3);
  }
}

static uint32_t code_of(const range *ranges, uint8_t c) {
  for (; ranges->last; ranges++) {
    if (c >= ranges->first && c <= ranges->last) return ranges->code + (uint32_t)(c - ranges->first);
  }
  return REPLACEMENT;
}

/*
 * Moves over the escape sequence at `i` and sets what it designates. What follows a switch to two bytes, up to the next
 * escape, becomes one U+FFFD: read as ASCII it would be nonsense.
 */
static size_t take_escape(const char *chars, size_t size, size_t i, nsc_charset *now, nsc_text *out) {
  size_t start = ++i;
  bool two_bytes = i + 1 < size && chars[i] == '$' && chars[i + 1] != ')'; /* "$)" is for bytes above 0x80 alone */
  while (i < size && chars[i] >= 0x20 && chars[i] <= 0x2F) i++;
  if (i < size) i++;
  for (int k = 0; k < CHARSETS; k++) {
    bool fits = charsets[k].escape && i - start == 2 && memcmp(charsets[k].escape, chars + start, 2) == 0;
    if (fits) *now = (nsc_charset)k;
  }
  size_t text = i;
  while (two_bytes && i < size && chars[i] != 0x1B) i++; /* a '^' in there is half a character */
  if (i > text) put_code(out, REPLACEMENT);
  return i;
}

void nsc_dicom_put_utf8(const nsc_dicom *d, const char *chars, size_t size, nsc_text *out) {
  nsc_charset now = d->charset;
  for (size_t i = 0; i < size;) {
    uint8_t c = (uint8_t)chars[i];
    if (c == 0x1B && d->charset != NSC_CHARSET_UTF8) {
      i = take_escape(chars, size, i, &now, out);
      continue;
    }
    if (c == '^' || c == '=' || c == '\\' || c == '\n' || c == '\r') now = d->charset; /* PS3.5 6.1.2.5.3 */
    if (c < 0x80 || d->charset == NSC_CHARSET_UTF8) {
      nsc_text_append(out, chars + i, 1); /* JSON writing checks the UTF-8 */
    } else {
      put_code(out, code_of(charsets[now].ranges, c));
    }
    i++;
  }
}
