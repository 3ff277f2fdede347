/** The operations of ../shared/training.js on one instance of the core: one training at a time, in slices. */
import { CoreError, FAULT } from '../shared/protocol.js';
import { isTrap } from './core.js';
import { CoreTraining } from './core-training.js';
import { Keeper } from './keeper.js';
import { openFiles } from './storage.js';

/**
 * @typedef {import('./core.js').Core} Core
 * @typedef {import('./serve.js').Request} Request
 * @typedef {import('./serve.js').Progress} Progress
 * @typedef {import('./serve.js').Answer} Answer
 * @typedef {import('../shared/training.js').Keep} Keep
 * @typedef {import('../shared/training.js').Sample} Sample
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
    /** As begun. @type {{options: object, about: import('../shared/training.js').About} | null} */
    this.begun = null;
    this.epochsKept = 0;
    this.dataKept = false;
    this.threadsTaken = false;
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

    async add({ samples }, progress) {
      return { result: await this.#add(samples, progress) };
    },

    async npz({ file, labels }, progress) {
      const training = this.#training();
      const source = await this.core.source(file, { onProgress: (done, total) => progress(done, total, 'read') });
      this.dataKept = false;
      this.#using(() => training.addNpz(source, labels), () => this.core.freeSource(source));
      return { result: null };
    },

    async split({ how }) {
      this.#training().split(how);
      this.dataKept = false;
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

    async begin({ options, about }) {
      const training = this.#training();
      await this.#begin(training, options);
      this.begun = { options, about };
      this.epochsKept = 0;
      return { result: { status: training.status(), keep: await this.#keepData() } };
    },

    async run({ ms }) {
      const training = this.#training();
      const finished = training.run(ms);
      const status = training.status();
      const keep = status.history.length > this.epochsKept ? await this.#keep() : null;
      return { result: { status, finished, keep } };
    },

    async keep() {
      return { result: await this.#keep() };
    },

    async status() {
      return { result: this.#training().status() };
    },

    async evaluate({ how }) {
      return { result: this.#training().evaluate(how) };
    },

    async model({ facts }) {
      const bytes = this.#training().model(facts);
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

  /** The training before it ends: two sets of pictures would not fit where one does. @param {CoreTraining} training */
  #take(training) {
    this.current?.free();
    this.current = training;
    this.threadsTaken = false;
    this.begun = null;
    this.dataKept = false;
    const { width, height, channels, budget } = training.data();
    this.size = { bytes: width * height * channels, budget, width, height };
  }

  /**
   * A training keeps its threads from one begin to the next; only those of one that was ended must come back first.
   * @param {CoreTraining} training
   * @param {object} options
   */
  async #begin(training, options) {
    if (!this.threadsTaken) await this.core.threadsReady(this.threads);
    this.threadsTaken = true;
    training.begin(options, this.threads);
  }

  #describe() {
    const training = this.#training();
    const data = training.data();
    return { data, names: data.samples.map((_, sample) => training.name(sample) ?? '') };
  }

  /** @param {Sample[]} samples @param {Progress} progress */
  async #add(samples, progress) {
    const refused = [];
    let added = 0;
    this.dataKept = false;
    for (const [index, sample] of samples.entries()) {
      try {
        await this.#addOne(sample);
        added++;
      } catch (error) {
        if (isTrap(error) || (await this.#isFull(error))) throw error;
        refused.push({ index, error: CoreError.toMessage(error) });
      }
      progress(index + 1, samples.length, 'decode');
    }
    return { added, refused };
  }

  /** @param {Sample} sample */
  async #addOne(sample) {
    const training = this.#training();
    const image = await this.#image(sample);
    this.#using(() => training.addImage(image, sample), () => this.core.freeImage(image));
  }

  /** @param {import('../shared/training.js').Picture} picture @returns {Promise<number>} */
  async #image({ file, phantom }) {
    if (phantom) return this.core.phantom(phantom.seed, phantom.options);
    if (file) return this.core.openImage(await this.core.source(file, { sniff: true }));
    throw new CoreError(FAULT.REQUEST, 'REQUEST', 'neither a file nor a phantom');
  }

  /** Ends what was used, unless the module is gone with it. @param {() => void} work @param {() => void} end */
  #using(work, end) {
    try {
      work();
    } catch (error) {
      if (!isTrap(error)) end();
      throw error;
    }
    end();
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

  /** @returns {Promise<Keep>} */
  #keepData() {
    return this.#telling(async () => {
      if (!this.dataKept) await this.keeper.begin(this.#training().saveData());
      this.dataKept = true;
      return null;
    });
  }

  /** @returns {Promise<Keep>} */
  #keep() {
    return this.#telling(async () => {
      if (!this.begun || !this.dataKept) return null;
      const training = this.#training();
      const { history, epochs } = training.status();
      const epoch = history.length;
      const head = { date: new Date().toISOString(), epoch, epochs, ...this.begun };
      // Tried once an epoch: a full disk is not asked again after every slice.
      this.epochsKept = epoch;
      const bytes = await this.keeper.keep(head, training.checkpoint());
      return { epoch, bytes };
    });
  }

  #restore() {
    return this.keeper.restore(
      async (bytes, { options, about }, checkpoint) => {
        this.#take(CoreTraining.restore(this.core, bytes));
        const training = this.#training();
        await this.#begin(training, options);
        training.resume(checkpoint);
        const status = training.status();
        this.begun = { options, about };
        this.dataKept = true;
        this.epochsKept = status.history.length;
        return { ...this.#describe(), options, about, status };
      },
      (error) => error instanceof CoreError && DAMAGE.includes(error.name),
    );
  }
}
