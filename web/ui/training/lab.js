/**
 * The state of the workspace for training and the only one to talk to its worker. Panels listen and never talk to each
 * other; like Desk for the viewer.
 *
 *   entry    what is being loaded: a plan, progress, refusals       data      other data, or none
 *   begun    a training began, ended, paused or goes on             status    numbers of a running training
 *   keep     what is kept for another visit                         problem   something went wrong (detail: key, error)
 *   look     pictures can be compared with the data
 */
import { CoreError, FAULT } from '../../shared/protocol.js';
import { SLICE_MS } from '../../shared/training.js';
import { EXAMPLE_OPTIONS, EXAMPLE_SETTINGS, exampleSamples } from './example.js';

/**
 * @typedef {import('../../client/training.js').TrainingClient} TrainingClient
 * @typedef {import('../../shared/training.js').DataJson} DataJson
 * @typedef {import('../../shared/training.js').Duplicate} Duplicate
 * @typedef {import('../../shared/training.js').Choices} Choices
 * @typedef {import('../../shared/training.js').TrainingStatus} TrainingStatus
 * @typedef {import('../../shared/training.js').About} About
 * @typedef {import('../../shared/training.js').Kept} Kept
 * @typedef {import('./plan.js').Plan} Plan
 * @typedef {import('../../shared/training.js').Sample} Sample
 * @typedef {{kind: 'voi'} | {kind: 'window', low: number, high: number}} Range  which values become black and white
 * @typedef {{name: string, error?: CoreError, reason?: string, values?: Record<string, string | number>}} Refusal
 * @typedef {{size: number, channels: number, fit: string, range: Range, invert: boolean,
 *            steps: readonly import('../../shared/protocol.js').Step[], validation: number, test: number,
 *            survival?: {unit: string, bins: number, fields: string[]} | null}} LoadSettings  survival: of times to an event
 * @typedef {{done: number, total: number, phase: string}} Loading
 * @typedef {{data: DataJson, names: string[], duplicates: Duplicate[], about: About, refused: Refusal[]}} Loaded
 */

/** Bytes that decoded pictures may take: a quarter of what a tab gives wasm; networks and their memory need the rest. */
export const BUDGET = 1 << 30;
/** Files sent at once: few enough that Stop is felt, many enough that messages cost nothing. */
const PORTION = 16;
const NO_DATA = new CoreError(FAULT.REQUEST, 'REQUEST', 'no data');

export class Lab extends EventTarget {
  /** @param {TrainingClient} client */
  constructor(client) {
    super();
    this.client = client;
    /** @type {Plan | null} */
    this.plan = null;
    /** @type {Loading | null} */
    this.loading = null;
    /** @type {AbortController | null} */
    this.stopper = null;
    /** @type {Loaded | null} */
    this.loaded = null;
    /** @type {Choices | null} */
    this.choices = null;
    /** @type {TrainingStatus | null} */
    this.status = null;
    /** As begun. @type {Record<string, any> | null} */
    this.options = null;
    /** Options of what follows the training at hand. @type {Record<string, any> | null} */
    this.then = null;
    /** What came of the part that this one follows. @type {import('../../shared/training.js').Part | null} */
    this.before = null;
    /** Reads the same pictures again, otherwise; null when the files are not at hand. @type {((changes: Partial<LoadSettings>) => Promise<void>) | null} */
    this.reload = null;
    /** Pictures can be compared with these data. */
    this.looks = false;
    /** Options that these data ask for. @type {Record<string, any> | null} */
    this.suggested = null;
    /** The network is being built, and features of all pictures where a head alone is trained. */
    this.starting = false;
    this.running = false;
    /** A training began and was not ended: its settings hold. */
    this.open = false;
    /** @type {Kept | null} */
    this.kept = null;
    /** @type {CoreError | null} */
    this.keepError = null;
    /** The last epoch that is safe. */
    this.keptEpoch = 0;
    /** The slices under way, or those that were. @type {Promise<void>} */
    this.looping = Promise.resolve();
    client.addEventListener('dead', (event) => this.#die(/** @type {CustomEvent} */ (event).detail.message));
  }

  /** @param {string} type @param {(detail: any) => void} listener */
  on(type, listener) {
    this.addEventListener(type, (event) => listener(/** @type {CustomEvent} */ (event).detail));
  }

  /** @param {string} type @param {unknown} [detail] */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** @param {string} key @param {unknown} error */
  #complain(key, error) {
    const known = error instanceof CoreError ? error : new CoreError(FAULT.REQUEST, 'REQUEST', String(error));
    // The end of the worker is told once, by #die.
    if (known.code === FAULT.TRAP || known.code === FAULT.CANCELLED) return;
    this.#tell('problem', { key, error: known });
  }

  // ---- data ---------------------------------------------------------------------------------------------------------

  /** @param {Plan | null} plan */
  setPlan(plan) {
    this.plan = plan;
    this.#tell('entry');
  }

  /** @param {LoadSettings} settings @param {Sample[]} samples  of the plan, with their patients */
  async load(settings, samples, plan = this.plan) {
    if (!plan) return;
    const about = { title: plan.title, synthetic: false };
    const labels = plan.kind === 'npz' ? null : plan.labels;
    await this.#fill(about, async (signal) => {
      this.reload = (changes) => this.load({ ...settings, ...changes }, samples, plan);
      await this.#create(settings, labels);
      /** @type {import('./plan.js').Sample[]} */
      const added = [];
      const refused = plan.archive ? await this.#addArchive(plan.archive) : await this.#addAll(samples, signal, added, settings.survival?.fields);
      await this.#deal(settings, signal);
      if (settings.survival) await this.#setOutcomes(settings.survival, added);
      return [...plan.left, ...refused];
    });
  }

  /**
   * @param {string} title
   * @param {string} name  of its slices
   * @param {string[]} labels  of slices without and with a lesion
   * @param {Partial<LoadSettings>} [changes]
   */
  async loadExample(title, name, labels, changes = {}) {
    const settings = { ...EXAMPLE_SETTINGS, ...changes };
    await this.#fill({ title, synthetic: true }, async (signal) => {
      this.suggested = EXAMPLE_OPTIONS;
      this.reload = (other) => this.loadExample(title, name, labels, { ...changes, ...other });
      await this.#create(settings, labels);
      const refused = await this.#addAll(exampleSamples(name), signal);
      await this.#deal(settings, signal);
      return refused;
    });
  }

  /** @param {LoadSettings} settings @param {string[] | null} labels  null where an archive brings them */
  async #create({ size, channels, fit, range, invert, steps }, labels) {
    const data = { ...(labels && { labels }), width: size, height: size, channels, fit, range, invert, steps, budget: BUDGET };
    await this.client.request('create', { data });
  }

  /** Into splits, unless it was stopped before all were there. @param {LoadSettings} settings @param {AbortSignal} signal */
  async #deal({ validation, test }, signal) {
    if (signal.aborted) throw new CoreError(FAULT.CANCELLED, 'CANCELLED', 'stopped');
    await this.client.request('split', { how: { validation, test, seed: 1 } });
  }

  /** @param {{unit: string, bins: number, fields: string[]}} survival @param {import('./plan.js').Sample[]} samples  that were added */
  async #setOutcomes({ unit, bins, fields }, samples) {
    const rows = samples.map(({ outcome, known }) => [outcome?.time, outcome?.event, ...fields.map((name, index) => outcome?.values[name] || (known?.[index] ?? null))]);
    await this.client.request('outcomes', { outcomes: { unit, bins, fields, outcomes: rows } });
  }

  stopLoading() {
    this.stopper?.abort();
  }

  #showing(before = 0, total = 0) {
    return {
      onProgress: (/** @type {Loading} */ progress) => {
        this.loading = { ...progress, done: before + progress.done, total: total || progress.total };
        this.#tell('entry');
      },
    };
  }

  /** @param {About} about @param {(signal: AbortSignal) => Promise<Refusal[]>} work */
  async #fill(about, work) {
    await this.endTraining();
    this.stopper = new AbortController();
    this.#forgetData();
    this.loading = { done: 0, total: 1, phase: 'decode' };
    this.#tell('entry');
    try {
      const refused = await work(this.stopper.signal);
      const described = await this.client.request('data');
      await this.#have({ ...described, about, refused });
    } catch (error) {
      this.#complain('train.problem.load', error);
    } finally {
      this.loading = null;
      this.stopper = null;
      this.#tell('entry');
    }
  }

  /** @param {Loaded} loaded */
  async #have(loaded) {
    this.choices = await this.client.request('choices');
    this.loaded = loaded;
    this.plan = null;
    this.#tell('data');
  }

  #forgetData() {
    this.loaded = this.choices = this.status = this.options = this.suggested = this.then = this.before = this.reload = null;
    this.looks = false;
    this.keepError = null;
    this.keptEpoch = 0;
    this.#tell('data');
  }

  /**
   * @param {Sample[]} samples
   * @param {AbortSignal} signal
   * @param {any[]} [added]  takes those that were read
   * @param {string[]} [fields]  that files may know
   * @returns {Promise<Refusal[]>}
   */
  async #addAll(samples, signal, added = [], fields = []) {
    /** @type {Refusal[]} */
    const refused = [];
    for (let at = 0; at < samples.length && !signal.aborted; at += PORTION) {
      const portion = samples.slice(at, at + PORTION);
      const answer = await this.client.request('add', { samples: portion, fields }, this.#showing(at, samples.length));
      const bad = new Set(answer.refused.map((/** @type {{index: number}} */ { index }) => index));
      added.push(...portion.map((sample, index) => ({ ...sample, known: answer.known[index] })).filter((_, index) => !bad.has(index)));
      for (const { index, error } of answer.refused) {
        refused.push({ name: portion[index].name, error: CoreError.fromMessage(error) });
      }
    }
    return refused;
  }

  /** @param {File} file @returns {Promise<Refusal[]>} */
  async #addArchive(file) {
    await this.client.request('npz', { file, labels: null }, this.#showing());
    return [];
  }

  /** Away with data and training; what is kept stays. */
  async clear() {
    await this.endTraining();
    this.#forgetData();
    this.setPlan(null);
    await this.refreshKept();
  }

  /**
   * @param {Array<{sample: number, augment?: object | string | null, draw?: number}>} wanted
   * @returns {Promise<import('../../shared/protocol.js').Pixels[]>}
   */
  pictures(wanted) {
    const asked = wanted.map(({ sample, augment = null, draw = 0 }) => ({ sample, augment, draw }));
    return this.client.request('pictures', { wanted: asked });
  }

  // ---- training -----------------------------------------------------------------------------------------------------

  /**
   * Memory that a training would take, while none is there.
   * @param {Record<string, any>} options
   * @param {{base?: import('./bases.js').Base | null, then?: Record<string, any> | null}} [from]  as of begin
   * @returns {Promise<import('../../shared/training.js').Need>}
   */
  async need(options, { base = null, then = null } = {}) {
    return this.client.request('need', { options: then ? [options, then] : [options], base: base && (await base.blob()) });
  }

  /**
   * @param {Record<string, any>} options
   * @param {{base?: import('./bases.js').Base | null, then?: Record<string, any> | null}} [from]  a model to start from, and options of
   *   what follows
   */
  async begin(options, { base = null, then = null } = {}) {
    if (!this.loaded) throw NO_DATA;
    this.starting = true;
    this.#tell('begun');
    try {
      const about = { ...this.loaded.about, base: base?.title };
      const args = { options, about, base: base && (await base.blob()), then };
      const { status, keep } = await this.client.request('begin', args);
      this.status = status;
      this.loaded.about = about;
      this.options = options;
      this.then = then;
      this.before = null;
      this.open = true;
      this.starting = false;
      this.keptEpoch = 0;
      this.#noteKeep(keep);
      this.resume();
    } catch (error) {
      this.#complain('train.problem.begin', error);
    } finally {
      this.starting = false;
      this.#tell('begun');
    }
  }

  /** Starts, or goes on. */
  resume() {
    if (!this.open || this.running) return;
    this.running = true;
    this.#tell('begun');
    // After a pause that is not through yet: one loop at a time.
    this.looping = this.looping.then(() => this.#slices());
  }

  /** Takes effect after the present slice; the state is then kept. */
  pause() {
    this.running = false;
    this.#tell('begun');
  }

  /** Settings may be changed again; what was learned stays until the next begin. */
  async endTraining() {
    if (!this.open) return;
    this.running = false;
    await this.looping;
    this.open = false;
    this.#tell('begun');
  }

  /** Two slices are under way at a time, so that the worker never waits for the page. */
  async #slices() {
    if (!this.running) return;
    const ask = () => {
      const slice = this.client.request('run', { ms: SLICE_MS });
      // A failure of the one ahead is met when it is awaited, if it ever is.
      slice.catch(() => {});
      return slice;
    };
    try {
      let ahead = ask();
      for (let more = true; more; ) {
        const present = ahead;
        more = this.running;
        if (more) ahead = ask();
        const finished = this.#noteSlice(await present);
        if (finished) this.open = this.running = false;
      }
      if (this.open) this.#noteKeep(await this.client.request('keep'));
    } catch (error) {
      this.running = this.open = false;
      this.#complain('train.problem.run', error);
    }
    this.#tell('begun');
  }

  /** @param {import('../../shared/training.js').Slice} slice */
  #noteSlice({ status, finished, keep, next, before }) {
    this.status = status;
    this.#noteKeep(keep);
    if (next) {
      this.options = next;
      this.then = null;
      this.before = before;
      this.keptEpoch = 0;
      this.#tell('begun');
    }
    this.#tell('status');
    return finished;
  }

  /** @param {import('../../shared/training.js').Keep} keep */
  #noteKeep(keep) {
    if (!keep) return;
    if ('error' in keep) this.keepError = CoreError.fromMessage(keep.error);
    else {
      this.keepError = null;
      this.keptEpoch = keep.epoch;
    }
    this.#tell('keep');
  }

  /** @param {string} message */
  #die(message) {
    const lost = this.loaded !== null || this.loading !== null;
    this.running = this.open = false;
    this.#forgetData();
    this.#tell('begun');
    this.#tell('entry');
    if (lost) this.#tell('problem', { key: 'train.problem.trap', error: new CoreError(FAULT.TRAP, 'TRAP', message) });
    void this.refreshKept();
  }

  // ---- what came of it ----------------------------------------------------------------------------------------------

  /** Times to an event are learned, and no labels. */
  get survives() {
    return Boolean(this.loaded?.data.survival);
  }

  get hasWeights() {
    return (this.status?.history.length ?? 0) > 0;
  }

  /** @param {object} how @returns {Promise<import('../../shared/training.js').Evaluation>} */
  evaluate(how) {
    return this.client.request('evaluate', { how });
  }

  /** @param {Blob} file @returns {Promise<import('../../shared/protocol.js').ModelInfo>} */
  describe(file) {
    return this.client.request('describe', { file });
  }

  /** Makes these data ready to compare pictures with, as a model sees them. @param {Blob} base */
  async look(base) {
    const { loaded } = this;
    this.looks = false;
    await this.client.request('look', { base });
    this.looks = loaded === this.loaded;
    this.#tell('look');
  }

  /** @param {import('../../shared/training.js').Picture} picture @param {number} k @returns {Promise<import('../../shared/training.js').Neighbours>} */
  neighbours(picture, k) {
    return this.client.request('neighbours', { picture, k });
  }

  /** @param {object} facts @returns {Promise<Uint8Array<ArrayBuffer>>} */
  model(facts) {
    return this.client.request('model', { facts, studied: true });
  }

  // ---- what is kept -------------------------------------------------------------------------------------------------

  async refreshKept() {
    try {
      this.kept = await this.client.request('kept');
    } catch {
      // A browser that keeps nothing has nothing to offer; keeping says so when it fails.
      this.kept = null;
    }
    this.#tell('keep');
  }

  async restore() {
    this.loading = { done: 0, total: 0, phase: 'restore' };
    this.#tell('entry');
    try {
      const { options, about, then, before, status, ...described } = await this.client.request('restore');
      this.status = status;
      this.then = then;
      this.before = before;
      this.options = options;
      this.keptEpoch = status.history.length;
      this.open = status.state !== 'finished';
      await this.#have({ ...described, about, refused: [] });
      this.#tell('begun');
      this.#tell('status');
    } catch (error) {
      this.#complain('train.problem.restore', error);
    } finally {
      this.loading = null;
      this.#tell('entry');
    }
  }

  async forget() {
    await this.client.request('forget');
    this.kept = null;
    this.keptEpoch = 0;
    this.#tell('keep');
  }
}
