/**
 * The panes as they stand on the page: each with its picture, texts, marks and pointers, one to four of them side by side.
 * To parts that act on "the picture" this is the viewer of the active pane. Events of every viewer come up here, with the
 * viewer as detail's `viewer`: `place`, `rendered`, `failed`, `unfiltered`, `filters`; `layout` when others are in sight.
 */
import { onLanguage, t } from '../../i18n/i18n.js';
import { byId, h } from '../dom.js';
import { Gestures } from '../gestures.js';
import { KeyPointer } from '../key-pointer.js';
import { Overlay } from '../overlay.js';
import { nameOf, onPrivacy } from '../privacy.js';
import { Viewer } from '../viewer.js';

/**
 * @typedef {import('./pane.js').Pane} Pane
 * @typedef {'1x1' | '1x2' | '2x1' | '2x2'} Layout  rows by columns
 * @typedef {{pane: Pane, node: HTMLElement, viewer: Viewer, overlay: Overlay, gestures: Gestures, lines: SVGSVGElement}} PaneView
 */

/** How many panes each layout has. @type {Record<Layout, number>} */
export const LAYOUTS = { '1x1': 1, '1x2': 2, '2x1': 2, '2x2': 4 };
const FORWARDED = ['place', 'rendered', 'failed', 'unfiltered', 'filters'];
/** What a line of the list carries while it is dragged. */
export const DRAGGED = 'application/x-negatoscope-item';
const SVG = 'http://www.w3.org/2000/svg';

/** @param {string} name */
function svgLayer(name) {
  const node = /** @type {SVGSVGElement} */ (document.createElementNS(SVG, 'svg'));
  node.setAttribute('class', name);
  node.setAttribute('aria-hidden', 'true');
  return node;
}

/** A pane like the first one, which stands in index.html. */
function makeNode() {
  const corner = (/** @type {string} */ place) => h(`pre.corner.corner-${place}`);
  return h(
    'div.pane',
    {},
    h('canvas', { tabIndex: 0, role: 'application' }),
    svgLayer('marks'),
    ...['top-left', 'top-right', 'bottom-left', 'bottom-right'].map(corner),
    h('div.scale', { hidden: true }, h('span')),
  );
}

export class Panes extends EventTarget {
  /**
   * @param {object} parts
   * @param {import('../desk.js').Desk} parts.desk
   * @param {import('../../client/client.js').Client} parts.client
   * @param {import('../measure/measuring.js').Measuring} parts.measuring
   * @param {(step: 1 | -1) => void} parts.onStep
   */
  constructor({ desk, client, measuring, onStep }) {
    super();
    this.desk = desk;
    this.viewport = byId('viewport');
    this.frames = byId('frames');
    this.narrow = matchMedia('(max-width: 820px)');
    /** @type {Layout} */
    this.wish = '1x1';
    this.views = desk.panes.map((pane) => this.#make(pane, { client, measuring, onStep }));
    this.narrow.addEventListener('change', () => this.#arrange());
    desk.on('active', () => this.#arrange());
    desk.on('pane', () => {
      this.#showEmpty();
      this.#label();
    });
    for (const tell of [onLanguage, onPrivacy]) tell(() => this.#label());
    this.#arrange();
  }

  /** @param {Pane} pane @param {{client: import('../../client/client.js').Client, measuring: import('../measure/measuring.js').Measuring, onStep: (step: 1 | -1) => void}} parts @returns {PaneView} */
  #make(pane, { client, measuring, onStep }) {
    const node = pane.number === 0 ? byId('pane') : makeNode();
    if (pane.number > 0) this.viewport.insertBefore(node, byId('panes-panel'));
    const canvas = /** @type {HTMLCanvasElement} */ (node.querySelector('canvas'));
    const lines = svgLayer('lines');
    const marks = /** @type {SVGSVGElement} */ (/** @type {unknown} */ (node.querySelector('.marks')));
    marks.before(lines);
    node.append(h('p.pane-empty'));
    const viewer = new Viewer(canvas, client, pane);
    const overlay = new Overlay(viewer, pane, client, node);
    const gestures = new Gestures(viewer, pane, { onStep, onHover: (at) => overlay.hover(at) });
    gestures.hand = measuring.attach(pane, viewer, marks);
    new KeyPointer(viewer, gestures, node);
    pane.on('select', (item) => viewer.show(item, { keep: pane.stepped }));
    pane.on('view', () => viewer.render());
    for (const type of FORWARDED) {
      viewer.addEventListener(type, (event) => {
        const detail = { .../** @type {CustomEvent} */ (event).detail, viewer };
        this.dispatchEvent(new CustomEvent(type, { detail }));
      });
    }
    // Before the gestures see it: what a hand touches is what one works in.
    for (const type of ['pointerdown', 'wheel', 'focusin']) {
      node.addEventListener(type, () => this.desk.activate(pane), { capture: true, passive: true });
    }
    this.#takeDrops(pane, node);
    return { pane, node, viewer, overlay, gestures, lines };
  }

  /** A line of the list may be dropped here. @param {Pane} pane @param {HTMLElement} node */
  #takeDrops(pane, node) {
    /** @param {DragEvent} event @param {boolean} over */
    const mark = (event, over) => {
      if (!event.dataTransfer?.types.includes(DRAGGED)) return false;
      event.preventDefault();
      node.classList.toggle('drop-here', over);
      return true;
    };
    node.addEventListener('dragover', (event) => mark(event, true));
    node.addEventListener('dragleave', (event) => mark(event, false));
    node.addEventListener('drop', (event) => {
      if (!mark(event, false)) return;
      const key = event.dataTransfer?.getData(DRAGGED);
      const item = this.desk.items.find((each) => each.key === key);
      this.desk.activate(pane);
      if (item) pane.select(item.pile?.last ?? item);
    });
  }

  /** @param {Layout} layout */
  setLayout(layout) {
    this.wish = layout;
    this.#arrange();
  }

  /** What is in sight: on a narrow page one pane, whatever was wished. @returns {Layout} */
  get layout() {
    return this.narrow.matches ? '1x1' : this.wish;
  }

  #arrange() {
    const count = LAYOUTS[this.layout];
    const { active, panes } = this.desk;
    if (count > 1 && active.number >= count) return this.desk.activate(panes[0]);
    this.viewport.dataset.layout = this.layout;
    for (const { pane, node, viewer, gestures } of this.views) {
      node.hidden = count === 1 ? pane !== active : pane.number >= count;
      node.classList.toggle('active', pane === active);
      if (pane === active) node.append(this.frames);
      else gestures.spaceHeld = false;
      viewer.canvas.dataset.tool = gestures.tool;
    }
    this.#showEmpty();
    this.#label();
    this.dispatchEvent(new Event('layout'));
  }

  #showEmpty() {
    for (const { pane, node } of this.views) node.classList.toggle('empty', !pane.current);
  }

  #label() {
    const several = this.inSight.length > 1;
    for (const { pane, node, viewer } of this.views) {
      const what = several ? t('panes.number', { number: pane.number + 1 }) : t('viewer.label');
      const label = [pane.current ? nameOf(pane.current) : '', what].filter(Boolean).join('. ');
      if (viewer.canvas.getAttribute('aria-label') !== label) viewer.canvas.setAttribute('aria-label', label);
      /** @type {HTMLElement} */ (node.querySelector('.pane-empty')).textContent = t('panes.empty');
    }
  }

  /** @returns {PaneView[]} */
  get inSight() {
    return this.views.filter(({ node }) => !node.hidden);
  }

  /** @returns {PaneView} */
  get active() {
    return this.views[this.desk.active.number];
  }

  /** The next pane, or the one before; with one in sight, those that hold something take turns. @param {1 | -1} step */
  next(step) {
    const all = this.inSight.length > 1 ? this.inSight : this.views.filter(({ pane }) => pane.current);
    const at = all.findIndex(({ pane }) => pane === this.desk.active);
    const next = all[(at + step + all.length) % all.length];
    if (!next) return;
    this.desk.activate(next.pane);
    next.viewer.canvas.focus();
  }

  /** @param {import('../gestures.js').Tool} tool */
  setTool(tool) {
    for (const { viewer, gestures } of this.views) {
      gestures.tool = tool;
      viewer.canvas.dataset.tool = tool;
    }
  }

  // ---- as the viewer of the active pane, for those who save, play and filter ----

  get viewer() {
    return this.active.viewer;
  }

  get canvas() {
    return this.viewer.canvas;
  }

  get rendering() {
    return this.viewer.rendering;
  }

  get steps() {
    return this.viewer.steps;
  }

  /** @param {number} smoothing  of all pictures, as Viewer's */
  setSmoothing(smoothing) {
    for (const { viewer } of this.views) viewer.setSmoothing(smoothing);
  }

  /** Filters are for all pictures. @param {import('../viewer.js').Viewer['steps']} steps */
  filter(steps) {
    for (const { viewer } of this.views) viewer.filter(steps);
  }
}
