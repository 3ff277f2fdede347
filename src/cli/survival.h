/* What train, evaluate and classify share for times to an event. */
#ifndef NSC_CLI_SURVIVAL_H
#define NSC_CLI_SURVIVAL_H

#include "cli/cli.h"
#include "cli/data.h"
#include "eval/eval.h"
#include "train/survival.h"
#include "train/table.h"

/* Which columns of a table say what became of a case. */
typedef struct nsc_cli_outcomes {
  const char *time, *event; /* NULL for "time" and "event" */
  const char
      *fields[NSC_SURVIVAL_FIELDS]; /* [field_count] names of columns; age and sex may also come from the files */
  uint32_t field_count;
  char names[NSC_SURVIVAL_FIELDS][NSC_SURVIVAL_WORD];
} nsc_cli_outcomes;

/* "age,sex" of --fields; NULL for none. Errors: ARGUMENT. */
NSC_WARN_UNUSED nsc_status nsc_cli_take_fields(const char *list, nsc_cli_outcomes *out, nsc_error *err);

/* As nsc_table_parse, with the columns that these outcomes need. */
NSC_WARN_UNUSED nsc_status nsc_cli_parse_outcomes(const nsc_cli_outcomes *o, const char *chars, size_t size,
                                                  nsc_table *out, nsc_error *err);
/* What a row of it says. Errors: CORRUPT, naming the line. */
NSC_WARN_UNUSED nsc_status nsc_cli_read_outcome(const nsc_cli_outcomes *o, const nsc_table_row *row, nsc_outcome *out,
                                                nsc_error *err);

/* `evaluate` of a model for times to an event. */
typedef struct nsc_cli_survival_job {
  const nsc_model *model;
  const char *model_name, *path, *html, *json, *csv, *predictions, *title, *time, *event;
  const bool *asked; /* [NSC_SPLITS] */
  bool any_split;
  nsc_cli_data_options data;
  nsc_classifier_options classifier;
  nsc_eval_options eval;
} nsc_cli_survival_job;

/* *refused: pictures that could not be read. */
NSC_WARN_UNUSED nsc_status nsc_cli_evaluate_survival(const nsc_cli_survival_job *job, uint32_t *refused,
                                                     nsc_error *err);

typedef enum nsc_cli_format { NSC_CLI_TABLE, NSC_CLI_JSON, NSC_CLI_CSV } nsc_cli_format;

/* `classify` with such a model: a curve for each file. `fields`: "age=63,sex=F", or NULL. Returns an exit code. */
int nsc_cli_classify_survival(const nsc_model *model, const char *model_name, const nsc_classifier_options *options,
                              const char *fields, uint32_t frame, nsc_cli_format format, const nsc_cli_paths *paths);

#endif
