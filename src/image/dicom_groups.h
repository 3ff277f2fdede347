/* What a DICOM file says of one frame only: functional groups (PS3.3 C.7.6.16), and where a frame lies. */
#ifndef NSC_IMAGE_DICOM_GROUPS_H
#define NSC_IMAGE_DICOM_GROUPS_H

#include "image/dicom.h"
#include "image/orientation.h"

/* Finds the items of the Per-Frame Functional Groups. Fewer of them than frames are as good as none. MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_dicom_index_groups(nsc_dicom *d, uint32_t frames, nsc_error *err);

/* The item of the macro `sequence` for a frame: its own, or the shared one; NULL when there is neither. */
const nsc_element *nsc_dicom_group(const nsc_dicom *d, uint32_t frame, uint32_t sequence);
/* The item that holds the macro `sequence` for a frame, for macros of several items; NULL when there is none. */
const nsc_element *nsc_dicom_group_holder(const nsc_dicom *d, uint32_t frame, uint32_t sequence);
/* Whether frames have items of their own of this macro. */
bool nsc_dicom_has_frame_group(const nsc_dicom *d, uint32_t sequence);

/* Where a frame lies in the patient, and how large it is. */
typedef struct nsc_frame_plane {
  bool has_position, has_orientation;
  bool in_volume;        /* in the coordinates of an ultrasound volume instead (PS3.3 C.8.24.3): no letters */
  double position[3];    /* mm, LPS, of the first pixel's centre: Image Position (Patient) */
  double orientation[6]; /* cosines of a row, then of a column: Image Orientation (Patient) */
  double spacing[2];     /* mm from column to column and from row to row; 0 when not said */
  double thickness;      /* mm; 0 when not said */
} nsc_frame_plane;

/* From the frame's functional groups, else from the data set itself. */
nsc_frame_plane nsc_dicom_plane(const nsc_dicom *d, uint32_t frame);
/* Letters at the edges of a frame; false when the file says nothing. */
bool nsc_dicom_edges(const nsc_image *image, uint32_t frame, nsc_edges *out);

/* Members of an image's JSON: "edges", "frameEdges", "frameFacts". */
void nsc_dicom_write_planes(const nsc_image *image, nsc_text *t);

#endif
