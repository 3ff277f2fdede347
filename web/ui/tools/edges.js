/** Letters at the edges of the picture: where left, right, top and bottom lead in the patient. They turn with it. */
import { h } from '../dom.js';
import { paintTexts, pictureBox } from './placing.js';

/** @typedef {import('../../shared/protocol.js').Edges} Edges */

/** From an edge of the picture or of the pane to its letter, in CSS pixels. */
const GAP = 10;
/** At the bottom the scale bar is between. */
const BAR = 40;
/** Beside the legend of colours, and beside the slider of frames. */
const LEGEND = 76;
const SLIDER = 34;

/**
 * The letters as they stand after mirroring and quarters clockwise.
 * @param {Edges} edges  left, right, top, bottom as stored
 * @param {number} turn @param {boolean} mirrored
 * @returns {Edges}
 */
export function turnEdges([left, right, top, bottom], turn, mirrored) {
  let around = mirrored ? [top, left, bottom, right] : [top, right, bottom, left];
  for (let quarter = 0; quarter < turn; quarter++) around = [around[3], around[0], around[1], around[2]];
  return [around[3], around[1], around[0], around[2]];
}

export class EdgeLetters {
  /**
   * @param {HTMLElement} root  the pane: what the viewer's canvas fills
   * @param {import('../viewer.js').Viewer} viewer
   * @param {import('../panes/pane.js').Pane} pane
   */
  constructor(root, viewer, pane) {
    this.root = root;
    this.viewer = viewer;
    this.pane = pane;
    this.letters = ['left', 'right', 'top', 'bottom'].map((edge) => h('span.edge-letter', { 'data-edge': edge, hidden: true }));
    root.append(...this.letters);
    for (const type of ['place', 'rendered']) viewer.addEventListener(type, () => this.update());
    for (const type of ['select', 'view']) pane.on(type, () => this.update());
  }

  /** @returns {Edges | null} of the frame that is looked at */
  get edges() {
    const { current, view } = this.pane;
    const info = current?.info;
    return info?.frameEdges?.[view?.frame ?? 0] ?? info?.edges ?? null;
  }

  /** The same on a picture that is saved. @param {CanvasRenderingContext2D} context */
  paintOn(context) {
    paintTexts(context, this.viewer.canvas, this.letters);
  }

  update() {
    const { edges, viewer } = this;
    const shown = edges ? turnEdges(edges, viewer.turn, viewer.mirrored) : [null, null, null, null];
    const [left, right, top, bottom] = this.letters;
    this.letters.forEach((letter, index) => {
      letter.hidden = !shown[index];
      letter.textContent = shown[index] ?? '';
    });
    if (!edges) return;
    // Inside the picture, but never out of sight nor under what else stands at the edges of the pane.
    const box = pictureBox(viewer);
    const { clientWidth, clientHeight } = viewer.canvas;
    const frames = this.root.parentElement?.querySelector('.frames:not([hidden])');
    const slider = frames && this.root.getBoundingClientRect().right > frames.getBoundingClientRect().left ? SLIDER : 0;
    const legend = this.root.querySelector('.color-legend:not([hidden])') ? LEGEND : 0;
    const middle = (/** @type {number} */ low, /** @type {number} */ high, /** @type {number} */ limit) =>
      (Math.max(low, 0) + Math.min(high, limit)) / 2;
    const x = middle(box.left, box.right, clientWidth);
    const y = middle(box.top, box.bottom, clientHeight);
    left.style.left = `${Math.max(box.left, legend) + GAP}px`;
    right.style.right = `${clientWidth - Math.min(box.right, clientWidth - slider) + GAP}px`;
    for (const letter of [left, right]) letter.style.top = `${y}px`;
    top.style.top = `${Math.max(box.top, 0) + GAP}px`;
    bottom.style.bottom = `${Math.max(clientHeight - box.bottom, BAR) + GAP}px`;
    for (const letter of [top, bottom]) letter.style.left = `${x}px`;
  }
}
