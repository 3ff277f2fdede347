/* The members of a model's JSON that the graph itself gives; src/pipeline adds those of the metadata. */
#ifndef NSC_NN_DESCRIBE_H
#define NSC_NN_DESCRIBE_H

#include "base/text.h"

void nsc_model_write_json(const nsc_model *model, nsc_text *text);

#endif
