/* What is in a session beside its inputs and outputs: values between its layers, and its threads. */
#ifndef NSC_NN_SESSION_TAPS_H
#define NSC_NN_SESSION_TAPS_H

#include "negatoscope.h"

/*
 * As nsc_session_create, and the graph's values `taps` (numbers of nsc_model.values) can be read after a run. Operators
 * are not fused across them, and their memory is not shared.
 */
NSC_WARN_UNUSED nsc_status nsc_session_create_tapped(const nsc_model *model, const nsc_session_options *options,
                                                     const uint32_t *taps, uint32_t tap_count, nsc_session **out,
                                                     nsc_error *err);
/* The elements of a tapped value, in whatever layout; NULL when it is no float32. Valid until the next run. */
const float *nsc_session_tap(nsc_session *session, uint32_t value, size_t *count);
/* Height, width and channels of a tapped value [N, C, H, W] of float32; false when it is none. */
bool nsc_session_tap_picture(const nsc_session *session, uint32_t value, size_t size[3]);
/* The elements of picture `index` of it as [height][width][channels]. */
void nsc_session_read_tap(nsc_session *session, uint32_t value, uint32_t index, float *out);

/* Its threads, NULL where it has none but the calling one: for other work between its runs. */
struct pthreadpool;
struct pthreadpool *nsc_session_threads(const nsc_session *session);
/* Calls part(context, 0) .. part(context, count - 1) on them, side by side. */
void nsc_session_each(const nsc_session *session, void (*part)(void *context, size_t index), void *context,
                      size_t count);

#endif
