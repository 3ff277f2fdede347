/* Content items of a structured report (PS3.3 C.17.3), written one inside another in Explicit VR Little Endian. */
#ifndef NSC_IMAGE_REPORT_TREE_H
#define NSC_IMAGE_REPORT_TREE_H

#include "base/text.h"

/* A coded concept: PS3.3 8.8. Static texts of ASCII. */
typedef struct nsc_code {
  const char *value, *scheme, *meaning;
} nsc_code;

/* The picture that an item is about. */
typedef struct nsc_image_reference {
  const char *sop_class, *sop_instance;
  uint32_t frame; /* from 1; 0: the file has one frame */
} nsc_image_reference;

/* Sequences and items of undefined length. */
void nsc_put_sequence(nsc_text *t, uint32_t tag);
void nsc_put_end_sequence(nsc_text *t);
void nsc_put_item(nsc_text *t);
void nsc_put_end_item(nsc_text *t);
/* A sequence of no items, and one of a single code. */
void nsc_put_empty_sequence(nsc_text *t, uint32_t tag);
void nsc_put_code(nsc_text *t, uint32_t tag, nsc_code code);

/* Each begins an item of an open Content Sequence; those that are not closed by nsc_put_end_content may have children
 * between nsc_put_sequence(t, NSC_TAG_CONTENT) and nsc_put_end_sequence. */
#define NSC_TAG_CONTENT 0x0040A730

void nsc_put_content_code(nsc_text *t, const char *relation, nsc_code name, nsc_code value);
void nsc_put_content_text(nsc_text *t, const char *relation, nsc_code name, const char *utf8);
void nsc_put_content_uid(nsc_text *t, const char *relation, nsc_code name, const char *uid);
void nsc_put_content_image(nsc_text *t, const char *relation, nsc_image_reference image);
/* Open: a container, whose children follow in a sequence. */
void nsc_put_open_container(nsc_text *t, const char *relation, nsc_code name);
/* Open: a number with its unit. */
void nsc_put_open_number(nsc_text *t, const char *relation, nsc_code name, double value, nsc_code unit);
/* Whole: coordinates [count][2] of column and row, selected from a picture. `name` NULL: without a name. */
void nsc_put_content_graphic(nsc_text *t, const char *relation, const nsc_code *name, const char *type,
                             const double *points, uint32_t count, nsc_image_reference image);

#endif
