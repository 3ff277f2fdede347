/* Whom a picture shows and where it is filed, as JSON: for reports. */
#ifndef NSC_IMAGE_ORIGIN_H
#define NSC_IMAGE_ORIGIN_H

#include "image/image.h"

/*
 * Members of an open object: "identity" as in nsc_image_json, "edges": [left, right, top, bottom] | null of the frame,
 * "uids": {"study", "series", "sopClass", "sopInstance"} | null, "patient": {"name", "id", "birthDate", "sex"} | null,
 * "study": {"date", "time", "id", "accession"} | null. With `nameless` all but "edges" are null.
 */
void nsc_image_write_origin(const nsc_image *image, uint32_t frame, bool nameless, nsc_text *t);

/* image_json.c: "uid-" and a SOP Instance UID, "file-" and a fingerprint, or null. */
void nsc_image_write_identity(const nsc_image *image, nsc_text *t);

#endif
