/**
 * Models that a network may start from: those that come with the page, and any ONNX file. One is chosen, for training and
 * for answers without it. Event: `change`.
 */
import { CoreError } from '../../shared/protocol.js';
import { byId } from '../dom.js';

/**
 * @typedef {import('../../shared/protocol.js').ModelInfo} ModelInfo
 * @typedef {{title: string, blob: () => Promise<Blob>, info: ModelInfo | null}} Base
 */

export class Bases extends EventTarget {
  /**
   * @param {import('../../client/site.js').ShippedModel[]} shipped
   * @param {{describe: (file: Blob) => Promise<ModelInfo>, complain: (name: string, error: CoreError) => void}} actions
   */
  constructor(shipped, { describe, complain }) {
    super();
    this.describe = describe;
    this.complain = complain;
    /** @type {Base[]} */
    this.list = shipped.map(({ title, blob }) => ({ title, blob, info: null }));
    this.index = 0;
    this.picker = /** @type {HTMLInputElement} */ (byId('pick-base'));
  }

  /** @returns {Base | null} */
  get chosen() {
    return this.list[this.index] ?? null;
  }

  /** Channels that the chosen one takes, once it is known. */
  get channels() {
    const channels = this.chosen?.info?.inputs[0]?.shape[1];
    return typeof channels === 'number' ? channels : null;
  }

  #tell() {
    this.dispatchEvent(new CustomEvent('change'));
  }

  /** Chooses one; what it is follows. @param {number} index */
  async choose(index) {
    this.index = index;
    this.#tell();
    const base = this.chosen;
    if (!base || base.info) return;
    try {
      base.info = await this.describe(await base.blob());
      this.#tell();
    } catch (error) {
      this.#refuse(base.title, error);
    }
  }

  /** @param {File} file @returns {Promise<boolean>} whether it is the chosen one now */
  async add(file) {
    let good = true;
    try {
      const info = await this.describe(file);
      const title = info.title || file.name;
      this.list.push({ title, blob: async () => file, info });
      this.index = this.list.length - 1;
    } catch (error) {
      this.#refuse(file.name, error);
      good = false;
    }
    this.#tell();
    return good;
  }

  /** @param {string} name @param {unknown} error */
  #refuse(name, error) {
    if (!(error instanceof CoreError)) throw error;
    this.complain(name, error);
  }

  /** Asks for a file. @returns {Promise<boolean>} whether there is another model now */
  async pick() {
    this.picker.value = '';
    const answered = new Promise((resolve) => {
      for (const type of ['change', 'cancel']) this.picker.addEventListener(type, resolve, { once: true });
    });
    this.picker.click();
    await answered;
    const file = this.picker.files?.[0];
    return file ? this.add(file) : false;
  }
}
