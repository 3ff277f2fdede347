/*
 * Negatoscope: medical images to classified results, in C.
 *
 *   bytes -> nsc_image -> (recipe) tensor -> nsc_classifier -> scores -> result
 *
 *   nsc_error err = {0};
 *   nsc_source *src;  nsc_image *image;  nsc_model *model;  nsc_classifier *c;  char *json;
 *   if (nsc_source_from_bytes(bytes, size, &src, &err) != NSC_OK ||
 *       nsc_image_open(src, NULL, &image, &err) != NSC_OK)      // the image now owns src
 *     puts(err.text);
 *   nsc_model_open(model_src, &model, &err);                    // the model now owns model_src
 *   nsc_classifier_create(model, NULL, &c, &err);               // borrows the model
 *   nsc_classifier_run(c, image, 0, &result, &err);
 *
 * Conventions
 *   - Every call that can fail returns nsc_status and takes an nsc_error last, which may be NULL. The first error
 *     written into a cleared nsc_error stays. Outputs are set on success only.
 *   - `create`/`open` give the caller an object that `free` ends; free of NULL does nothing.
 *   - Text is UTF-8. Sizes are in bytes unless the name says otherwise. Images are rows from the top, pixels from the
 *     left, channels interleaved. Tensors that cross this header are float32, NHWC.
 *   - Objects are not locked: one thread at a time each. Distinct objects are independent.
 *   - The library never prints, exits or aborts because of what a file holds.
 */
#ifndef NEGATOSCOPE_H
#define NEGATOSCOPE_H

#include "negatoscope/base.h"
#include "negatoscope/classify.h"
#include "negatoscope/explain.h"
#include "negatoscope/image.h"
#include "negatoscope/model.h"
#include "negatoscope/planes.h"
#include "negatoscope/recipe.h"
#include "negatoscope/record.h"
#include "negatoscope/series.h"
#include "negatoscope/survival.h"
#include "negatoscope/training.h"
#include "negatoscope/view.h"

#endif
