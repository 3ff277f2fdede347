/**
 * A round glass that follows the pointer or finger and shows the picture larger, from a rendering of all its pixels, so
 * that it shows more than the screen does where the picture is shrunk.
 */
import { formatNumber } from '../../i18n/i18n.js';
import { h } from '../dom.js';
import { latest } from './latest.js';
import { drawPlaced, putPixels } from './placing.js';

/** @typedef {import('../viewer.js').Point} Point */

/** How much larger than on the screen; 0: no glass. */
const POWERS = [0, 2, 3, 4];
/** The glass stands this far above a finger, which would hide what is under it. */
const ABOVE_FINGER = 30;

export class Magnifier {
  /**
   * @param {HTMLElement} root  the pane
   * @param {import('../viewer.js').Viewer} viewer
   * @param {import('../panes/pane.js').Pane} pane
   * @param {import('../../client/client.js').Client} client
   */
  constructor(root, viewer, pane, client) {
    this.viewer = viewer;
    this.pane = pane;
    this.client = client;
    this.power = 0;
    /** @type {Point | null} */
    this.at = null;
    this.touched = false;
    this.canvas = /** @type {HTMLCanvasElement} */ (h('canvas'));
    this.label = h('span');
    this.glass = h('div.magnifier', { hidden: true, 'aria-hidden': 'true' }, this.canvas, this.label);
    root.append(this.glass);
    this.picture = document.createElement('canvas');
    this.picture.width = 0;
    this.load = latest(() => this.#load());

    for (const type of ['select', 'view']) pane.on(type, () => this.#changed(type === 'select'));
    viewer.addEventListener('filters', () => this.#changed(false));
    viewer.addEventListener('place', () => this.#draw());
    // Before the viewer's own gestures: a finger moves the glass and nothing else while it is there.
    for (const type of ['pointerdown', 'pointermove', 'pointerup', 'pointercancel']) {
      root.addEventListener(type, (event) => this.#pointer(/** @type {PointerEvent} */ (event)), { capture: true });
    }
    viewer.canvas.addEventListener('pointerleave', () => this.#move(null));
  }

  /** Off, 2, 3, 4 times, off. */
  next() {
    this.power = POWERS[(POWERS.indexOf(this.power) + 1) % POWERS.length];
    this.#changed(false);
  }

  /** @param {boolean} other  another picture */
  #changed(other) {
    if (other) this.picture.width = 0;
    if (this.power) this.load();
    this.#draw();
  }

  /** The whole frame as the viewer shows it, pixel by pixel. */
  async #load() {
    const { current, view } = this.pane;
    if (!this.power || !current || !view) return;
    try {
      const { pixels } = await this.client.request('render', { key: current.key, view, steps: this.viewer.steps, buffer: null });
      if (current !== this.pane.current) return;
      putPixels(pixels, this.picture);
      this.#draw();
    } catch {
      // The viewer says why it cannot be rendered.
      this.picture.width = 0;
    }
  }

  /** @param {PointerEvent} event */
  #pointer(event) {
    if (event.target !== this.viewer.canvas || !this.power || !this.viewer.item) return;
    this.touched = event.pointerType === 'touch';
    const ends = event.type === 'pointerup' || event.type === 'pointercancel';
    const box = this.viewer.canvas.getBoundingClientRect();
    this.#move(this.touched && ends ? null : { x: event.clientX - box.left, y: event.clientY - box.top });
    if (!this.touched) return;
    if (event.type === 'pointerdown') this.viewer.canvas.setPointerCapture(event.pointerId);
    event.stopPropagation();
  }

  /** @param {Point | null} at */
  #move(at) {
    this.at = at;
    this.#draw();
  }

  #draw() {
    const { viewer, at, power, glass, canvas } = this;
    const info = viewer.item?.info;
    glass.hidden = !(power && at && info && this.picture.width === info.width && this.picture.height === info.height);
    if (glass.hidden || !at) return;
    const side = canvas.clientWidth;
    const size = Math.round(side * devicePixelRatio);
    if (canvas.width !== size) canvas.width = canvas.height = size;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = '#000';
    context.fillRect(0, 0, size, size);
    const density = devicePixelRatio * power;
    context.setTransform(density, 0, 0, density, size / 2 - at.x * density, size / 2 - at.y * density);
    drawPlaced(context, viewer, this.picture, density);
    const lift = this.touched ? side / 2 + ABOVE_FINGER : 0;
    glass.style.left = `${at.x - side / 2}px`;
    glass.style.top = `${Math.max(at.y - lift, this.touched ? side / 2 : -side) - side / 2}px`;
    this.label.textContent = `${formatNumber(power)}×`;
  }
}
