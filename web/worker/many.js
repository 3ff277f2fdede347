/**
 * Many pictures through the model at hand, in portions: the next files are read while the engine works, and several
 * pictures go in one run of the network where that is faster, which is measured on the first of them.
 */
import { CoreError, FAULT } from '../shared/protocol.js';
import { isTrap } from './core.js';

/**
 * @typedef {import('../shared/protocol.js').Look} Look
 * @typedef {import('../shared/protocol.js').Classified} Classified
 * @typedef {import('./images.js').Images} Images
 * @typedef {Map<number, {pictures: number, ms: number}>} Pace  what the network took, by batch
 */

/** Pictures in a run: with more, activations leave the caches that weights were to be kept out of. */
const BATCH = 8;
/** Fewer than this do not pay for making another classifier. */
const LEAST_TO_TRY = 96;
/** Files that are being read ahead. */
const AHEAD = 4;
/** A batch must be faster by so much: a classifier for it takes more memory. */
const LEAST_GAIN = 0.95;

export class Many {
  /**
   * @param {import('./core.js').Core} core
   * @param {Images} images
   * @param {(batch: number) => Promise<number>} useBatch  makes the classifier one of so many pictures a run; gives the
   *   batch that it has then
   */
  constructor(core, images, useBatch) {
    this.core = core;
    this.images = images;
    this.useBatch = useBatch;
    /** Of each model, while it is loaded. @type {WeakMap<object, Pace>} */
    this.paces = new WeakMap();
  }

  /**
   * @param {{classifier: number, batched: boolean}} model  `classifier` is read anew after useBatch; batched: it leaves its batch open
   * @param {Look[]} pictures
   * @param {number} more  how many follow later
   * @param {(done: number) => void} progress
   * @returns {Promise<Classified[]>} of as many as there were before it was stopped
   */
  async classify(model, pictures, more, progress) {
    const pace = this.paces.get(model) ?? new Map();
    this.paces.set(model, pace);
    const batch = await this.useBatch(model.batched ? this.#batchFor(pace, pictures.length + more) : 1);
    /** @type {Classified[]} */
    const results = [];
    for (let at = 0; at < pictures.length; at += batch) {
      const some = pictures.slice(at, at + batch);
      this.images.readAhead(pictures.slice(at, at + batch + AHEAD).map(({ key }) => key));
      const given = await this.#run(model, some, batch, pace, at > 0);
      if (!given) break;
      results.push(...given);
      progress(results.length);
    }
    if (more === 0) await this.useBatch(1);
    return results;
  }

  /**
   * One picture a run at first, then several, then the faster of the two: on the whole, since a single picture at its best is as fast as several, but not between reading files.
   * @param {Pace} pace @param {number} left
   */
  #batchFor(pace, left) {
    const mean = (/** @type {number} */ batch) => {
      const taken = pace.get(batch);
      return taken && taken.ms / taken.pictures;
    };
    const one = mean(1);
    const several = mean(BATCH);
    if (one !== undefined && several !== undefined) return several < one * LEAST_GAIN ? BATCH : 1;
    return one !== undefined && left >= LEAST_TO_TRY ? BATCH : 1;
  }

  /**
   * @param {{classifier: number}} model
   * @param {Look[]} pictures  at most `batch`
   * @param {number} batch
   * @param {Pace} pace
   * @param {boolean} warm  not the first run, which is slower
   * @returns {Promise<Classified[] | null>} null when it was stopped
   */
  async #run({ classifier }, pictures, batch, pace, warm) {
    const start = performance.now();
    /** @type {Array<CoreError | null>} */
    const errors = [];
    /** They stay until the run, which prepares them side by side. @type {Array<[string, Awaited<ReturnType<Images['borrow']>>]>} */
    const borrowed = [];
    /** @type {Array<string | null>} */
    const identities = [];
    for (const [slot, { key, frame }] of pictures.entries()) {
      identities.push(null);
      const put = async () => {
        const image = await this.images.borrow(key);
        borrowed.push([key, image]);
        identities[slot] = image.info.identity ?? null;
        this.core.putPicture(classifier, slot, image.handle, frame);
      };
      errors.push(await failure(put));
    }
    const before = performance.now();
    const stopped = errors.every(Boolean) ? null : await failure(async () => this.core.runBatch(classifier));
    for (const [key, image] of borrowed) this.images.giveBack(key, image);
    if (stopped?.name === 'NSC_ERROR_CANCELLED') return null;
    const end = performance.now();
    if (warm && pictures.length === batch) {
      const { pictures: so, ms } = pace.get(batch) ?? { pictures: 0, ms: 0 };
      pace.set(batch, { pictures: so + batch, ms: ms + end - before });
    }
    const totalMs = (end - start) / pictures.length;
    const given = [];
    for (const [slot, error] of errors.entries()) {
      /** @type {any} */
      let result = null;
      const why = error ?? stopped ?? (await failure(async () => (result = this.core.batchResult(classifier, slot))));
      const identity = identities[slot];
      given.push(why ? { result: null, error: CoreError.toMessage(why), identity } : { result: { ...result, totalMs }, error: null, identity });
    }
    return given;
  }
}

/** What was thrown, unless it ends the module. @param {() => Promise<unknown>} call @returns {Promise<CoreError | null>} */
async function failure(call) {
  try {
    await call();
    return null;
  } catch (error) {
    if (isTrap(error)) throw error;
    return error instanceof CoreError ? error : new CoreError(FAULT.REQUEST, 'REQUEST', String(error));
  }
}
