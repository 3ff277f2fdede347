/**
 * What lies on the light box: the opened files in order, which one is looked at, and the loaded model. Pages parts listen
 * to its events and never to each other.
 *
 *   items    the list changed            select   another item is looked at
 *   item     one item changed (detail)   view     frame or window of the current item changed
 *   model    a model was loaded or left  batch    progress of classifying all
 *   wanted   an item is to be looked at that was not opened yet (detail)
 *
 * A file is one item, also in a series. Files that belong together share a pile, whose order and facts are the core's:
 * going through it is going from item to item, so marks and findings stay with their file however it is sorted.
 */
import { CoreError, FAULT } from '../shared/protocol.js';
import { arrange } from './piles.js';

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
 * @property {'new' | 'waiting' | 'indexed' | 'reading' | 'shown' | 'refused'} state  indexed: its header is known, it is
 *   opened when it is looked at
 * @property {import('./piles.js').Pile | null} pile
 * @property {number} at  its number in the pile, from 0
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
    /** On its way to be looked at. @type {Item | null} */
    this.wanted = null;
    /** Whether the last selection was a step within a pile. */
    this.stepped = false;
    /** What the list shows, in order. @type {import('./piles.js').Line[]} */
    this.lines = [];
    /** @type {import('../shared/protocol.js').Study[]} */
    this.studies = [];
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
      state: /** @type {Item['state']} */ ('new'),
      pile: null,
      at: 0,
      info: null,
      view: null,
      firstView: null,
      thumb: null,
      error: null,
      synthetic,
      finding: null,
    }));
    // One by one: a spread of 100,000 arguments would not fit on the stack.
    for (const item of added) this.items.push(item);
    this.arrange(this.studies);
    return added;
  }

  /** Puts items in the order of their series. @param {import('../shared/protocol.js').Study[]} studies */
  arrange(studies) {
    this.studies = studies;
    const { items, lines } = arrange(this.items, studies);
    this.items = items;
    this.lines = lines;
    this.#tell('items');
  }

  /** Changes that nobody has to be told of one by one. @param {Item} item @param {Partial<Item>} changes */
  learn(item, changes) {
    Object.assign(item, changes);
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

  /** @param {Item[]} gone */
  remove(gone) {
    const left = new Set(gone);
    if (this.current && left.has(this.current)) {
      const target = this.neighbour(1) ?? this.neighbour(-1);
      this.current = null;
      this.stepped = false;
      this.#tell('select', null);
      if (target && !left.has(target)) this.select(target);
    }
    if (this.wanted && left.has(this.wanted)) this.wanted = null;
    for (const item of gone) item.thumb?.close();
    this.items = this.items.filter((item) => !left.has(item));
    this.arrange(this.studies);
  }

  /** @param {Item | null} item */
  select(item) {
    if (item?.state === 'indexed') {
      this.wanted = item;
      this.#tell('wanted', item);
      return;
    }
    if (item && item.state !== 'shown') return;
    this.wanted = null;
    const before = this.current;
    if (before === item) return;
    this.stepped = Boolean(item?.pile && item.pile === before?.pile);
    if (item?.pile) item.pile.last = item;
    if (this.stepped && item?.view && before?.view) item.view = carryWindow(before.view, item);
    this.current = item;
    this.#tell('select', item);
  }

  /** The item of the next line of the list, forwards or backwards, that can be looked at. @param {1 | -1} step */
  neighbour(step) {
    const { current, lines } = this;
    for (let at = lines.findIndex(({ items }) => current && items.includes(current)) + step; lines[at]; at += step) {
      const { pile, items } = lines[at];
      const item = pile?.last ?? items[0];
      if (canBeShown(item)) return item;
    }
    return null;
  }

  /** Where one is: in the pile, or in the frames of the file. What is on its way counts as reached. */
  get place() {
    const item = this.wanted?.pile && this.wanted.pile === this.current?.pile ? this.wanted : this.current;
    if (item?.pile) return { at: item.at, count: item.pile.items.length };
    return { at: item?.view?.frame ?? 0, count: item?.info?.frames ?? 0 };
  }

  /** To a number of the pile or a frame; files that cannot be shown are passed by. @param {number} at */
  goTo(at) {
    const pile = this.current?.pile;
    if (!pile) return this.setFrame(at);
    const from = this.place.at;
    const last = pile.items.length - 1;
    let next = Math.max(0, Math.min(last, at));
    while (next > 0 && next < last && !canBeShown(pile.items[next])) next += next < from ? -1 : 1;
    this.select(pile.items[next]);
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

  /** Everything that can be looked at, opened or not. */
  get shown() {
    return this.items.filter(canBeShown);
  }
}

/** @param {Item} item */
function canBeShown({ state }) {
  return state === 'shown' || state === 'indexed';
}

/** The window stays from slice to slice, whatever each file asks for. @param {View} before @param {Item} item @returns {View | null} */
function carryWindow(before, { view, info }) {
  if (!view || before.voiLut >= (info?.voiLuts?.length ?? 0)) return view;
  return { ...before, frame: view.frame };
}
