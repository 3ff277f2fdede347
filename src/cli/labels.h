/* Labels of data and labels of a model: the same things under two names. */
#ifndef NSC_CLI_LABELS_H
#define NSC_CLI_LABELS_H

#include "negatoscope.h"

/* What --map ("a=b,c=d") calls the label [*size]; the label itself when it is not named there. Not terminated. */
const char *nsc_cli_mapped_label(const char *map, const char *label, size_t *size);
/* By the same letters, else in any case: NORMAL of a folder is normal of the model. */
bool nsc_cli_find_label(const nsc_result *model, const char *name, size_t size, uint32_t *out);

#endif
