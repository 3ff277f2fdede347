/**
 * A round glass that follows the pointer or finger and shows the picture larger: rendered by the core for what is under the
 * glass, so that it shows more than the screen does where the picture is shrunk.
 */
import { formatNumber } from '../../i18n/i18n.js';
import { h } from '../dom.js';
import { Latest } from '../latest.js';
import { putPixels } from './placing.js';

/**
 * @typedef {import('../viewer.js').Point} Point
 * @typedef {import('../../shared/protocol.js').Placement} Placement
 */

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
    this.load = new Latest(() => this.#load());

    pane.on('select', () => this.#show());
    pane.on('view', () => this.#show());
    for (const type of ['filters', 'place']) viewer.addEventListener(type, () => this.#show());
    // Before the viewer's own gestures: a finger moves the glass and nothing else while it is there.
    for (const type of ['pointerdown', 'pointermove', 'pointerup', 'pointercancel']) {
      root.addEventListener(type, (event) => this.#pointer(/** @type {PointerEvent} */ (event)), { capture: true });
    }
    viewer.canvas.addEventListener('pointerleave', () => this.#move(null));
  }

  /** Off, 2, 3, 4 times, off. */
  next() {
    this.power = POWERS[(POWERS.indexOf(this.power) + 1) % POWERS.length];
    this.#show();
  }

  /** Where the picture lies under the glass, in its pixels of the display. @param {Point} at @returns {Placement} */
  #placement(at) {
    const { viewer, power } = this;
    const place = viewer.placement();
    const side = Math.round(this.canvas.clientWidth * devicePixelRatio);
    const enlarge = (/** @type {number} */ value, /** @type {number} */ middle) => side / 2 + (value - middle * devicePixelRatio) * power;
    const scales = { scaleX: place.scaleX * power, scaleY: place.scaleY * power };
    return { ...place, ...scales, width: side, height: side, x: enlarge(place.x, at.x), y: enlarge(place.y, at.y) };
  }

  async #load() {
    const { at, viewer } = this;
    const { current, view } = this.pane;
    if (!at || this.glass.hidden || !current || !view) return;
    try {
      const request = { key: current.key, view, steps: viewer.steps, place: this.#placement(at), pane: `${this.pane.number}-glass` };
      const { pixels } = await this.client.request('render', request, { buffer: null });
      putPixels(pixels, this.canvas);
    } catch {
      // The viewer says why it cannot be rendered.
      this.glass.hidden = true;
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
    this.#show();
  }

  /** The glass where the pointer is, and what is under it. */
  #show() {
    const { at, power, glass, canvas } = this;
    glass.hidden = !(power && at && this.viewer.item?.info);
    if (glass.hidden || !at) return;
    const side = canvas.clientWidth;
    const lift = this.touched ? side / 2 + ABOVE_FINGER : 0;
    glass.style.left = `${at.x - side / 2}px`;
    glass.style.top = `${Math.max(at.y - lift, this.touched ? side / 2 : -side) - side / 2}px`;
    this.label.textContent = `${formatNumber(power)}×`;
    this.load.ask();
  }
}
