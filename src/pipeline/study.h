/* Studies of pictures that are no files any more. */
#ifndef NSC_PIPELINE_STUDY_H
#define NSC_PIPELINE_STUDY_H

#include "negatoscope.h"
#include "train/autoencoder.h"

/* As nsc_study_add, of values 0..1 [height][width][channels] at the model's size, before its mean and deviation. What
 * colours and shape the file had is not known then. */
NSC_WARN_UNUSED nsc_status nsc_study_add_values(nsc_study *study, const float *values, bool held, nsc_error *err);

/* An autoencoder that somebody else has, and keeps, or NULL, instead of one that learns from this study's pictures. */
void nsc_study_lend_autoencoder(nsc_study *study, nsc_autoencoder *autoencoder);

#endif
