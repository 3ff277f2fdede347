/* One run of a model on one picture as `report` and `verify` make it. */
#ifndef NSC_CLI_RECORD_H
#define NSC_CLI_RECORD_H

#include "cli/cli.h"

/* What to run. */
typedef struct nsc_cli_run {
  const char *model, *path; /* the model as in nsc_cli_open_model */
  uint32_t frame;
  nsc_classifier_options classifier;
  bool explain, method_given; /* without a method given, occlusion where Grad-CAM does not fit the model */
  nsc_explain_options explanation;
  uint32_t draws; /* of each kind of small change; 0: no test of steadiness */
  uint64_t seed;  /* of these */
  nsc_record_options record;
} nsc_cli_run;

/* What it takes, and what comes of it. {0} to begin with. */
typedef struct nsc_cli_record {
  nsc_model *model;
  nsc_classifier *classifier;
  nsc_image *image;
  nsc_explanation *explanation;
  nsc_stability *stability;
  nsc_record *record;
  char sha256[65];
} nsc_cli_record;

NSC_WARN_UNUSED nsc_status nsc_cli_record_make(const nsc_cli_run *run, nsc_cli_record *out, nsc_error *err);
/* Also after a failure. */
void nsc_cli_record_drop(nsc_cli_record *r);

/* Now in UTC, as a report has it. */
void nsc_cli_now(char out[32]);

/* Random, for UIDs. */
void nsc_cli_draw_key(uint64_t key[2]);

#endif
