#include "train/npy.h"

#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

/*
 * The header is a Python dictionary: {'descr': '|u1', 'fortran_order': False, 'shape': (4708, 28, 28), }. Only what
 * NumPy writes is understood: a string, a name, or a tuple of numbers as values.
 */

static nsc_status fail_header(nsc_error *err) {
  return nsc_fail(err, NSC_ERROR_CORRUPT, "the array's header cannot be read");
}

static bool is_blank(uint8_t c) {
  return c == ' ' || c == '\n' || c == '\t';
}

static void skip_blanks(nsc_reader *r) {
  while (r->at < r->size && is_blank(r->bytes[r->at])) r->at++;
}

/* Takes `c` when it comes next. */
static bool take_char(nsc_reader *r, char c) {
  skip_blanks(r);
  if (r->at == r->size || r->bytes[r->at] != (uint8_t)c) return false;
  r->at++;
  return true;
}

static bool take_word(nsc_reader *r, const char *word) {
  size_t n = strlen(word);
  skip_blanks(r);
  if (nsc_reader_left(r) < n || memcmp(r->bytes + r->at, word, n) != 0) return false;
  r->at += n;
  return true;
}

/* A quoted text without escapes, cut to fit `out`. */
static bool take_string(nsc_reader *r, char *out, size_t room) {
  char quote = take_char(r, '\'') ? '\'' : take_char(r, '"') ? '"' : 0;
  size_t n = 0;
  if (!quote) return false;
  for (; r->at < r->size && r->bytes[r->at] != (uint8_t)quote; r->at++) {
    if (n + 1 < room) out[n++] = (char)r->bytes[r->at];
  }
  out[n] = 0;
  return take_char(r, quote);
}

static bool take_number(nsc_reader *r, uint64_t *out) {
  skip_blanks(r);
  size_t from = r->at;
  *out = 0;
  for (; r->at < r->size && r->bytes[r->at] >= '0' && r->bytes[r->at] <= '9'; r->at++) {
    if (!nsc_mul_u64(*out, 10, out) || __builtin_add_overflow(*out, (uint64_t)(r->bytes[r->at] - '0'), out)) {
      return false;
    }
  }
  return r->at > from;
}

static nsc_status take_shape(nsc_reader *r, nsc_npy *a, nsc_error *err) {
  if (!take_char(r, '(')) return fail_header(err);
  for (a->rank = 0; !take_char(r, ')'); a->rank++) {
    if (a->rank == NSC_NPY_MAX_RANK) {
      return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "an array of more than %d dimensions", NSC_NPY_MAX_RANK);
    }
    if (!take_number(r, &a->dims[a->rank])) return fail_header(err);
    if (take_char(r, ',')) continue;
    if (!take_char(r, ')')) return fail_header(err);
    a->rank++;
    break;
  }
  return NSC_OK;
}

/* "|u1", "<i8": byte order, kind, bytes. */
static nsc_status take_type(nsc_reader *r, nsc_npy *a, nsc_error *err) {
  char type[16];
  if (!take_string(r, type, sizeof type)) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "an array of records; integers are read");
  }
  const char *kind = type + (strchr("|<>=", type[0]) && type[0] ? 1 : 0);
  a->kind = kind[0];
  a->width = kind[0] && kind[1] >= '1' && kind[1] <= '8' && !kind[2] ? (uint32_t)(kind[1] - '0') : 0;
  bool whole = a->kind == 'u' || a->kind == 'i' || (a->kind == 'b' && a->width == 1);
  if (!whole || !a->width || (a->width & (a->width - 1)) != 0) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "an array of type \"%s\"; integers are read", type);
  }
  if (type[0] == '>' && a->width > 1) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "a big-endian array (\"%s\"); little endian is read", type);
  }
  return NSC_OK;
}

static nsc_status read_header(nsc_reader *r, nsc_npy *a, nsc_error *err) {
  enum { TYPE = 1, ORDER = 2, SHAPE = 4 };
  unsigned seen = 0;
  if (!take_char(r, '{')) return fail_header(err);
  while (!take_char(r, '}')) {
    char key[24];
    if (!take_string(r, key, sizeof key) || !take_char(r, ':')) return fail_header(err);
    unsigned now = strcmp(key, "descr") == 0           ? TYPE
                   : strcmp(key, "fortran_order") == 0 ? ORDER
                   : strcmp(key, "shape") == 0         ? SHAPE
                                                       : 0;
    if (!now || (seen & now)) return fail_header(err);
    seen |= now;
    if (now == TYPE) NSC_TRY(take_type(r, a, err));
    if (now == SHAPE) NSC_TRY(take_shape(r, a, err));
    if (now == ORDER && !take_word(r, "False")) {
      if (!take_word(r, "True")) return fail_header(err);
      return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "an array in Fortran's order; save it in C's");
    }
    if (!take_char(r, ',')) {
      if (!take_char(r, '}')) return fail_header(err);
      break;
    }
  }
  return seen == (TYPE | ORDER | SHAPE) ? NSC_OK : fail_header(err);
}

nsc_status nsc_npy_read(const uint8_t *bytes, size_t size, nsc_npy *out, nsc_error *err) {
  nsc_reader r = nsc_reader_of(bytes, size);
  const uint8_t *magic = nsc_reader_take(&r, 8);
  if (!magic || memcmp(magic, "\x93NUMPY", 6) != 0) {
    return nsc_fail(err, NSC_ERROR_UNKNOWN_FORMAT, "not a NumPy array");
  }
  if (magic[6] < 1 || magic[6] > 3) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "NumPy's array format %u; 1 to 3 are read", magic[6]);
  }
  const uint8_t *length = nsc_reader_take(&r, magic[6] == 1 ? 2 : 4);
  const uint8_t *header = NULL;
  uint32_t header_size = 0;
  if (length) {
    header_size = magic[6] == 1 ? nsc_load_u16(length, false) : nsc_load_u32(length, false);
    header = nsc_reader_take(&r, header_size);
  }
  if (!header) return nsc_fail(err, NSC_ERROR_TRUNCATED, "the array ends within its header");
  nsc_npy a = {0};
  nsc_reader text = nsc_reader_of(header, header_size);
  NSC_TRY(read_header(&text, &a, err));
  uint64_t expected = a.width;
  for (uint32_t i = 0; i < a.rank; i++) {
    if (!nsc_mul_u64(expected, a.dims[i], &expected)) {
      return nsc_fail(err, NSC_ERROR_CORRUPT, "the array's shape is impossible");
    }
  }
  if (expected != nsc_reader_left(&r)) {
    return nsc_fail(err, expected > nsc_reader_left(&r) ? NSC_ERROR_TRUNCATED : NSC_ERROR_CORRUPT,
                    "the array holds %zu bytes, its shape asks for %llu", nsc_reader_left(&r),
                    (unsigned long long)expected);
  }
  a.data = r.bytes + r.at;
  *out = a;
  return NSC_OK;
}
