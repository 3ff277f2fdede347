#define _POSIX_C_SOURCE 200809L
#include "cli/data_list.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/source.h"
#include "cli/survival.h"
#include "train/table.h"

enum {
  MAX_LABELS = 1000 /* more are a column of something else, such as numbers of patients */
};

typedef struct listing {
  const nsc_cli_data_options *options;
  nsc_cli_data *data;
  regex_t patient; /* compiled when options->patient */
  uint32_t capacity, others;
  bool chosen; /* labels come from the options: what has none of them is left out */
} listing;

/* ---- labels ---- */

static nsc_status add_label(nsc_cli_data *d, const char *name, size_t size, nsc_error *err) {
  if (d->label_count == MAX_LABELS) {
    return nsc_fail(err, NSC_ERROR_LIMIT, "more than %d labels; \"%.60s\" is one", MAX_LABELS, name);
  }
  char *copy = nsc_arena_text(&d->arena, name, size);
  if (!copy) return nsc_fail_memory(err, size, "labels");
  for (uint32_t i = 0; i < d->label_count; i++) {
    if (strcmp(d->labels[i], copy) == 0) return nsc_fail(err, NSC_ERROR_ARGUMENT, "two labels \"%.60s\"", copy);
  }
  d->labels[d->label_count++] = copy;
  return NSC_OK;
}

/* The names of --labels. */
static nsc_status choose_labels(listing *l, nsc_error *err) {
  nsc_cli_data *d = l->data;
  d->labels = nsc_arena_alloc(&d->arena, MAX_LABELS, sizeof *d->labels);
  if (!d->labels) return nsc_fail_memory(err, MAX_LABELS * sizeof *d->labels, "labels");
  l->chosen = l->options->labels != NULL;
  for (const char *at = l->options->labels; at;) {
    size_t size = strcspn(at, ",");
    if (size == 0) return nsc_fail(err, NSC_ERROR_ARGUMENT, "--labels has an empty name");
    NSC_TRY(add_label(d, at, size, err));
    at = at[size] ? at + size + 1 : NULL;
  }
  return NSC_OK;
}

/* The label's number; *found is false for one that was not chosen. */
static nsc_status find_label(listing *l, const char *name, uint32_t *label, bool *found, nsc_error *err) {
  nsc_cli_data *d = l->data;
  *found = true;
  for (*label = 0; *label < d->label_count; ++*label) {
    if (strcmp(d->labels[*label], name) == 0) return NSC_OK;
  }
  *found = !l->chosen;
  return l->chosen ? NSC_OK : add_label(d, name, strlen(name), err);
}

static int by_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Labels come as they are met; unless chosen they stand in the order of their bytes, the same on every machine. */
static nsc_status sort_labels(listing *l, nsc_error *err) {
  nsc_cli_data *d = l->data;
  if (l->chosen) return NSC_OK;
  const char *met[MAX_LABELS];
  uint32_t place[MAX_LABELS];
  memcpy(met, d->labels, d->label_count * sizeof *met);
  qsort(d->labels, d->label_count, sizeof *d->labels, by_text);
  for (uint32_t i = 0; i < d->label_count; i++) {
    const char **at = bsearch(&met[i], d->labels, d->label_count, sizeof *d->labels, by_text);
    if (!at) return nsc_fail(err, NSC_ERROR_INTERNAL, "a label was lost");
    place[i] = (uint32_t)(at - d->labels);
  }
  for (uint32_t i = 0; i < d->count; i++) d->samples[i].label = place[d->samples[i].label];
  return NSC_OK;
}

/* ---- samples ---- */

static nsc_status add_sample(listing *l, const nsc_sample *sample, nsc_error *err) {
  nsc_cli_data *d = l->data;
  if (d->count == l->capacity) {
    uint32_t capacity = l->capacity * 2 + 256;
    nsc_sample *samples = capacity > l->capacity ? realloc(d->samples, capacity * sizeof *samples) : NULL;
    if (!samples) return nsc_fail_memory(err, capacity * sizeof *samples, "the list of pictures");
    d->samples = samples;
    l->capacity = capacity;
  }
  d->samples[d->count++] = *sample;
  return NSC_OK;
}

/* What the expression matches in the file's name, behind the label: numbers often start anew for each. */
static nsc_status find_patient(listing *l, const char *path, const char *label, const char **out, nsc_error *err) {
  regmatch_t match;
  char text[512];
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  if (!l->options->patient || regexec(&l->patient, name, 1, &match, 0) != 0) return NSC_OK;
  snprintf(text, sizeof text, "%s %.*s", label, (int)(match.rm_eo - match.rm_so), name + match.rm_so);
  *out = nsc_arena_text(&l->data->arena, text, strlen(text));
  return *out ? NSC_OK : nsc_fail_memory(err, sizeof text, "a patient");
}

/* A file with its label; `sample` holds what else is known. */
static nsc_status add_file(listing *l, const char *path, const char *label, nsc_sample *sample, nsc_error *err) {
  bool found;
  NSC_TRY(find_label(l, label, &sample->label, &found, err));
  if (!found) {
    l->others++;
    return NSC_OK;
  }
  if (!sample->patient) NSC_TRY(find_patient(l, path, label, &sample->patient, err));
  sample->name = nsc_arena_text(&l->data->arena, path, strlen(path));
  if (!sample->name) return nsc_fail_memory(err, strlen(path), "a path");
  return add_sample(l, sample, err);
}

/* ---- a folder ---- */

/* A path below the folder, taken apart: up to two folders and whether a file is left. */
typedef struct below {
  const char *first, *second;
  size_t first_size, second_size; /* 0 where there is no such folder */
} below;

static bool is_hidden(const char *path) {
  for (const char *at = path; at; at = strchr(at, '/')) {
    if (*at == '/') at++;
    if (*at == '.') return true;
  }
  return false;
}

static below take_apart(const char *path) {
  below b = {.first = path};
  const char *slash = strchr(path, '/');
  if (!slash) return b;
  b.first_size = (size_t)(slash - path);
  b.second = slash + 1;
  slash = strchr(b.second, '/');
  if (slash) b.second_size = (size_t)(slash - b.second);
  return b;
}

/*
 * Whether the folders on top are splits: all that are named so hold folders only, and there is one for training or no
 * folder of another name. Labels could be named "test" too.
 */
static bool has_split_folders(const nsc_cli_paths *paths, size_t skip) {
  bool any = false, train = false, other = false;
  for (size_t i = 0; i < paths->count; i++) {
    nsc_split split;
    if (strlen(paths->list[i]) <= skip || is_hidden(paths->list[i] + skip)) continue;
    below b = take_apart(paths->list[i] + skip);
    if (!b.first_size) continue;
    if (!nsc_split_parse(b.first, b.first_size, &split)) {
      other = true;
    } else if (!b.second_size) {
      return false;
    } else {
      any = true;
      train = train || split == NSC_SPLIT_TRAIN;
    }
  }
  return any && (train || !other);
}

static nsc_status list_paths(listing *l, const nsc_cli_paths *paths, size_t skip, nsc_error *err) {
  bool splits = has_split_folders(paths, skip);
  size_t loose = 0;
  for (size_t i = 0; i < paths->count; i++) {
    const char *path = paths->list[i];
    char label[256];
    nsc_sample sample = {.split_given = splits};
    if (strlen(path) <= skip || is_hidden(path + skip)) continue;
    below b = take_apart(path + skip);
    if (splits && !nsc_split_parse(b.first, b.first_size, &sample.split)) b.second_size = 0;
    size_t size = splits ? b.second_size : b.first_size;
    if (!size || size >= sizeof label) {
      loose++;
      continue;
    }
    memcpy(label, splits ? b.second : b.first, size);
    label[size] = 0;
    NSC_TRY(add_file(l, path, label, &sample, err));
  }
  if (loose) fprintf(stderr, "%zu files lie in no folder of a label%s\n", loose, splits ? " in a split" : "");
  return NSC_OK;
}

static nsc_status list_folder(listing *l, const char *path, nsc_error *err) {
  nsc_cli_paths paths = {0};
  size_t n = strlen(path);
  char *folder = malloc(n + 2);
  if (!folder) return nsc_fail_memory(err, n, "a path");
  /* With the slash a link to a folder is followed too. */
  snprintf(folder, n + 2, "%s%s", path, n && path[n - 1] == '/' ? "" : "/");
  nsc_status status = nsc_cli_add_path(&paths, folder) ? NSC_OK : nsc_fail_memory(err, 0, "a list of files");
  if (status == NSC_OK) status = list_paths(l, &paths, strlen(folder), err);
  if (status == NSC_OK) status = sort_labels(l, err);
  nsc_cli_drop_paths(&paths);
  free(folder);
  return status;
}

/* ---- a table ---- */

/* Labels say who had the event, so that splits have equal shares of both. */
static const char *const outcome_labels[] = {"censored", "event"};

static nsc_status keep_outcome(listing *l, const nsc_table_row *row, nsc_sample *sample, nsc_error *err) {
  nsc_outcome *outcome = nsc_arena_alloc(&l->data->arena, 1, sizeof *outcome);
  if (!outcome) return nsc_fail_memory(err, sizeof *outcome, "an outcome");
  sample->outcome = outcome;
  return nsc_cli_read_outcome(l->options->outcomes, row, outcome, err);
}

static nsc_status list_rows(listing *l, const char *path, const nsc_table *table, nsc_error *err) {
  const char *slash = strrchr(path, '/');
  int folder = slash ? (int)(slash - path) + 1 : 0;
  char file[4096];
  for (uint32_t i = 0; i < table->count; i++) {
    const nsc_table_row *row = &table->rows[i];
    nsc_sample sample = {.split = row->split, .split_given = row->split_given};
    int n = snprintf(file, sizeof file, "%.*s%s", row->file[0] == '/' ? 0 : folder, path, row->file);
    if (n < 0 || (size_t)n >= sizeof file) {
      return nsc_fail(err, NSC_ERROR_ARGUMENT, "line %u: the path is too long", row->line);
    }
    if (row->patient) {
      sample.patient = nsc_arena_text(&l->data->arena, row->patient, strlen(row->patient));
      if (!sample.patient) return nsc_fail_memory(err, strlen(row->patient), "a patient");
    }
    if (l->options->outcomes) NSC_TRY(keep_outcome(l, row, &sample, err));
    NSC_TRY(add_file(l, file, sample.outcome ? outcome_labels[sample.outcome->event] : row->label, &sample, err));
  }
  return sort_labels(l, err);
}

static nsc_status list_table(listing *l, const char *path, const nsc_source *source, nsc_error *err) {
  nsc_table table;
  const nsc_cli_outcomes *outcomes = l->options->outcomes;
  const char *chars = (const char *)source->bytes;
  NSC_TRY(outcomes ? nsc_cli_parse_outcomes(outcomes, chars, source->size, &table, err)
                   : nsc_table_parse(chars, source->size, &table, err));
  nsc_status status = list_rows(l, path, &table, err);
  nsc_table_drop(&table);
  return status;
}

/* ---- an .npz ---- */

/* Numbers are the labels' names unless --labels names them. */
static nsc_status name_numbers(listing *l, nsc_error *err) {
  nsc_cli_data *d = l->data;
  if (l->chosen && d->label_count < d->npz.label_count) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "--labels names %u labels, the file has %u", d->label_count,
                    d->npz.label_count);
  }
  for (uint32_t i = 0; i < d->npz.label_count && !l->chosen; i++) {
    char number[16];
    snprintf(number, sizeof number, "%u", i);
    NSC_TRY(add_label(d, number, strlen(number), err));
  }
  return NSC_OK;
}

static nsc_status list_npz(listing *l, nsc_error *err) {
  nsc_cli_data *d = l->data;
  NSC_TRY(nsc_npz_open(d->source->bytes, d->source->size, 0, &d->npz, err));
  NSC_TRY(name_numbers(l, err));
  size_t count = 0;
  for (int s = 0; s < NSC_SPLITS; s++) count += d->npz.splits[s].count;
  d->origins = malloc((count + 1) * sizeof *d->origins);
  d->rows = malloc((count + 1) * sizeof *d->rows);
  if (!d->origins || !d->rows) return nsc_fail_memory(err, count * sizeof *d->rows, "the list of pictures");
  for (int s = 0; s < NSC_SPLITS; s++) {
    for (uint32_t row = 0; row < d->npz.splits[s].count; row++) {
      char name[32];
      static const char *const words[NSC_SPLITS] = {"train", "val", "test"};
      int n = snprintf(name, sizeof name, "%s %u", words[s], row);
      nsc_sample sample = {.name = nsc_arena_text(&d->arena, name, (size_t)n),
                           .label = d->npz.splits[s].labels[row],
                           .split = (nsc_split)s,
                           .split_given = true};
      if (!sample.name) return nsc_fail_memory(err, sizeof name, "a name");
      d->origins[d->count] = (nsc_split)s;
      d->rows[d->count] = row;
      NSC_TRY(add_sample(l, &sample, err));
    }
  }
  return NSC_OK;
}

/* ---- whichever it is ---- */

/* A label that was chosen and is nowhere is a slip of the pen. */
static nsc_status check_chosen(const listing *l, nsc_error *err) {
  const nsc_cli_data *d = l->data;
  uint32_t counts[MAX_LABELS] = {0};
  for (uint32_t i = 0; i < d->count; i++) counts[d->samples[i].label]++;
  for (uint32_t k = 0; k < d->label_count && l->chosen; k++) {
    if (counts[k] == 0) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no pictures of the label \"%.60s\"", d->labels[k]);
  }
  return NSC_OK;
}

static nsc_status list_any(listing *l, const char *path, nsc_error *err) {
  struct stat info;
  const char *refused = "times to an event come from a table, a .csv with the columns file, time and event";
  bool survival = l->options->outcomes != NULL;
  if (survival && l->options->labels) return nsc_fail(err, NSC_ERROR_ARGUMENT, "times to an event have no --labels");
  l->data->outcomes = l->options->outcomes;
  NSC_TRY(choose_labels(l, err));
  for (int i = 0; i < 2 && survival; i++)
    NSC_TRY(add_label(l->data, outcome_labels[i], strlen(outcome_labels[i]), err));
  if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
    return survival ? nsc_fail(err, NSC_ERROR_ARGUMENT, "%s", refused) : list_folder(l, path, err);
  }
  NSC_TRY(nsc_cli_read(path, &l->data->source, err));
  const nsc_source *source = l->data->source;
  if (source->size >= 4 && memcmp(source->bytes, "PK\3\4", 4) == 0) {
    return survival ? nsc_fail(err, NSC_ERROR_ARGUMENT, "%s", refused) : list_npz(l, err);
  }
  nsc_status status = list_table(l, path, source, err);
  nsc_source_free(l->data->source);
  l->data->source = NULL;
  return status;
}

nsc_status nsc_cli_data_list(const char *path, const nsc_cli_data_options *options, nsc_cli_data *data,
                             nsc_error *err) {
  listing l = {.options = options, .data = data};
  if (options->patient && regcomp(&l.patient, options->patient, REG_EXTENDED) != 0) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "--patient is no regular expression: %.100s", options->patient);
  }
  nsc_error why = {0};
  nsc_status status = list_any(&l, path, &why);
  if (status == NSC_OK) status = check_chosen(&l, &why);
  if (status != NSC_OK) status = nsc_fail(err, status, "%.100s: %s", path, why.text);
  if (options->patient) regfree(&l.patient);
  if (l.others) fprintf(stderr, "%u pictures have none of the chosen labels and are left out\n", l.others);
  return status;
}
