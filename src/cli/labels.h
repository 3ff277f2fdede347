/* Labels of data and labels of a model: the same things under two names. */
#ifndef NSC_CLI_LABELS_H
#define NSC_CLI_LABELS_H

#include "cli/data.h"

/* What --map ("a=b,c=d") calls the label [*size]; the label itself when it is not named there. Not terminated. */
const char *nsc_cli_mapped_label(const char *map, const char *label, size_t *size);
/* By the same letters, else in any case: NORMAL of a folder is normal of the model. */
bool nsc_cli_find_label(const nsc_result *model, const char *name, size_t size, uint32_t *out);

/* What the labels of data are called by a model. */
typedef struct nsc_cli_matches {
  uint32_t *label_of; /* [labels of the data] the model's number; of a label that is none or several: 0 */
  uint8_t *set_of;    /* [labels of the data][labels of the model] 0 or 1 */
} nsc_cli_matches;

/*
 * Finds each label of the data among those of the model. Where pictures have several labels, "Edema|Effusion" is both,
 * and one that --map gives no name
 * ("No Finding=") is none of them. *out is ended by nsc_cli_matches_drop in any case. Errors: ARGUMENT naming the label
 * that the model does not know, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_cli_match_labels(const nsc_cli_data *data, const nsc_result *model, const char *map,
                                                nsc_cli_matches *out, nsc_error *err);
void nsc_cli_matches_drop(nsc_cli_matches *matches);

#endif
