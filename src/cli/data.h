/*
 * The DATA argument of `train` and `evaluate`: pictures with labels, listed first and decoded when asked for. It is one
 * of
 *
 *   a folder   one subfolder a label; or train/, validation/, test/ holding these
 *   a .csv     src/train/table.h; paths are relative to the table
 *   a .npz     src/train/npz.h
 */
#ifndef NSC_CLI_DATA_H
#define NSC_CLI_DATA_H

#include "cli/cli.h"
#include "train/dataset.h"
#include "train/npz.h"

/* The options on data that both commands take. */
typedef struct nsc_cli_data_options {
  struct {
    const char *validation, *test, *folds, *fold, *limit, *seed;
  } texts;                     /* of the command line, NULL where not given */
  const char *patient;         /* NULL, or an extended regular expression on file names */
  const char *labels;          /* NULL, or "a,b,c" */
  double validation, test;     /* shares */
  uint32_t folds, fold, limit; /* 0 where not given; fold is 1-based */
  uint64_t seed;
  const struct nsc_cli_outcomes *outcomes; /* NULL, or what a table says of times to an event (survival.h) */
} nsc_cli_data_options;

/* For the list of nsc_cli_options; `o` is a nsc_cli_data_options. */
/* clang-format off */
#define NSC_CLI_DATA_OPTIONS(o)                                                               \
  {"--patient", &(o).patient, NULL}, {"--labels", &(o).labels, NULL},                         \
  {"--validation", &(o).texts.validation, NULL}, {"--test", &(o).texts.test, NULL},           \
  {"--folds", &(o).texts.folds, NULL}, {"--fold", &(o).texts.fold, NULL},                     \
  {"--limit", &(o).texts.limit, NULL}, {"--seed", &(o).texts.seed, NULL}
/* clang-format on */

/* Lines of help on these. */
#define NSC_CLI_DATA_USAGE                                                                                     \
  "DATA: a folder with one subfolder a label (or with train/, validation/, test/ of these), a .csv with the\n" \
  "columns file,label[,patient][,split], or a MedMNIST .npz\n"                                                 \
  "  --labels A,B,...      which labels, in this order; of an .npz the names of 0, 1, ...\n"                   \
  "  --patient REGEX       what in a file's name says who it is of: whole patients stay together\n"            \
  "  --validation SHARE    0.15, where the data have none  --test SHARE  0, likewise\n"                        \
  "  --folds K --fold I    cross-validation: part I of K (1 to K) validates; test stays\n"                     \
  "  --limit N             N pictures drawn at random      --seed N      1\n"

/* Reads the numbers from their texts; false after printing what is wrong. */
bool nsc_cli_data_read_options(const char *verb, nsc_cli_data_options *options);

typedef struct nsc_cli_data {
  nsc_arena arena;
  const char **labels; /* [label_count] */
  uint32_t label_count, count;
  nsc_sample *samples;                     /* [count]; names are paths, or "train 17" in an .npz */
  nsc_npz npz;                             /* without pictures when the data are files */
  nsc_source *source;                      /* of the .npz */
  nsc_split *origins;                      /* [count] of an .npz: where the picture lies, whatever split it is in now */
  uint32_t *rows;                          /* [count] likewise: its number there */
  const struct nsc_cli_outcomes *outcomes; /* of the options: then samples have one, and two labels */
} nsc_cli_data;

/*
 * Lists what lies at `path`, keeps the labels and the number asked for, and splits. Given splits stay, but for data
 * without validation it is drawn from training, and --folds and --validation deal out again what is not for testing.
 * Errors: ARGUMENT (an option that does not fit the data), IO and those of the readers.
 */
NSC_WARN_UNUSED nsc_status nsc_cli_data_open(const char *path, const nsc_cli_data_options *options, nsc_cli_data *out,
                                             nsc_error *err);
void nsc_cli_data_drop(nsc_cli_data *data);

/* Which splits are meant: `asked` [NSC_SPLITS], or with `any` of them the test split if there is one. */
void nsc_cli_data_splits(const nsc_cli_data *data, const bool *asked, bool any, bool *wanted);
/* "test", or "all pictures". */
const char *nsc_cli_split_words(const bool *wanted);

/* Decodes a picture; the caller ends it. */
NSC_WARN_UNUSED nsc_status nsc_cli_data_image(const nsc_cli_data *data, uint32_t sample, nsc_image **out,
                                              nsc_error *err);

/*
 * All pictures through the recipe into `out`. Those that cannot be read are named on stderr and left out; copies are
 * named in a warning. Errors: LIMIT, MEMORY, ARGUMENT for fewer than two labels or when nothing could be read.
 */
NSC_WARN_UNUSED nsc_status nsc_cli_data_load(const nsc_cli_data *data, const nsc_recipe *recipe, nsc_dataset *out,
                                             nsc_error *err);

uint32_t nsc_cli_data_count(const nsc_cli_data *data, const bool wanted[NSC_SPLITS]);
/*
 * Calls `use` for each picture of the wanted splits, with progress; those that it refuses are named on stderr and
 * counted in *refused. Errors: ARGUMENT when there is none, or none was read; RECIPE and MEMORY of `use` at once, since
 * no other picture would fare better.
 */
typedef nsc_status (*nsc_cli_data_use)(void *context, uint32_t sample, nsc_error *err);
NSC_WARN_UNUSED nsc_status nsc_cli_data_each(const nsc_cli_data *data, const bool wanted[NSC_SPLITS],
                                             nsc_cli_data_use use, void *context, uint32_t *refused, nsc_error *err);

/* Tells stderr every few seconds how far a long job is. {0} to begin with. */
typedef struct nsc_cli_progress {
  double start, shown; /* milliseconds */
} nsc_cli_progress;

void nsc_cli_show_progress(nsc_cli_progress *progress, uint32_t done, uint32_t total);

/* A line on stdout for an epoch of an autoencoder: twenty of many. */
void nsc_cli_print_autoencoder(const nsc_autoencoder_progress *at);

#endif
