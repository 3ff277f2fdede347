/* The inside of nsc_record, for the files that write it in one form or another. */
#ifndef NSC_PIPELINE_RECORD_H
#define NSC_PIPELINE_RECORD_H

#include "base/json.h"
#include "negatoscope.h"

struct nsc_record {
  nsc_image *image;
  const nsc_explanation *explanation; /* or NULL */
  uint32_t frame;
  double threshold;
  bool nameless;
  char now[15]; /* its time as fourteen digits */
  char *json;
  size_t json_size;
  nsc_json facts; /* the same, read: what all forms of a report are written from */
};

/* Parts of the manifest. */
const nsc_json_value *nsc_record_part(const nsc_record *record, const char *key);
/* The label of the verdict among result.labels; NULL where none was decided for. */
const nsc_json_value *nsc_record_verdict(const nsc_record *record);
/* The label whose score stands beside the verdict: the verdict's, what would be present in binary models, or the
 * highest. */
const nsc_json_value *nsc_record_subject(const nsc_record *record);
/* Labels in the order of their scores: the one after `before`, first the highest; NULL behind the last. */
const nsc_json_value *nsc_record_next_label(const nsc_record *record, const nsc_json_value *before);

#endif
