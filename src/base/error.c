#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const names[NSC_STATUS_COUNT] = {
    [NSC_OK] = "NSC_OK",
    [NSC_ERROR_ARGUMENT] = "NSC_ERROR_ARGUMENT",
    [NSC_ERROR_MEMORY] = "NSC_ERROR_MEMORY",
    [NSC_ERROR_LIMIT] = "NSC_ERROR_LIMIT",
    [NSC_ERROR_TRUNCATED] = "NSC_ERROR_TRUNCATED",
    [NSC_ERROR_CORRUPT] = "NSC_ERROR_CORRUPT",
    [NSC_ERROR_UNKNOWN_FORMAT] = "NSC_ERROR_UNKNOWN_FORMAT",
    [NSC_ERROR_UNSUPPORTED] = "NSC_ERROR_UNSUPPORTED",
    [NSC_ERROR_NO_PIXELS] = "NSC_ERROR_NO_PIXELS",
    [NSC_ERROR_OPERATOR] = "NSC_ERROR_OPERATOR",
    [NSC_ERROR_SHAPE] = "NSC_ERROR_SHAPE",
    [NSC_ERROR_RECIPE] = "NSC_ERROR_RECIPE",
    [NSC_ERROR_CANCELLED] = "NSC_ERROR_CANCELLED",
    [NSC_ERROR_IO] = "NSC_ERROR_IO",
    [NSC_ERROR_INTERNAL] = "NSC_ERROR_INTERNAL",
};

const char *nsc_status_name(nsc_status status) {
  if ((int)status < 0 || (int)status >= NSC_STATUS_COUNT) return "NSC_ERROR_?";
  return names[status];
}

/* A cut UTF-8 sequence at the end would make the whole text invalid: drop it. */
static void trim_partial_utf8(char *text) {
  size_t n = 0;
  while (text[n]) n++;
  size_t lead = n;
  while (lead > 0 && ((unsigned char)text[lead - 1] & 0xC0) == 0x80) lead--;
  if (lead == 0) return;
  unsigned char c = (unsigned char)text[lead - 1];
  size_t want = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
  if (n - (lead - 1) < want) text[lead - 1] = 0;
}

nsc_status nsc_fail(nsc_error *err, nsc_status status, const char *format, ...) {
  if (err && err->status == NSC_OK) {
    err->status = status;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    if (n >= (int)sizeof err->text) trim_partial_utf8(err->text);
  }
  return status;
}

nsc_status nsc_fail_memory(nsc_error *err, size_t bytes, const char *what) {
  return nsc_fail(err, NSC_ERROR_MEMORY, "not enough memory for %s (%.1f MB)", what, (double)bytes / 1e6);
}
