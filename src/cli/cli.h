/* The native command. Each verb is a file with one function `nsc_cli_<verb>(argc, argv)`, argv[0] being the verb, and
   the text that says how it is used. */
#ifndef NSC_CLI_CLI_H
#define NSC_CLI_CLI_H

#include <stdio.h>

#include "base/text.h"
#include "negatoscope.h"

/* Exit codes: scripts rely on them. */
enum { NSC_EXIT_OK = 0, NSC_EXIT_SOME_FAILED = 1, NSC_EXIT_USAGE = 2 };

int nsc_cli_info(int argc, char **argv);
int nsc_cli_classify(int argc, char **argv);
int nsc_cli_ensemble(int argc, char **argv);
int nsc_cli_explain(int argc, char **argv);
int nsc_cli_bench(int argc, char **argv);
int nsc_cli_train(int argc, char **argv);
int nsc_cli_describe(int argc, char **argv);
int nsc_cli_evaluate(int argc, char **argv);
int nsc_cli_convert(int argc, char **argv);
int nsc_cli_deidentify(int argc, char **argv);
int nsc_cli_phantom(int argc, char **argv);
int nsc_cli_stability(int argc, char **argv);
int nsc_cli_range(int argc, char **argv);
int nsc_cli_quantize(int argc, char **argv);
int nsc_cli_report(int argc, char **argv);
int nsc_cli_verify(int argc, char **argv);

extern const char nsc_cli_info_usage[];
extern const char nsc_cli_classify_usage[];
extern const char nsc_cli_ensemble_usage[];
extern const char nsc_cli_explain_usage[];
extern const char nsc_cli_bench_usage[];
extern const char nsc_cli_train_usage[];
extern const char nsc_cli_describe_usage[];
extern const char nsc_cli_evaluate_usage[];
extern const char nsc_cli_convert_usage[];
extern const char nsc_cli_deidentify_usage[];
extern const char nsc_cli_phantom_usage[];
extern const char nsc_cli_stability_usage[];
extern const char nsc_cli_range_usage[];
extern const char nsc_cli_quantize_usage[];
extern const char nsc_cli_report_usage[];
extern const char nsc_cli_verify_usage[];

/* ---- bench --train ---- */

typedef struct nsc_bench_train {
  const char *net;
  long size, channels, labels, batch, steps, threads;
  bool profile;
} nsc_bench_train;

NSC_WARN_UNUSED nsc_status nsc_cli_bench_train(const nsc_bench_train *b, nsc_error *err);

/* ---- options ---- */

typedef struct nsc_cli_option {
  const char *name;   /* "--model" */
  const char **value; /* takes the word after it, or what follows '=' */
  bool *flag;         /* or: is there */
} nsc_cli_option;

/*
 * Takes the options out of argv, moving the other words together after argv[0]; "--" ends options. Returns the new
 * argc, or -1 after printing what is wrong.
 */
int nsc_cli_options(int argc, char **argv, const nsc_cli_option *options, size_t count);

/* A whole number of at least `least`, or -1 after printing what is wrong. NULL gives `otherwise`. */
long nsc_cli_number(const char *name, const char *text, long least, long otherwise);

/* A number from `least` to `most`; false after printing what is wrong. NULL gives `otherwise`. */
bool nsc_cli_real(const char *verb, const char *name, const char *text, double least, double most, double otherwise,
                  double *out);

/* Processors of this machine. */
uint32_t nsc_cli_processors(void);

/* What a model that does not say it is told, for the list of nsc_cli_options; `o` is a nsc_classifier_options, `labels`
 * the option's name where "--labels" means something else. */
/* clang-format off */
#define NSC_CLI_CLASSIFIER_OPTIONS(o, labels)                                           \
  {"--recipe", &(o).recipe_json, NULL}, {labels, &(o).labels_json, NULL}, {"--output", &(o).output, NULL}
/* clang-format on */

/* ---- files ---- */

/* Reads a whole file. Errors: IO with the system's reason, MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_cli_read(const char *path, nsc_source **out, nsc_error *err);
/* A model's file, or one of its weights: a large one stays outside of memory, open until the source ends. */
NSC_WARN_UNUSED nsc_status nsc_cli_open_file(const char *path, nsc_source **out, nsc_error *err);
/* The same of an image, which may be a pair of files: behind X.hdr what lies in the X.img beside it. */
NSC_WARN_UNUSED nsc_status nsc_cli_read_image(const char *path, nsc_source **out, nsc_error *err);

NSC_WARN_UNUSED nsc_status nsc_cli_open_image(const char *path, nsc_image **out, nsc_error *err);

/* `name` is a path, or the name of a model that comes with the program, or NULL for the default one. */
NSC_WARN_UNUSED nsc_status nsc_cli_open_model(const char *name, nsc_model **out, nsc_error *err);

/* Writes a whole file. Errors: IO with the system's reason. */
NSC_WARN_UNUSED nsc_status nsc_cli_write(const char *path, const char *bytes, size_t size, nsc_error *err);
/* The same, but what stands at `path` is whole at any time: the old file, or the new one. */
NSC_WARN_UNUSED nsc_status nsc_cli_replace(const char *path, const char *bytes, size_t size, nsc_error *err);
/* The same of a file in parts, which are asked for by number until *bytes is NULL. */
typedef nsc_status (*nsc_cli_part)(void *context, uint32_t part, const void **bytes, size_t *size, nsc_error *err);
NSC_WARN_UNUSED nsc_status nsc_cli_replace_parts(const char *path, nsc_cli_part part_of, void *context, nsc_error *err);

/* ---- files as stores (store.c); not to be moved while open ---- */

typedef struct nsc_cli_store {
  nsc_store store;
  int file;
  uint64_t size; /* when it was opened */
} nsc_cli_store;

/* A new file without a name, in TMPDIR, else in /var/tmp, which unlike /tmp is never memory. False when there can be
 * none. */
bool nsc_cli_store_open(nsc_cli_store *s);
/* A file that is there, to be read. */
NSC_WARN_UNUSED nsc_status nsc_cli_store_read(nsc_cli_store *s, const char *path, nsc_error *err);
/* What was never opened may be closed when it is zero. */
void nsc_cli_store_close(nsc_cli_store *s);

/* A growing list of paths. */
typedef struct nsc_cli_paths {
  char **list;
  size_t count, capacity;
} nsc_cli_paths;

/* Adds a file, or every file under a folder in name order. A path that cannot be read is added as it is, so that it is
   reported like any other file. False when memory runs out. */
bool nsc_cli_add_path(nsc_cli_paths *paths, const char *path);
/* Adds a text as it is. */
bool nsc_cli_add_word(nsc_cli_paths *paths, const char *word);
void nsc_cli_drop_paths(nsc_cli_paths *paths);

#endif
