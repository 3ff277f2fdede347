/**
 * What lies on the light box: the opened files in order, which one is looked at, and the loaded model. Pages parts listen
 * to its events and never to each other.
 *
 *   items    the list changed            select   another item is looked at
 *   item     one item changed (detail)   view     frame or window of the current item changed
 *   model    a model was loaded or left  batch    progress of classifying all
 */
import { CoreError, FAULT } from '../shared/protocol.js';

/**
 * @typedef {import('../shared/protocol.js').ImageInfo} ImageInfo
 * @typedef {import('../shared/protocol.js').View} View
 * @typedef {import('../shared/protocol.js').Result} Result
 * @typedef {import('../shared/protocol.js').ModelInfo} ModelInfo
 *
 * @typedef {object} Item
 * @property {string} key
 * @property {string} name
 * @property {string} path  with its folders, as far as the browser tells
 * @property {File} file
 * @property {'waiting' | 'reading' | 'shown' | 'refused'} state
 * @property {ImageInfo | null} info
 * @property {View | null} view
 * @property {View | null} firstView  as the file asks to be shown
 * @property {ImageBitmap | null} thumb
 * @property {CoreError | null} error  why it was refused
 * @property {boolean} synthetic  made by the page, shows nobody
 * @property {Finding | null} finding
 *
 * @typedef {object} Finding what the model said of an item, or why it could not
 * @property {number} frame
 * @property {Result | null} result
 * @property {CoreError | null} error
 * @property {ModelInfo} model
 */

export class Desk extends EventTarget {
  constructor() {
    super();
    /** @type {Item[]} */
    this.items = [];
    /** @type {Item | null} */
    this.current = null;
    /** @type {ModelInfo | null} */
    this.model = null;
    this.nextKey = 1;
  }

  /** @param {string} type @param {unknown} [detail] */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /**
   * @param {string} type
   * @param {(detail: any) => void} listener
   */
  on(type, listener) {
    this.addEventListener(type, (event) => listener(/** @type {CustomEvent} */ (event).detail));
  }

  /** @param {Array<{file: File, path: string, synthetic?: boolean}>} files @returns {Item[]} */
  add(files) {
    const added = files.map(({ file, path, synthetic = false }) => ({
      key: `f${this.nextKey++}`,
      name: file.name,
      path,
      file,
      state: /** @type {Item['state']} */ ('waiting'),
      info: null,
      view: null,
      firstView: null,
      thumb: null,
      error: null,
      synthetic,
      finding: null,
    }));
    this.items.push(...added);
    this.#tell('items');
    return added;
  }

  /** @param {Item} item @param {Partial<Item>} changes */
  update(item, changes) {
    Object.assign(item, changes);
    this.#tell('item', item);
  }

  /** @param {Item} item @param {unknown} error */
  refuse(item, error) {
    const reason =
      error instanceof CoreError ? error : new CoreError(FAULT.REQUEST, 'REQUEST', String(/** @type {any} */ (error)));
    this.update(item, { state: 'refused', error: reason });
  }

  /** @param {Item} item */
  remove(item) {
    const at = this.items.indexOf(item);
    if (at < 0) return;
    this.items.splice(at, 1);
    item.thumb?.close();
    if (this.current === item) this.select(this.neighbour(1, at - 1) ?? this.neighbour(-1, at) ?? null);
    this.#tell('items');
  }

  /** @param {Item | null} item */
  select(item) {
    if (item && item.state !== 'shown') return;
    if (this.current === item) return;
    this.current = item;
    this.#tell('select', item);
  }

  /**
   * The nearest item that can be shown, forwards or backwards.
   * @param {1 | -1} step
   * @param {number} [from]
   */
  neighbour(step, from = this.current ? this.items.indexOf(this.current) : -1) {
    for (let at = from + step; at >= 0 && at < this.items.length; at += step) {
      if (this.items[at].state === 'shown') return this.items[at];
    }
    return null;
  }

  /** @param {Partial<View>} changes */
  setView(changes) {
    const item = this.current;
    if (!item?.view) return;
    item.view = { ...item.view, ...changes };
    this.#tell('view', item);
  }

  /** @param {number} frame */
  setFrame(frame) {
    const item = this.current;
    if (!item?.info || !item.view) return;
    const clamped = Math.max(0, Math.min(item.info.frames - 1, frame));
    if (clamped !== item.view.frame) this.setView({ frame: clamped });
  }

  /** @param {ModelInfo | null} model */
  setModel(model) {
    this.model = model;
    this.#tell('model', model);
  }

  /** @param {{done: number, total: number} | null} progress */
  setBatch(progress) {
    this.#tell('batch', progress);
  }

  get shown() {
    return this.items.filter(({ state }) => state === 'shown');
  }
}
