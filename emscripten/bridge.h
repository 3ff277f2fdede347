/* What the files of the bridge share: one error and one set of results, since one thread calls all of them. */
#ifndef NSC_BRIDGE_H
#define NSC_BRIDGE_H

#include "negatoscope.h"

/* Clears error and results; every call that returns a status begins with it. */
nsc_error *bridge_begin(void);

nsc_status bridge_fail(nsc_status status, const char *text);

/* The result of a call that went well, or nothing: an output that was not set must not look like a handle. */
nsc_status bridge_finish(nsc_status status, const void *result);

/* The same with a size in result 1. */
nsc_status bridge_finish_sized(nsc_status status, const void *result, size_t size);

/* A JSON array of finite numbers in the bridge's own small text, or null for none. */
nsc_status bridge_numbers(const double *numbers, uint32_t count);

bool bridge_to_size(double number, size_t *out);

/* The store of that number in the page's Module.stores. */
nsc_store bridge_store(int32_t id);
/* The same for a model's file, which leaves Module.stores with the source that owns it. */
nsc_store bridge_file(int32_t id);

/* RGBA memory for a picture; bridge_hand_out ends it again when `status` is a failure. */
nsc_status bridge_picture(uint32_t width, uint32_t height, uint8_t **out, size_t *size);
nsc_status bridge_hand_out(nsc_status status, uint8_t *rgba, size_t size);

/* Polled while something runs. Threaded builds: the page writes it through the shared memory. */
volatile int32_t *bridge_cancel_flag(void);

#endif
