/**
 * The picture on the canvas: where it lies (fit, zoom, pan, turns), and asking the core for its pixels, which it makes for
 * those of the display. Until a rendering comes, the one before is moved to where it belongs, so that dragging stays fluid
 * at any size.
 */
import { isCancelled } from '../client/client.js';
import { SMOOTHING } from '../shared/protocol.js';
import { Latest } from './latest.js';

/**
 * @typedef {import('./desk.js').Item} Item
 * @typedef {import('../shared/protocol.js').View} View
 * @typedef {import('../shared/protocol.js').Placement} Placement
 * @typedef {readonly import('../shared/protocol.js').Step[]} Steps
 * @typedef {{x: number, y: number}} Point
 * @typedef {{place: Placement, width: number, height: number, pixels: ImageData}} Shown
 */

const MIN_SCALE = 0.02;
const MAX_SCALE = 64;

/**
 * From a picture's pixels to those of the canvas.
 * @param {Placement} place
 * @param {{width: number, height: number}} picture
 */
function matrixOf(place, { width, height }) {
  return new DOMMatrix()
    .translateSelf(place.x, place.y)
    .rotateSelf(place.turn * 90)
    .scaleSelf(place.mirrored ? -place.scaleX : place.scaleX, place.scaleY)
    .translateSelf(-width / 2, -height / 2);
}

/** @param {Placement} a @param {Placement} b */
const samePlace = (a, b) => Object.keys(a).every((key) => a[/** @type {keyof Placement} */ (key)] === b[/** @type {keyof Placement} */ (key)]);

export class Viewer extends EventTarget {
  /**
   * Events: `place` when zoom or position changed, `filters` when others apply, `rendered` with {ms, steps}, `failed` with
   * {item, error}, `unfiltered` with {error} when filters fail and the picture is shown without them.
   * @param {HTMLCanvasElement} canvas
   * @param {import('../client/client.js').Client} client
   * @param {import('./panes/pane.js').Pane} pane  whose view it shows
   */
  constructor(canvas, client, pane) {
    super();
    this.canvas = canvas;
    this.client = client;
    this.pane = pane;
    const context = canvas.getContext('2d', { alpha: false });
    if (!context) throw new Error('this browser has no canvas');
    this.context = context;
    /** @type {Item | null} */
    this.item = null;
    /** What was rendered last, of a picture of which size, and where it lies. @type {Shown | null} */
    this.shown = null;
    /** The same to draw elsewhere, as long as `moving` is what is shown. */
    this.picture = document.createElement('canvas');
    /** @type {Shown | null} */
    this.moving = null;
    /** @type {number} */
    this.smoothing = SMOOTHING.LANCZOS;
    /** Memory of the frame before, for the next one. @type {ArrayBuffer | null} */
    this.spare = null;
    /** Screen pixels (CSS) per image column. */
    this.scale = 1;
    /** Where the image's centre stands, from the canvas's centre. @type {Point} */
    this.centre = { x: 0, y: 0 };
    this.fitted = true;
    /** Quarters clockwise, after mirroring. Only for the screen, as all of this. */
    this.turn = 0;
    this.mirrored = false;
    /** Filters on the rendered picture, or none. @type {Steps | null} */
    this.steps = null;
    /** @type {{item: Item, view: View, steps: Steps | null, place: Placement} | null} */
    this.wanted = null;
    this.work = new Latest(() => this.#render());
    this.drawPending = false;
    new ResizeObserver(() => this.#resized()).observe(canvas);
  }

  /** @param {Item | null} item @param {{keep?: boolean}} [options]  keep: zoom and place stay, if the size does */
  show(item, { keep = false } = {}) {
    const before = this.item?.info;
    this.item = item;
    if (!item?.info || !this.pane.view) {
      this.wanted = null;
      this.shown = null;
      this.spare = null;
      this.#draw();
      return;
    }
    if (!keep || before?.width !== item.info.width || before.height !== item.info.height) this.setTurn(0, false);
    this.render();
  }

  /** Shows this and every other picture through filters. @param {Steps | null} steps */
  filter(steps) {
    if (!steps && !this.steps) return;
    this.steps = steps;
    this.render();
    this.dispatchEvent(new Event('filters'));
  }

  /** @param {number} smoothing  one of SMOOTHING */
  setSmoothing(smoothing) {
    this.smoothing = smoothing;
    this.render();
  }

  /** Asks for the current item as its view says, where it lies now. */
  render() {
    const item = this.item;
    const { view } = this.pane;
    if (!item || !view) return;
    this.wanted = { item, view, steps: this.steps, place: this.placement() };
    this.work.ask();
  }

  /** Whether the core is at work for this viewer. */
  get rendering() {
    return this.work.running;
  }

  async #render() {
    if (!this.wanted) return;
    const { item, view, steps, place } = this.wanted;
    this.wanted = null;
    try {
      const buffer = this.spare;
      this.spare = null;
      const { pixels, ms } = await this.client.request('render', { key: item.key, view, steps, place, pane: String(this.pane.number) }, { buffer });
      // A slice that was passed by is shown too: one sees where one goes.
      if (item !== this.item && !(item.pile && item.pile === this.item?.pile)) return;
      this.spare = this.shown?.pixels.data.buffer ?? null;
      const { width = 0, height = 0 } = item.info ?? {};
      this.shown = { place, width, height, pixels: new ImageData(pixels.rgba, pixels.width, pixels.height) };
      this.canvas.dataset.rendered = `${item.key}:${view.frame}`;
      this.#draw();
      this.dispatchEvent(new CustomEvent('rendered', { detail: { ms, steps } }));
    } catch (error) {
      if (isCancelled(error)) return;
      if (!steps) {
        this.dispatchEvent(new CustomEvent('failed', { detail: { item, error } }));
        return;
      }
      this.dispatchEvent(new CustomEvent('unfiltered', { detail: { error } }));
      this.wanted ??= { item, view, steps: null, place };
      this.work.ask();
    }
  }

  /** Rows are drawn this much taller than columns are wide, for pixels that are not square. */
  get aspect() {
    const spacing = this.item?.info?.spacing;
    return spacing && spacing[0] > 0 && spacing[1] > 0 ? spacing[1] / spacing[0] : 1;
  }

  /** The scale at which the whole image is seen. */
  #fitScale() {
    const info = this.item?.info;
    if (!info) return 1;
    const { clientWidth, clientHeight } = this.canvas;
    const [width, height] = this.#extent(1);
    return Math.max(MIN_SCALE, Math.min(clientWidth / width, clientHeight / height));
  }

  /** Width and height of the image on the canvas. @param {number} scale @returns {[number, number]} */
  #extent(scale) {
    const { width, height } = this.item?.info ?? { width: 0, height: 0 };
    const upright = /** @type {[number, number]} */ ([width * scale, height * scale * this.aspect]);
    return this.turn % 2 ? [upright[1], upright[0]] : upright;
  }

  /** @param {number} turn  quarters clockwise @param {boolean} mirrored */
  setTurn(turn, mirrored) {
    this.turn = ((turn % 4) + 4) % 4;
    this.mirrored = mirrored;
    this.fit();
  }

  fit() {
    this.fitted = true;
    this.#place(this.#fitScale(), { x: 0, y: 0 });
  }

  /** One image column on one pixel of the display. */
  actualSize() {
    this.fitted = false;
    this.#place(1 / devicePixelRatio, { x: 0, y: 0 });
  }

  /** Where another viewer is: zoom and place linked. @param {number} scale @param {Point} centre */
  follow(scale, centre) {
    this.fitted = false;
    this.#place(Math.max(MIN_SCALE, Math.min(MAX_SCALE, scale)), { ...centre });
  }

  /** @param {number} factor @param {Point} [at] a place on the canvas that stays where it is */
  zoom(factor, at = { x: this.canvas.clientWidth / 2, y: this.canvas.clientHeight / 2 }) {
    const scale = Math.max(MIN_SCALE, Math.min(MAX_SCALE, this.scale * factor));
    const ratio = scale / this.scale;
    const x = at.x - this.canvas.clientWidth / 2;
    const y = at.y - this.canvas.clientHeight / 2;
    this.fitted = false;
    this.#place(scale, { x: x - (x - this.centre.x) * ratio, y: y - (y - this.centre.y) * ratio });
  }

  /** @param {number} dx @param {number} dy */
  pan(dx, dy) {
    this.fitted = false;
    this.#place(this.scale, { x: this.centre.x + dx, y: this.centre.y + dy });
  }

  /** @param {number} scale @param {Point} centre */
  #place(scale, centre) {
    const info = this.item?.info;
    if (info) {
      // Some of the image always stays in sight.
      const [width, height] = this.#extent(scale);
      const reachX = (this.canvas.clientWidth + width) / 2 - 40;
      const reachY = (this.canvas.clientHeight + height) / 2 - 40;
      centre.x = Math.max(-reachX, Math.min(reachX, centre.x));
      centre.y = Math.max(-reachY, Math.min(reachY, centre.y));
    }
    this.scale = scale;
    this.centre = centre;
    this.#draw();
    this.render();
    this.dispatchEvent(new Event('place'));
  }

  /** Where a place of the canvas is on the image, in pixels, the first one reaching from 0 to 1. @param {Point} at @returns {Point} */
  pointAt(at) {
    const { width, height } = this.item?.info ?? { width: 0, height: 0 };
    const x = at.x - this.canvas.clientWidth / 2 - this.centre.x;
    const y = at.y - this.canvas.clientHeight / 2 - this.centre.y;
    const [u, v] = [[x, y], [y, -x], [-x, -y], [-y, x]][this.turn];
    return { x: (this.mirrored ? -u : u) / this.scale + width / 2, y: v / (this.scale * this.aspect) + height / 2 };
  }

  /** The other way round. @param {Point} point @returns {Point} */
  placeOf(point) {
    const { width, height } = this.item?.info ?? { width: 0, height: 0 };
    const u = (point.x - width / 2) * this.scale * (this.mirrored ? -1 : 1);
    const v = (point.y - height / 2) * this.scale * this.aspect;
    const [x, y] = [[u, v], [-v, u], [-u, -v], [v, -u]][this.turn];
    return { x: x + this.canvas.clientWidth / 2 + this.centre.x, y: y + this.canvas.clientHeight / 2 + this.centre.y };
  }

  /** The image pixel under a place on the canvas, or null beside the image. @param {Point} at @returns {Point | null} */
  pixelAt(at) {
    const info = this.item?.info;
    if (!info) return null;
    const { x, y } = this.pointAt(at);
    if (x < 0 || y < 0 || x >= info.width || y >= info.height) return null;
    return { x: Math.floor(x), y: Math.floor(y) };
  }

  #resized() {
    if (this.fitted) this.fit();
    else this.#place(this.scale, this.centre);
  }

  /** Once a frame of the display, however often it is asked for. */
  #draw() {
    if (this.drawPending) return;
    this.drawPending = true;
    requestAnimationFrame(() => {
      this.drawPending = false;
      this.#paint();
    });
  }

  /** From pixels of the picture to those of the display. @returns {DOMMatrix} */
  matrix() {
    return matrixOf(this.placement(), this.item?.info ?? { width: 0, height: 0 });
  }

  /** Where the picture lies, in pixels of the display. At a whole scale its pixels fall on those of the display. @returns {Placement} */
  placement() {
    const ratio = devicePixelRatio;
    const width = Math.max(1, Math.round(this.canvas.clientWidth * ratio));
    const height = Math.max(1, Math.round(this.canvas.clientHeight * ratio));
    const scaleX = this.scale * ratio;
    const [wide, high] = this.#extent(scaleX);
    /** @param {number} middle @param {number} extent */
    const snap = (middle, extent) => (Number.isInteger(scaleX) ? Math.round(middle - extent / 2) + extent / 2 : middle);
    return {
      width,
      height,
      x: snap(width / 2 + this.centre.x * ratio, wide),
      y: snap(height / 2 + this.centre.y * ratio, high),
      scaleX,
      scaleY: scaleX * this.aspect,
      turn: this.turn,
      mirrored: this.mirrored,
      smoothing: this.smoothing,
    };
  }

  #paint() {
    const { canvas, context, picture, shown } = this;
    const place = this.placement();
    if (canvas.width !== place.width || canvas.height !== place.height) {
      canvas.width = place.width;
      canvas.height = place.height;
    }
    const info = this.item?.info;
    // Through a stack of equal slices the last one stays until the next is there; a picture of another size would lie.
    const fits = info && shown?.width === info.width && shown.height === info.height;
    context.resetTransform();
    if (!fits || !samePlace(shown.place, place)) {
      context.fillStyle = '#000';
      context.fillRect(0, 0, place.width, place.height);
    }
    if (!fits) return;
    if (samePlace(shown.place, place)) {
      context.putImageData(shown.pixels, 0, 0);
      return;
    }
    if (this.moving !== shown) {
      picture.width = shown.place.width;
      picture.height = shown.place.height;
      picture.getContext('2d', { alpha: false })?.putImageData(shown.pixels, 0, 0);
      this.moving = shown;
    }
    context.setTransform(matrixOf(place, info).multiply(matrixOf(shown.place, info).inverse()));
    context.drawImage(picture, 0, 0);
  }
}
