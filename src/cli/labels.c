#include "cli/labels.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/text.h"

const char *nsc_cli_mapped_label(const char *map, const char *label, size_t *size) {
  size_t n = *size;
  for (const char *at = map; at && *at; at += strcspn(at, ","), at += *at == ',') {
    if (strncmp(at, label, n) != 0 || at[n] != '=') continue;
    *size = strcspn(at + n + 1, ",");
    return at + n + 1;
  }
  return label;
}

bool nsc_cli_find_label(const nsc_result *model, const char *name, size_t size, uint32_t *out) {
  for (int any_case = 0; any_case < 2; any_case++) {
    for (*out = 0; *out < model->count; ++*out) {
      const char *label = model->labels[*out];
      if (strlen(label) != size) continue;
      if ((any_case ? strncasecmp(label, name, size) : strncmp(label, name, size)) == 0) return true;
    }
  }
  return false;
}

static nsc_status fail_label(const nsc_result *model, const char *label, size_t size, nsc_error *err) {
  nsc_text names = {0};
  for (uint32_t i = 0; i < model->count && names.size < 120; i++) {
    nsc_text_printf(&names, "%s\"%.40s\"", i ? ", " : "", model->labels[i]);
  }
  nsc_status status = nsc_fail(
      err, NSC_ERROR_ARGUMENT, "the model knows no label \"%.*s\", only %.140s; say --map \"%.*s=...\"",
      (int)(size < 40 ? size : 40), label, names.chars ? names.chars : "others", (int)(size < 20 ? size : 20), label);
  nsc_text_drop(&names);
  return status;
}

/* The model's number of the label [size] of the data. */
static nsc_status match(const nsc_result *model, const char *map, const char *label, size_t size, uint32_t *out,
                        nsc_error *err) {
  size_t length = size;
  const char *name = nsc_cli_mapped_label(map, label, &length);
  return nsc_cli_find_label(model, name, length, out) ? NSC_OK : fail_label(model, label, size, err);
}

/* "Edema|Effusion" of the data as the model's labels. */
static nsc_status match_set(const nsc_result *model, const char *map, const char *labels, uint8_t *set,
                            nsc_error *err) {
  while (*labels) {
    size_t size = strcspn(labels, "|"), length = size;
    uint32_t number;
    nsc_cli_mapped_label(map, labels, &length);
    if (length > 0) {
      NSC_TRY(match(model, map, labels, size, &number, err));
      set[number] = 1;
    }
    labels += size + (labels[size] == '|');
  }
  return NSC_OK;
}

nsc_status nsc_cli_match_labels(const nsc_cli_data *data, const nsc_result *model, const char *map,
                                nsc_cli_matches *out, nsc_error *err) {
  *out = (nsc_cli_matches){.label_of = calloc(data->label_count + (size_t)1, sizeof *out->label_of),
                           .set_of = calloc(data->label_count + (size_t)1, model->count)};
  if (!out->label_of || !out->set_of) {
    return nsc_fail_memory(err, data->label_count * (size_t)model->count, "labels");
  }
  for (uint32_t i = 0; i < data->label_count; i++) {
    const char *label = data->labels[i];
    uint8_t *set = out->set_of + (size_t)i * model->count;
    if (model->task == NSC_TASK_MULTI) {
      NSC_TRY(match_set(model, map, label, set, err));
    } else {
      NSC_TRY(match(model, map, label, strlen(label), &out->label_of[i], err));
      set[out->label_of[i]] = 1;
    }
  }
  return NSC_OK;
}

void nsc_cli_matches_drop(nsc_cli_matches *matches) {
  free(matches->label_of), free(matches->set_of);
  *matches = (nsc_cli_matches){0};
}
