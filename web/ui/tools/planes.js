/** Overlay planes of a file, drawn over its picture on a canvas of their own. No model sees them. */
import { h } from '../dom.js';
import { Latest } from '../latest.js';
import { clearLayer, drawPlaced, putPixels } from './placing.js';

const COLOUR = 0x4df0a0;

export class OverlayPlanes {
  /**
   * @param {import('../viewer.js').Viewer} viewer
   * @param {import('../panes/pane.js').Pane} pane
   * @param {import('../../client/client.js').Client} client
   */
  constructor(viewer, pane, client) {
    this.viewer = viewer;
    this.pane = pane;
    this.client = client;
    this.on = true;
    this.layer = /** @type {HTMLCanvasElement} */ (h('canvas.layer', { 'aria-hidden': 'true' }));
    viewer.canvas.after(this.layer);
    /** The planes of one frame, pixel by pixel. */
    this.picture = document.createElement('canvas');
    /** Which frame they are of. */
    this.loaded = '';
    this.load = new Latest(() => this.#load());
    for (const type of ['select', 'view']) pane.on(type, () => this.update());
    viewer.addEventListener('place', () => this.#draw());
    viewer.addEventListener('rendered', () => this.update());
  }

  /** Whether the picture has any. */
  get available() {
    return Boolean(this.pane.current?.info?.overlays?.length);
  }

  toggle() {
    this.on = !this.on;
    this.update();
  }

  get #wanted() {
    const { current, view } = this.pane;
    return this.on && this.available && current && view ? `${current.key}:${view.frame}` : '';
  }

  update() {
    if (this.#wanted && this.#wanted !== this.loaded) this.load.ask();
    this.#draw();
  }

  async #load() {
    const { current, view } = this.pane;
    const wanted = this.#wanted;
    if (!wanted || wanted === this.loaded || !current || !view) return;
    try {
      const { pixels } = await this.client.request('overlays', { key: current.key, frame: view.frame, color: COLOUR });
      putPixels(pixels, this.picture);
      this.loaded = wanted;
      this.#draw();
    } catch {
      // What is wrong with the file is said where it is rendered.
      this.loaded = '';
    }
  }

  #draw() {
    const shown = this.#wanted && this.#wanted === this.loaded ? this.loaded : '';
    // An empty canvas over the picture would be put together with it sixty times a second.
    this.layer.hidden = !shown;
    this.layer.dataset.shown = shown;
    if (shown) drawPlaced(clearLayer(this.layer, this.viewer.canvas), this.viewer, this.picture);
  }
}
