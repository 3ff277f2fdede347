/*
 * libFuzzer: any bytes as a model, from memory and from outside of it; what opens is prepared and run once, within 64 MB.
 * A corpus needs a tensor of 64 KB for what differs between both.
 */
#include <string.h>

#include "negatoscope.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static nsc_status read_bytes(void *context, uint64_t at, void *out, size_t size, nsc_error *err) {
  (void)err;
  memcpy(out, (const uint8_t *)context + at, size);
  return NSC_OK;
}

/* Takes the source over. */
static void try(nsc_source *source) {
  nsc_model *model = NULL;
  nsc_session *session = NULL;
  nsc_error err = {0};
  if (nsc_model_open(source, &model, &err) != NSC_OK) {
    nsc_source_free(source);
    return;
  }
  char *json;
  if (nsc_model_json(model, &json, &err) == NSC_OK) nsc_text_free(json);
  nsc_session_options options = {.max_bytes = 64 << 20};
  err = (nsc_error){0};
  if (nsc_session_create(model, &options, &session, &err) == NSC_OK) (void)nsc_session_run(session, NULL, &err);
  nsc_session_free(session);
  nsc_model_free(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  const nsc_store store = {.context = (void *)(uintptr_t)bytes, .read = read_bytes};
  nsc_source *inside, *outside;
  if (nsc_source_from_bytes(bytes, size, &inside, NULL) != NSC_OK) return 0;
  try(inside);
  if (nsc_source_outside(&store, size, &outside, NULL) != NSC_OK) return 0;
  try(outside);
  return 0;
}
