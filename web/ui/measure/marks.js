/**
 * What was drawn on pictures: lengths, angles, regions, arrows and notes, with undo. A mark never changes; a change puts
 * another one in its place, so that a state of the whole is one list that can be kept. Events: `change` (marks or
 * selection), `measured` (detail: mark).
 */

/**
 * @typedef {'length' | 'angle' | 'cobb' | 'rectangle' | 'ellipse' | 'polygon' | 'arrow' | 'text'} MarkKind
 * @typedef {[number, number]} Place  x and y in pixels of the picture; the first pixel reaches from 0 to 1
 * @typedef {Readonly<{id: number, key: string, frame: number, kind: MarkKind, points: readonly Place[], text: string}>} Mark
 * @typedef {import('../../shared/protocol.js').Measured} Measured
 */

/** How many points each kind has; a polygon has as many as the hand drew. @type {Record<MarkKind, number>} */
export const POINTS = Object.freeze({ length: 2, angle: 3, cobb: 4, rectangle: 2, ellipse: 2, polygon: Infinity, arrow: 2, text: 1 });

/** Kinds that the core measures; the others only point at something. */
const MEASURED = new Set(['length', 'angle', 'cobb', 'rectangle', 'ellipse', 'polygon']);
/** @param {MarkKind} kind */
export const isMeasured = (kind) => MEASURED.has(kind);

const MOST_UNDO = 200;

export class Marks extends EventTarget {
  /** @param {(mark: Mark) => Promise<Measured>} measure  asks the core */
  constructor(measure) {
    super();
    this.measure = measure;
    /** @type {readonly Mark[]} */
    this.all = [];
    /** @type {Array<readonly Mark[]>} */
    this.past = [];
    /** @type {Array<readonly Mark[]>} */
    this.future = [];
    /** @type {number | null} */
    this.selected = null;
    this.nextId = 1;
    /** @type {WeakMap<Mark, Measured | null>} null while the core is asked, or when it refuses */
    this.results = new WeakMap();
  }

  /** @param {string} key @param {number} frame */
  of(key, frame) {
    return this.all.filter((mark) => mark.key === key && mark.frame === frame);
  }

  /** @param {number | null} id */
  find(id) {
    return this.all.find((mark) => mark.id === id) ?? null;
  }

  /** @param {readonly Mark[]} all */
  #set(all) {
    this.past.push(this.all);
    if (this.past.length > MOST_UNDO) this.past.shift();
    this.future = [];
    this.#show(all);
  }

  /** @param {readonly Mark[]} all */
  #show(all) {
    this.all = all;
    if (!this.find(this.selected)) this.selected = null;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }

  /** @param {Omit<Mark, 'id'>} mark @returns {Mark} */
  add(mark) {
    const added = Object.freeze({ ...mark, id: this.nextId++ });
    this.selected = added.id;
    this.#set([...this.all, added]);
    return added;
  }

  /** @param {Mark} mark @param {Partial<Pick<Mark, 'points' | 'text'>>} changes */
  change(mark, changes) {
    const changed = Object.freeze({ ...mark, ...changes });
    this.#set(this.all.map((each) => (each.id === mark.id ? changed : each)));
  }

  /** @param {number | null} id */
  remove(id) {
    if (this.find(id)) this.#set(this.all.filter((mark) => mark.id !== id));
  }

  /** Marks of an earlier visit. They were always there: no undo takes them away. @param {string} key @param {ReadonlyArray<{frame: number, kind: string, points: ReadonlyArray<readonly number[]>, text: string}>} kept */
  restore(key, kept) {
    const known = kept.filter(({ kind }) => kind in POINTS);
    const marks = known.map((each) => /** @type {Mark} */ (Object.freeze({ ...each, key, id: this.nextId++ })));
    const add = (/** @type {readonly Mark[]} */ all) => [...all, ...marks];
    this.past = this.past.map(add);
    this.future = this.future.map(add);
    this.#show(add(this.all));
  }

  /** All of them, for good. */
  clear() {
    this.past = [];
    this.future = [];
    this.#show([]);
  }

  /** @param {string} key  of a file that was closed; there is nothing to go back to */
  forget(key) {
    const keep = (/** @type {readonly Mark[]} */ all) => all.filter((mark) => mark.key !== key);
    this.past = this.past.map(keep);
    this.future = this.future.map(keep);
    this.#show(keep(this.all));
  }

  /** Pictures have changed under their marks: the core is asked anew. @param {readonly string[]} keys */
  remeasure(keys) {
    for (const mark of this.all) if (keys.includes(mark.key)) this.results.delete(mark);
    this.#changed();
  }

  /** @param {number | null} id */
  select(id) {
    if (this.selected === id) return;
    this.selected = id;
    this.#changed();
  }

  undo() {
    const before = this.past.pop();
    if (!before) return;
    this.future.push(this.all);
    this.#show(before);
  }

  redo() {
    const after = this.future.pop();
    if (!after) return;
    this.past.push(this.all);
    this.#show(after);
  }

  /** The core's answer, however long it takes; null for what is not measured, or cannot be. @param {Mark} mark */
  async measured(mark) {
    if (!MEASURED.has(mark.kind)) return null;
    return this.measure(mark).catch(() => null);
  }

  /** What the core said of a mark; asked for when it is first wanted. @param {Mark} mark @returns {Measured | null} */
  result(mark) {
    if (!MEASURED.has(mark.kind)) return null;
    if (!this.results.has(mark)) {
      this.results.set(mark, null);
      void this.measured(mark).then((measured) => {
        this.results.set(mark, measured);
        this.dispatchEvent(new CustomEvent('measured', { detail: mark }));
      });
    }
    return this.results.get(mark) ?? null;
  }
}
