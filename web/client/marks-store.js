/**
 * Measurements that outlast a visit, in the browser's IndexedDB: one record a picture, under the identity that the core gives
 * it (SOP Instance UID or a hash of the file's bytes). A record holds what was drawn, never a name or a path.
 */
import { done, openDatabase } from './database.js';

/**
 * @typedef {{frame: number, kind: string, points: ReadonlyArray<readonly [number, number]>, text: string}} KeptMark
 * @typedef {{identity: string, saved: number, marks: KeptMark[]}} Kept
 */

const DATABASE = 'negatoscope-measurements';
const STORE = 'pictures';

export class MarksStore {
  constructor() {
    /** @type {Promise<IDBDatabase> | null} */
    this.opened = null;
  }

  #open() {
    this.opened ??= openDatabase(DATABASE, (database) => database.createObjectStore(STORE, { keyPath: 'identity' }));
    return this.opened;
  }

  /** @param {IDBTransactionMode} mode */
  async #store(mode) {
    return (await this.#open()).transaction(STORE, mode).objectStore(STORE);
  }

  /** @param {string} identity @returns {Promise<KeptMark[]>} */
  async get(identity) {
    /** @type {Kept | undefined} */
    const kept = await done((await this.#store('readonly')).get(identity));
    return kept?.marks ?? [];
  }

  /** @param {string} identity @param {KeptMark[]} marks  none: nothing is kept of this picture */
  async put(identity, marks) {
    const store = await this.#store('readwrite');
    if (marks.length) await done(store.put({ identity, saved: Date.now(), marks }));
    else await done(store.delete(identity));
  }

  /** How many pictures have any. */
  async count() {
    return done((await this.#store('readonly')).count());
  }

  async clear() {
    await done((await this.#store('readwrite')).clear());
  }
}
