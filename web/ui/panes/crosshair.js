/**
 * One place in three planes of a stack. Dragging it in one plane brings the others to the slices through it; going through
 * the slices of one takes it along. Where it is, the core computes; lines have the colour of the plane they stand for.
 */

/**
 * @typedef {import('../viewer.js').Point} Point
 * @typedef {import('./panes.js').PaneView} PaneView
 * @typedef {import('../desk.js').Item} Item
 * @typedef {{frame: number, x: number, y: number}} Spot  in a plane
 */

const SVG = 'http://www.w3.org/2000/svg';
/** CSS pixels: nearer than this to the middle is on it. */
const HIT = 14;
/** Of the lines, around the middle: what one looks at is not covered. */
const GAP = 12;
/** The planes that a crosshair's lines stand for: the one from top to bottom, and the one across. @type {Record<string, [string, string]>} */
const LINES = { axial: ['sagittal', 'coronal'], coronal: ['sagittal', 'axial'], sagittal: ['coronal', 'axial'] };

/** A line with a gap around a point of it. @param {Point} from @param {Point} middle @param {Point} to */
function brokenLine(from, middle, to) {
  const toward = (/** @type {Point} */ end) => {
    const length = Math.hypot(end.x - middle.x, end.y - middle.y);
    if (length <= GAP) return '';
    const start = { x: middle.x + ((end.x - middle.x) * GAP) / length, y: middle.y + ((end.y - middle.y) * GAP) / length };
    return `M${start.x.toFixed(1)} ${start.y.toFixed(1)}L${end.x.toFixed(1)} ${end.y.toFixed(1)}`;
  };
  return toward(from) + toward(to);
}

export class Crosshair {
  /**
   * @param {import('../desk.js').Desk} desk
   * @param {import('./panes.js').Panes} panes
   * @param {import('../../client/client.js').Client} client
   */
  constructor(desk, panes, client) {
    this.desk = desk;
    this.panes = panes;
    this.client = client;
    this.on = true;
    /** By the key of the plane. @type {Map<string, Spot>} */
    this.spots = new Map();
    /** @type {{key: string, frame: number, x: number, y: number} | null} */
    this.wish = null;
    this.asking = false;
    desk.on('pane', (pane) => this.#scrolled(pane));
    desk.on('items', () => this.#forget());
    for (const type of ['place', 'layout']) panes.addEventListener(type, () => this.draw());
    for (const view of panes.views) view.gestures.hand = new CrossingHand(this, view, view.gestures.hand);
  }

  /** Whether it is seen and taken hold of. @param {boolean} on */
  set(on) {
    this.on = on;
    this.draw();
  }

  /** Planes of the stack that an item belongs to. @param {Item} item */
  #family({ plane }) {
    return this.desk.items.filter((each) => plane && each.plane?.stack === plane.stack);
  }

  /** Puts the crosshair to a place in a plane; the newest wish wins. @param {Item} item @param {Spot} spot */
  move(item, spot) {
    this.wish = { key: item.key, ...spot };
    if (!this.asking) void this.#ask();
  }

  async #ask() {
    this.asking = true;
    while (this.wish) {
      const from = this.wish;
      this.wish = null;
      const item = this.desk.items.find(({ key }) => key === from.key);
      const keys = item ? this.#family(item).map(({ key }) => key) : [];
      /** @type {Spot[]} */
      const spots = keys.length ? await this.client.request('locate', { from, keys }).catch(() => []) : [];
      spots.forEach((spot, at) => this.spots.set(keys[at], spot));
      if (!this.wish) this.#show();
    }
    this.asking = false;
  }

  /** Brings every plane in a pane to the slice through the crosshair. */
  #show() {
    for (const { pane } of this.panes.views) {
      const spot = pane.current?.plane && this.spots.get(pane.current.key);
      if (spot) pane.setFrame(spot.frame);
    }
    this.draw();
  }

  /** @param {import('./pane.js').Pane} pane */
  #scrolled({ current, view }) {
    const spot = current?.plane && this.spots.get(current.key);
    if (current && spot && view && !this.asking && spot.frame !== view.frame) this.move(current, { ...spot, frame: view.frame });
    this.draw();
  }

  #forget() {
    const keys = new Set(this.desk.items.map(({ key }) => key));
    for (const key of this.spots.keys()) if (!keys.has(key)) this.spots.delete(key);
    this.draw();
  }

  /** Where the crosshair stands on a canvas, or null. @param {PaneView} view @returns {Point | null} */
  middleOf({ pane, viewer }) {
    const spot = pane.current?.plane && this.spots.get(pane.current.key);
    if (!this.on || !spot || !pane.current || this.#family(pane.current).length < 2) return null;
    return viewer.placeOf(spot);
  }

  draw() {
    for (const view of this.panes.views) {
      const { pane, viewer, lines } = view;
      for (const old of lines.querySelectorAll('.cross')) old.remove();
      const middle = this.middleOf(view);
      const { info, plane } = pane.current ?? {};
      if (!middle || !info || !plane) continue;
      const { x, y } = /** @type {Spot} */ (this.spots.get(/** @type {Item} */ (pane.current).key));
      const ends = /** @type {const} */ ([
        [{ x, y: 0 }, { x, y: info.height }],
        [{ x: 0, y }, { x: info.width, y }],
      ]);
      ends.forEach(([from, to], at) => {
        const path = document.createElementNS(SVG, 'path');
        path.setAttribute('class', `cross cross-${LINES[plane.kind][at]}`);
        path.setAttribute('d', brokenLine(viewer.placeOf(from), middle, viewer.placeOf(to)));
        lines.append(path);
      });
    }
  }
}

/** Takes the crosshair where it is touched, and leaves all else to the hand that draws. */
class CrossingHand {
  /** @param {Crosshair} crosshair @param {PaneView} view @param {import('../gestures.js').PointerHand | null} other */
  constructor(crosshair, view, other) {
    this.crosshair = crosshair;
    this.view = view;
    this.other = other;
    this.holding = false;
  }

  get kind() {
    return this.other?.kind ?? null;
  }

  get grip() {
    return this.other?.grip ?? null;
  }

  /** @param {Point} at @returns {boolean} */
  down(at) {
    const middle = this.crosshair.middleOf(this.view);
    // A measurement may well begin where the crosshair stands: it is in the way of no drawing.
    const near = middle && this.kind === null && Math.hypot(middle.x - at.x, middle.y - at.y) < HIT;
    this.holding = Boolean(middle && (near || this.view.gestures.tool === 'crosshair'));
    if (!this.holding) return this.other?.down(at) ?? false;
    this.move(at);
    return true;
  }

  /** @param {Point} at */
  move(at) {
    if (!this.holding) return this.other?.move(at);
    const { pane, viewer } = this.view;
    const { info } = pane.current ?? {};
    if (!pane.current || !pane.view || !info) return;
    const { x, y } = viewer.pointAt(at);
    const within = { x: Math.max(0, Math.min(info.width, x)), y: Math.max(0, Math.min(info.height, y)) };
    this.crosshair.move(pane.current, { frame: pane.view.frame, ...within });
  }

  /** @param {Point} at */
  up(at) {
    if (!this.holding) return this.other?.up(at);
    this.holding = false;
  }

  /** @param {Point} at */
  hover(at) {
    this.other?.hover(at);
  }

  cancel() {
    if (!this.holding) return this.other?.cancel() ?? false;
    this.holding = false;
    return true;
  }
}
