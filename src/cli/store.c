/* A file as a nsc_store: for weights that a training need not have in memory, and to read a checkpoint from. */
#define _XOPEN_SOURCE 700
#define _FILE_OFFSET_BITS 64
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/cli.h"

static nsc_status write_at(void *context, uint64_t at, const void *bytes, size_t size, nsc_error *err) {
  const nsc_cli_store *s = context;
  for (const char *from = bytes; size > 0;) {
    ssize_t written = pwrite(s->file, from, size, (off_t)at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return nsc_fail(err, NSC_ERROR_IO, "cannot write a temporary file: %s", strerror(errno));
    from += written;
    at += (uint64_t)written;
    size -= (size_t)written;
  }
  return NSC_OK;
}

static nsc_status read_at(void *context, uint64_t at, void *bytes, size_t size, nsc_error *err) {
  const nsc_cli_store *s = context;
  for (char *to = bytes; size > 0;) {
    ssize_t got = pread(s->file, to, size, (off_t)at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return nsc_fail(err, NSC_ERROR_IO, "cannot read: %s", strerror(errno));
    if (got == 0) return nsc_fail(err, NSC_ERROR_TRUNCATED, "the file is cut off");
    to += got;
    at += (uint64_t)got;
    size -= (size_t)got;
  }
  return NSC_OK;
}

static void begin(nsc_cli_store *s, int file, uint64_t size) {
  *s = (nsc_cli_store){.store = {.context = s, .write = write_at, .read = read_at}, .file = file, .size = size};
}

bool nsc_cli_store_open(nsc_cli_store *s) {
  char path[4096];
  const char *folder = getenv("TMPDIR");
  int n = snprintf(path, sizeof path, "%s/negatoscope-XXXXXX", folder && folder[0] ? folder : "/var/tmp");
  int file = n < (int)sizeof path ? mkstemp(path) : -1;
  if (file < 0) return false;
  (void)unlink(path);
  begin(s, file, 0);
  return true;
}

nsc_status nsc_cli_store_read(nsc_cli_store *s, const char *path, nsc_error *err) {
  struct stat info;
  int file = open(path, O_RDONLY);
  if (file < 0) return nsc_fail(err, NSC_ERROR_IO, "cannot open: %s", strerror(errno));
  if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
    (void)close(file);
    return nsc_fail(err, NSC_ERROR_IO, "%.100s is no file", path);
  }
  begin(s, file, (uint64_t)info.st_size);
  return NSC_OK;
}

void nsc_cli_store_close(nsc_cli_store *s) {
  if (s->store.context) (void)close(s->file);
  *s = (nsc_cli_store){0};
}
