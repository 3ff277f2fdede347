/**
 * Models of the user's own that outlast a visit, in the browser's IndexedDB, which pages opened from a file have, too: one record
 * a model, with its file and those of its weights. It is kept only when somebody says so.
 */
import { completed, done, openDatabase } from './database.js';

/**
 * @typedef {import('../shared/protocol.js').ModelOptions} ModelOptions
 * @typedef {import('../shared/protocol.js').Weights} Weights
 * @typedef {{id: string, title: string, bytes: number, saved: number, file: Blob, options: ModelOptions, weights: Weights[]}} KeptModel
 */

const DATABASE = 'negatoscope-models';
const STORE = 'models';

export class KeptModels {
  constructor() {
    /** @type {Promise<IDBDatabase> | null} */
    this.opened = null;
  }

  /** @param {IDBTransactionMode} mode */
  async #transaction(mode) {
    this.opened ??= openDatabase(DATABASE, (database) => database.createObjectStore(STORE, { keyPath: 'id' }));
    return (await this.opened).transaction(STORE, mode);
  }

  /** In the order in which they were kept. @returns {Promise<KeptModel[]>} none where storage is forbidden */
  async list() {
    try {
      /** @type {KeptModel[]} */
      const all = await done((await this.#transaction('readonly')).objectStore(STORE).getAll());
      return all.sort((a, b) => a.saved - b.saved);
    } catch {
      return [];
    }
  }

  /** @param {Pick<KeptModel, 'title' | 'file' | 'options' | 'weights'>} model @returns {Promise<KeptModel>} */
  async keep({ title, file, options, weights }) {
    const bytes = [file, ...weights.map((each) => each.file)].reduce((sum, { size }) => sum + size, 0);
    const id = [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(16)).join('-');
    const kept = { id, title, bytes, saved: Date.now(), file, options, weights };
    const transaction = await this.#transaction('readwrite');
    transaction.objectStore(STORE).put(kept);
    await completed(transaction);
    // Else the browser may clear it when the disk is full; some ask, some refuse, and it is kept all the same.
    await navigator.storage?.persist?.().catch(() => false);
    return kept;
  }

  /** @param {string} id */
  async forget(id) {
    const transaction = await this.#transaction('readwrite');
    transaction.objectStore(STORE).delete(id);
    await completed(transaction);
  }
}
