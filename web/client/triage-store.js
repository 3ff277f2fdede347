/**
 * What became of pictures in a triage, in the browser's IndexedDB: a model's results, so that a folder goes on where it
 * stopped, and what a reviewer said of them. Records are found by model and by the picture's identity (SOP Instance UID or a
 * hash of the file's bytes) and frame. They hold no name or path; a note holds what was typed.
 */
import { completed, done, openDatabase } from './database.js';

/**
 * @typedef {'agree' | 'disagree' | 'unsure'} Opinion
 * @typedef {{identity: string, frame: number}} Subject  a picture
 * @typedef {{opinion: Opinion | null, note: string}} Review
 * @typedef {{result: import('../shared/protocol.js').Result | null, review: Review | null}} Kept
 */

const DATABASE = 'negatoscope-triage';
const RESULTS = 'results';
const REVIEWS = 'reviews';
const KEY = ['model', 'identity', 'frame'];

/** All records of a model: arrays come after texts. @param {string} model */
const ofModel = (model) => IDBKeyRange.bound([model], [model, []]);

export class TriageStore {
  constructor() {
    /** @type {Promise<IDBDatabase> | null} */
    this.opened = null;
  }

  #open() {
    this.opened ??= openDatabase(DATABASE, (database) => {
      for (const store of [RESULTS, REVIEWS]) database.createObjectStore(store, { keyPath: KEY });
    });
    return this.opened;
  }

  /** @param {IDBTransactionMode} mode */
  async #transaction(mode) {
    return (await this.#open()).transaction([RESULTS, REVIEWS], mode);
  }

  /** @param {string} model @param {Subject[]} subjects @returns {Promise<Kept[]>} one each */
  async get(model, subjects) {
    const transaction = await this.#transaction('readonly');
    const read = (/** @type {string} */ store, /** @type {Subject} */ { identity, frame }) => done(transaction.objectStore(store).get([model, identity, frame]));
    return Promise.all(
      subjects.map(async (subject) => {
        const [result, review] = await Promise.all([read(RESULTS, subject), read(REVIEWS, subject)]);
        return { result: result?.result ?? null, review: review ? { opinion: review.opinion, note: review.note } : null };
      }),
    );
  }

  /** @param {string} model @param {Array<Subject & {result: import('../shared/protocol.js').Result}>} results */
  async putResults(model, results) {
    const transaction = await this.#transaction('readwrite');
    for (const { identity, frame, result } of results) transaction.objectStore(RESULTS).put({ model, identity, frame, saved: Date.now(), result });
    await completed(transaction);
  }

  /** @param {string} model @param {Subject} subject @param {Review | null} review  null: none is kept */
  async putReview(model, { identity, frame }, review) {
    const transaction = await this.#transaction('readwrite');
    const store = transaction.objectStore(REVIEWS);
    if (review) store.put({ model, identity, frame, saved: Date.now(), ...review });
    else store.delete([model, identity, frame]);
    await completed(transaction);
  }

  /** Records of a model. @param {string} model */
  async count(model) {
    const transaction = await this.#transaction('readonly');
    const [results, reviews] = await Promise.all([RESULTS, REVIEWS].map((store) => done(transaction.objectStore(store).count(ofModel(model)))));
    return results + reviews;
  }

  /** Results and reviews of all models. */
  async clear() {
    const transaction = await this.#transaction('readwrite');
    for (const store of [RESULTS, REVIEWS]) transaction.objectStore(store).clear();
    await completed(transaction);
  }
}
