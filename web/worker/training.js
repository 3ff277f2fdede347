/** The operations of ../shared/training.js on one instance of the core: one training at a time, in slices. */
import { CoreError, FAULT } from '../shared/protocol.js';
import { isTrap } from './core.js';
import { CoreTraining } from './core-training.js';
import { modelSource } from './file-bytes.js';
import { Keeper } from './keeper.js';
import { Looker } from './looker.js';
import { openFiles } from './storage.js';

/**
 * @typedef {import('./core.js').Core} Core
 * @typedef {import('./serve.js').Request} Request
 * @typedef {import('./serve.js').Progress} Progress
 * @typedef {import('./serve.js').Answer} Answer
 * @typedef {import('../shared/training.js').Keep} Keep
 * @typedef {import('../shared/training.js').Sample} Sample
 * @typedef {import('../shared/training.js').Picture} Picture
 *
 * @typedef {import('../shared/training.js').Part} Part
 * @typedef {object} Begun
 * @property {object} options
 * @property {import('../shared/training.js').About} about
 * @property {object | null} then  options of what follows from the model that this makes
 * @property {Part | null} before  what came of the part that this follows
 * @property {string | null} [base]  under which name the model it started from is kept; undefined while it is not
 */

/** Failures of what was kept, after which an older checkpoint is worth a try. */
const DAMAGE = ['NSC_ERROR_CORRUPT', 'NSC_ERROR_TRUNCATED', 'NSC_ERROR_UNKNOWN_FORMAT', 'NSC_ERROR_ARGUMENT'];

export class TrainingService {
  /**
   * @param {Core} core
   * @param {{threads: number, test: boolean, files?: () => Promise<import('./storage.js').Files>}} options
   */
  constructor(core, { threads, test, files = openFiles }) {
    this.core = core;
    this.threads = threads;
    this.test = test;
    this.keeper = new Keeper(files);
    /** @type {CoreTraining | null} */
    this.current = null;
    /** Of the training at hand. @type {{bytes: number, budget: number, width: number, height: number}} */
    this.size = { bytes: 0, budget: 0, width: 0, height: 0 };
    /** @type {Looker | null} */
    this.looker = null;
    /** As begun. @type {Begun | null} */
    this.begun = null;
    /** What became of the cases, which is not in the data that are kept: as `outcomes` took it. @type {object | null} */
    this.outcomes = null;
    this.epochsKept = 0;
    this.dataKept = false;
    this.threadsTaken = false;
    /** Where the best weights are: a number of Core.addStore, -1 for memory; null while it was not asked for. @type {number | null} */
    this.store = null;
  }

  /** @param {Request} request @param {Progress} progress @returns {Promise<Answer>} */
  async handle({ op, args }, progress) {
    const operation = Object.hasOwn(TrainingService.operations, op) ? TrainingService.operations[op] : null;
    if (!operation) throw new CoreError(FAULT.REQUEST, 'REQUEST', `no operation is called ${op}`);
    return operation.call(this, args, progress);
  }

  /** @type {Record<string, (this: TrainingService, args: any, progress: Progress) => Promise<Answer>>} */
  static operations = {
    async create({ data }) {
      this.#take(CoreTraining.create(this.core, data));
      return { result: null };
    },

    async add({ samples, fields = [] }, progress) {
      return { result: await this.#add(samples, fields, progress) };
    },

    async npz({ file, labels }, progress) {
      const training = this.#training();
      const source = await this.core.source(file, { onProgress: (done, total) => progress(done, total, 'read') });
      this.#changed();
      this.#using(() => training.addNpz(source, labels), () => this.core.freeSource(source));
      return { result: null };
    },

    async split({ how }) {
      this.#training().split(how);
      this.#changed();
      return { result: null };
    },

    async outcomes({ outcomes }) {
      this.#training().setOutcomes(outcomes);
      this.outcomes = outcomes;
      return { result: null };
    },

    async data() {
      return { result: this.#describe() };
    },

    async pictures({ wanted }) {
      const training = this.#training();
      const pictures = wanted.map((/** @type {{sample: number, augment: any, draw: number}} */ { sample, augment, draw }) =>
        training.picture(sample, augment, draw, this.size),
      );
      return { result: pictures, transfer: pictures.map((/** @type {any} */ { rgba }) => rgba.buffer) };
    },

    async choices() {
      return { result: this.#training().choices() };
    },

    async describe({ file }) {
      const handle = this.core.openModel((await modelSource(this.core, file)).source);
      const info = this.core.modelInfo(handle);
      this.core.freeModel(handle);
      return { result: info };
    },

    async need({ options, base = null }) {
      return { result: await this.#need(options, base) };
    },

    async begin({ options, about, base = null, then = null }) {
      const keep = await this.#beginAnew({ options, about, then, before: null }, base);
      return { result: { status: this.#training().status(), keep } };
    },

    async run({ ms }) {
      const training = this.#training();
      const finished = training.run(ms);
      const status = training.status();
      const keep = status.history.length > this.epochsKept ? await this.#keep() : null;
      if (!finished || !this.begun?.then) return { result: { status, finished, keep, next: null, before: null } };
      const next = await this.#goOn();
      return { result: { status: training.status(), finished: false, ...next } };
    },

    async keep() {
      return { result: await this.#keep() };
    },

    async status() {
      return { result: this.#training().status() };
    },

    async evaluate({ how }) {
      return { result: (how.neighbours ? this.#looker() : this.#training()).evaluate(how) };
    },

    async look({ base }) {
      this.#endLook();
      this.looker = await Looker.make(this.core, this.#training(), base);
      return { result: null };
    },

    async neighbours({ picture, k }) {
      const looker = this.#looker();
      const image = await this.#image(picture);
      return { result: this.#using(() => looker.neighbours(image, picture.frame ?? 0, k), () => this.core.freeImage(image)) };
    },

    async model({ facts, studied = false }) {
      const bytes = this.#training().model(facts, studied);
      return { result: bytes, transfer: [bytes.buffer] };
    },

    async kept() {
      return { result: await this.keeper.latest() };
    },

    async restore() {
      return { result: await this.#restore() };
    },

    async forget() {
      await this.keeper.forget();
      this.dataKept = false;
      return { result: null };
    },

    async clear() {
      this.core.clearCancel();
      return { result: null };
    },

    async memory() {
      return { result: this.core.memory() };
    },

    async trap() {
      if (!this.test) throw new CoreError(FAULT.REQUEST, 'REQUEST', 'only for tests');
      this.core.trap();
      return { result: null };
    },
  };

  #training() {
    if (!this.current) throw new CoreError(FAULT.REQUEST, 'REQUEST', 'no data are loaded');
    return this.current;
  }

  #looker() {
    if (!this.looker) throw new CoreError(FAULT.REQUEST, 'REQUEST', 'no pictures to compare with');
    return this.looker;
  }

  #endLook() {
    this.looker?.free();
    this.looker = null;
  }

  /** The data are others than those that were kept and compared with. */
  #changed() {
    this.dataKept = false;
    this.#endLook();
  }

  /** The training before it ends: two sets of pictures would not fit where one does. @param {CoreTraining} training */
  #take(training) {
    this.current?.free();
    this.current = training;
    this.threadsTaken = false;
    this.begun = null;
    this.outcomes = null;
    this.#changed();
    const { width, height, channels, budget } = training.data();
    this.size = { bytes: width * height * channels, budget, width, height };
  }

  /** @param {CoreTraining} training */
  async #useStore(training) {
    if (this.store === null) {
      const scratch = await this.keeper.scratch();
      this.store = scratch ? this.core.addStore(scratch) : -1;
    }
    training.setStore(this.store);
  }

  /**
   * What the largest of several trainings would take. A model is set as for `begin`, which ends a training that there is.
   * @param {object[]} options
   * @param {Blob | null} base
   */
  async #need(options, base) {
    const training = this.#training();
    await this.#useStore(training);
    if (base) await training.setBase(base);
    return options.map((each) => training.need(each, this.threads)).reduce((a, b) => (b.bytes > a.bytes ? b : a));
  }

  /**
   * A training keeps its threads from one begin to the next; only those of one that was ended must come back first.
   * @param {CoreTraining} training
   * @param {object} options
   * @param {Blob | null} base  the model to start from
   */
  async #begin(training, options, base) {
    if (base) await training.setBase(base);
    await this.#useStore(training);
    if (!this.threadsTaken) await this.core.threadsReady(this.threads);
    this.threadsTaken = true;
    training.begin(options, this.threads);
  }

  /** @param {Begun} begun @param {Blob | null} base @returns {Promise<Keep>} */
  async #beginAnew(begun, base) {
    await this.#begin(this.#training(), begun.options, base);
    this.begun = begun;
    this.epochsKept = 0;
    return this.#keepStart(begun, base);
  }

  /**
   * What follows starts from the model that was made, as from a file, and not from the network at hand: so it can be
   * begun again, to the same numbers, on another visit.
   * @returns {Promise<{keep: Keep, next: object, before: Part}>}
   */
  async #goOn() {
    const { about, then } = /** @type {Begun} */ (this.begun);
    const options = /** @type {object} */ (then);
    const { history, bestEpoch, base: owed } = this.#training().status();
    const before = { history, bestEpoch };
    // Between the parts stands the model that was there at first: what follows owes it the same.
    const facts = { name: owed?.name ?? 'start', limits: owed?.limits ?? '', license: owed?.license ?? '' };
    const base = new Blob([this.#training().model(facts)]);
    return { keep: await this.#beginAnew({ options, about, then: null, before }, base), next: options, before };
  }

  #describe() {
    const training = this.#training();
    const data = training.data();
    const names = data.samples.map((_, sample) => training.name(sample) ?? '');
    return { data, names, duplicates: training.duplicates() };
  }

  /** @param {Sample[]} samples @param {string[]} fields @param {Progress} progress */
  async #add(samples, fields, progress) {
    const refused = [];
    /** @type {Array<Array<number | null> | null>} */
    const known = [];
    let added = 0;
    this.#changed();
    for (const [index, sample] of samples.entries()) {
      known.push(null);
      try {
        known[index] = await this.#addOne(sample, fields);
        added++;
      } catch (error) {
        if (isTrap(error) || (await this.#isFull(error))) throw error;
        refused.push({ index, error: CoreError.toMessage(error) });
      }
      progress(index + 1, samples.length, 'decode');
    }
    return { added, refused, known };
  }

  /** @param {Sample} sample @param {string[]} fields  asked of the file @returns {Promise<Array<number | null>>} */
  async #addOne(sample, fields) {
    const training = this.#training();
    const image = await this.#image(sample);
    const add = () => {
      training.addImage(image, sample);
      return fields.map((name) => this.core.fieldOfFile(image, name));
    };
    return this.#using(add, () => this.core.freeImage(image));
  }

  /** @param {import('../shared/training.js').Picture} picture @returns {Promise<number>} */
  async #image({ file, phantom }) {
    if (phantom) return this.core.phantom(phantom.seed, phantom.options);
    if (!file) throw new CoreError(FAULT.REQUEST, 'REQUEST', 'neither a file nor a phantom');
    const image = this.core.openImage(await this.core.source(file, { sniff: true }));
    try {
      await this.core.readyToDecode(image);
      return image;
    } catch (error) {
      this.core.freeImage(image);
      throw error;
    }
  }

  /**
   * Ends what was used, unless the module is gone with it.
   * @template T
   * @param {() => T} work
   * @param {() => void} end
   * @returns {T}
   */
  #using(work, end) {
    try {
      const result = work();
      end();
      return result;
    } catch (error) {
      if (!isTrap(error)) end();
      throw error;
    }
  }

  /** A file that is too large is its own problem; a full budget is everybody's. @param {unknown} error */
  async #isFull(error) {
    if (!(error instanceof CoreError) || error.name !== 'NSC_ERROR_LIMIT') return false;
    const { bytes } = this.#training().data();
    return bytes + this.size.bytes > this.size.budget;
  }

  /**
   * Training goes on whether or not it can be kept, so what goes wrong here is told and not thrown.
   * @param {() => Promise<Keep>} work
   * @returns {Promise<Keep>}
   */
  async #telling(work) {
    try {
      return await work();
    } catch (error) {
      if (isTrap(error)) throw error;
      return { error: CoreError.toMessage(error) };
    }
  }

  /** What a checkpoint needs beside itself. @param {Begun} begun @param {Blob | null} base @returns {Promise<Keep>} */
  #keepStart(begun, base) {
    return this.#telling(async () => {
      if (!this.dataKept) await this.keeper.begin(this.#training().saveData());
      this.dataKept = true;
      begun.base = base && (await this.keeper.keepBase(new Uint8Array(await base.arrayBuffer())));
      return null;
    });
  }

  /** @returns {Promise<Keep>} */
  #keep() {
    return this.#telling(async () => {
      if (!this.begun || !this.dataKept || this.begun.base === undefined) return null;
      const training = this.#training();
      const { history, epochs } = training.status();
      const epoch = history.length;
      const head = { date: new Date().toISOString(), epoch, epochs, ...this.begun, outcomes: this.outcomes };
      // Tried once an epoch: a full disk is not asked again after every slice.
      this.epochsKept = epoch;
      const bytes = await this.keeper.keep(head, training.checkpoint());
      return { epoch, bytes };
    });
  }

  async #restore() {
    await this.keeper.restore(
      async (bytes, { options, about, then = null, base = null, before = null, outcomes = null }, checkpoint, model) => {
        this.#take(CoreTraining.restore(this.core, bytes));
        const training = this.#training();
        if (outcomes) training.setOutcomes(outcomes);
        this.outcomes = outcomes;
        await this.#begin(training, options, model);
        training.resume(checkpoint);
        this.begun = { options, about, then, base, before };
        this.dataKept = true;
        this.epochsKept = training.status().history.length;
      },
      (error) => error instanceof CoreError && DAMAGE.includes(error.name),
    );
    // Closed between what ended and what was to follow.
    if (this.begun?.then && this.#training().status().state === 'finished') await this.#goOn();
    const { options, about, then, before } = /** @type {Begun} */ (this.begun);
    return { ...this.#describe(), options, about, then, before, status: this.#training().status() };
  }
}
