#include "image/header_text.h"

#include <math.h>
#include <stdlib.h>

#include "base/text.h"

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static nsc_piece trim(const char *chars, size_t size) {
  if (!chars) return (nsc_piece){"", 0}; /* of a field that the header does not have */
  while (size > 0 && is_space(chars[size - 1])) size--;
  while (size > 0 && is_space(*chars)) chars++, size--;
  return (nsc_piece){chars, size};
}

bool nsc_take_line(nsc_reader *r, nsc_piece *line) {
  if (r->at == r->size) return false;
  const uint8_t *start = r->bytes + r->at, *end = memchr(start, '\n', r->size - r->at);
  size_t size = end ? (size_t)(end - start) : r->size - r->at;
  r->at += size + (end != NULL);
  *line = trim((const char *)start, size);
  return true;
}

bool nsc_split(nsc_piece line, const char *mark, nsc_piece *name, nsc_piece *value) {
  size_t n = strlen(mark);
  for (size_t i = 0; i + n <= line.size; i++) {
    if (memcmp(line.chars + i, mark, n) != 0) continue;
    *name = trim(line.chars, i);
    *value = trim(line.chars + i + n, line.size - i - n);
    return true;
  }
  return false;
}

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool nsc_piece_is(nsc_piece p, const char *text) {
  size_t i = 0;
  while (i < p.size && text[i] && lower(p.chars[i]) == lower(text[i])) i++;
  return i == p.size && !text[i];
}

bool nsc_take_word(nsc_piece *rest, nsc_piece *word) {
  *rest = trim(rest->chars, rest->size);
  size_t n = 0;
  while (n < rest->size && !is_space(rest->chars[n])) n++;
  *word = (nsc_piece){rest->chars, n};
  rest->chars += n;
  rest->size -= n;
  return n > 0;
}

bool nsc_piece_number(nsc_piece p, double *out) {
  char text[64], *end;
  if (p.size == 0 || p.size >= sizeof text) return false;
  memcpy(text, p.chars, p.size);
  text[p.size] = 0;
  *out = strtod(text, &end);
  return *end == 0 && end != text && isfinite(*out);
}

bool nsc_piece_count(nsc_piece p, uint64_t *out) {
  uint64_t value = 0;
  if (p.size == 0 || p.size > 18) return false;
  for (size_t i = 0; i < p.size; i++) {
    if (p.chars[i] < '0' || p.chars[i] > '9') return false;
    value = value * 10 + (uint64_t)(p.chars[i] - '0');
  }
  *out = value;
  return true;
}

bool nsc_piece_numbers(nsc_piece p, double *out, uint32_t count) {
  nsc_piece word;
  for (uint32_t i = 0; i < count; i++) {
    if (!nsc_take_word(&p, &word) || !nsc_piece_number(word, &out[i])) return false;
  }
  return !nsc_take_word(&p, &word);
}

char *nsc_piece_copy(nsc_piece p) {
  return p.size ? nsc_copy_chars(p.chars, p.size) : NULL;
}
