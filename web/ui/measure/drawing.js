/** Marks as SVG over the canvas. They are drawn anew when something moved: there are tens of them, not thousands. */
import { markLines } from './say.js';

/**
 * @typedef {import('./marks.js').Mark} Mark
 * @typedef {import('../viewer.js').Point} Point
 */

const SVG = 'http://www.w3.org/2000/svg';
const LINE_HEIGHT = 15;
/** Of the monospaced letters. */
const LETTER_WIDTH = 7.3;
/** From the lowest point of a mark to its text, in CSS pixels. */
const TEXT_GAP = 8;
/** Of a saved picture: a dark line under a light one. On the page the style sheet says the same. */
const STROKES = /** @type {const} */ ([['#000a', 4], ['#ffd34d', 1.5]]);
const TEXT_COLOUR = '#ffe9a8';
const ARROW = { length: 12, half: 5 };

/** @param {string} name @param {Record<string, string | number>} attributes @param {...Node} children */
function svg(name, attributes, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  node.append(...children);
  return node;
}

/** @param {readonly Point[]} points */
const line = (points) => `M${points.map(({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')}`;

/** @param {Point} from @param {Point} to */
function arrowPath(from, to) {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const [ux, uy] = [(to.x - from.x) / length, (to.y - from.y) / length];
  const foot = { x: to.x - ux * ARROW.length, y: to.y - uy * ARROW.length };
  const left = { x: foot.x - uy * ARROW.half, y: foot.y + ux * ARROW.half };
  const right = { x: foot.x + uy * ARROW.half, y: foot.y - ux * ARROW.half };
  return `${line([from, to])}${line([left, to, right])}`;
}

/** @param {Mark['kind']} kind @param {Point[]} at  on the canvas @returns {string} */
function shapePath(kind, at) {
  const [a, b] = at;
  switch (kind) {
    case 'cobb':
      return line(at.slice(0, 2)) + (at.length > 2 ? line(at.slice(2)) : '');
    case 'rectangle':
      return `${line([a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }])}Z`;
    case 'ellipse': {
      const [rx, ry] = [Math.abs(b.x - a.x) / 2, Math.abs(b.y - a.y) / 2];
      return `M${Math.min(a.x, b.x)} ${(a.y + b.y) / 2}a${rx} ${ry} 0 1 0 ${2 * rx} 0a${rx} ${ry} 0 1 0 ${-2 * rx} 0Z`;
    }
    case 'polygon':
      return `${line(at)}Z`;
    case 'arrow':
      return arrowPath(a, b);
    case 'text':
      return '';
    default:
      return line(at);
  }
}

export class Drawing {
  /**
   * @param {SVGSVGElement} root
   * @param {import('../viewer.js').Viewer} viewer
   * @param {import('./marks.js').Marks} marks
   * @param {import('../panes/pane.js').Pane} desk
   */
  constructor(root, viewer, marks, desk) {
    this.root = root;
    this.viewer = viewer;
    this.marks = marks;
    this.desk = desk;
    /** Drawn by a hand that has not let go. @type {Mark | null} */
    this.live = null;
    this.hidden = false;
    this.pending = false;
    const draw = () => this.draw();
    for (const type of ['change', 'measured']) marks.addEventListener(type, draw);
    viewer.addEventListener('place', draw);
    desk.on('select', draw);
    desk.on('view', draw);
  }

  /** @param {Mark | null} live */
  setLive(live) {
    this.live = live;
    this.draw();
  }

  toggle() {
    this.hidden = !this.hidden;
    this.draw();
  }

  /** Marks of the frame that is looked at; the one under the hand stands for itself. @returns {Mark[]} */
  visible() {
    const { current: item, view } = this.desk;
    if (!item || !view || this.hidden) return [];
    const kept = this.marks.of(item.key, view.frame).filter(({ id }) => id !== this.live?.id);
    return this.live ? [...kept, this.live] : kept;
  }

  draw() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      this.root.replaceChildren(...this.visible().map((mark) => this.#mark(mark)));
    });
  }

  /** The same marks on a canvas, for a picture that is saved. @param {CanvasRenderingContext2D} context  in CSS pixels */
  paintOn(context) {
    context.lineJoin = 'round';
    context.font = '12px monospace';
    context.textBaseline = 'alphabetic';
    for (const mark of this.visible()) {
      const at = mark.points.map(([x, y]) => this.viewer.placeOf({ x, y }));
      const path = new Path2D(shapePath(mark.kind, at));
      for (const [style, width] of STROKES) {
        context.strokeStyle = style;
        context.lineWidth = width;
        context.stroke(path);
      }
      const { lines, x, y } = this.#textOf(mark, at);
      lines.forEach((line, index) => {
        const baseline = y + LINE_HEIGHT * (index + 1) - TEXT_GAP;
        context.strokeStyle = '#000';
        context.lineWidth = 3;
        context.strokeText(line, x, baseline);
        context.fillStyle = TEXT_COLOUR;
        context.fillText(line, x, baseline);
      });
    }
  }

  /** @param {Mark} mark */
  #mark(mark) {
    const at = mark.points.map(([x, y]) => this.viewer.placeOf({ x, y }));
    const selected = mark === this.live || mark.id === this.marks.selected;
    const path = shapePath(mark.kind, at);
    // A dark line under the light one is seen on bone and on air.
    const shapes = path ? [svg('path', { class: 'mark-halo', d: path }), svg('path', { class: 'mark-line', d: path })] : [];
    const handles = selected && mark.kind !== 'polygon' ? at.map(({ x, y }) => svg('circle', { class: 'mark-handle', cx: x, cy: y, r: 4.5 })) : [];
    const group = svg('g', { class: selected ? 'mark selected' : 'mark', 'data-kind': mark.kind }, ...shapes, ...handles, this.#text(mark, at));
    return group;
  }

  /** What stands beside a mark, and where. @param {Mark} mark @param {Point[]} at */
  #textOf(mark, at) {
    const lines = markLines(mark, this.marks.result(mark));
    const { clientWidth, clientHeight } = this.viewer.canvas;
    const width = Math.max(0, ...lines.map((each) => each.length)) * LETTER_WIDTH;
    // Below and to the right of the mark, but never out of sight.
    const x = Math.min(Math.max(...at.map((point) => point.x)) + TEXT_GAP, clientWidth - width - TEXT_GAP);
    const y = Math.min(Math.max(...at.map((point) => point.y)) + TEXT_GAP, clientHeight - lines.length * LINE_HEIGHT - TEXT_GAP);
    return { lines, x, y };
  }

  /** @param {Mark} mark @param {Point[]} at */
  #text(mark, at) {
    const { lines, x, y } = this.#textOf(mark, at);
    const text = svg('text', { class: 'mark-text', x, y });
    lines.forEach((each, index) => {
      const row = svg('tspan', { x, dy: index ? LINE_HEIGHT : LINE_HEIGHT - TEXT_GAP });
      row.textContent = each;
      text.append(row);
    });
    return text;
  }
}
