/**
 * The one module that touches the heap of the wasm core. It turns handles, statuses and texts into values and thrown
 * CoreErrors; core-training.js, core-files.js, core-reformat.js and core-explain.js build on it and see addresses only. No view of the memory lives longer than one function here without a call in between: any call may grow
 * the memory and detach every view.
 */
import { CoreError, FAULT } from '../shared/protocol.js';

/**
 * @typedef {Record<string, (...args: Array<number>) => number> & {wasmMemory: WebAssembly.Memory,
 *            PThread?: {unusedWorkers: unknown[]}, codec?: Exports | null, stores?: Map<number, Store>}} Exports
 *            `codec` is where emscripten/codec_library.js looks for the module of the codecs, `stores` where
 *            store_library.js looks for places to put bytes
 * @typedef {{read?: (at: number, bytes: Uint8Array<ArrayBuffer>) => void, write?: (at: number, bytes: Uint8Array<ArrayBuffer>) => void,
 *            copy?: (at: number, bytes: Uint8Array) => void}} Store
 *            all work at once, on all bytes, or throw; `copy` reads into the heap itself, which may be shared
 * @typedef {(moduleArgs: Record<string, unknown>) => Promise<Exports>} Factory what Emscripten's .mjs exports
 * @typedef {import('../shared/protocol.js').View} View
 * @typedef {import('../shared/protocol.js').Pixels} Pixels
 */

/** How long ended threads may take to come back; they take a few milliseconds. */
const THREADS_MS = 5000;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/**
 * Whether an exception means that the module's state can no longer be trusted.
 * @param {unknown} error
 */
export function isTrap(error) {
  return error instanceof WebAssembly.RuntimeError || error instanceof RangeError;
}

export class Core {
  /** @param {Exports} module @param {(() => Promise<Exports>) | null} [loadCodec] */
  constructor(module, loadCodec = null) {
    this.module = module;
    this.loadCodec = loadCodec;
    this.nextStore = 0;
  }

  /** @param {Store} store @returns {number} under which bridge functions know it */
  addStore(store) {
    this.module.stores ??= new Map();
    this.module.stores.set(this.nextStore, store);
    return this.nextStore++;
  }

  /** @param {number} id */
  dropStore(id) {
    this.module.stores?.delete(id);
  }

  /**
   * @param {Factory} factory
   * @param {{module?: WebAssembly.Module, threads?: number, loadCodec?: (() => Promise<Exports>) | null}} options  a
   *   compiled module saves a second compilation; `loadCodec` makes an instance of the codecs' module
   */
  static async create(factory, { module, threads = 1, loadCodec = null } = {}) {
    /** @type {Record<string, unknown>} */
    const args = { poolSize: Math.max(0, threads - 1) };
    /** @type {Promise<never> | null} */
    let failed = null;
    if (module) {
      failed = new Promise((_, reject) => {
        args.instantiateWasm = (
          /** @type {WebAssembly.Imports} */ imports,
          /** @type {(instance: WebAssembly.Instance, module: WebAssembly.Module) => void} */ done,
        ) => {
          WebAssembly.instantiate(module, imports).then((instance) => done(instance, module), reject);
          return {};
        };
      });
    }
    const ready = factory(args);
    return new Core(await (failed ? Promise.race([ready, failed]) : ready), loadCodec);
  }

  /** @param {number} address */
  text(address) {
    const heap = new Uint8Array(this.module.wasmMemory.buffer);
    const start = address >>> 0;
    // A copy: TextDecoder does not take shared memory.
    return decoder.decode(heap.slice(start, heap.indexOf(0, start)));
  }

  /**
   * Calls a bridge function that returns nsc_status.
   * @param {string} name
   * @param {...number} args
   */
  call(name, ...args) {
    const status = this.module[`_${name}`](...args);
    if (status === 0) return;
    throw new CoreError(
      status,
      this.text(this.module._nsc_status_name(status)),
      this.text(this.module._bridge_error_text()),
    );
  }

  /** @param {number} [index] */
  result(index = 0) {
    return this.module._bridge_result(index) >>> 0;
  }

  /** The JSON that the last call left, which stays the bridge's own. */
  borrowedJson() {
    return JSON.parse(this.text(this.result()));
  }

  /** The text that the last call left, ended here. */
  ownedText() {
    const address = this.result();
    try {
      return this.text(address);
    } finally {
      this.module._nsc_text_free(address);
    }
  }

  /** The JSON that the last call left, ended here. */
  ownedJson() {
    return JSON.parse(this.ownedText());
  }

  /**
   * The pixels that the last call left, copied out and ended here.
   * @param {number} width
   * @param {number} height
   * @param {ArrayBuffer | null} [buffer]  memory to use if it has the size: fresh memory costs more than the copy
   * @returns {Pixels}
   */
  pixels(width, height, buffer) {
    const address = this.result();
    const size = this.result(1);
    const rgba = new Uint8ClampedArray(buffer?.byteLength === size ? buffer : new ArrayBuffer(size));
    rgba.set(new Uint8Array(this.module.wasmMemory.buffer, address, rgba.length));
    this.module._bridge_free(address);
    return { rgba, width, height };
  }

  /** A copy of the bytes that the last call pointed to. @returns {Uint8Array<ArrayBuffer>} */
  borrowedBytes() {
    const address = this.result();
    const bytes = new Uint8Array(this.result(1));
    bytes.set(new Uint8Array(this.module.wasmMemory.buffer, address, bytes.length));
    return bytes;
  }

  /** The bytes that the last call left, copied out and ended here. */
  ownedBytes() {
    const bytes = this.borrowedBytes();
    this.module._nsc_text_free(this.result());
    return bytes;
  }

  /**
   * Runs `use` with a copy of bytes in the heap.
   * @template T
   * @param {Uint8Array} bytes
   * @param {(address: number) => T} use
   */
  withBytes(bytes, use) {
    const address = this.module._bridge_alloc(bytes.length) >>> 0;
    if (!address) throw new CoreError(FAULT.REQUEST, 'NSC_ERROR_MEMORY', 'no memory for bytes that were kept');
    try {
      new Uint8Array(this.module.wasmMemory.buffer, address, bytes.length).set(bytes);
      return use(address);
    } finally {
      this.module._bridge_free(address);
    }
  }

  /**
   * Runs `use` with zero-terminated copies of texts in the heap; null stays a null pointer.
   * @template T
   * @param {Array<string | null>} texts
   * @param {(...addresses: number[]) => T} use
   */
  withTexts(texts, use) {
    /** @type {number[]} */
    const addresses = [];
    try {
      for (const text of texts) {
        if (text === null) {
          addresses.push(0);
          continue;
        }
        const bytes = encoder.encode(text);
        const address = this.module._bridge_alloc(bytes.length + 1) >>> 0;
        if (!address) throw new CoreError(FAULT.REQUEST, 'REQUEST', 'no memory for a text');
        addresses.push(address);
        const room = new Uint8Array(this.module.wasmMemory.buffer, address, bytes.length + 1);
        room.set(bytes);
        room[bytes.length] = 0;
      }
      return use(...addresses);
    } finally {
      for (const address of addresses) this.module._bridge_free(address);
    }
  }

  constants() {
    this.call('bridge_constants');
    return this.ownedJson();
  }

  /** Where `classify` looks whether to go on: an int32 in shared memory, or null in builds without threads. */
  cancelFlag() {
    const { buffer } = this.module.wasmMemory;
    if (!(typeof SharedArrayBuffer !== 'undefined' && buffer instanceof SharedArrayBuffer)) return null;
    return { buffer, address: this.module._bridge_cancel_flag() >>> 0 };
  }

  clearCancel() {
    const address = this.module._bridge_cancel_flag() >>> 0;
    Atomics.store(new Int32Array(this.module.wasmMemory.buffer, address, 1), 0, 0);
  }

  memory() {
    return { used: this.module._bridge_heap_used(), total: this.module.wasmMemory.buffer.byteLength };
  }

  /** What measurements decided so far, 0 for nothing. */
  decisions() {
    return this.module._nsc_decisions() >>> 0;
  }

  /** @param {number} decisions  of an earlier start, given before the first model */
  assumeDecisions(decisions) {
    this.module._nsc_assume_decisions(decisions);
  }

  trap() {
    this.module._bridge_trap();
  }

  /**
   * Streams a file into the heap: each chunk is copied once, to where it stays.
   * @param {Blob} file
   * @param {{sniff?: boolean, onProgress?: (done: number, total: number) => void}} [options]  with `sniff`, a file that
   *   begins like nothing readable is not read to its end
   * @returns {Promise<number>} the source
   */
  async source(file, { sniff = false, onProgress } = {}) {
    this.call('bridge_source_create', file.size);
    const source = this.result();
    try {
      let done = 0;
      const reader = file.stream().getReader();
      for (;;) {
        const { done: end, value: chunk } = await readChunk(reader);
        if (end) break;
        const known = this.#append(source, chunk);
        if (sniff && done === 0 && !known && chunk.length >= 4096) {
          await reader.cancel();
          break;
        }
        done += chunk.length;
        onProgress?.(done, file.size);
      }
      return source;
    } catch (error) {
      if (!isTrap(error)) this.module._nsc_source_free(source);
      throw error;
    }
  }

  /** A source of bytes that were read already. @param {Uint8Array} bytes @returns {number} */
  sourceOf(bytes) {
    this.call('bridge_source_create', bytes.length);
    const source = this.result();
    try {
      this.#append(source, bytes);
    } catch (error) {
      if (!isTrap(error)) this.module._nsc_source_free(source);
      throw error;
    }
    return source;
  }

  /**
   * Copies a piece of a file into a source.
   * @param {number} source
   * @param {Uint8Array} chunk
   * @returns {boolean} whether the chunk begins like a format that some reader knows
   */
  #append(source, chunk) {
    this.call('bridge_source_reserve', source, chunk.length);
    const at = this.result();
    new Uint8Array(this.module.wasmMemory.buffer, at, chunk.length).set(chunk);
    const known = this.module._bridge_sniff(at, chunk.length) !== 0;
    this.call('bridge_source_commit', source, chunk.length);
    return known;
  }

  /**
   * @param {number} source  taken over, also on failure
   * @returns {number} the image
   */
  openImage(source) {
    return this.#openWith('bridge_image_open', source);
  }

  /** @param {number} source  taken over, also on failure */
  openModel(source) {
    return this.#openWith('bridge_model_open', source);
  }

  /** Weights that a model keeps in a file beside it. @param {number} model @param {string} name @param {number} source  taken over, also on failure */
  addModelFile(model, name, source) {
    this.handOver(source, () => this.withTexts([name], (text) => this.call('bridge_model_add_file', model, text, source)));
  }

  /**
   * Loads the codecs if frames of this image need them and they are not there: the first time, or after a trap in them.
   * @param {number} image
   */
  async readyToDecode(image) {
    if (this.module.codec || !this.loadCodec || !this.module._nsc_image_needs_codec(image)) return;
    try {
      this.module.codec = await this.loadCodec();
    } catch (error) {
      throw new CoreError(FAULT.CODEC, 'CODEC', error instanceof Error ? error.message : String(error));
    }
  }

  /** A picture of nobody, made in the core. @param {number} seed @param {object} options @returns {number} the image */
  phantom(seed, options) {
    this.withTexts([JSON.stringify(options)], (text) => this.call('bridge_phantom', seed, text));
    return this.result();
  }

  /** @param {string} name @param {number} source */
  #openWith(name, source) {
    this.handOver(source, () => this.call(name, source));
    return this.result();
  }

  /** A call that takes a source over when it goes well; otherwise the source ends here. @param {number} source @param {() => void} call */
  handOver(source, call) {
    try {
      call();
    } catch (error) {
      if (!isTrap(error)) this.module._nsc_source_free(source);
      throw error;
    }
  }

  /** @param {number} source */
  freeSource(source) {
    this.module._nsc_source_free(source);
  }

  /** @param {number} archive */
  freeArchive(archive) {
    this.module._nsc_archive_free(archive);
  }

  /** @param {number} reformat */
  freeReformat(reformat) {
    this.module._nsc_reformat_free(reformat);
  }

  /** @param {number} index @param {string} key */
  removeFromIndex(index, key) {
    this.withTexts([key], (text) => this.module._nsc_index_remove(index, text));
  }

  /** @param {number} explanation */
  freeExplanation(explanation) {
    this.module._nsc_explanation_free(explanation);
  }

  /** @param {number} ensemble */
  freeEnsemble(ensemble) {
    this.module._nsc_ensemble_free(ensemble);
  }

  /** @param {number} stability */
  freeStability(stability) {
    this.module._nsc_stability_free(stability);
  }

  /** @param {number} record */
  freeRecord(record) {
    this.module._nsc_record_free(record);
  }

  /** @param {number} training */
  freeTraining(training) {
    this.module._nsc_training_free(training);
  }

  /** @param {number} training @param {number} sample */
  trainingName(training, sample) {
    const address = this.module._bridge_training_name(training, sample);
    return address ? this.text(address) : null;
  }

  /** @param {number} image @returns {import('../shared/protocol.js').ImageInfo} */
  imageInfo(image) {
    this.call('bridge_image_json', image);
    return this.ownedJson();
  }

  /** @param {number} image */
  freeImage(image) {
    this.module._nsc_image_free(image);
  }

  /**
   * @param {number} image
   * @param {string} kind
   * @param {number} frame
   * @param {number} index
   * @returns {View}
   */
  view(image, kind, frame, index) {
    if (kind === 'window') this.call('bridge_view_window', image, index);
    else this.call(kind === 'auto' ? 'bridge_view_auto' : 'bridge_view_default', image, frame);
    return { ...this.borrowedJson(), frame };
  }

  /**
   * @param {number} image
   * @param {View} view
   * @param {number} width  of the image
   * @param {number} height
   * @param {ArrayBuffer | null} [buffer]  memory for the pixels, if it fits
   * @param {readonly import('../shared/protocol.js').Step[] | null} [steps]  filters on the rendered picture
   */
  render(image, view, width, height, buffer, steps = null) {
    const { frame, voiLut, function: voi, center, width: window, invert, colors = 0 } = view;
    this.withTexts([steps && JSON.stringify(steps)], (filters) =>
      this.call('bridge_render', image, frame, voiLut, voi, center, window, invert ? 1 : 0, colors, filters),
    );
    return this.pixels(width, height, buffer);
  }

  /** Keeps what was resampled last for one part of the page. @returns {number} */
  createScreen() {
    this.call('bridge_screen_create');
    return this.result(0);
  }

  /**
   * A frame as it lies on the screen.
   * @param {number} screen
   * @param {number} image
   * @param {View} view
   * @param {import('../shared/protocol.js').Placement} place
   * @param {ArrayBuffer | null} buffer  memory for the pixels, if it fits
   * @param {readonly import('../shared/protocol.js').Step[] | null} [steps]  filters on the rendered picture
   */
  renderPlaced(screen, image, view, place, buffer, steps = null) {
    const { frame, voiLut, function: voi, center, width: window, invert, colors = 0 } = view;
    const { width, height, x, y, scaleX, scaleY, turn, mirrored, smoothing } = place;
    const placement = Float64Array.of(width, height, x, y, scaleX, scaleY, turn, mirrored ? 1 : 0, smoothing);
    this.withTexts([steps && JSON.stringify(steps)], (filters) =>
      this.withBytes(new Uint8Array(placement.buffer), (address) =>
        this.call('bridge_screen_render', screen, image, frame, voiLut, voi, center, window, invert ? 1 : 0, colors, filters, address),
      ),
    );
    return this.pixels(width, height, buffer);
  }

  /** @param {number} image @param {number} frame @param {number} x @param {number} y @returns {number[]} */
  probe(image, frame, x, y) {
    this.call('bridge_probe', image, frame, x, y);
    return this.borrowedJson();
  }

  /** What the value of a pixel is in the real world, or null. @param {number} image @param {number} frame @param {number} x @param {number} y */
  realWorld(image, frame, x, y) {
    this.call('bridge_real_world', image, frame, x, y);
    return this.ownedJson();
  }

  /** @param {number} image @param {number} frame @param {number} color  0xRRGGBB @param {number} width @param {number} height */
  overlays(image, frame, color, width, height) {
    this.call('bridge_overlays', image, frame, color);
    return this.pixels(width, height);
  }

  /** @param {number} image @param {[number, number]} key  two halves of 32 bits */
  deidentify(image, [high, low]) {
    this.call('bridge_deidentify', image, high, low);
    return this.ownedBytes();
  }

  /**
   * @param {number} image
   * @param {number} frame
   * @param {number} kind  nsc_measure_kind
   * @param {number[][]} points
   */
  measure(image, frame, kind, points) {
    const bytes = new Uint8Array(Float64Array.from(points.flat()).buffer);
    this.withBytes(bytes, (address) => this.call('bridge_measure', image, frame, kind, address, points.length));
    return this.ownedJson();
  }

  /** A structured report that is being put together. @param {readonly number[]} key  four numbers of 32 bits */
  createReport(key) {
    this.call('bridge_report_create', ...key);
    return this.result();
  }

  /** @param {number} report @param {number} image @param {{frame: number, kind: number, points: number[][], text: string}} mark */
  addToReport(report, image, { frame, kind, points, text }) {
    const bytes = new Uint8Array(Float64Array.from(points.flat()).buffer);
    this.withBytes(bytes, (address) =>
      this.withTexts([text], (label) => this.call('bridge_report_add', report, image, frame, kind, address, points.length, label)),
    );
  }

  /** @param {number} report @param {string} now  YYYYMMDDHHMMSS @param {boolean} nameless */
  writeReport(report, now, nameless) {
    this.withTexts([now], (time) => this.call('bridge_report_write', report, time, nameless ? 1 : 0));
    return this.ownedBytes();
  }

  /** @param {number} report */
  freeReport(report) {
    this.module._nsc_report_free(report);
  }

  /**
   * Waits until as many threads are idle as a classifier will start. A thread that ended is idle only after this worker
   * has been to its event loop; one that is missing when the core wants it would never come, and the core would wait
   * for it for ever.
   * @param {number} threads  with the calling one
   */
  async threadsReady(threads) {
    const { PThread } = this.module;
    const deadline = performance.now() + THREADS_MS;
    while (PThread && PThread.unusedWorkers.length < threads - 1) {
      if (performance.now() > deadline) throw new CoreError(FAULT.TRAP, 'TRAP', 'the threads did not end');
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** @param {number} model @returns {import('../shared/protocol.js').ModelInfo} */
  modelInfo(model) {
    this.call('bridge_model_json', model);
    return this.ownedJson();
  }

  /** @param {number} model */
  freeModel(model) {
    this.module._nsc_model_free(model);
  }

  /** @param {string} preset @param {number} width @param {number} height @param {number} channels */
  recipe(preset, width, height, channels) {
    this.withTexts([preset], (name) => this.call('bridge_recipe', name, width, height, channels));
    return this.ownedJson();
  }

  /**
   * What a classifier would take, or null where it could not be made anyway: making it says why.
   * @param {number} model
   * @param {number} threads
   * @param {import('../shared/protocol.js').ModelOptions} options
   * @returns {import('../shared/protocol.js').Memory | null}
   */
  modelMemory(model, threads, { recipe, labels, output }) {
    try {
      this.withTexts([recipe, labels, output], (...texts) => this.call('bridge_model_memory', model, threads, ...texts));
    } catch (error) {
      if (isTrap(error)) throw error;
      return null;
    }
    return this.ownedJson();
  }

  /**
   * @param {number} model
   * @param {number} threads
   * @param {import('../shared/protocol.js').ModelOptions} options
   * @param {number} [batch]  pictures in a run
   */
  createClassifier(model, threads, { recipe, labels, output }, batch = 1) {
    this.withTexts([recipe, labels, output], (...texts) =>
      this.call('bridge_classifier_create', model, threads, ...texts, batch),
    );
    return this.result();
  }

  /** A picture of a batch. @param {number} classifier @param {number} slot @param {number} image @param {number} frame */
  putPicture(classifier, slot, image, frame) {
    this.call('bridge_classifier_put', classifier, slot, image, frame);
  }

  /** Computes all slots. @param {number} classifier */
  runBatch(classifier) {
    this.call('bridge_classifier_run', classifier);
  }

  /** @param {number} classifier @param {number} slot @returns {Omit<import('../shared/protocol.js').Result, 'totalMs'>} */
  batchResult(classifier, slot) {
    this.call('bridge_classifier_result', classifier, slot);
    return this.ownedJson();
  }

  /**
   * @param {number} model
   * @param {import('../shared/protocol.js').ModelOptions} options
   * @param {string} method
   */
  createQuantization(model, { recipe, labels, output }, method) {
    this.withTexts([recipe, labels, output, method], (...texts) => this.call('bridge_quantization_create', model, ...texts));
    return this.result();
  }

  /** @param {number} quantization @param {number} image @param {number} frame */
  addToQuantization(quantization, image, frame) {
    this.call('bridge_quantization_add', quantization, image, frame);
  }

  /** The quantised model. @param {number} quantization */
  finishQuantization(quantization) {
    this.call('bridge_quantization_finish', quantization);
    return this.ownedBytes();
  }

  /** @param {number} quantization */
  freeQuantization(quantization) {
    this.module._nsc_quantization_free(quantization);
  }

  /** @param {number} classifier */
  freeClassifier(classifier) {
    this.module._nsc_classifier_free(classifier);
  }

  /** What a file says of the patient: "age" in years, "sex" as 0 (F) or 1 (M). @param {number} image @param {string} name @returns {number | null} */
  fieldOfFile(image, name) {
    const value = this.withTexts([name], (text) => this.module._nsc_field_of_file(text, image));
    return Number.isNaN(value) ? null : value;
  }

  /** Whether a model gives curves of survival and no labels. @param {number} model */
  isSurvival(model) {
    return this.module._bridge_is_survival(model) !== 0;
  }

  /** @param {number} prognosis */
  freePrognosis(prognosis) {
    this.module._nsc_prognosis_free(prognosis);
  }

  /** @param {number} classifier @param {number} image @param {number} frame */
  classify(classifier, image, frame) {
    this.call('bridge_classify', classifier, image, frame);
    return this.ownedJson();
  }

  /** @param {number} classifier @returns {import('../shared/protocol.js').Profile} */
  profile(classifier) {
    this.call('bridge_classifier_profile', classifier);
    return this.ownedJson();
  }

  /** @param {number} classifier @param {number} image @param {number} frame */
  preview(classifier, image, frame) {
    this.call('bridge_input_size', classifier);
    const width = this.result(0);
    const height = this.result(1);
    this.call('bridge_preview', classifier, image, frame);
    return this.pixels(width, height);
  }

  /** @param {import('../shared/protocol.js').Recipe} recipe @param {number} image @param {number} frame */
  prepare(recipe, image, frame) {
    this.withTexts([JSON.stringify(recipe)], (text) => this.call('bridge_recipe_preview', text, image, frame));
    return this.pixels(recipe.width, recipe.height);
  }
}

/**
 * A failure here is the browser's: the file was moved or changed since it was picked.
 * @param {ReadableStreamDefaultReader<Uint8Array>} reader
 * @returns {Promise<{done: true, value?: undefined} | {done: false, value: Uint8Array}>}
 */
async function readChunk(reader) {
  try {
    return /** @type {any} */ (await reader.read());
  } catch (error) {
    throw new CoreError(FAULT.READ, 'READ', error instanceof Error ? error.message : String(error));
  }
}
