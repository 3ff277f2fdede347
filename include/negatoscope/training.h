/* Training networks. Part of negatoscope.h, which has the conventions. */
#ifndef NEGATOSCOPE_TRAINING_H
#define NEGATOSCOPE_TRAINING_H

#include "negatoscope/classify.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Pictures with labels -> a network -> a model file. A training owns its data, its network and what it has learned.
 *
 *   nsc_training_create("{\"labels\":[\"normal\",\"lesion\"],\"width\":64,\"height\":64,\"channels\":1}", &t, err);
 *   nsc_training_add_image(t, image, 0, "a.dcm", NULL, 0, NSC_SPLIT_OPEN, err);  ...
 *   nsc_training_split(t, "{\"validation\":0.15,\"test\":0.15,\"seed\":1}", err);
 *   nsc_training_begin(t, "{\"net\":\"small\",\"epochs\":20,\"seed\":1}", threads, err);
 *   do nsc_training_run(t, 200, &cancel, &finished, err); while (!finished);      // 200 ms of work at a time
 *   nsc_training_evaluate(t, "{\"split\":\"test\"}", &json, err);
 *   nsc_training_model(t, "{\"name\":\"mine\"}", &bytes, &size, err);              // ONNX, opens with nsc_model_open
 *
 * Texts in and out are JSON (RFC 8259). A member that is left out has its default; an unknown one is an ARGUMENT error
 * that names it.
 */
typedef struct nsc_training nsc_training;

enum { NSC_SPLIT_OPEN = -1 }; /* otherwise 0 training, 1 validation, 2 test */

/*
 * `data` = {"labels": [text, ...], "width", "height": 8..1024, "channels": 1 | 3, "fit": "stretch" | "crop" | "pad",
 * "range", "steps": as in a recipe, "invert": false, "budget": bytes that pictures may take (1 GiB)}. Without "labels"
 * the first file of nsc_training_add_npz brings them.
 */
NSC_WARN_UNUSED nsc_status nsc_training_create(const char *data, nsc_training **out, nsc_error *err);
void nsc_training_free(nsc_training *training);

/* One frame becomes a sample. `name` is shown to people; samples of one `patient` stay in one split; NULL or "": it is
 * not known. The image stays the caller's. Errors: those of nsc_preprocess, LIMIT when the budget is used up. */
NSC_WARN_UNUSED nsc_status nsc_training_add_image(nsc_training *training, nsc_image *image, uint32_t frame,
                                                  const char *name, const char *patient, uint32_t label, int split,
                                                  nsc_error *err);

/* All samples of a MedMNIST .npz (Yang et al., Sci Data 10:41, 2023), with its own splits. `labels`: JSON list of names
 * in the order of the file's numbers, or NULL. The source stays the caller's. */
NSC_WARN_UNUSED nsc_status nsc_training_add_npz(nsc_training *training, const nsc_source *source, const char *labels,
                                                nsc_error *err);

/* {"validation": 0.15, "test": 0, "seed": 1, "folds": 0, "fold": 0}: shares of all samples, stratified by label, whole
 * patients together; with "folds" the fold is the validation split. Samples with a split of their own keep it. */
NSC_WARN_UNUSED nsc_status nsc_training_split(nsc_training *training, const char *how, nsc_error *err);

/*
 * {"width","height","channels","bytes","budget","steps": as nsc_steps_json,
 *  "labels":[{"name","train","validation","test"}],"samples":[[label, split], ...],"survival": as nsc.survival | null}.
 * Names of samples are the caller's own, or nsc_training_name's.
 */
NSC_WARN_UNUSED nsc_status nsc_training_data_json(const nsc_training *training, char **out, nsc_error *err);

/* [{"sample","first","exact","acrossSplits","differentLabels"}] with indices of samples: `sample` looks like `first`,
 * which stands before it. All pictures are compared: tenths of a second for thousands. */
NSC_WARN_UNUSED nsc_status nsc_training_duplicates_json(const nsc_training *training, char **out, nsc_error *err);

/* NULL when there is no such sample. Valid as long as the training. */
const char *nsc_training_name(const nsc_training *training, uint32_t sample);

/* A sample as the network sees it before normalising, [height][width][4]; with `augment` ({"augment": as in begin})
 * changed as training might, differently for each `draw`. `size` must be width * height * 4. */
NSC_WARN_UNUSED nsc_status nsc_training_picture(const nsc_training *training, uint32_t sample, const char *augment,
                                                uint32_t draw, uint8_t *rgba, size_t size, nsc_error *err);

/*
 * What a form needs: {"networks":[{"name","what","parameters" at this size | null,"reason" why not | null}],
 * "optimisers":[..],"schedules":[..],"balances":[..],"augments":[{"name", ...fields}],"defaults":{..as begin..}}.
 */
NSC_WARN_UNUSED nsc_status nsc_training_choices_json(const nsc_training *training, char **out, nsc_error *err);

/*
 * From now on times to an event are learned in the place of labels: discrete hazards (Gensheimer and Narasimhan 2019).
 * Follows nsc_training_split; after it pictures and splits stay as they are. {"outcomes": [[time, event 0 | 1,
 * field...],
 * ...] of all samples in their order, numbers or texts that nsc_field_parse knows, null or "" for a field that is not
 * known, "fields": [names], "unit": of times, "edges": [0, ...] of time bins, or "bins": 10, quantiles of Kaplan and
 * Meier's curve of the training samples}. nsc_training_evaluate then gives {"survival": {"harrell", "brier", ...}}
 * (src/eval/survival.h), and nsc_training_model a model for nsc_prognosis_create. nsc_training_save_data leaves
 * outcomes out: they are set again after nsc_training_restore_data. Errors: ARGUMENT names the sample.
 */
NSC_WARN_UNUSED nsc_status nsc_training_set_outcomes(nsc_training *training, const char *outcomes, nsc_error *err);

/* A model whose layers a network may start from ("net": "base" below). The training takes the source over on success;
 * what an earlier one learned is forgotten. Errors as of nsc_model_open. */
NSC_WARN_UNUSED nsc_status nsc_training_set_base(nsc_training *training, nsc_source *source, nsc_error *err);

/*
 * {"net": "small", "epochs": 20, "batch": 32, "rate": 0.001, "schedule": "one-cycle", "warmUp": 0,
 *  "optimiser": "adamw", "momentum": 0.9, "nesterov": false, "decay": 0.02, "clip": 5, "smoothing": 0, "focal": 0
 * (gamma, two labels), "balance": "none" | "weights" | "over" | "under", "average": 0.99, "keep": "best" | "last",
 * "patience": 0, "seed": 1, "dropout": null (each of the network's dropouts has its own rate) or one rate, 0 to 0.95,
 * "augment": "none" | "film" | "usual" | {"flipHorizontal", "rotation", ...}} "net" may be "base": the model of
 * nsc_training_set_base with a new head, or with "head": "keep" its own. "trainable": "all", "head", or how many
 * convolutions and dense layers from the end; the rest keeps its weights. A head alone with "augment": "none" learns
 * from features that are computed once. "continue": true goes on with the network as it is, with these options. With
 * "autoencoder": true, for labels only, a small autoencoder learns the pictures when the network has ended, for
 * nsc_training_study. Builds the network and forgets what an earlier one learned. Two labels give one sigmoid output,
 * more a softmax. `threads`: 0 means one. Errors: ARGUMENT names the member, SHAPE, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_training_begin(nsc_training *training, const char *options, uint32_t threads,
                                              nsc_error *err);

/*
 * The memory that a training will take, counted before nsc_training_begin with these options and threads, and the store
 * as it is set: {"bytes": the most at a time, with the pictures, "pictures", "weights" (with moments and copies),
 * "gradients", "activations" (of a batch), "work", "features" (of a head alone), "autoencoder" (which learns after the
 * network)}, all in bytes. With "continue": as it would be. Errors as of nsc_training_begin.
 */
NSC_WARN_UNUSED nsc_status nsc_training_need_json(nsc_training *training, const char *options, uint32_t threads,
                                                  char **out, nsc_error *err);

/*
 * From the next nsc_training_begin on the weights of the best epoch are in `store`, up to three times the network's
 * size, and not in memory; NULL: in memory. Numbers are the same. A store that cannot be written (a full disk) is left
 * for memory again; one that cannot be read ends the call that needed it (IO). What stands in it is of no use to
 * another training. The store stays the caller's and outlives the training.
 */
void nsc_training_set_store(nsc_training *training, const nsc_store *store);

/*
 * Works for about `milliseconds` (at least one batch), or until training has ended; *finished says so. May be called
 * again after any return, also after CANCELLED. CORRUPT: the loss became infinite; the best weights stay. An error of
 * the autoencoder ends that alone: the training has finished then.
 */
NSC_WARN_UNUSED nsc_status nsc_training_run(nsc_training *training, double milliseconds, const volatile int32_t *cancel,
                                            bool *finished, nsc_error *err);

/*
 * {"state": "ready" | "training" | "autoencoder" (learns, the network has ended) | "finished", "epoch" (of the present
 * one, 1-based), "epochs", "batch", "batches", "loss" (mean of this epoch so far), "rate", "imagesPerSecond",
 * "secondsLeft", "bestEpoch", "bytes" (memory of network and trainer), "net", "parameters", "task", "base": null |
 * {"name", "limits", "license", "inherited": what nsc_training_model says of limits unless it is told} of the model
 * that the network began with, where that one has limits or a licence, "autoencoder": null before it has begun |
 * {"epoch" (done), "epochs", "loss", "validationLoss": mean squared errors}, "history": [{"epoch", "trainLoss",
 * "validationLoss", "validationAccuracy", "rate", "seconds", "imagesPerSecond", "best"}]}
 */
NSC_WARN_UNUSED nsc_status nsc_training_status_json(const nsc_training *training, char **out, nsc_error *err);

/*
 * {"split": "validation" | "test" | "train", "threshold": number | null (the one found on validation), "sensitivity":
 * that the one found is to reach (0: Youden's), "bootstrap": 0, "neighbours": 0 (else scores are shares of so many
 * nearest training samples of other patients, see below)}: with the best weights so far. Out:
 * {"threshold","temperature","report": as nsc_eval_json, "cases": [[sample, truth, called, score of each label...],
 * ...]}. ARGUMENT when the split is empty.
 */
NSC_WARN_UNUSED nsc_status nsc_training_evaluate(nsc_training *training, const char *how, char **out, nsc_error *err);

enum { NSC_MOST_NEIGHBOURS = 100 };

/*
 * The `k` training samples that look most like a picture to the layers before the network's head, and their labels'
 * shares: an answer without training, from a few pictures a label. {"scores": [share of each label], "nearest":
 * [[sample, similarity -1..1], ...]}, the most similar first. Follows nsc_training_begin.
 */
NSC_WARN_UNUSED nsc_status nsc_training_neighbours(nsc_training *training, nsc_image *image, uint32_t frame, uint32_t k,
                                                   char **out, nsc_error *err);

/* The best weights so far as an ONNX file with nsc.* metadata. {"name", "title", "limits", "license", "threshold":
 * number | null, "half": false}. Limits and licence that are not given are those of the model that the network began
 * with; "" leaves them out. *bytes is ended by nsc_text_free. */
NSC_WARN_UNUSED nsc_status nsc_training_model(nsc_training *training, const char *facts, char **bytes, size_t *size,
                                              nsc_error *err);

/*
 * A model that came of this training with `nsc.applicability`: what its pictures for training and validation are like,
 * some hundreds of them (nsc_study_create), and its autoencoder where that has ended. *bytes is ended by nsc_text_free.
 * Errors: ARGUMENT for fewer than ten pictures for validation, those of nsc_classifier_create.
 */
NSC_WARN_UNUSED nsc_status nsc_training_study(const nsc_training *training, const uint8_t *file, size_t file_size,
                                              char **bytes, size_t *size, nsc_error *err);

/*
 * Everything that training needs to go on as if it had not been interrupted, bit for bit: weights, averages, momenta,
 * the place in the epoch. Not the pictures. It is several times as large as the network and comes in parts that belong
 * to the training, to be written one behind the other: part 0, 1, ... until *bytes is NULL, without anything else in
 * between (ARGUMENT). `resume` takes the whole; it follows a `begin` with the same options on the same data; otherwise
 * ARGUMENT says what differs. CORRUPT, TRUNCATED: nothing has changed.
 */
NSC_WARN_UNUSED nsc_status nsc_training_checkpoint(nsc_training *training, uint32_t part, const void **bytes,
                                                   size_t *size, nsc_error *err);
NSC_WARN_UNUSED nsc_status nsc_training_resume(nsc_training *training, const uint8_t *bytes, size_t size,
                                               nsc_error *err);
/* The same from where `file` is read, `size` bytes: not all of it at once is in memory. It is read twice, first to see
 * that it is whole; when the second time fails (IO) the training must begin again. */
NSC_WARN_UNUSED nsc_status nsc_training_resume_from(nsc_training *training, const nsc_store *file, uint64_t size,
                                                    nsc_error *err);

/* The pictures with their names, labels and splits, so that a training can go on without the files. *bytes is ended by
 * nsc_text_free. Errors of `restore`: CORRUPT, TRUNCATED, UNSUPPORTED (another version), LIMIT, MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_training_save_data(const nsc_training *training, char **bytes, size_t *size,
                                                  nsc_error *err);
NSC_WARN_UNUSED nsc_status nsc_training_restore_data(const uint8_t *bytes, size_t size, nsc_training **out,
                                                     nsc_error *err);

#ifdef __cplusplus
}
#endif

#endif
