/**
 * What a training needs to go on after the tab was closed: its data, written once, and a checkpoint after every epoch.
 * A checkpoint is its own file with everything else that must be known, so that writing one file is all there is to do;
 * the one before stays until the next is whole. One training is kept, the newest; one that another tab works on is left
 * alone.
 *
 *   training-ID-data          the samples
 *   training-ID-base-000003   a model that it started from
 *   training-ID-000012        head: bytes of JSON as uint32, JSON {version, date, epoch, epochs, options, about, then,
 *                             base: number of a model, or null, before: history of the part before, or null, outcomes:
 *                             of times to an event, or null}; checkpoint
 */
import { CoreError, FAULT } from '../shared/protocol.js';
import { readable } from './storage.js';

/**
 * @typedef {import('./storage.js').Files} Files
 * @typedef {import('../shared/training.js').About} About
 * @typedef {{version: number, date: string, epoch: number, epochs: number, options: object, about: About,
 *            then?: object | null, base?: string | null, before?: import('../shared/training.js').Part | null,
 *            outcomes?: object | null}} Head
 *   the last four are missing in checkpoints of older versions
 * @typedef {{id: string, name: string, head: Head, body: Blob}} Found
 */

const VERSION = 1;
const NAME = /^training-(\w+)-(data|base-\d{6}|\d{6})$/;
/** Of JSON: the history of a first part takes 200 bytes an epoch. */
const MAX_HEAD = 1 << 24;
/** A tab that was closed or a worker that trapped lets go of its training within this time. */
const RELEASE_MS = 2000;
const RETRY_MS = 200;

/** @param {string} id */
const lockName = (id) => `negatoscope-training-${id}`;

/** Trainings that some tab, this one included, works on. Without locks none is known. @returns {Promise<Set<string>>} */
async function idsInUse() {
  const state = await globalThis.navigator?.locks?.query();
  const names = (state?.held ?? []).map(({ name }) => name ?? '');
  return new Set(names.filter((name) => name.startsWith(lockName(''))).map((name) => name.slice(lockName('').length)));
}

/** @param {Head} head @param {Iterable<Uint8Array<ArrayBuffer>>} checkpoint */
function* pack(head, checkpoint) {
  const json = new TextEncoder().encode(JSON.stringify(head));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, json.length, true);
  yield length;
  yield json;
  yield* checkpoint;
}

/** @param {Blob} blob @returns {Promise<{head: Head, body: Blob} | null>} null when it is no checkpoint of this version */
async function unpack(blob) {
  try {
    const length = new DataView(await blob.slice(0, 4).arrayBuffer()).getUint32(0, true);
    if (length > MAX_HEAD) return null;
    const head = JSON.parse(await blob.slice(4, 4 + length).text());
    return head.version === VERSION ? { head, body: blob.slice(4 + length) } : null;
  } catch {
    return null;
  }
}

export class Keeper {
  /** @param {() => Promise<Files>} openFiles */
  constructor(openFiles) {
    this.openFiles = openFiles;
    /** @type {Files | null} */
    this.opened = null;
    this.id = '';
    this.next = 0;
    /** Ends the lock on the training at hand. */
    this.release = () => {};
  }

  async #files() {
    this.opened ??= await this.openFiles();
    return this.opened;
  }

  /** From now on checkpoints belong to this training. @param {string} id @param {number} next */
  #hold(id, next) {
    this.release();
    this.id = id;
    this.next = next;
    void globalThis.navigator?.locks?.request(lockName(id), () => new Promise((go) => (this.release = () => go(null))));
  }

  /** A place for what memory need not hold, or null where there is none. @returns {Promise<import('./storage.js').Scratch | null>} */
  async scratch() {
    try {
      return await (await this.#files()).scratch();
    } catch {
      return null;
    }
  }

  /** Begins another training. @param {Uint8Array<ArrayBuffer>} data */
  async begin(data) {
    this.id = '';
    const files = await this.#files();
    const id = `${Date.now().toString(36)}${Math.floor(Math.random() * 1e9).toString(36)}`;
    await files.write(`training-${id}-data`, [data]);
    this.#hold(id, 1);
  }

  /** A model that this training starts from. @param {Uint8Array<ArrayBuffer>} model @returns {Promise<string>} its number */
  async keepBase(model) {
    const files = await this.#files();
    const number = this.#number();
    await files.write(`training-${this.id}-base-${number}`, [model]);
    return number;
  }

  #number() {
    return String(this.next++).padStart(6, '0');
  }

  /** Whether data of this training are kept, without which a checkpoint would be of no use. */
  get ready() {
    return this.id !== '';
  }

  /** @param {Omit<Head, 'version'>} head @param {Iterable<Uint8Array<ArrayBuffer>>} checkpoint @returns {Promise<number>} bytes that were written */
  async keep(head, checkpoint) {
    const files = await this.#files();
    const bytes = await files.write(`training-${this.id}-${this.#number()}`, pack({ version: VERSION, ...head }, checkpoint));
    await this.#prune(files);
    return bytes;
  }

  /** Leaves the two newest checkpoints of this training and the models they may have started from, and of other trainings those that are in use. @param {Files} files */
  async #prune(files) {
    const inUse = await idsInUse();
    /** @type {string[]} */
    const checkpoints = [];
    /** @type {string[]} */
    const bases = [];
    for (const name of await files.list()) {
      const [, id, part] = NAME.exec(name) ?? [];
      if (id === this.id) {
        if (part !== 'data') (part.startsWith('base') ? bases : checkpoints).push(name);
      } else if (!inUse.has(id)) await files.remove(name);
    }
    for (const names of [checkpoints, bases]) {
      for (const name of names.sort().slice(0, -2)) await files.remove(name);
    }
  }

  /** Checkpoints that can go on, the newest first. @returns {Promise<Found[]>} */
  async #found() {
    for (let waited = 0; ; waited += RETRY_MS) {
      const inUse = await idsInUse();
      const found = await this.#foundBut(inUse);
      inUse.delete(this.id);
      if (found.length || !inUse.size || waited >= RELEASE_MS) return found;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** @param {Set<string>} inUse @returns {Promise<Found[]>} */
  async #foundBut(inUse) {
    const files = await this.#files();
    const names = await files.list();
    const found = [];
    for (const name of names) {
      const [, id, part] = NAME.exec(name) ?? [];
      if (!id || !/^\d+$/.test(part) || !names.includes(`training-${id}-data`)) continue;
      if (inUse.has(id) && id !== this.id) continue;
      const blob = await files.read(name);
      const unpacked = blob && (await unpack(blob));
      if (unpacked) found.push({ id, name, ...unpacked });
    }
    return found.sort((a, b) => (a.head.date === b.head.date ? (a.name < b.name ? 1 : -1) : a.head.date < b.head.date ? 1 : -1));
  }

  /** What could go on, for people. */
  async latest() {
    const [first] = await this.#found();
    if (!first) return null;
    const files = await this.#files();
    const data = await files.read(`training-${first.id}-data`);
    const { date, epoch, epochs, about, then } = first.head;
    return { date, epoch, epochs, about, more: Boolean(then), bytes: (data?.size ?? 0) + first.body.size };
  }

  /**
   * Takes the newest checkpoint that `use` accepts; a damaged one makes room for the one before it.
   * @template T
   * @param {(data: Uint8Array<ArrayBuffer>, head: Head, checkpoint: import('./storage.js').Reading, base: Blob | null) => Promise<T>} use
   * @param {(error: unknown) => boolean} isDamage
   * @returns {Promise<T>}
   */
  async restore(use, isDamage) {
    /** @type {unknown} */
    let reason = new CoreError(FAULT.STORAGE, 'STORAGE', 'no training is kept');
    const files = await this.#files();
    for (const { id, name, head, body } of await this.#found()) {
      const data = await files.read(`training-${id}-data`);
      if (!data) continue;
      try {
        const bytes = new Uint8Array(await data.arrayBuffer());
        const base = head.base ? await files.read(`training-${id}-base-${head.base}`) : null;
        const result = await use(bytes, head, await readable(body), base);
        this.#hold(id, Number(name.slice(-6)) + 1);
        return result;
      } catch (error) {
        if (!isDamage(error)) throw error;
        reason = error;
      }
    }
    throw reason;
  }

  /** Ends everything that no other tab works on. */
  async forget() {
    const files = await this.#files();
    const inUse = await idsInUse();
    for (const name of await files.list()) {
      const [, id] = NAME.exec(name) ?? [];
      if (id && (id === this.id || !inUse.has(id))) await files.remove(name);
    }
    this.release();
    this.id = '';
  }
}
