/**
 * Answers the page's requests, one at a time and in order: see ../shared/protocol.js. Loading the module is the
 * caller's, so that the same code serves the site and the single file.
 */
import { CoreError, FAULT, SMOOTHING } from '../shared/protocol.js';
import { Catalogue } from './catalogue.js';
import { Core, isTrap } from './core.js';
import { CorePrognosis } from './core-survival.js';
import { askModels, Explanations, learnStack, testStability } from './explaining.js';
import { modelSource, withPacking } from './file-bytes.js';
import { Images } from './images.js';
import { Many } from './many.js';
import { writeReport } from './recording.js';
import { Reformats } from './reformats.js';
import { TrainingService } from './training.js';

/**
 * @typedef {import('../shared/protocol.js').ModelOptions} ModelOptions
 * @typedef {import('../shared/protocol.js').View} View
 * @typedef {{id: number, op: string, args: any}} Request
 * @typedef {(done: number, total: number, phase: string) => void} Progress
 * @typedef {{result: unknown, transfer?: Transferable[]}} Answer
 * @typedef {{handle: number, outside: import('./file-bytes.js').FileBytes[]}} Opened  outside: its large files
 * @typedef {Opened & {token: number, whole: boolean}} Described  whole: with weights of other files
 * @typedef {{classifier: number, prognosis: CorePrognosis | null}} Ready  one of both, or while another model is tried none
 * @typedef {Ready & {handle: number, batch: number, batched: boolean, options: ModelOptions}} Model  batch: pictures that it computes in a run; batched: the model leaves that open
 */

/** Files that are being read while those before them are identified. */
const IDENTIFIED_AHEAD = 4;

/**
 * The whole of a picture, at most `side` pixels wide and high, with pixels as wide as they are high.
 * @param {{width: number, height: number, spacing: [number, number] | null}} info
 * @param {number} side
 * @returns {import('../shared/protocol.js').Placement}
 */
function wholeWithin({ width, height, spacing }, side) {
  const aspect = spacing && spacing[0] > 0 && spacing[1] > 0 ? spacing[1] / spacing[0] : 1;
  const scale = Math.min(1, side / Math.max(width, height * aspect));
  const small = { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * aspect * scale)) };
  const scales = { scaleX: small.width / width, scaleY: small.height / height };
  return { ...small, ...scales, x: small.width / 2, y: small.height / 2, turn: 0, mirrored: false, smoothing: SMOOTHING.LINEAR };
}

/** The operations of the protocol on one instance of the core. */
export class Service {
  /** @param {Core} core @param {{threads: number, test: boolean}} options */
  constructor(core, { threads, test }) {
    this.core = core;
    this.threads = threads;
    this.test = test;
    this.images = new Images(core);
    this.catalogue = new Catalogue(core);
    this.explanations = new Explanations(core);
    this.reformats = new Reformats(core, this.images, this.catalogue);
    /** By pane of the page. @type {Map<string, number>} */
    this.screens = new Map();
    /** @type {Model | null} */
    this.current = null;
    /** The model that was described last, so that it need not be read again: its file may be large. @type {Described | null} */
    this.described = null;
    this.tokens = 0;
    this.many = new Many(core, this.images, (batch) => this.#useBatch(batch));
  }

  /** @param {Request} request @param {Progress} progress @returns {Promise<Answer>} */
  async handle({ op, args }, progress) {
    const operation = Object.hasOwn(Service.operations, op) ? Service.operations[op] : null;
    if (!operation) throw new CoreError(FAULT.REQUEST, 'REQUEST', `no operation is called ${op}`);
    return operation.call(this, args, progress);
  }

  /** @type {Record<string, (this: Service, args: any, progress: Progress) => Promise<Answer>>} */
  static operations = {
    async adopt({ files }) {
      for (const listed of files) {
        this.images.adopt(listed.key, listed.file);
        this.catalogue.adopt(listed);
      }
      return { result: null };
    },

    async index({ files }) {
      const headers = await this.catalogue.headers(files);
      for (const { key, file } of files) this.images.adopt(key, file);
      return { result: headers };
    },

    async directory({ directory, files }) {
      const result = await this.catalogue.directory(directory, files);
      const keys = new Set(result.found.map(({ key }) => key));
      for (const { key, file } of files) if (keys.has(key)) this.images.adopt(key, file);
      return { result };
    },

    async weigh({ file }) {
      return { result: await this.catalogue.weigh(file) };
    },

    async series() {
      return { result: this.catalogue.index.list() };
    },

    async unpack({ key, file, from }, progress) {
      return { result: await this.catalogue.unpack(key, file, from, (done, total) => progress(done, total, 'read')) };
    },

    async ahead({ keys }) {
      // What is wrong with one of them is said when it is looked at.
      for (const key of keys) await this.images.get(key).catch((error) => isTrap(error) && Promise.reject(error));
      return { result: null };
    },

    async open({ key, file, thumb }, progress) {
      const onProgress = (/** @type {number} */ done, /** @type {number} */ total) => progress(done, total, 'read');
      const { handle, info } = file ? await this.images.open(key, file, onProgress) : await this.images.get(key);
      try {
        const { tags: _, ...facts } = info;
        const { slices = 1 } = info;
        // The first slices of a volume are air: it is shown from its middle on, a stack of DICOM from its beginning.
        const view = this.core.view(handle, 'default', slices > 1 ? Math.floor(slices / 2) : 0, 0);
        // Rendered even when nobody wants to see it small: a file whose pixels are damaged is refused here.
        const small = await this.#small(handle, info, view, thumb);
        return { result: { info: facts, view, thumb: small }, transfer: small ? [small] : [] };
      } catch (error) {
        if (!isTrap(error)) this.images.close(key);
        throw error;
      }
    },

    async close({ key }) {
      this.images.close(key);
      this.catalogue.forget(key);
      return { result: null };
    },

    async tags({ key }) {
      const { info } = await this.images.get(key);
      return { result: info.tags ?? [] };
    },

    async view({ key, kind, frame, index }) {
      const { handle } = await this.images.get(key);
      return { result: this.core.view(handle, kind, frame, index) };
    },

    async render({ key, view, buffer, steps = null, place = null, pane = '' }) {
      const start = performance.now();
      const { handle, info } = await this.images.get(key);
      const pixels = place
        ? this.core.renderPlaced(this.#screen(pane), handle, view, place, buffer, steps)
        : this.core.render(handle, view, info.width, info.height, buffer, steps);
      return { result: { pixels, ms: performance.now() - start }, transfer: [pixels.rgba.buffer] };
    },

    async probe({ key, frame, x, y }) {
      const { handle } = await this.images.get(key);
      return { result: this.core.probe(handle, frame, x, y) };
    },

    async realWorld({ key, frame, x, y }) {
      const { handle } = await this.images.get(key);
      return { result: this.core.realWorld(handle, frame, x, y) };
    },

    async overlays({ key, frame, color }) {
      const { handle, info } = await this.images.get(key);
      const pixels = this.core.overlays(handle, frame, color, info.width, info.height);
      return { result: { pixels }, transfer: [pixels.rgba.buffer] };
    },

    async deidentify({ key, secret }) {
      const { handle } = await this.images.get(key);
      const bytes = this.core.deidentify(handle, secret);
      return { result: bytes, transfer: [bytes.buffer] };
    },

    async measure({ key, frame, kind, points }) {
      const { handle } = await this.images.get(key);
      return { result: this.core.measure(handle, frame, kind, points) };
    },

    async report({ marks, key, now, nameless }) {
      const report = this.core.createReport(key);
      try {
        for (const mark of marks) this.core.addToReport(report, (await this.images.get(mark.key)).handle, mark);
        const bytes = this.core.writeReport(report, now, nameless);
        this.core.freeReport(report);
        return { result: bytes, transfer: [bytes.buffer] };
      } catch (error) {
        if (!isTrap(error)) this.core.freeReport(report);
        throw error;
      }
    },

    async reformat({ key, keys, chosen }) {
      return { result: await this.reformats.begin(key, keys, chosen) };
    },

    async gather({ key }) {
      return { result: await this.reformats.fill(key) };
    },

    async plane({ key, plane, kind, thumb = 0 }) {
      const { handle, info } = this.reformats.openPlane(key, plane, kind);
      const { tags: _, ...facts } = info;
      const view = this.core.view(handle, 'default', Math.floor(info.frames / 2), 0);
      const small = thumb ? await this.#small(handle, info, view, thumb) : null;
      return { result: { info: facts, view, thumb: small }, transfer: small ? [small] : [] };
    },

    async release({ key }) {
      this.reformats.close(key);
      return { result: null };
    },

    async slab({ keys, thickness, projection }) {
      await this.reformats.setSlab(keys, thickness, projection);
      return { result: null };
    },

    async cut({ from, others }) {
      return { result: await this.reformats.cut(from, others) };
    },

    async locate({ from, keys }) {
      return { result: await this.reformats.locate(from, keys) };
    },

    async model({ file, options, weights = [], token = 0 }, progress) {
      const known = this.#takeDescribed(token);
      const opened = known ?? (await this.#openModel(file, (done, total) => progress(done, total, 'read')));
      const { handle } = opened;
      try {
        if (!known?.whole) await this.#addWeights(opened, weights);
        const info = { ...this.core.modelInfo(handle), memory: this.core.modelMemory(handle, this.threads, options) };
        const ready = await withPacking(opened.outside, () => this.#replaceReady(handle, options));
        if (this.current) this.core.freeModel(this.current.handle);
        const batched = typeof info.inputs[0]?.shape[0] === 'string';
        this.current = { handle, ...ready, batch: 1, batched, options };
        return { result: { ...info, decisions: this.core.decisions() } };
      } catch (error) {
        if (!isTrap(error)) this.core.freeModel(handle);
        throw error;
      }
    },

    async describe({ file }) {
      const before = this.#takeDescribed();
      if (before) this.core.freeModel(before.handle);
      const opened = await this.#openModel(file);
      const { handle } = opened;
      try {
        const info = this.core.modelInfo(handle);
        this.described = { ...opened, token: ++this.tokens, whole: false };
        return { result: { ...info, token: this.tokens } };
      } catch (error) {
        if (!isTrap(error)) this.core.freeModel(handle);
        throw error;
      }
    },

    async footprint({ token, options, weights }) {
      const { described } = this;
      if (!described || described.token !== token) return { result: null };
      if (!described.whole) await this.#addWeights(described, weights);
      described.whole = true;
      return { result: this.core.modelMemory(described.handle, this.threads, options) };
    },

    async recipe({ preset, width, height, channels }) {
      return { result: this.core.recipe(preset, width, height, channels) };
    },

    async classify({ key, frame }, progress) {
      const start = performance.now();
      const { classifier } = this.#model();
      progress(0, 1, 'decode');
      const { handle } = await this.images.get(key);
      progress(0, 1, 'inference');
      const result = this.core.classify(classifier, handle, frame);
      return { result: { ...result, totalMs: performance.now() - start } };
    },

    async curve({ key, frame, fields }, progress) {
      const start = performance.now();
      const prognosis = this.current?.prognosis;
      if (!prognosis) throw new CoreError(FAULT.REQUEST, 'REQUEST', 'no model of times to an event is loaded');
      progress(0, 1, 'decode');
      const { handle } = await this.images.get(key);
      progress(0, 1, 'inference');
      return { result: { ...prognosis.run(handle, frame, fields), totalMs: performance.now() - start } };
    },

    async identify({ keys }) {
      /** @type {Array<string | null>} */
      const identities = [];
      for (const [at, key] of keys.entries()) {
        this.images.readAhead(keys.slice(at, at + IDENTIFIED_AHEAD));
        let identity = null;
        try {
          await this.images.once(key, (_, info) => (identity = info.identity ?? null));
        } catch (error) {
          // What is wrong with it is said when it is looked at.
          if (isTrap(error)) throw error;
        }
        identities.push(identity);
      }
      return { result: identities };
    },

    async classifyMany({ pictures, more }, progress) {
      const report = (/** @type {number} */ done) => progress(done, pictures.length, 'inference');
      return { result: await this.many.classify(this.#model(), pictures, more, report) };
    },

    async explain({ key, frame, method, label, samples, curve }, progress) {
      const start = performance.now();
      await this.#useBatch(1);
      const model = this.#model();
      const { handle } = await this.images.get(key);
      const result = this.explanations.explain(model, handle, frame, { method, label, samples, curve }, progress);
      return { result: { ...result, totalMs: performance.now() - start } };
    },

    async explained({ threshold }) {
      const { facts, pixels } = this.explanations.look(threshold);
      return { result: { facts, pixels }, transfer: [pixels.rgba.buffer] };
    },

    async explainShuffled({ key, frame, threshold }, progress) {
      await this.#useBatch(1);
      const model = this.#model();
      const { handle } = await this.images.get(key);
      const { likeness, pixels } = this.explanations.check(model, handle, frame, threshold, progress);
      return { result: { likeness, pixels }, transfer: [pixels.rgba.buffer] };
    },

    async stability({ key, frame, draws }, progress) {
      await this.#useBatch(1);
      const { classifier } = this.#model();
      const { handle } = await this.images.get(key);
      return { result: testStability(this.core, classifier, handle, frame, draws, progress) };
    },

    async opinions({ key, frame, combine, others, stack = null, at = 0 }, progress) {
      await this.#useBatch(1);
      const result = await askModels(this.core, this.#model().classifier, others, {
        open: (other) => this.#openOther(other),
        image: async () => (await this.images.get(key)).handle,
        frame,
        combine,
        stack,
        at,
        progress,
      });
      return { result };
    },

    async learnStack({ pictures, others }, progress) {
      await this.#useBatch(1);
      const result = await learnStack(this.core, this.#model().classifier, others, pictures, {
        open: (other) => this.#openOther(other),
        image: async (key) => (await this.images.get(key)).handle,
        progress,
      });
      return { result };
    },

    async record(wish, progress) {
      const model = this.#model();
      const { handle } = await this.images.get(wish.key);
      const image = { handle, file: this.images.files.get(wish.key) ?? null };
      const written = await writeReport(this.core, model, image, wish, progress);
      return { result: written, transfer: typeof written === 'string' ? [] : [written.buffer] };
    },

    async quantize({ keys, method }, progress) {
      const { handle, options } = this.#model();
      const quantization = this.core.createQuantization(handle, options, method);
      try {
        for (const [done, key] of keys.entries()) {
          progress(done, keys.length, 'calibrate');
          const image = await this.images.get(key);
          this.core.addToQuantization(quantization, image.handle, 0);
        }
        const bytes = this.core.finishQuantization(quantization);
        this.core.freeQuantization(quantization);
        return { result: bytes, transfer: [bytes.buffer] };
      } catch (error) {
        if (!isTrap(error)) this.core.freeQuantization(quantization);
        throw error;
      }
    },

    async profile() {
      return { result: this.core.profile(this.#model().classifier) };
    },

    async preview({ key, frame }) {
      const { classifier } = this.#model();
      const { handle } = await this.images.get(key);
      const pixels = this.core.preview(classifier, handle, frame);
      return { result: { pixels }, transfer: [pixels.rgba.buffer] };
    },

    async prepare({ key, frame, recipe }) {
      const { handle } = await this.images.get(key);
      const pixels = this.core.prepare(recipe, handle, frame);
      return { result: { pixels }, transfer: [pixels.rgba.buffer] };
    },

    async clear() {
      this.core.clearCancel();
      return { result: null };
    },

    async memory() {
      return { result: { ...this.core.memory(), images: this.images.held.size } };
    },

    async trap() {
      if (!this.test) throw new CoreError(FAULT.REQUEST, 'REQUEST', 'only for tests');
      this.core.trap();
      return { result: null };
    },
  };

  /**
   * A small copy for the list of files, or null where none is wanted.
   * @param {number} handle
   * @param {import('../shared/protocol.js').ImageInfo} info
   * @param {View} view
   * @param {number} side  0: none; it is rendered all the same
   */
  async #small(handle, info, view, side) {
    const pixels = this.core.renderPlaced(this.#screen('thumb'), handle, view, wholeWithin(info, side || 1), null);
    return side ? createImageBitmap(new ImageData(pixels.rgba, pixels.width, pixels.height)) : null;
  }

  /** @param {string} pane @returns {number} */
  #screen(pane) {
    const screen = this.screens.get(pane) ?? this.core.createScreen();
    this.screens.set(pane, screen);
    return screen;
  }

  /** Hands over the model that was described, if it is that one. @param {number} [token] */
  #takeDescribed(token = this.described?.token) {
    const { described } = this;
    if (!described || described.token !== token) return null;
    this.described = null;
    return described;
  }

  /** @param {Blob} file @param {(done: number, total: number) => void} [onProgress] @returns {Promise<Opened>} */
  async #openModel(file, onProgress) {
    const { source, outside } = await modelSource(this.core, file, onProgress);
    return { handle: this.core.openModel(source), outside };
  }

  /** @param {Opened} model @param {import('../shared/protocol.js').Weights[]} weights */
  async #addWeights({ handle, outside }, weights) {
    for (const { name, file } of weights) {
      const opened = await modelSource(this.core, file);
      this.core.addModelFile(handle, name, opened.source);
      outside.push(...opened.outside);
    }
  }

  /** A model beside the current one, for one question. @param {{file: Blob, options: ModelOptions, weights?: import('../shared/protocol.js').Weights[]}} other */
  async #openOther({ file, options, weights = [] }) {
    const opened = await this.#openModel(file);
    const { handle } = opened;
    try {
      await this.#addWeights(opened, weights);
      const classifier = await withPacking(opened.outside, () => this.core.createClassifier(handle, 1, options));
      return { handle, options, classifier };
    } catch (error) {
      if (!isTrap(error)) this.core.freeModel(handle);
      throw error;
    }
  }

  #model() {
    if (this.current?.prognosis) throw new CoreError(FAULT.REQUEST, 'REQUEST', 'this model gives curves of survival and no labels');
    if (!this.current?.classifier) throw new CoreError(FAULT.REQUEST, 'REQUEST', 'no model is loaded');
    return this.current;
  }

  /** @param {number} handle @param {ModelOptions} options @returns {Ready} */
  #makeReady(handle, options) {
    const { core, threads } = this;
    return core.isSurvival(handle)
      ? { classifier: 0, prognosis: new CorePrognosis(core, handle, threads, options.recipe) }
      : { classifier: core.createClassifier(handle, threads, options), prognosis: null };
  }

  /**
   * Only one model at a time holds memory and threads: the one before goes first, and comes back if the new one cannot be
   * made.
   * @param {number} handle
   * @param {ModelOptions} options
   */
  async #replaceReady(handle, options) {
    const { core, current, threads } = this;
    this.explanations.forget();
    if (current) {
      core.freeClassifier(current.classifier);
      current.prognosis?.free();
      Object.assign(current, { classifier: 0, prognosis: null });
    }
    await core.threadsReady(threads);
    try {
      return this.#makeReady(handle, options);
    } catch (error) {
      if (current && !isTrap(error)) {
        await core.threadsReady(threads);
        Object.assign(current, this.#makeReady(current.handle, current.options), { batch: 1 });
      }
      throw error;
    }
  }

  /** @param {number} batch @returns {Promise<number>} 1 where there is no memory for more */
  async #useBatch(batch) {
    const { core, threads } = this;
    const model = this.#model();
    if (model.batch === batch) return batch;
    this.explanations.forget();
    core.freeClassifier(model.classifier);
    model.classifier = 0;
    await core.threadsReady(threads);
    try {
      model.classifier = core.createClassifier(model.handle, threads, model.options, batch);
      model.batch = batch;
    } catch (error) {
      if (isTrap(error) || batch === 1) throw error;
      model.batched = false;
      await core.threadsReady(threads);
      model.classifier = core.createClassifier(model.handle, threads, model.options);
      model.batch = 1;
    }
    return model.batch;
  }
}

/** @param {unknown} error */
function toMessage(error) {
  if (!isTrap(error)) return CoreError.toMessage(error);
  return { code: FAULT.TRAP, name: 'TRAP', message: error instanceof Error ? error.message : String(error) };
}

/**
 * Serves a port (a worker's global scope) until it ends.
 * @param {{postMessage: (message: unknown, transfer: Transferable[]) => void,
 *          addEventListener: (type: 'message', listener: (event: MessageEvent) => void) => void}} port
 * @param {(variant: string) => Promise<import('./core.js').Factory>} load  finds Emscripten's factory of a variant
 * @param {{files?: () => Promise<import('./storage.js').Files>,
 *          loadCodec?: () => Promise<import('./core.js').Factory>,
 *          codecBytes?: () => Promise<ArrayBuffer>}} [options]  where trainings are kept, for tests; the factory of the codecs'
 *   module, and the module where the factory is not to look for it
 */
export function serve(port, load, { files, loadCodec, codecBytes } = {}) {
  /** @type {Service | TrainingService | null} */
  let service = null;

  /** @param {Request['args']} args @returns {Promise<Answer>} */
  async function init({ variant, threads, module, codec, decisions = 0, test, service: kind }) {
    /** In the single file its bytes came with `init`. */
    const bytes = codec ? () => codec.arrayBuffer() : codecBytes;
    // In the single file the glue has no address that it could look beside.
    const makeCodec = async () => (await loadCodec?.())?.(bytes ? { wasmBinary: await bytes(), locateFile: (/** @type {string} */ name) => name } : {});
    let core;
    try {
      core = await Core.create(await load(variant), { module, threads, loadCodec: loadCodec ? /** @type {any} */ (makeCodec) : null });
    } catch (error) {
      throw new CoreError(FAULT.LOAD, 'LOAD', error instanceof Error ? error.message : String(error));
    }
    if (decisions) core.assumeDecisions(decisions);
    service = kind === 'training' ? new TrainingService(core, { threads, test, files }) : new Service(core, { threads, test });
    return { result: { constants: core.constants(), variant, threads, cancel: core.cancelFlag() } };
  }

  /** @param {Request} request */
  async function answer(request) {
    const { id, op, args } = request;
    /** @type {Progress} */
    const progress = (done, total, phase) => port.postMessage({ id, op: 'progress', done, total, phase }, []);
    try {
      if (op !== 'init' && !service) throw new CoreError(FAULT.REQUEST, 'REQUEST', 'init comes first');
      const { result, transfer = [] } =
        op === 'init' ? await init(args) : await /** @type {NonNullable<typeof service>} */ (service).handle(request, progress);
      port.postMessage({ id, ok: true, result }, transfer);
    } catch (error) {
      port.postMessage({ id, ok: false, error: toMessage(error) }, []);
    }
  }

  let queue = Promise.resolve();
  port.addEventListener('message', ({ data }) => {
    queue = queue.then(() => answer(data));
  });
}
