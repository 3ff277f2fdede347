/**
 * The opened files. All of them are remembered; only the most recently used stay decoded in the core, within a budget,
 * so that a folder of thousands of slices can be opened. A file that was let go is read again when it is asked for.
 */
import { CoreError, FAULT } from '../shared/protocol.js';

/**
 * @typedef {import('./core.js').Core} Core
 * @typedef {import('../shared/protocol.js').ImageInfo} ImageInfo
 * @typedef {{handle: number, info: ImageInfo, bytes: number}} Held
 */

/** GB of memory as the browser tells, 8 at most; where it does not, a usual computer's. */
const { deviceMemory = 8 } = /** @type {{deviceMemory?: number}} */ (globalThis.navigator ?? {});
/** Bytes of files and decoded frames to keep: 350 CT slices, and a tab that stays well within 1 GB; a quarter of that on a computer with 2 GB. A
 * larger file is kept alone. */
const BUDGET = Math.ceil(48 * deviceMemory) << 20;
/** Files up to this are read ahead. */
const MOST_AHEAD = 32 << 20;

export class Images {
  /** @param {Core} core @param {number} [budget] */
  constructor(core, budget = BUDGET) {
    this.core = core;
    this.budget = budget;
    /** @type {Map<string, Blob>} */
    this.files = new Map();
    /** Least recently used first. @type {Map<string, Held>} */
    this.held = new Map();
    /** Bytes of files that will be asked for next. @type {Map<string, Promise<ArrayBuffer | null>>} */
    this.coming = new Map();
    /** Made here and in no file: kept until they are closed. @type {Map<string, Held>} */
    this.made = new Map();
  }

  /**
   * @param {string} key
   * @param {Blob} file
   * @param {(done: number, total: number) => void} [onProgress]
   */
  async open(key, file, onProgress) {
    this.close(key);
    const held = await this.#read(file, onProgress);
    this.files.set(key, file);
    this.#keep(key, held);
    return held;
  }

  /** Remembers a file without reading it. @param {string} key @param {Blob} file */
  adopt(key, file) {
    this.files.set(key, file);
  }

  /** @param {string} key */
  close(key) {
    this.files.delete(key);
    const made = this.made.get(key);
    if (made) this.core.freeImage(made.handle);
    this.made.delete(key);
    this.#letGo(key);
  }

  /** The decoded image, read again if it was let go. @param {string} key */
  async get(key) {
    const made = this.made.get(key);
    if (made) return made;
    let held = this.held.get(key);
    if (held) this.held.delete(key);
    else {
      const file = this.files.get(key);
      if (!file) throw new CoreError(FAULT.REQUEST, 'REQUEST', `no file is open as ${key}`);
      held = await this.#read(file);
    }
    this.#keep(key, held);
    await this.core.readyToDecode(held.handle);
    return held;
  }

  /** An image that is no file's. @param {string} key @param {number} handle  taken over */
  take(key, handle) {
    this.close(key);
    const made = { handle, info: this.core.imageInfo(handle), bytes: 0 };
    this.made.set(key, made);
    return made;
  }

  /** @param {string} key */
  has(key) {
    return this.held.has(key) || this.made.has(key);
  }

  /** Reads a file for one use, unless it is there, and lets it go: going through all slices keeps those that are looked
   * at. @param {string} key @param {(handle: number, info: ImageInfo) => void} use */
  async once(key, use) {
    const made = this.made.get(key);
    if (made) return use(made.handle, made.info);
    const borrowed = await this.borrow(key);
    try {
      use(borrowed.handle, borrowed.info);
    } finally {
      this.giveBack(key, borrowed);
    }
  }

  /**
   * The image of a file, for whoever asks alone: nothing ends it until it is given back, and who else wants it reads it
   * once more.
   * @param {string} key
   * @returns {Promise<Held & {kept: boolean}>}
   */
  async borrow(key) {
    const held = this.held.get(key);
    const file = this.files.get(key);
    if (!file) throw new CoreError(FAULT.REQUEST, 'REQUEST', `no file is open as ${key}`);
    if (held) {
      this.held.delete(key);
      return { ...held, kept: true };
    }
    const bytes = await this.coming.get(key);
    this.coming.delete(key);
    return { ...(bytes ? await this.#opened(this.core.sourceOf(new Uint8Array(bytes)), file) : await this.#read(file)), kept: false };
  }

  /** One that was held stays so, unless its file was closed or read again meanwhile. @param {string} key @param {Held & {kept: boolean}} borrowed */
  giveBack(key, { kept, ...held }) {
    if (kept && this.files.has(key) && !this.held.has(key)) this.#keep(key, held);
    else this.core.freeImage(held.handle);
  }

  /**
   * Begins to read small files that `once` will want, and forgets those that are not among them: the browser reads while
   * the core computes.
   * @param {string[]} keys
   */
  readAhead(keys) {
    for (const key of this.coming.keys()) if (!keys.includes(key)) this.coming.delete(key);
    for (const key of keys) {
      const file = this.files.get(key);
      if (!file || file.size > MOST_AHEAD || this.coming.has(key) || this.has(key)) continue;
      // What is wrong with it is said when it is read again.
      this.coming.set(key, file.arrayBuffer().catch(() => null));
    }
  }

  /**
   * @param {Blob} file
   * @param {(done: number, total: number) => void} [onProgress]
   * @returns {Promise<Held>}
   */
  async #read(file, onProgress) {
    this.#makeRoom(file.size);
    return this.#opened(await this.core.source(file, { sniff: true, onProgress }), file);
  }

  /** @param {number} source  taken over @param {Blob} file @returns {Promise<Held>} */
  async #opened(source, file) {
    const handle = this.core.openImage(source);
    const info = this.core.imageInfo(handle);
    try {
      await this.core.readyToDecode(handle);
    } catch (error) {
      this.core.freeImage(handle);
      throw error;
    }
    return { handle, info, bytes: file.size + frameBytes(info) };
  }

  /** @param {string} key @param {Held} held */
  #keep(key, held) {
    this.held.set(key, held);
    this.#makeRoom(0, key);
  }

  /** @param {number} bytes @param {string} [except] */
  #makeRoom(bytes, except) {
    let sum = bytes;
    for (const { bytes: size } of this.held.values()) sum += size;
    for (const [key, { bytes: size }] of this.held) {
      if (sum <= this.budget) return;
      if (key === except) continue;
      this.#letGo(key);
      sum -= size;
    }
  }

  /** @param {string} key */
  #letGo(key) {
    const held = this.held.get(key);
    if (!held) return;
    this.held.delete(key);
    this.core.freeImage(held.handle);
  }
}

/** What one decoded frame takes, about. @param {ImageInfo} info */
function frameBytes({ width, height, channels, bits }) {
  return width * height * channels * Math.max(1, Math.ceil(bits / 8));
}
