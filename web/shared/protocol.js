/**
 * What the page and the worker that holds the core say to each other.
 *
 *   page → worker   {id, op, args}                      one request; ids count up and are never used twice
 *   worker → page   {id, ok: true, result}              exactly one answer to each, in whatever order they are done
 *                   {id, ok: false, error: {code, name, message}}
 *                   {id, op: 'progress', done, total, phase}   any number of times before the answer
 *
 * The worker does one request at a time, in the order they came. `code` and `name` are nsc_status and its name; the
 * codes below zero are the boundary's own (FAULT). A message holds only what structured cloning carries; pixels and
 * bitmaps are moved, files are passed as File or Blob and read in the worker, once, into the core's memory.
 *
 *   op         args                               result
 *   init       {variant, threads, module,         {constants, variant, threads, cancel}: constants is
 *               codec, decisions, test, service}  nsc_constants_json; cancel is {buffer, address} of an int32 in shared
 *                                                 memory (write 1 to stop `classify`), or null when there is none
 *                                                 `codec` is a Blob of the codecs' module, or null where the worker
 *                                                 can fetch it. `decisions` of an earlier start, or 0. `service` 'training'
 *                                                 makes this a worker of training.js
 *   adopt      {files: [{key, file, path, facts}]} null. Files opened before a restart; decoded again when needed
 *   index      {files: [{key, file, path}]}       a Header each: what the file is, by its beginning. From now on it can
 *                                                 be opened, classified and so on by its key; images join the series
 *   directory  {directory, files}                 {found, missing}: Headers of those `files` that a DICOMDIR names, by its
 *                                                 records alone, and paths that it names in vain. With none found, the
 *                                                 index stays as it was. Files that were indexed before are in neither
 *   series     {}                                 nsc_index_json of all images that were indexed
 *   weigh      {file}                             bytes that it takes of memory when it is opened, about
 *   unpack     {key, file, from}                  Unpacked: the next files of a ZIP archive, from number `from` on
 *   ahead      {keys}                             null. Reads what will soon be wanted; refuses nothing
 *   open       {key, file, thumb}                 {info, view, thumb}: nsc_image_json without its tags, the default
 *                                                 view, an ImageBitmap at most `thumb` pixels wide and high, or null.
 *                                                 Progress in bytes, phase 'read'. A file that fails is forgotten.
 *                                                 `file` null: one that was indexed
 *   close      {key}                              null
 *   tags       {key}                              the `tags` of nsc_image_json
 *   view       {key, kind, frame, index}          a view; kind: 'default', 'auto', or 'window' (the file's, by index)
 *   render     {key, view, buffer, steps,         {pixels, ms}. `buffer` is null or the memory of a picture that is no
 *               place, pane}                      longer needed: a drag asks for many of the same size. `steps` are
 *                                                 filters on the rendered picture, or null. `place` is where it lies on
 *                                                 the screen, null for the whole picture pixel by pixel; what was
 *                                                 resampled is kept for each `pane`, any text
 *   probe      {key, frame, x, y}                 modality values, one a channel
 *   realWorld  {key, frame, x, y}                 nsc_image_real_world_json of a pixel
 *   overlays   {key, frame, color}                {pixels}: overlay planes, transparent but for 0xRRGGBB where they are
 *   deidentify {key, secret}                      the bytes of a DICOM file without names (nsc_image_deidentify); secret is
 *                                                 [high, low], two numbers of 32 bits
 *   measure    {key, frame, kind, points}         nsc_measure_json; kind is the index of a name in constants.measures,
 *                                                 points are [[x, y], ...]
 *   report     {marks, key, now, nameless}        the bytes of a DICOM structured report (nsc_report_write): marks are
 *                                                 [{key, frame, kind, points, text}] as of measure, `key` four random
 *                                                 numbers of 32 bits
 *   reformat   {key, keys, chosen}                Plan (nsc_reformat_json) of a stack that is to be looked at in other planes:
 *                                                 keys of its files in the index, or of one file of many frames;
 *                                                 chosen is the Look that decides between pictures at one place. What is
 *                                                 gathered from now on is called `key`
 *   gather     {key}                              {done, total}: slices. Some 50 ms of them; to be asked again until done
 *   plane      {key, plane, kind, thumb}          {info, view, thumb} as of open: planes are images called `plane`, which end with
 *                                                 close; kind is the index of a name in constants.planes
 *   release    {key}                              null. Nothing more is gathered or opened of it; its planes stay
 *   slab       {keys, thickness, projection}      null. Of planes: mm, and the index of a name in constants.projections
 *   cut        {from, others}                     for each Look of `others` [x, y, x, y] in its pixels, where the plane of
 *                                                 the Look `from` cuts it, or null
 *   locate     {from, keys}                       {frame, x, y} in each image: the place of a pixel, from {key, frame, x, y}
 *   model      {file, options, weights, token}    nsc_model_json, `memory` as of footprint and `decisions` for a later init; options {recipe, labels, output} are JSON texts or
 *                                                 null; weights is a list of {name, file} for the `files` of the JSON. Takes the place of the model before it, which stays when this
 *                                                 one fails
 *   describe   {file}                             nsc_model_json of a model, and a `token`: until another one is described,
 *                                                 footprint and model can go on with it and need not read it again
 *   footprint  {token, options, weights}          Memory that `model` with the same arguments would take, or null where it would
 *                                                 fail or the token is not known
 *   recipe     {preset, width, height, channels}  a recipe as JSON, to start a form from
 *   classify   {key, frame}                       nsc_result_json, and `totalMs` as the worker saw it
 *   curve      {key, frame, fields}               SurvivalCurve: nsc_prognosis_json, and `totalMs`, of a model of times to an event; fields
 *                                                 are texts by name, "" or left out: the file is asked
 *   identify   {keys}                             the identity (of nsc_image_json) of each, or null where it cannot be opened.
 *                                                 Files are read, not kept
 *   classifyMany {pictures, more}                 [{result, error, identity}] of a list of Look, result or error as of classify;
 *                                                 fewer when it was stopped. Files are not kept decoded. `more`: how many will
 *                                                 follow: with 0 (pictures may be empty) what was set up for many is put
 *                                                 away. Progress in pictures, phase 'inference'
 *   profile    {}                                 nsc_classifier_profile: the last run, step by step
 *   explain    {key, frame, method, label,        as `classify`, and a map of what influenced the model is kept: method is the
 *               samples, curve}                   index of a name in constants.explanations, label -1 asks about the
 *                                                 verdict; 0 samples: as many as usual; curve: points of insertion and
 *                                                 deletion. Progress in steps, phase 'explain'
 *   explained  {threshold}                        {facts, pixels} of that map: nsc_explanation_json, and its colours at the
 *                                                 size of the model's input, transparent below the threshold
 *   explainShuffled {key, frame, threshold}       {likeness, pixels}: the same question to the network with shuffled weights,
 *                                                 and the rank correlation of both maps
 *   stability  {key, frame, draws}                Steadiness: scores under small changes; 0 draws of each kind: as many as
 *                                                 usual. Progress as of `explain`
 *   opinions   {key, frame, combine, others}      Opinions: what the model and others say together. `combine` is an index of a
 *                                                 name in constants.combines; others are {file, options, weights} as in
 *                                                 'model', and are not kept. Progress in models, phase 'opinions'.
 *                                                 stack: weights that were learnt, as JSON, with the models in their
 *                                                 order, and at: where the loaded one stands among them, else 0
 *   learnStack {pictures, others}                 StackFile: how much each model's word counts, from Labelled pictures.
 *                                                 Progress in pictures, phase 'opinions'
 *   record     ReportWish                         a report in one form: text for json, html and fhir (nsc_record_json, ..), bytes
 *                                                 for the DICOM objects sr, sc and seg. Classifies, explains and tests
 *                                                 steadiness anew; progress as of `explain`
 *   quantize   {keys, method}                     the bytes of the model in int8 (nsc_quantization_finish), with ranges from
 *                                                 the first frames of these images; method 'minmax', 'percentile', 'mse'
 *                                                 or 'entropy'. Progress in images, phase 'calibrate'
 *   preview    {key, frame}                       {pixels}: what the model saw
 *   prepare    {key, frame, recipe}               {pixels}: what a model with this recipe would see
 *   clear      {}                                 null. The 'cancel' that came before it is over
 *   memory     {}                                 {used, total, images}: bytes of the heap; images held decoded
 *   trap       {}                                 never: ends the module. Only after init with test: true
 *
 * After an answer with code FAULT.TRAP the worker is of no more use; the page starts another and sends init, adopt and
 * model again.
 */

/** Codes of failures that are not nsc_status. */
export const FAULT = Object.freeze({
  /** The module trapped or ran out of its own memory; the worker must be replaced. */
  TRAP: -1,
  /** The browser could not read the file: moved, changed or forbidden since it was picked. */
  READ: -2,
  /** The request itself was wrong. */
  REQUEST: -3,
  /** The worker or its module could not be loaded. */
  LOAD: -4,
  /** The page asked to stop, by ending the worker. */
  CANCELLED: -5,
  /** The browser could not keep what is to outlast the visit. */
  STORAGE: -6,
  /** The module that decodes compressed frames could not be loaded. */
  CODEC: -7,
});

/** nsc_smoothing. */
export const SMOOTHING = Object.freeze({ NEAREST: 0, LINEAR: 1, LANCZOS: 2 });

/**
 * @typedef {object} Measured nsc_measure_json: which members there are depends on the kind
 * @property {number | null} [length]  mm
 * @property {number} [pixels]
 * @property {number | null} [degrees]
 * @property {number} [padding]
 * @property {number | null} [area]  mm²
 * @property {string | null} [unit]
 * @property {Array<{mean: number, sd: number, min: number, max: number, median: number}> | null} [channels]
 * @property {{from: number, to: number, counts: number[]}} [histogram]
 *
 * @typedef {'image' | 'other' | 'directory' | 'picture' | 'archive' | 'unknown'} FileKind  as nsc_header_json
 * @typedef {{key: string, file: File, path: string}} Listed  a file and where it lay
 * @typedef {{key: string, kind: FileKind, facts: string | null}} Header  facts: of an image, to be kept for a restart
 * @typedef {{found: Array<{path: string, file: File, error: ErrorMessage | null}>, next: number | null, total: number}} Unpacked
 *
 * @typedef {object} Stack  nsc_index_json: files to look through
 * @property {string | null} uid
 * @property {string | null} description
 * @property {string | null} modality
 * @property {number | null} number
 * @property {number} part
 * @property {number} parts
 * @property {boolean} localizer
 * @property {number | null} width
 * @property {number | null} height
 * @property {number} frames
 * @property {string[]} keys
 * @property {number | null} spacing
 * @property {number[] | null} positions
 * @property {string | null} [space]  Frame of Reference UID
 * @property {[number, number, number] | null} [normal]
 * @property {Array<[number, number]>} [gaps]
 * @property {Array<{code: string, count?: number, least?: number, most?: number}>} reports
 *
 * @typedef {object} Study
 * @property {string | null} patientName
 * @property {string | null} patientId
 * @property {string | null} uid
 * @property {string | null} date
 * @property {string | null} description
 * @property {Stack[]} series
 *
 * @typedef {{key: string, frame: number}} Look  a picture
 * @typedef {{columns: number, rows: number, slices: number, missing: number, tilt: number, bytes: number,
 *            spacing: number[], pictures: number[]}} Plan  nsc_reformat_json
 * @typedef {{space: string | null, across: number[], down: number[], normal: number[], positions: number[]}} Place
 * @typedef {{code: number, name: string, message: string}} ErrorMessage
 * @typedef {{frame: number, voiLut: number, function: number, center: number, width: number, invert: boolean, colors?: number}} View
 * @typedef {object} Placement nsc_placement: in pixels of the display
 * @property {number} width
 * @property {number} height
 * @property {number} x
 * @property {number} y
 * @property {number} scaleX
 * @property {number} scaleY
 * @property {number} turn
 * @property {boolean} mirrored
 * @property {number} smoothing  one of SMOOTHING
 *
 * @typedef {{rgba: Uint8ClampedArray<ArrayBuffer>, width: number, height: number}} Pixels
 * @typedef {Record<string, any> & {step: string}} Step  a filter by its name, with its parameters
 * @typedef {Record<string, any> & {width: number, height: number}} Recipe  as nsc_recipe_parse reads it
 * @typedef {{name: string, least: number, most: number, by: number, default: number}} Parameter  `by` 0: any number
 * @typedef {{step: string, parameters: Parameter[]}} Filter
 * @typedef {{recipe: string | null, labels: string | null, output: string | null}} ModelOptions
 *
 * @typedef {object} ImageInfo the part of nsc_image_json the page reads
 * @property {string} format
 * @property {string | null} [identity]
 * @property {number} width
 * @property {number} height
 * @property {number} frames
 * @property {number} channels
 * @property {number} bits
 * @property {string} photometric
 * @property {[number, number] | null} spacing
 * @property {Place | null} [place]  where its frames lie in the patient, if they are parallel
 * @property {string} [plane]  of a plane through a stack: its kind
 * @property {number} [slices]  of a volume; its frames are slices, time after time
 * @property {{stored: string, shown: string, from: string, swapped: boolean, flipped: string[]} | null} [orientation]
 * @property {Edges | null} [edges]
 * @property {Array<Edges | null> | null} [frameEdges]  where frames differ
 * @property {FrameFacts[] | null} [frameFacts]  of functional groups
 * @property {Array<{group: number, type: string | null, label: string | null, description: string | null}>} [overlays]
 * @property {Array<Omit<RealWorld, 'value'>>} [realWorld]  mappings of stored values to quantities
 * @property {number} [frameMs]  0: the file does not say
 * @property {string | null} [transferSyntax]
 * @property {string | null} [modality]
 * @property {{slope: number, intercept: number, unit: string} | null} [rescale]
 * @property {Array<{center: number, width: number, function: string, name: string | null}>} windows
 * @property {string[]} [voiLuts]
 * @property {Tag[]} [tags]
 *
 * @typedef {[string | null, string | null, string | null, string | null]} Edges  letters at left, right, top, bottom
 * @typedef {{time: number | null, spacing: [number, number] | null}} FrameFacts  the part the page reads
 * @typedef {{value: number, unit: string | null, meaning: string | null, label: string | null, explanation: string | null, slope: number | null, intercept: number | null}} RealWorld
 *
 * @typedef {{tag: string, vr: string, name: string, value: unknown, personal?: boolean, items?: Tag[][]}} Tag
 *
 * @typedef {object} ModelInfo the part of nsc_model_json the page reads
 * @property {string} name
 * @property {string | null} [title]
 * @property {string[] | null} labels
 * @property {'single' | 'multi' | 'binary' | 'survival' | null} task
 * @property {Record<string, unknown> | null} recipe
 * @property {Array<{name: string, type: string, shape: Array<number | string>}>} inputs
 * @property {Array<{name: string, there: boolean}>} files  of weights, beside the model
 * @property {number} parameters
 * @property {{unit: string, edges: number[], fields: Array<{name: string, mean: number, std: number}>} | null} [survival]  of a
 *   model of times to an event
 * @property {string | null} [limits]
 * @property {string | null} [license]
 * @property {string | null} [producer]
 * @property {Memory | null} [memory]
 * @property {number} [decisions]  nsc_decisions
 * @property {number} [token]  of describe
 *
 * @typedef {{fileMB: number, weightsMB: number, activationsMB: number, otherMB: number, peakMB: number}} Memory
 *   nsc_classifier_memory_json
 * @typedef {{name: string, file: Blob}} Weights  a file beside a model, under the name that the model has for it
 *
 * @typedef {{verdict: 'in range' | 'doubtful' | 'out of range', reasons: string[], features: number | null, look: number | null, reconstruction: number | null}} Applies
 *
 * @typedef {object} Result nsc_result_json
 * @property {string} model
 * @property {string} task
 * @property {Record<string, number>} scores  calibrated
 * @property {Record<string, number>} raw  as the network has them
 * @property {number | Record<string, number> | null} threshold
 * @property {string | null} verdict
 * @property {'below' | 'borderline' | 'above'} relation
 * @property {string | null} advice
 * @property {Applies | null} applies  whether the model may judge the picture; null: it does not say what it learnt from
 * @property {{decode: number, preprocess: number, inference: number}} ms
 * @property {number} totalMs
 *
 * @typedef {object} SurvivalCurve nsc_prognosis_json
 * @property {string} model
 * @property {string} unit
 * @property {number[]} edges  from 0
 * @property {number[]} survival  chances of no event up to them, from 1
 * @property {number | null} median
 * @property {number} mean
 * @property {Array<{name: string, value: number, from: 'given' | 'file' | 'mean'}>} fields
 * @property {Applies | null} applies  as in Result
 * @property {{decode: number, preprocess: number, inference: number}} ms
 * @property {number} totalMs
 *
 * @typedef {({result: Result, error: null} | {result: null, error: ErrorMessage}) & {identity: string | null}} Classified
 *
 * @typedef {[number, number, number, number]} Box  left, top, right, bottom
 * @typedef {object} Region of a map: pixels of the picture, mm where it says how large those are
 * @property {number} share  of all influence
 * @property {Box} box
 * @property {[number, number]} centre
 * @property {Box | null} boxMm
 * @property {[number, number] | null} centreMm
 * @property {number | null} areaMm2
 * @property {[number, number, number] | null} patientMm  LPS+
 * @property {Array<[number, number]>} outline
 *
 * @typedef {{area: number, scores: number[]}} Curve
 * @typedef {object} Explained nsc_explanation_json
 * @property {string} method
 * @property {string} label
 * @property {number} logit
 * @property {number} score
 * @property {number} width
 * @property {number} height
 * @property {Box} rectangle  of the map, in pixels of the picture
 * @property {number} lowest
 * @property {number} highest
 * @property {Region[]} regions
 * @property {{deletion: Curve, insertion: Curve} | null} curves
 * @property {number} ms
 *
 * @typedef {{draws: number, flips: number, lowest: number, mean: number, highest: number}} Draws
 * @typedef {Draws & {label: string, score: number, verdict: string | null, threshold: number | null, deviation: number,
 *            kinds: Array<Draws & {name: string}>, dropout: (Draws & {deviation: number}) | null, repeated: number | null}} Steadiness  nsc_stability_json
 *
 * @typedef {object} Opinions nsc_ensemble_json
 * @property {'single' | 'multi' | 'binary'} task
 * @property {string} combine
 * @property {Array<{name: string, scores: Record<string, number>, verdict: string | null}>} members
 * @property {Record<string, number>} scores
 * @property {Record<string, number>} deviation
 * @property {Record<string, number>} lowest
 * @property {Record<string, number>} highest
 * @property {Record<string, number> | null} threshold
 * @property {string | null} verdict
 * @property {Record<string, number>} votes
 * @property {string} applies
 * @property {number} ms
 *
 * @typedef {{format: string, members: string[], weights: number[], pictures: number,
 *            logLoss: {stack: number, average: number, held: number, members: number[]}}} StackFile  nsc_ensemble_fit, what the page reads of it
 * @typedef {{key: string, frame: number, truth: number[]}} Labelled  truth: 1 for each label of the loaded model that the picture has
 *
 * @typedef {'json' | 'html' | 'fhir' | 'sr' | 'sc' | 'seg'} ReportForm
 *
 * @typedef {object} ReportWish
 * @property {string} key
 * @property {number} frame
 * @property {ReportForm} form
 * @property {string} language  of page and FHIR: 'en' or 'zh-CN'
 * @property {string} time  as nsc_record_options has it
 * @property {string | null} name  of the file
 * @property {boolean} nameless
 * @property {number[]} methods  indices of names in constants.explanations: the first that fits the model makes the map
 * @property {number} label  as of explain
 * @property {number} threshold  as of explained
 * @property {number} draws  as of stability
 * @property {Array<{kind: string, points: readonly (readonly number[])[], text: string}>} marks  drawn on the picture
 * @property {number[]} secret  four random numbers of 32 bits: for UIDs
 *
 * @typedef {object} Profile nsc_classifier_profile
 * @property {number} ms
 * @property {number} threads
 * @property {number} arenaBytes
 * @property {number} packedBytes
 * @property {Array<{name: string, kind: string, output: number[], ms: number, macs: number, bytes: number}>} steps
 *
 * @typedef {object} Constants nsc_constants_json
 * @property {string} version
 * @property {string} build
 * @property {Record<string, number>} statuses
 * @property {string[]} voiFunctions
 * @property {Array<{name: string, modality: string, center: number, width: number}>} windowPresets
 * @property {string[]} measures
 * @property {Array<{name: string, colors: string}>} colorMaps  256 colours of six digits each
 * @property {string[]} recipePresets
 * @property {string[]} explanations
 * @property {string[]} combines
 * @property {string[]} planes
 * @property {string[]} projections
 * @property {Record<string, number>} limits  `steps`: filters in a list
 * @property {Filter[]} filters
 */

/** An error with a code, on either side of the boundary. */
export class CoreError extends Error {
  /** @param {number} code @param {string} name @param {string} message */
  constructor(code, name, message) {
    super(message);
    this.code = code;
    this.name = name;
  }

  /** @param {unknown} error @returns {ErrorMessage} */
  static toMessage(error) {
    if (error instanceof CoreError) return { code: error.code, name: error.name, message: error.message };
    return { code: FAULT.REQUEST, name: 'REQUEST', message: error instanceof Error ? error.message : String(error) };
  }

  /** @param {ErrorMessage} message */
  static fromMessage({ code, name, message }) {
    return new CoreError(code, name, message);
  }
}
