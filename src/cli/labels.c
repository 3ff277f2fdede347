#include "cli/labels.h"

#include <string.h>
#include <strings.h>

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
