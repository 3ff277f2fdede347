/* Recipes beyond the public header: checking one, and writing one as the JSON that nsc_recipe_parse reads. */
#ifndef NSC_IMAGE_RECIPE_H
#define NSC_IMAGE_RECIPE_H

#include "base/json.h"
#include "base/text.h"
#include "negatoscope.h"

/* RECIPE with the field's name when a value is impossible. */
NSC_WARN_UNUSED nsc_status nsc_recipe_check(const nsc_recipe *recipe, nsc_error *err);

/* Puts one member of a recipe's JSON object, found by its key, into the recipe. Errors: RECIPE. */
NSC_WARN_UNUSED nsc_status nsc_recipe_member(const nsc_json_value *member, nsc_recipe *recipe, nsc_error *err);

/* Appends the recipe as one JSON object; every field is written but an empty list of steps. */
void nsc_recipe_write(const nsc_recipe *recipe, nsc_text *t);

/* The names that nsc_recipe_preset knows, ended by NULL. Static storage. */
const char *const *nsc_recipe_presets(void);

/* Where the model's input lies in a picture of that size: left, top, right, bottom in its pixels, the first one
 * reaching from 0 to 1. What is cropped off lies outside, and black that fills the input up outside of the picture. */
void nsc_recipe_rectangle(const nsc_recipe *recipe, uint32_t width, uint32_t height, double out[4]);

#endif
