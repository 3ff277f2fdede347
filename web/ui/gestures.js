/**
 * Pointer habits of a reading room on the canvas: left drag does what the tool says (window/level unless another was
 * picked), middle drag, Shift or Space pan, the wheel goes through frames or files, Ctrl or ⌘ with it zooms, two fingers
 * pinch and pan, a double click fits.
 */

/**
 * @typedef {'window' | 'pan' | 'zoom' | 'crosshair' | import('./measure/marks.js').MarkKind} Tool
 * @typedef {object} PointerHand  what takes a press before the tool does; `down` says whether it did
 * @property {unknown} kind
 * @property {unknown} grip  what of a mark it holds, or null
 * @property {(at: Point) => boolean} down
 * @property {(at: Point) => void} move
 * @property {(at: Point) => void} up
 * @property {(at: Point) => void} hover
 * @property {() => boolean} cancel
 *
 * @typedef {import('./viewer.js').Point} Point
 */

/** Wheel travel, in pixels, that makes one step; touchpads send many small ones. */
const WHEEL_STEP = 50;
/** A drag over this many pixels doubles or halves the window's width. */
const DRAG_DOUBLES = 180;

export class Gestures {
  /**
   * @param {import('./viewer.js').Viewer} viewer
   * @param {import('./panes/pane.js').Pane} desk
   * @param {{onStep: (step: 1 | -1) => void, onHover: (at: Point | null) => void}} actions
   */
  constructor(viewer, desk, { onStep, onHover }) {
    this.viewer = viewer;
    this.desk = desk;
    this.onStep = onStep;
    this.onHover = onHover;
    /** @type {Tool} */
    this.tool = 'window';
    this.spaceHeld = false;
    /** Draws and moves measurements. @type {PointerHand | null} */
    this.hand = null;
    this.drawing = false;
    /** @type {Map<number, Point>} */
    this.pointers = new Map();
    /** @type {Tool | null} */
    this.dragging = null;
    this.wheelTravel = 0;

    const { canvas } = viewer;
    canvas.addEventListener('pointerdown', (event) => this.#down(event));
    canvas.addEventListener('pointermove', (event) => this.#move(event));
    for (const type of ['pointerup', 'pointercancel']) {
      canvas.addEventListener(type, (event) => this.#up(/** @type {PointerEvent} */ (event)));
    }
    canvas.addEventListener('pointerleave', () => onHover(null));
    canvas.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener('dblclick', () => !this.hand?.kind && viewer.fit());
    canvas.addEventListener('contextmenu', (event) => event.preventDefault());
    // The middle button would start the browser's own scrolling.
    canvas.addEventListener('mousedown', (event) => event.button === 1 && event.preventDefault());
    addEventListener('blur', () => (this.spaceHeld = false));
  }

  /** @param {MouseEvent} event @returns {Point} */
  #at(event) {
    const box = this.viewer.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  /** @param {PointerEvent} event @returns {Tool} */
  #toolOf(event) {
    if (event.button === 1 || event.shiftKey || this.spaceHeld) return 'pan';
    if (event.button === 2) return 'zoom';
    return this.tool;
  }

  /** As a drag with the tool would, from the keyboard. @param {number} dx @param {number} dy  CSS pixels */
  nudge(dx, dy) {
    if (this.tool === 'pan') this.viewer.pan(dx, dy);
    else if (this.tool === 'zoom') this.viewer.zoom(2 ** (-dy / DRAG_DOUBLES));
    else if (this.tool === 'window') this.#window(dx, dy);
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (!this.viewer.item) return;
    this.viewer.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.#at(event));
    this.dragging = this.#toolOf(event);
    // A second finger pinches, whatever the first one began.
    if (this.pointers.size > 1) this.#dropDrawing();
    else if (this.dragging === this.tool && event.button === 0) this.drawing = this.hand?.down(this.#at(event)) ?? false;
  }

  #dropDrawing() {
    if (this.drawing) this.hand?.cancel();
    this.drawing = false;
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const at = this.#at(event);
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      this.hand?.hover(at);
      this.onHover(at);
      return;
    }
    if (this.pointers.size === 2) {
      const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
      this.#pinch(before, at, other);
    } else if (this.pointers.size === 1) {
      this.#drag(at.x - before.x, at.y - before.y, at);
    }
    this.pointers.set(event.pointerId, at);
  }

  /** @param {PointerEvent} event */
  #up(event) {
    this.pointers.delete(event.pointerId);
    if (this.drawing) {
      this.drawing = false;
      if (event.type === 'pointerup') this.hand?.up(this.#at(event));
      else this.hand?.cancel();
    }
    if (this.pointers.size === 0) this.dragging = null;
  }

  /** @param {Point} before @param {Point} after @param {Point} other */
  #pinch(before, after, other) {
    const was = Math.hypot(before.x - other.x, before.y - other.y);
    const is = Math.hypot(after.x - other.x, after.y - other.y);
    if (was > 0 && is > 0) this.viewer.zoom(is / was, { x: (after.x + other.x) / 2, y: (after.y + other.y) / 2 });
    this.viewer.pan((after.x - before.x) / 2, (after.y - before.y) / 2);
  }

  /** @param {number} dx @param {number} dy @param {Point} at */
  #drag(dx, dy, at) {
    if (this.drawing) this.hand?.move(at);
    else if (this.dragging === 'pan') this.viewer.pan(dx, dy);
    else if (this.dragging === 'zoom') this.viewer.zoom(2 ** (-dy / DRAG_DOUBLES));
    else if (this.dragging === 'window') this.#window(dx, dy);
    this.onHover(at);
  }

  /** To the right widens the window, upwards brightens. The step follows the width: equal strokes, equal effect. */
  #window(/** @type {number} */ dx, /** @type {number} */ dy) {
    const { view } = this.desk;
    if (!view) return;
    const narrowest = view.function === 0 ? 1 : 1e-6;
    this.desk.setView({
      voiLut: -1,
      width: Math.max(narrowest, view.width * 2 ** (dx / DRAG_DOUBLES)),
      center: view.center + (dy * view.width) / (2 * DRAG_DOUBLES),
    });
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    if (!this.viewer.item) return;
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * WHEEL_STEP;
    if (event.ctrlKey || event.metaKey) {
      this.viewer.zoom(2 ** (-pixels / 240), this.#at(event));
      return;
    }
    if (Math.sign(pixels) !== Math.sign(this.wheelTravel)) this.wheelTravel = 0;
    this.wheelTravel += pixels;
    // A notch of a mouse wheel is one step, however far the system lets it go.
    if (Math.abs(this.wheelTravel) < WHEEL_STEP) return;
    this.onStep(this.wheelTravel > 0 ? 1 : -1);
    this.wheelTravel = 0;
  }
}
