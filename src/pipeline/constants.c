/* nsc_constants_json: what a user interface must know and must not repeat. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/version.h"
#include "image/recipe.h"
#include "negatoscope.h"

/* Customary windows; centre and width in HU. */
static const struct {
  const char *name, *modality;
  double center, width;
} window_presets[] = {
    {"brain", "CT", 40, 80},    {"subdural", "CT", 75, 215},    {"stroke", "CT", 32, 8},
    {"lung", "CT", -600, 1500}, {"mediastinum", "CT", 50, 350}, {"abdomen", "CT", 40, 400},
    {"liver", "CT", 60, 160},   {"bone", "CT", 400, 1800},      {"angiography", "CT", 300, 600},
};

static void write_presets(nsc_text *t) {
  nsc_json_key(t, "windowPresets"), nsc_json_array(t);
  for (size_t i = 0; i < sizeof window_presets / sizeof *window_presets; i++) {
    nsc_json_object(t);
    nsc_json_key(t, "name"), nsc_json_string(t, window_presets[i].name);
    nsc_json_key(t, "modality"), nsc_json_string(t, window_presets[i].modality);
    nsc_json_key(t, "center"), nsc_json_number(t, window_presets[i].center);
    nsc_json_key(t, "width"), nsc_json_number(t, window_presets[i].width);
    nsc_json_end_object(t);
  }
  nsc_json_end_array(t);
  nsc_json_key(t, "recipePresets"), nsc_json_array(t);
  for (const char *const *name = nsc_recipe_presets(); *name; name++) nsc_json_string(t, *name);
  nsc_json_end_array(t);
  nsc_json_key(t, "measures"), nsc_json_array(t);
  for (int kind = 0; kind < NSC_MEASURE_KIND_COUNT; kind++) {
    nsc_json_string(t, nsc_measure_kind_name((nsc_measure_kind)kind));
  }
  nsc_json_end_array(t);
  nsc_json_key(t, "planes"), nsc_json_array(t);
  for (int kind = 0; kind < NSC_PLANE_KIND_COUNT; kind++) nsc_json_string(t, nsc_plane_kind_name((nsc_plane_kind)kind));
  nsc_json_end_array(t);
  nsc_json_key(t, "explanations"), nsc_json_array(t);
  for (int i = 0; i < NSC_EXPLAIN_METHOD_COUNT; i++) {
    nsc_json_string(t, nsc_explain_method_name((nsc_explain_method)i));
  }
  nsc_json_end_array(t);
  nsc_json_key(t, "combines"), nsc_json_array(t);
  for (int i = 0; i <= NSC_COMBINE_STACK; i++) nsc_json_string(t, nsc_combine_name((nsc_combine)i));
  nsc_json_end_array(t);
  nsc_json_key(t, "projections"), nsc_json_array(t);
  for (int i = 0; i < NSC_PROJECTION_COUNT; i++) nsc_json_string(t, nsc_projection_name((nsc_projection)i));
  nsc_json_end_array(t);
}

/* The colours of each map as 256 times six digits. */
static void write_color_maps(nsc_text *t) {
  nsc_json_key(t, "colorMaps"), nsc_json_array(t);
  for (uint32_t map = 0; map < NSC_COLOR_MAP_COUNT; map++) {
    uint8_t rgba[256][4];
    char digits[256 * 6 + 1];
    for (int i = 0; i < 256; i++) memset(rgba[i], i, 4);
    nsc_color_map_rgba(map, rgba[0], 256);
    for (int i = 0; i < 256; i++) snprintf(digits + 6 * i, 7, "%02x%02x%02x", rgba[i][0], rgba[i][1], rgba[i][2]);
    nsc_json_object(t);
    nsc_json_key(t, "name"), nsc_json_string(t, nsc_color_map_name(map));
    nsc_json_key(t, "colors"), nsc_json_string(t, digits);
    nsc_json_end_object(t);
  }
  nsc_json_end_array(t);
}

nsc_status nsc_constants_json(char **out, nsc_error *err) {
  char *filters;
  NSC_TRY(nsc_steps_known_json(&filters, err));
  nsc_text t = {0};
  nsc_json_object(&t);
  nsc_json_key(&t, "version"), nsc_json_string(&t, nsc_version());
  nsc_json_key(&t, "build"), nsc_json_string(&t, nsc_build_variant());
  nsc_json_key(&t, "statuses"), nsc_json_object(&t);
  for (int i = 0; i < NSC_STATUS_COUNT; i++) nsc_json_key(&t, nsc_status_name((nsc_status)i)), nsc_json_int(&t, i);
  nsc_json_end_object(&t);
  nsc_json_key(&t, "limits"), nsc_json_object(&t);
  nsc_json_key(&t, "errorText"), nsc_json_int(&t, NSC_ERROR_TEXT);
  nsc_json_key(&t, "maxRank"), nsc_json_int(&t, NSC_MAX_RANK);
  nsc_json_key(&t, "steps"), nsc_json_int(&t, NSC_STEPS_MAX);
  nsc_json_end_object(&t);
  nsc_json_key(&t, "formats"), nsc_json_array(&t);
  for (int i = 0; i <= NSC_FORMAT_TIFF; i++) nsc_json_string(&t, nsc_format_name((nsc_format)i));
  nsc_json_end_array(&t);
  static const char *const functions[] = {"LINEAR", "LINEAR_EXACT", "SIGMOID"};
  nsc_json_key(&t, "voiFunctions"), nsc_json_array(&t);
  for (int i = 0; i < 3; i++) nsc_json_string(&t, functions[i]);
  nsc_json_end_array(&t);
  write_presets(&t);
  write_color_maps(&t);
  nsc_json_key(&t, "filters"), nsc_json_raw(&t, filters, strlen(filters));
  nsc_text_free(filters);
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, out, err);
}
