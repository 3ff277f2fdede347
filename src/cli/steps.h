/* Questions to a model that take many runs of it, with their progress on a terminal. */
#ifndef NSC_CLI_STEPS_H
#define NSC_CLI_STEPS_H

#include "cli/cli.h"

/* All steps of a map. Errors: those of the core; a map that was begun is ended then. */
NSC_WARN_UNUSED nsc_status nsc_cli_explain_all(nsc_classifier *classifier, nsc_image *image, uint32_t frame,
                                               const nsc_explain_options *options, nsc_explanation **out,
                                               nsc_error *err);
/* The same where nobody asked for that method: occlusion, which is written into `options`, where it does not fit the
 * model. */
NSC_WARN_UNUSED nsc_status nsc_cli_explain_any(nsc_classifier *classifier, nsc_image *image, uint32_t frame,
                                               nsc_explain_options *options, nsc_explanation **out, nsc_error *err);

NSC_WARN_UNUSED nsc_status nsc_cli_stability_all(nsc_classifier *classifier, nsc_image *image, uint32_t frame,
                                                 uint32_t draws, uint64_t seed, nsc_stability **out, nsc_error *err);

/*
 * One member of an array of files: {"file", `key`: json | null, "error"}, on stdout. `json` is ended here; NULL when
 * the file was refused, with the reason in `err`. False then.
 */
bool nsc_cli_print_row(const char *path, const char *key, char *json, const nsc_error *err, bool first);

#endif
