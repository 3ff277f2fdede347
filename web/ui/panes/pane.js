/**
 * A place on the light box: what lies there and how it is looked at. Two panes may show one file with different windows
 * and frames, so the view is the pane's; the file remembers the last one of the pane that one works in. Parts of the
 * page that belong to one picture (texts, marks, pointers) listen to its pane, all others to the desk.
 *
 *   select   another item lies here       view    frame or window changed
 *   wanted   an item is to lie here that was not opened yet (detail)     items    the desk's list changed
 */

/**
 * @typedef {import('../desk.js').Item} Item
 * @typedef {import('../../shared/protocol.js').View} View
 */

/** @param {Item} item */
export function canBeShown({ state }) {
  return state === 'shown' || state === 'indexed';
}

/** The window stays from slice to slice, whatever each file asks for. @param {View} before @param {Item} item @returns {View | null} */
function carryWindow(before, { view, info }) {
  if (!view || before.voiLut >= (info?.voiLuts?.length ?? 0)) return view;
  return { ...before, frame: view.frame };
}

export class Pane extends EventTarget {
  /** @param {import('../desk.js').Desk} desk @param {number} number */
  constructor(desk, number) {
    super();
    this.desk = desk;
    this.number = number;
    /** @type {Item | null} */
    this.current = null;
    /** @type {View | null} */
    this.view = null;
    /** On its way to be looked at. @type {Item | null} */
    this.wanted = null;
    /** Whether the last selection was a step within a pile. */
    this.stepped = false;
  }

  /** @param {string} type @param {unknown} [detail] */
  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** @param {string} type @param {(detail: any) => void} listener */
  on(type, listener) {
    this.addEventListener(type, (event) => listener(/** @type {CustomEvent} */ (event).detail));
  }

  /** @param {Item | null} item */
  select(item) {
    if (item?.state === 'indexed') {
      this.wanted = item;
      this.tell('wanted', item);
      return;
    }
    if (item && item.state !== 'shown') return;
    this.wanted = null;
    const { current: before, view } = this;
    if (before === item) return;
    this.stepped = Boolean(item?.pile && item.pile === before?.pile);
    if (item?.pile) item.pile.last = item;
    this.current = item;
    this.view = item?.view ? { ...((this.stepped && view && carryWindow(view, item)) || item.view) } : null;
    this.remember();
    this.tell('select', item);
  }

  /** The item keeps this view, unless the pane that one works in shows it otherwise. */
  remember() {
    const { active } = this.desk;
    if (this.current && (active === this || active.current !== this.current)) this.current.view = this.view;
  }

  /** Where one is: in the pile, or in the frames of the file. What is on its way counts as reached. */
  get place() {
    const item = this.wanted?.pile && this.wanted.pile === this.current?.pile ? this.wanted : this.current;
    if (item?.pile) return { at: item.at, count: item.pile.items.length };
    return { at: this.view?.frame ?? 0, count: item?.info?.frames ?? 0 };
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
    if (!this.current || !this.view) return;
    this.view = { ...this.view, ...changes };
    this.remember();
    this.tell('view', this.current);
  }

  /** @param {number} frame */
  setFrame(frame) {
    const { info } = this.current ?? {};
    if (!info || !this.view) return;
    const clamped = Math.max(0, Math.min(info.frames - 1, frame));
    if (clamped !== this.view.frame) this.setView({ frame: clamped });
  }
}
