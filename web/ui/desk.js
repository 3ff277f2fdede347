/**
 * What lies on the light box: the opened files in order, the panes they are looked at in, and the loaded model. Parts of the page
 * listen to its events and never to each other. "Current" is what lies in the active pane, the one that one works in.
 *
 *   items    the list changed            select   another item is looked at
 *   item     one item changed (detail)   view     frame or window of the current item changed
 *   model    a model was loaded or left  batch    progress of classifying all
 *   wanted   an item is to be looked at that was not opened yet (detail)
 *   pane     item, frame or window of some pane changed (detail)         active   another pane is worked in
 *
 * A file is one item, also in a series. Files that belong together share a pile, whose order and facts are the core's:
 * going through it is going from item to item, so marks and findings stay with their file however it is sorted.
 */
import { CoreError, FAULT } from '../shared/protocol.js';
import { canBeShown, Pane } from './panes/pane.js';
import { arrange } from './piles.js';

const PANES = 4;

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
 * @property {File | null} file  null: made by the page from others
 * @property {'new' | 'waiting' | 'indexed' | 'reading' | 'shown' | 'refused'} state  indexed: its header is known, it is
 *   opened when it is looked at
 * @property {import('./piles.js').Pile | null} pile
 * @property {number} at  its number in the pile, from 0
 * @property {ImageInfo | null} info
 * @property {string | null} [identity]  of one that was read without being opened; else it stands in its info
 * @property {View | null} view
 * @property {View | null} firstView  as the file asks to be shown
 * @property {ImageBitmap | null} thumb  of a file it comes and goes (thumbs.js)
 * @property {CoreError | null} error  why it was refused
 * @property {boolean} synthetic  made by the page, shows nobody
 * @property {Finding | null} finding
 * @property {Plane | null} plane  through a stack of slices
 *
 * @typedef {{kind: string, of: Item, stack: string, slab: {thickness: number, projection: string} | null}} Plane  which one, what
 *   its stack was taken from, the key that planes of one stack share, and the slab it is seen through
 *
 * @typedef {object} Finding what the model said of an item, or why it could not
 * @property {number} frame
 * @property {Result | null} result
 * @property {CoreError | null} error
 * @property {ModelInfo} model
 * @property {boolean} [asked]  the score is shown though the model may not judge the picture
 */

export class Desk extends EventTarget {
  constructor() {
    super();
    /** @type {Item[]} */
    this.items = [];
    this.panes = Array.from({ length: PANES }, (_, number) => new Pane(this, number));
    this.active = this.panes[0];
    for (const pane of this.panes) this.#listen(pane);
    /** @type {ModelInfo | null} */
    this.model = null;
    /** In the place of `model` one that gives curves and no labels: what asks for labels finds none. @type {ModelInfo | null} */
    this.survival = null;
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

  /** @param {Pane} pane */
  #listen(pane) {
    for (const type of ['select', 'view']) {
      pane.on(type, (item) => {
        this.#tell('pane', pane);
        if (pane === this.active) this.#tell(type, item);
      });
    }
    pane.on('wanted', (item) => this.#tell('wanted', item));
  }

  get current() {
    return this.active.current;
  }

  /** On its way to be looked at. */
  get wanted() {
    return this.active.wanted;
  }

  /** Whether the last selection was a step within a pile. */
  get stepped() {
    return this.active.stepped;
  }

  /** Where one is in the active pane. */
  get place() {
    return this.active.place;
  }

  /** From now on one works in this pane. @param {Pane} pane */
  activate(pane) {
    if (pane === this.active) return;
    this.active = pane;
    pane.stepped = false;
    pane.remember();
    this.#tell('active', pane);
    this.#tell('select', pane.current);
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
      plane: null,
    }));
    // One by one: a spread of 100,000 arguments would not fit on the stack.
    for (const item of added) this.items.push(item);
    this.arrange(this.studies);
    return added;
  }

  /** Something to look at that is no file. @param {Pick<Item, 'key' | 'name' | 'info' | 'view' | 'thumb' | 'plane'>} made @returns {Item} */
  addMade(made) {
    /** @type {Item} */
    const item = { ...made, path: made.name, file: null, state: 'shown', pile: null, at: 0, firstView: made.view, error: null, synthetic: false, finding: null };
    this.items.push(item);
    this.arrange(this.studies);
    return item;
  }

  /** Puts items in the order of their series. @param {import('../shared/protocol.js').Study[]} studies */
  arrange(studies) {
    this.studies = studies;
    const { items, lines } = arrange(this.items, studies);
    this.items = items;
    this.lines = lines;
    this.#tell('items');
    for (const pane of this.panes) pane.tell('items');
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
    const target = this.neighbour(1) ?? this.neighbour(-1);
    for (const pane of this.panes) {
      if (pane.wanted && left.has(pane.wanted)) pane.wanted = null;
      if (!pane.current || !left.has(pane.current)) continue;
      pane.select(null);
      if (pane === this.active && target && !left.has(target)) pane.select(target);
    }
    for (const item of gone) {
      item.thumb?.close();
      item.thumb = null;
    }
    this.items = this.items.filter((item) => !left.has(item));
    this.arrange(this.studies);
  }

  /** Puts an item into the active pane. @param {Item | null} item */
  select(item) {
    this.active.select(item);
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

  /** @param {number} at */
  goTo(at) {
    this.active.goTo(at);
  }

  /** @param {Partial<View>} changes */
  setView(changes) {
    this.active.setView(changes);
  }

  /** @param {number} frame */
  setFrame(frame) {
    this.active.setFrame(frame);
  }

  /** @param {ModelInfo | null} model */
  setModel(model) {
    this.survival = model?.survival ? model : null;
    this.model = this.survival ? null : model;
    this.#tell('model', this.model);
  }

  /** @param {{done: number, total: number} | null} progress */
  setBatch(progress) {
    this.#tell('batch', progress);
  }

  /** Every file that can be looked at, opened or not. */
  get shown() {
    return this.items.filter((item) => item.file && canBeShown(item));
  }
}
