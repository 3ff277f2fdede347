#define _XOPEN_SOURCE 700
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/cli.h"

#ifndef NSC_MODELS_FOLDER
#error "NSC_MODELS_FOLDER comes from the build"
#endif

enum { MOST_PATH = 4096 };

static const char default_model[] = "cxr-pneumonia";

static nsc_status read_all(FILE *f, size_t hint, nsc_source *source, const char *path, nsc_error *err) {
  size_t want = hint ? hint + 1 : 1 << 20; /* one more than expected, so that the end shows itself at once */
  for (;;) {
    uint8_t *to;
    NSC_TRY(nsc_source_reserve(source, want, &to, err));
    size_t got = fread(to, 1, want, f);
    NSC_TRY(nsc_source_commit(source, got, err));
    if (got < want) break;
    want = 1 << 20;
  }
  if (ferror(f)) return nsc_fail(err, NSC_ERROR_IO, "%s: %s", path, strerror(errno));
  return NSC_OK;
}

/* A file behind what `source` holds; without one it is created. */
static nsc_status append_file(const char *path, nsc_source **source, nsc_error *err) {
  FILE *f = fopen(path, "rb");
  if (!f) return nsc_fail(err, NSC_ERROR_IO, "cannot open: %s", strerror(errno));
  struct stat info;
  size_t hint = fstat(fileno(f), &info) == 0 && S_ISREG(info.st_mode) ? (size_t)info.st_size : 0;
  nsc_status status = *source ? NSC_OK : nsc_source_create(hint + 1, source, err);
  if (status == NSC_OK) status = read_all(f, hint, *source, path, err);
  fclose(f);
  return status;
}

nsc_status nsc_cli_read(const char *path, nsc_source **out, nsc_error *err) {
  nsc_source *source = NULL;
  nsc_status status = append_file(path, &source, err);
  if (status == NSC_OK) {
    *out = source;
  } else {
    nsc_source_free(source);
  }
  return status;
}

/* ---- files that stay where they are ---- */

static nsc_status read_part(void *context, uint64_t at, void *bytes, size_t size, nsc_error *err) {
  FILE *f = context;
  if (fseeko(f, (off_t)at, SEEK_SET) == 0 && fread(bytes, 1, size, f) == size) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_IO, "the model's file is shorter than it was, or cannot be read");
}

static void close_file(void *context) {
  (void)fclose(context);
}

nsc_status nsc_cli_open_file(const char *path, nsc_source **out, nsc_error *err) {
  enum { LARGE = 1 << 22 }; /* as on the page: of a smaller one nobody misses the memory */
  struct stat info;
  if (stat(path, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size < LARGE) return nsc_cli_read(path, out, err);
  FILE *f = fopen(path, "rb");
  if (!f) return nsc_fail(err, NSC_ERROR_IO, "cannot open: %s", strerror(errno));
  const nsc_store store = {.context = f, .read = read_part, .release = close_file};
  nsc_status status = nsc_source_outside(&store, (uint64_t)info.st_size, out, err);
  if (status != NSC_OK) fclose(f);
  return status;
}

static bool is_file(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

/* The samples of NIfTI's and Analyze's pairs: beside X.hdr lies X.img, both perhaps with .gz. */
static bool partner_of(const char *path, char *out, size_t room) {
  const char *end = path + strlen(path), *gz = end - 3;
  if (end - path > 3 && strcasecmp(gz, ".gz") == 0) end = gz;
  if (end - path < 4 || strncasecmp(end - 4, ".hdr", 4) != 0) return false;
  bool upper = end[-1] == 'R';
  int n = snprintf(out, room, "%.*s%s%s", (int)(end - path - 4), path, upper ? ".IMG" : ".img", end);
  return n > 0 && (size_t)n < room && is_file(out);
}

nsc_status nsc_cli_read_image(const char *path, nsc_source **out, nsc_error *err) {
  char partner[4096];
  NSC_TRY(nsc_cli_read(path, out, err));
  nsc_status status = partner_of(path, partner, sizeof partner) ? append_file(partner, out, err) : NSC_OK;
  if (status != NSC_OK) nsc_source_free(*out);
  return status;
}

nsc_status nsc_cli_open_image(const char *path, nsc_image **out, nsc_error *err) {
  nsc_source *source;
  NSC_TRY(nsc_cli_read_image(path, &source, err));
  nsc_status status = nsc_image_open(source, NULL, out, err);
  if (status != NSC_OK) nsc_source_free(source);
  return status;
}

static nsc_status fail_writing(const char *path, nsc_error *err) {
  return nsc_fail(err, NSC_ERROR_IO, "cannot write %.100s: %s", path, strerror(errno));
}

nsc_status nsc_cli_write(const char *path, const char *bytes, size_t size, nsc_error *err) {
  FILE *f = fopen(path, "wb");
  bool ok = f && fwrite(bytes, 1, size, f) == size;
  if (f && fclose(f) != 0) ok = false;
  return ok ? NSC_OK : fail_writing(path, err);
}

static nsc_status write_parts(FILE *f, const char *path, nsc_cli_part part_of, void *context, nsc_error *err) {
  for (uint32_t part = 0;; part++) {
    const void *bytes;
    size_t size;
    NSC_TRY(part_of(context, part, &bytes, &size, err));
    if (!bytes) return NSC_OK;
    if (fwrite(bytes, 1, size, f) != size) return fail_writing(path, err);
  }
}

nsc_status nsc_cli_replace_parts(const char *path, nsc_cli_part part_of, void *context, nsc_error *err) {
  char temporary[4096];
  if (snprintf(temporary, sizeof temporary, "%s.part", path) >= (int)sizeof temporary) {
    return nsc_fail(err, NSC_ERROR_IO, "the path %.100s... is too long", path);
  }
  FILE *f = fopen(temporary, "wb");
  if (!f) return fail_writing(path, err);
  nsc_status status = write_parts(f, path, part_of, context, err);
  if (fclose(f) != 0 && status == NSC_OK) status = fail_writing(path, err);
  if (status == NSC_OK && rename(temporary, path) != 0) status = fail_writing(path, err);
  if (status != NSC_OK) (void)remove(temporary);
  return status;
}

typedef struct whole_file {
  const char *bytes;
  size_t size;
} whole_file;

static nsc_status whole_part(void *context, uint32_t part, const void **bytes, size_t *size, nsc_error *err) {
  (void)err;
  const whole_file *f = context;
  *bytes = part == 0 ? f->bytes : NULL;
  *size = part == 0 ? f->size : 0;
  return NSC_OK;
}

nsc_status nsc_cli_replace(const char *path, const char *bytes, size_t size, nsc_error *err) {
  whole_file f = {bytes, size};
  return nsc_cli_replace_parts(path, whole_part, &f, err);
}

/*
 * A file of weights beside the model: `name` has been checked, but a link on the way may still lead out of the folder,
 * so both are resolved.
 */
static nsc_status read_beside(const char *model_path, const char *name, nsc_source **out, nsc_error *err) {
  char path[4096];
  const char *slash = strrchr(model_path, '/');
  int length = slash ? (int)(slash - model_path) + 1 : 0;
  if (snprintf(path, sizeof path, "%.*s%s", length, model_path, name) >= (int)sizeof path) {
    return nsc_fail(err, NSC_ERROR_IO, "the path of \"%.80s\" is too long", name);
  }
  char folder_path[4096];
  snprintf(folder_path, sizeof folder_path, "%.*s", length, model_path);
  char *folder = realpath(length ? folder_path : ".", NULL), *file = realpath(path, NULL);
  size_t n = folder ? strlen(folder) : 0;
  bool inside = folder && file && strncmp(file, folder, n) == 0 && (file[n] == '/' || (n == 1 && folder[0] == '/'));
  nsc_status status = NSC_OK;
  if (!file) {
    status = nsc_fail(err, NSC_ERROR_IO, "the model's weights are in \"%.120s\": %s", path, strerror(errno));
  } else if (!inside || !is_file(file)) {
    status = nsc_fail(err, NSC_ERROR_IO, "\"%.120s\" is no file inside of the model's folder", path);
  } else {
    status = nsc_cli_open_file(file, out, err);
  }
  free(folder);
  free(file);
  return status;
}

static nsc_status add_weights(nsc_model *model, const char *path, nsc_error *err) {
  for (uint32_t i = 0; i < nsc_model_file_count(model); i++) {
    const char *name = nsc_model_file_name(model, i);
    nsc_source *source;
    NSC_TRY(read_beside(path, name, &source, err));
    nsc_status status = nsc_model_add_file(model, name, source, err);
    if (status != NSC_OK) {
      nsc_source_free(source);
      return status;
    }
  }
  return NSC_OK;
}

/* Where models with a name lie: as the environment says, beside the command, or where it was built. */
static void find_models(char folder[static MOST_PATH]) {
  const char *given = getenv("NEGATOSCOPE_MODELS");
  char command[MOST_PATH];
  struct stat s;
  ssize_t size = given ? 0 : readlink("/proc/self/exe", command, sizeof command - 1);
  if (size > 0) {
    command[size] = 0;
    *strrchr(command, '/') = 0;
    int length = snprintf(folder, MOST_PATH, "%s/models", command);
    if (length < MOST_PATH && stat(folder, &s) == 0 && S_ISDIR(s.st_mode)) return;
  }
  snprintf(folder, MOST_PATH, "%s", given ? given : NSC_MODELS_FOLDER);
}

nsc_status nsc_cli_open_model(const char *name, nsc_model **out, nsc_error *err) {
  char path[2 * MOST_PATH], folder[MOST_PATH];
  find_models(folder);
  snprintf(path, sizeof path, "%s", name ? name : default_model);
  if (!name || !is_file(name)) {
    snprintf(path, sizeof path, "%s/%s/model.onnx", folder, name ? name : default_model);
    if (!is_file(path)) {
      return nsc_fail(err, NSC_ERROR_IO, "there is no model file %.90s and no model of that name in %.90s",
                      name ? name : default_model, folder);
    }
  }
  nsc_source *source;
  nsc_model *model;
  NSC_TRY(nsc_cli_open_file(path, &source, err));
  nsc_status status = nsc_model_open(source, &model, err);
  if (status != NSC_OK) {
    nsc_source_free(source);
    return status;
  }
  status = add_weights(model, path, err);
  if (status == NSC_OK) {
    *out = model;
  } else {
    nsc_model_free(model);
  }
  return status;
}

bool nsc_cli_add_word(nsc_cli_paths *paths, const char *path) {
  if (paths->count == paths->capacity) {
    size_t capacity = paths->capacity * 2 + 64;
    char **list = realloc(paths->list, capacity * sizeof *list);
    if (!list) return false;
    paths->list = list;
    paths->capacity = capacity;
  }
  char *copy = malloc(strlen(path) + 1);
  if (!copy) return false;
  strcpy(copy, path);
  paths->list[paths->count++] = copy;
  return true;
}

static bool add_folder(nsc_cli_paths *paths, const char *folder, int count, struct dirent **entries) {
  bool ok = true;
  for (int i = 0; i < count; i++) {
    const char *name = entries[i]->d_name;
    if (ok && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
      size_t n = strlen(folder), size = n + strlen(name) + 2;
      char *path = malloc(size);
      ok = path != NULL;
      if (ok) {
        snprintf(path, size, "%s%s%s", folder, n && folder[n - 1] == '/' ? "" : "/", name);
        ok = nsc_cli_add_path(paths, path);
      }
      free(path);
    }
    free(entries[i]);
  }
  return ok;
}

/* Byte order of names: the same on every machine, whatever its locale. */
static int by_name(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

bool nsc_cli_add_path(nsc_cli_paths *paths, const char *path) {
  struct stat info;
  /* lstat: a link to a folder above would make the walk endless. */
  if (lstat(path, &info) != 0 || !S_ISDIR(info.st_mode)) return nsc_cli_add_word(paths, path);
  struct dirent **entries;
  int count = scandir(path, &entries, NULL, by_name);
  if (count < 0) return nsc_cli_add_word(paths, path);
  bool ok = add_folder(paths, path, count, entries);
  free(entries);
  return ok;
}

void nsc_cli_drop_paths(nsc_cli_paths *paths) {
  for (size_t i = 0; i < paths->count; i++) free(paths->list[i]);
  free(paths->list);
  *paths = (nsc_cli_paths){0};
}
