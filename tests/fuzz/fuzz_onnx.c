/* libFuzzer: any bytes as a model; what opens is prepared and run once, within 64 MB. */
#include "negatoscope.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  nsc_source *source;
  nsc_model *model = NULL;
  nsc_session *session = NULL;
  nsc_error err = {0};
  if (nsc_source_from_bytes(bytes, size, &source, &err) != NSC_OK) return 0;
  if (nsc_model_open(source, &model, &err) != NSC_OK) {
    nsc_source_free(source);
    return 0;
  }
  char *json;
  if (nsc_model_json(model, &json, &err) == NSC_OK) nsc_text_free(json);
  nsc_session_options options = {.max_bytes = 64 << 20};
  err = (nsc_error){0};
  if (nsc_session_create(model, &options, &session, &err) == NSC_OK) (void)nsc_session_run(session, NULL, &err);
  nsc_session_free(session);
  nsc_model_free(model);
  return 0;
}
