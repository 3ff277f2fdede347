/**
 * Drawing and moving marks with a pointer. Points are placed by dragging or by one click after another, as people are used
 * to from elsewhere; a polygon follows the hand. Without a drawing tool a mark is picked up by its line or its handles.
 */
import { POINTS } from './marks.js';

/**
 * @typedef {import('./marks.js').Mark} Mark
 * @typedef {import('./marks.js').MarkKind} MarkKind
 * @typedef {import('./marks.js').Place} Place
 * @typedef {import('../viewer.js').Point} Point
 *
 * @typedef {{mark: Mark, corner: number | null, from: Point}} Grip  what is held: a corner, or (null) the whole
 */

/** CSS pixels: nearer than this is a hit; a hand that moved less has clicked and not dragged. */
const HIT = 9;
const CLICK = 4;
/** Between two corners of a polygon. */
const POLYGON_STEP = 3;

/** @param {Point} a @param {Point} b */
const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);

/** From a point to a side. @param {Point} p @param {Point} a @param {Point} b */
function distanceToSide(p, a, b) {
  const length = (b.x - a.x) ** 2 + (b.y - a.y) ** 2;
  const along = length ? ((p.x - a.x) * (b.x - a.x) + (p.y - a.y) * (b.y - a.y)) / length : 0;
  const t = Math.max(0, Math.min(1, along));
  return distance(p, { x: a.x + t * (b.x - a.x), y: a.y + t * (b.y - a.y) });
}

/** Corners of a shape as its outline has them. @param {MarkKind} kind @param {Point[]} at */
function outline(kind, at) {
  if (kind !== 'rectangle' && kind !== 'ellipse') return kind === 'polygon' ? [...at, at[0]] : at;
  const [a, b] = at;
  const steps = kind === 'ellipse' ? 48 : 4;
  const turn = kind === 'ellipse' ? 0 : Math.PI / 4;
  const reach = kind === 'ellipse' ? 1 : Math.SQRT2;
  return Array.from({ length: steps + 1 }, (_, index) => {
    const angle = turn + (index / steps) * 2 * Math.PI;
    return {
      x: (a.x + b.x) / 2 + (reach * Math.cos(angle) * (b.x - a.x)) / 2,
      y: (a.y + b.y) / 2 + (reach * Math.sin(angle) * (b.y - a.y)) / 2,
    };
  });
}

export class Hand {
  /**
   * @param {object} parts
   * @param {import('../viewer.js').Viewer} parts.viewer
   * @param {import('../panes/pane.js').Pane} parts.desk
   * @param {import('./marks.js').Marks} parts.marks
   * @param {import('./drawing.js').Drawing} parts.drawing
   * @param {(mark: Mark) => void} parts.onText  a note wants its words
   */
  constructor({ viewer, desk, marks, drawing, onText }) {
    this.viewer = viewer;
    this.desk = desk;
    this.marks = marks;
    this.drawing = drawing;
    this.onText = onText;
    /** What a press draws; null: nothing. @type {MarkKind | null} */
    this.kind = null;
    /** The mark at hand is placed by clicks; until its second one it could still become a drag. */
    this.clicking = false;
    /** @type {Point | null} */
    this.pressed = null;
    /** @type {Grip | null} */
    this.grip = null;
    desk.on('select', () => this.cancel());
    desk.on('view', () => this.#frameLeft() && this.cancel());
  }

  /** @param {MarkKind | null} kind */
  setKind(kind) {
    this.cancel();
    this.kind = kind;
  }

  #frameLeft() {
    const { live } = this.drawing;
    return live && live.frame !== this.desk.view?.frame;
  }

  /** @param {Point} at @returns {Place} */
  #place(at) {
    const { x, y } = this.viewer.pointAt(at);
    return [x, y];
  }

  /** A press on the canvas. @param {Point} at @returns {boolean} whether it is ours */
  down(at) {
    this.pressed = at;
    if (this.drawing.live && !this.grip) {
      this.#moveLast(at);
      return true;
    }
    this.grip = this.#gripAt(at);
    if (this.grip) {
      this.marks.select(this.grip.mark.id);
      return true;
    }
    this.marks.select(null);
    return this.kind ? this.#begin(this.kind, at) : false;
  }

  /** @param {MarkKind} kind @param {Point} at */
  #begin(kind, at) {
    const { current: item, view } = this.desk;
    if (!item || !view) return false;
    const place = this.#place(at);
    const points = kind === 'text' ? [place] : [place, place];
    this.clicking = false;
    this.drawing.setLive({ id: 0, key: item.key, frame: view.frame, kind, points, text: '' });
    return true;
  }

  /** The pointer moves while it is pressed. @param {Point} at */
  move(at) {
    if (this.grip) this.#pull(this.grip, at);
    else if (this.drawing.live?.kind === 'polygon') this.#follow(at);
    else this.#moveLast(at);
  }

  /** The pointer moves without being pressed: between the clicks of an angle. @param {Point | null} at */
  hover(at) {
    if (at && this.drawing.live && !this.pressed) this.#moveLast(at);
  }

  /** @param {Point} at */
  up(at) {
    const pressed = this.pressed;
    this.pressed = null;
    if (this.grip) return this.#letGo();
    const { live } = this.drawing;
    if (!live || !pressed) return;
    const clicked = distance(pressed, at) < CLICK;
    if (live.kind === 'polygon') return live.points.length < 4 ? void this.cancel() : this.#finish(); // a hand comes back to where it began
    if (live.kind === 'text') return this.#finish();
    if (clicked && !this.clicking && live.points.length === 2) {
      this.clicking = true; // its last point goes on following the pointer
      return;
    }
    if (live.points.length === POINTS[live.kind]) this.#finish();
    else this.drawing.setLive({ ...live, points: [...live.points, this.#place(at)] });
  }

  /** Drops what is being drawn. @returns {boolean} whether there was something */
  cancel() {
    const was = this.drawing.live !== null;
    this.grip = null;
    if (was) this.drawing.setLive(null);
    return was;
  }

  #finish() {
    const live = /** @type {Mark} */ (this.drawing.live);
    this.drawing.setLive(null);
    const { id: _, ...mark } = live;
    const added = this.marks.add(mark);
    if (added.kind === 'text') this.onText(added);
  }

  /** @param {Point} at */
  #moveLast(at) {
    const { live } = this.drawing;
    if (!live || live.kind === 'polygon') return;
    this.drawing.setLive({ ...live, points: [...live.points.slice(0, -1), this.#place(at)] });
  }

  /** @param {Point} at */
  #follow(at) {
    const { live } = this.drawing;
    if (!live) return;
    const [x, y] = live.points[live.points.length - 1];
    if (distance(this.viewer.placeOf({ x, y }), at) < POLYGON_STEP) return;
    this.drawing.setLive({ ...live, points: [...live.points, this.#place(at)] });
  }

  /** @param {Grip} grip @param {Point} at */
  #pull({ mark, corner, from }, at) {
    const [x, y] = this.#place(at);
    const [fromX, fromY] = this.#place(from);
    const points = mark.points.map((point, index) => {
      if (corner === index) return /** @type {Place} */ ([x, y]);
      return corner === null ? /** @type {Place} */ ([point[0] + x - fromX, point[1] + y - fromY]) : point;
    });
    this.drawing.setLive({ ...mark, points });
  }

  #letGo() {
    const { live } = this.drawing;
    const grip = /** @type {Grip} */ (this.grip);
    this.grip = null;
    this.drawing.setLive(null);
    if (live) this.marks.change(grip.mark, { points: live.points });
  }

  /** The newest mark under the pointer: a corner before a line. @param {Point} at @returns {Grip | null} */
  #gripAt(at) {
    const marks = this.drawing.visible().reverse();
    for (const mark of marks) {
      const points = mark.points.map(([x, y]) => this.viewer.placeOf({ x, y }));
      const corner = mark.kind === 'polygon' ? -1 : points.findIndex((point) => distance(point, at) < HIT);
      if (corner >= 0) return { mark, corner, from: at };
    }
    for (const mark of marks) {
      const path = outline(mark.kind, mark.points.map(([x, y]) => this.viewer.placeOf({ x, y })));
      const near = path.some((point, index) => index > 0 && distanceToSide(at, path[index - 1], point) < HIT);
      if (near) return { mark, corner: null, from: at };
    }
    return null;
  }
}
