/*
 * Text of DICOM files to UTF-8 (PS3.3 C.12.1.1.2, PS3.5 section 6.1 and annexes H to K). The escape sequences of ISO
 * 2022 are followed here, and the single-byte sets that are a few ranges of Unicode each are converted here. The others
 * go to the platform piece by piece, in the set of the Internet that has the same characters.
 */
#include <stdlib.h>
#include <string.h>

#include "codec/charset.h"
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
/*
 * By nsc_charset. `number` ends the defined terms ("ISO_IR 144", "ISO 2022 IR 144"), `escape` designates the set, as
 * the lower half of the code (bytes below 0x80) where `low` is set. `platform` names it where there are no ranges.
 */
static const struct {
  const char *number, *escape;
  bool low;
  const range *ranges;
  const char *platform;
} charsets[] = {
    [NSC_CHARSET_ASCII] = {"6", "(B", true, NULL, NULL},
    [NSC_CHARSET_LATIN1] = {"100", "-A", false, latin1, NULL},
    [NSC_CHARSET_CYRILLIC] = {"144", "-L", false, cyrillic, NULL},
    [NSC_CHARSET_ARABIC] = {"127", "-G", false, arabic, NULL},
    [NSC_CHARSET_GREEK] = {"126", "-F", false, greek, NULL},
    [NSC_CHARSET_HEBREW] = {"138", "-H", false, hebrew, NULL},
    [NSC_CHARSET_THAI] = {"166", "-T", false, thai, NULL},
    [NSC_CHARSET_KATAKANA] = {"13", ")I", false, katakana, NULL},
    [NSC_CHARSET_UTF8] = {"192", NULL, false, NULL, NULL},
    [NSC_CHARSET_LATIN2] = {"101", "-B", false, NULL, "ISO-8859-2"},
    [NSC_CHARSET_LATIN3] = {"109", "-C", false, NULL, "ISO-8859-3"},
    [NSC_CHARSET_LATIN4] = {"110", "-D", false, NULL, "ISO-8859-4"},
    [NSC_CHARSET_LATIN5] = {"148", "-M", false, NULL, "ISO-8859-9"},
    [NSC_CHARSET_LATIN9] = {"203", "-b", false, NULL, "ISO-8859-15"},
    [NSC_CHARSET_ROMAJI] = {"14", "(J", true, NULL, NULL}, /* the yen sign is the backslash that divides values */
    [NSC_CHARSET_JIS_X_0208] = {"87", "$B", true, NULL, "EUC-JP"},
    [NSC_CHARSET_JIS_X_0212] = {"159", "$(D", true, NULL, "EUC-JP"},
    [NSC_CHARSET_KS_X_1001] = {"149", "$)C", false, NULL, "EUC-KR"},
    [NSC_CHARSET_GB_2312] = {"58", "$)A", false, NULL, "GBK"},
    [NSC_CHARSET_GB18030] = {"18030", NULL, false, NULL, "GB18030"},
    [NSC_CHARSET_GBK] = {"GBK", NULL, false, NULL, "GBK"},
};
enum { CHARSETS = sizeof charsets / sizeof charsets[0] };

/* The defined term behind its last blank, and without "GB": a number, or "GBK". */
static bool ends_with_number(const char *chars, size_t size, const char *number) {
  size_t n = strlen(number);
  if (size < n || memcmp(chars + size - n, number, n) != 0) return false;
  return size == n || chars[size - n - 1] < '0' || chars[size - n - 1] > '9';
}

nsc_charset nsc_dicom_charset_of(const nsc_dicom *d, const nsc_element *parent, nsc_charset outer) {
  const nsc_element *e = nsc_dicom_find(parent, NSC_TAG(0x0008, 0x0005));
  const char *chars;
  size_t size;
  /* The first value holds until an escape sequence; PS3.3 tables C.12-2 to C.12-4 give the same sets several names. */
  if (!e) return outer;
  if (!nsc_dicom_text(d, e, 0, &chars, &size)) return NSC_CHARSET_ASCII;
  for (int i = 0; i < CHARSETS; i++) {
    if (ends_with_number(chars, size, charsets[i].number)) return (nsc_charset)i;
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

/* A piece in one of the platform's sets. */
static void put_by_platform(nsc_charset set, const char *chars, size_t size, nsc_text *out) {
  /* JIS X 0208 gets the high bits that EUC-JP has, JIS X 0212 a byte more for each character. */
  size_t room = size / 2 * 3 + size + 3, n = 0;
  char *packed = malloc(room), *utf8 = malloc(room * 3);
  if (!packed || !utf8) out->failed = true;
  for (size_t i = 0; packed && i < size; i++) {
    bool low = charsets[set].low;
    if (set == NSC_CHARSET_JIS_X_0212 && i % 2 == 0) packed[n++] = (char)0x8F;
    packed[n++] = low ? (char)(chars[i] | 0x80) : chars[i];
  }
  size_t written = packed && utf8 ? nsc_charset_to_utf8(charsets[set].platform, packed, n, utf8, room * 3) : 0;
  if (written) {
    nsc_text_append(out, utf8, written);
  } else {
    put_code(out, REPLACEMENT);
  }
  free(packed);
  free(utf8);
}

/* What bytes below and above 0x80 stand for. */
typedef struct designation {
  nsc_charset low, high;
} designation;

static designation initial(nsc_charset first) {
  bool low = charsets[first].low;
  /* A set of two bytes in the lower half needs its escape sequence even where it is the first value. */
  return (designation){NSC_CHARSET_ASCII, low ? NSC_CHARSET_ASCII : first};
}

/* Moves over the escape sequence at `i` (ISO 2022: bytes 0x20 to 0x2F and a final one) and designates its set. */
static size_t take_escape(const char *chars, size_t size, size_t i, designation *now) {
  size_t start = ++i;
  while (i < size && chars[i] >= 0x20 && chars[i] <= 0x2F) i++;
  if (i < size) i++;
  for (int k = 0; k < CHARSETS; k++) {
    const char *escape = charsets[k].escape;
    if (!escape || strlen(escape) != i - start || memcmp(escape, chars + start, i - start) != 0) continue;
    if (charsets[k].low) now->low = (nsc_charset)k;
    if (!charsets[k].low) now->high = (nsc_charset)k;
  }
  return i;
}

static bool is_delimiter(uint8_t c) { /* PS3.5 6.1.2.5.3 */
  return c == '^' || c == '=' || c == '\\' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

/* The piece from `i` on that is in one set of two bytes; where it ends. */
static size_t put_piece(const char *chars, size_t size, size_t i, nsc_charset set, nsc_text *out) {
  size_t end = i;
  bool low = charsets[set].low;
  while (end < size && (low ? chars[end] > 0x20 && chars[end] < 0x7F : (uint8_t)chars[end] >= 0x80)) end++;
  put_by_platform(set, chars + i, end - i, out);
  return end;
}

void nsc_dicom_put_utf8(const nsc_dicom *d, const char *chars, size_t size, nsc_text *out) {
  nsc_charset first = d->charset;
  if (first == NSC_CHARSET_UTF8) { /* JSON writing checks it */
    nsc_text_append(out, chars, size);
    return;
  }
  if (first == NSC_CHARSET_GB18030 || first == NSC_CHARSET_GBK) {
    if (size) put_by_platform(first, chars, size, out);
    return;
  }
  designation now = initial(first);
  for (size_t i = 0; i < size;) {
    uint8_t c = (uint8_t)chars[i];
    if (c == 0x1B) {
      i = take_escape(chars, size, i, &now);
      continue;
    }
    nsc_charset set = c < 0x80 ? now.low : now.high;
    if (charsets[set].platform && (c >= 0x80 || (c > 0x20 && c < 0x7F))) {
      i = put_piece(chars, size, i, set, out);
      continue;
    }
    if (is_delimiter(c)) now = initial(first);
    if (c < 0x80) {
      nsc_text_append(out, chars + i, 1);
    } else {
      put_code(out, charsets[set].ranges ? code_of(charsets[set].ranges, c) : REPLACEMENT);
    }
    i++;
  }
}
