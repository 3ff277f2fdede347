/**
 * What the page and the worker that trains say to each other. Messages, errors and FAULT are those of protocol.js; so
 * is `init`, with `service: 'training'`. The worker is another than the viewer's and has a core of its own.
 *
 * The page asks for training slice by slice (`run`). Between two slices everything else is answered, which is why a
 * pause is no message at all: the page stops asking.
 *
 *   op        args                             result
 *   create    {data}                           null. `data` as nsc_training_create takes it; ends what was there before
 *   add       {samples: [{file | phantom,      {added, refused: [{index, error}], known}: `added` counts; `index` of
 *              name, label, patient, split,    `samples`; `known`: for each what its file says of `fields` ("age", "sex"),
 *              frame}], fields}                [number | null], or null. Progress in pictures, phase 'decode'. A file that
 *                                              fails is not fatal; a full budget (LIMIT) ends the request as an error.
 *                                              `phantom` {seed, options} has the core compute the picture
 *                                              (nsc_phantom_create)
 *   npz       {file, labels}                   null. Progress in bytes, phase 'read'
 *   split     {how}                            null
 *   outcomes  {outcomes}                       null. From now on times to an event are learned: nsc_training_set_outcomes
 *   data      {}                               {data, names, duplicates}: nsc_training_data_json, a name for each sample,
 *                                              nsc_training_duplicates_json
 *   pictures  {wanted: [{sample, augment,      [pixels]: `augment` is null, a preset's name, or its fields
 *              draw}]}
 *   choices   {}                               nsc_training_choices_json
 *   describe  {file}                           nsc_model_json of a model
 *   need      {options: [options], base}       nsc_training_need_json of the one that takes most. `base` as of `begin`; a
 *                                              training that there is ends with it
 *   begin     {options, about, base, then}     {status, keep}: `about` is kept beside the checkpoints for the page's own
 *                                              use; `keep` is null, or the error that keeping the data met. `base` is a
 *                                              model's file for a network that starts from one. `then`: when this has
 *                                              ended, another begins with these options, from the model that it made
 *   run       {ms}                             {status, finished, keep, next, before}: after an epoch a checkpoint was kept:
 *                                              `keep` is {epoch, bytes}, or {error}; null when there was nothing to keep.
 *                                              `next` is null, or `then` when it has just begun; `before` is then
 *                                              what came of the part that ended: {history, bestEpoch}. An autoencoder is
 *                                              not kept: another visit begins it anew, with the same result
 *   keep      {}                               the same `keep`, now
 *   status    {}                               nsc_training_status_json
 *   evaluate  {how}                            as nsc_training_evaluate; with `neighbours` by those of `look`
 *   look      {base}                           null. Takes these data to compare pictures with, as a model sees them;
 *                                              until the data change. A training at hand does not notice
 *   neighbours {picture, k}                    as nsc_training_neighbours, of {file | phantom, frame}
 *   model     {facts, studied}                 the bytes of an ONNX file; studied: it says what its own pictures are like
 *                                              (nsc_training_study), which takes seconds
 *   kept      {}                               {date, epoch, epochs, more, bytes, about} of the training that can go on, or
 *                                              null. `more`: something follows its last epoch
 *   restore   {}                               what `data` gives, and {options, about, then, before, status} of it, ready
 *                                              to run
 *   forget    {}                               null. Ends what is kept
 *   clear, memory, trap                        as in protocol.js
 */

/** One slice of training: long enough to cost nothing, short enough that a pause is felt at once. */
export const SLICE_MS = 150;

/** The number of each split in data and options. */
export const SPLITS = Object.freeze(['train', 'validation', 'test']);
export const SPLIT_OPEN = -1;

/**
 * @typedef {import('./protocol.js').Pixels} Pixels
 * @typedef {import('./protocol.js').ErrorMessage} ErrorMessage
 *
 * @typedef {{seed: number, options: object}} Phantom
 * @typedef {{file?: Blob, phantom?: Phantom, frame?: number}} Picture  one of the two
 * @typedef {Picture & {name: string, label: number, patient: string | null, split: number}} Sample
 *
 * @typedef {object} DataJson nsc_training_data_json
 * @property {number} width
 * @property {number} height
 * @property {number} channels
 * @property {number} bytes
 * @property {number} budget
 * @property {import('./protocol.js').Step[]} steps
 * @property {Array<{name: string, train: number, validation: number, test: number}>} labels
 * @property {Array<[number, number]>} samples  label and split of each
 * @property {{unit: string, edges: number[], fields: Array<{name: string, mean: number, std: number}>} | null} survival
 *
 * @typedef {{sample: number, first: number, exact: boolean, acrossSplits: boolean, differentLabels: boolean}} Duplicate
 *
 * @typedef {Record<string, any> & {net: string, epochs: number, batch: number, rate: number}} TrainingOptions
 * @typedef {Record<string, any> & {name: string}} AugmentPreset
 *
 * @typedef {object} Choices nsc_training_choices_json
 * @property {Array<{name: string, what: string, parameters: number | null, reason: string | null}>} networks
 * @property {string[]} optimisers
 * @property {string[]} schedules
 * @property {string[]} balances
 * @property {AugmentPreset[]} augments
 * @property {TrainingOptions} defaults
 *
 * @typedef {{bytes: number, pictures: number, weights: number, gradients: number, activations: number, work: number, features: number, autoencoder: number}} Need
 *   nsc_training_need_json
 *
 * @typedef {object} Epoch
 * @property {number} epoch
 * @property {number} trainLoss
 * @property {number | null} validationLoss
 * @property {number | null} validationAccuracy
 * @property {number} rate
 * @property {number} seconds
 * @property {number} imagesPerSecond
 * @property {boolean} best
 *
 * @typedef {object} TrainingStatus nsc_training_status_json
 * @property {'ready' | 'training' | 'autoencoder' | 'finished'} state  autoencoder: it learns, the network has ended
 * @property {number} epoch
 * @property {number} epochs
 * @property {number} batch
 * @property {number} batches
 * @property {number | null} loss
 * @property {number} rate
 * @property {number | null} imagesPerSecond
 * @property {number | null} secondsLeft
 * @property {number} bestEpoch
 * @property {number} bytes
 * @property {string} net
 * @property {number} parameters
 * @property {string} task
 * @property {Epoch[]} history
 * @property {{name: string, limits: string | null, license: string | null, inherited: string} | null} base
 * @property {{epoch: number, epochs: number, loss: number | null, validationLoss: number | null} | null} autoencoder  null before it began
 *
 * @typedef {{history: Epoch[], bestEpoch: number}} Part  of a training in two parts, the one that has ended
 *
 * @typedef {{value: number | null, low: number | null, high: number | null, bootstrap: [number, number] | null,
 *            reason: string | null}} Metric
 * @typedef {{low: number, high: number, count: number, score: number | null, share: number | null}} Bin
 *
 * @typedef {object} ReportClass
 * @property {string} name
 * @property {number} positives
 * @property {number} negatives
 * @property {number | null} threshold
 * @property {Record<string, Metric>} metrics
 * @property {Array<[number, number, number | null]>} roc  false positive rate, true positive rate, threshold
 * @property {Array<[number, number, number | null]>} pr  recall, precision, threshold
 * @property {{equalWidth: Bin[], equalMass: Bin[]}} calibration
 *
 * @typedef {object} Report nsc_eval_json
 * @property {string} task
 * @property {number} count
 * @property {number} confidence
 * @property {string[]} labels
 * @property {Record<string, Metric>} overall
 * @property {Record<string, Metric>} macro
 * @property {number[][] | null} confusion
 * @property {Bin[] | null} bestLabelCalibration
 * @property {ReportClass[]} classes
 *
 * @typedef {[sample: number, truth: number, called: number, ...scores: number[]]} Case
 * @typedef {{threshold: number | null, temperature: number | null, report: Report, cases: Case[], survival?: undefined}} LabelEvaluation
 *
 * @typedef {object} SurvivalReport nsc_eval_survival_json
 * @property {number} count
 * @property {number} events
 * @property {string} unit
 * @property {number} pairs
 * @property {{value: number | null, bootstrap: [number, number] | null, reason: string | null}} harrell
 * @property {{value: number | null, reason: string | null}} antolini
 * @property {{integrated: number | null, kaplanMeier: number | null, horizon: number}} brier
 * @property {Array<{time: number, atRisk: number, kaplanMeier: number, low: number | null, high: number | null,
 *            predicted: number, brier: number | null, brierKaplanMeier: number | null}>} points
 * @property {Array<[time: number, survival: number]>} kaplanMeier  steps
 *
 * @typedef {LabelEvaluation | {survival: SurvivalReport}} Evaluation
 *
 * @typedef {{scores: number[], nearest: Array<[sample: number, similarity: number]>}} Neighbours
 *
 * @typedef {{epoch: number, bytes: number} | {error: ErrorMessage} | null} Keep
 * @typedef {{status: TrainingStatus, finished: boolean, keep: Keep, next: Record<string, any> | null,
 *            before: Part | null}} Slice
 * @typedef {{date: string, epoch: number, epochs: number, more: boolean, bytes: number, about: About}} Kept
 * @typedef {{title: string, synthetic: boolean, base?: string}} About  `base`: title of the model that a training started from
 */
