/**
 * A pointer moved by keyboard, for what else takes a mouse: Shift and an arrow drag as the chosen tool does (window, pan, zoom), or
 * move a cross over the picture; Enter presses there: sets points, takes marks up and puts them down, sets the crosshair. With Ctrl the
 * step is one pixel.
 */
import { h } from './dom.js';

/**
 * @typedef {import('./viewer.js').Viewer} Viewer
 * @typedef {import('./viewer.js').Point} Point
 * @typedef {import('./gestures.js').Gestures} Gestures
 */

/** CSS pixels. */
const STEP = 10;
/** @type {Record<string, [number, number]>} */
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const DRAGS = ['window', 'pan', 'zoom'];

export class KeyPointer {
  /** @param {Viewer} viewer @param {Gestures} gestures @param {HTMLElement} root  the pane, which the cross is shown in */
  constructor(viewer, gestures, root) {
    this.viewer = viewer;
    this.gestures = gestures;
    this.cross = h('div.key-pointer', { hidden: true, 'aria-hidden': 'true' });
    root.append(this.cross);
    /** @type {Point | null} */
    this.at = null;
    /** Something follows until the next press. */
    this.held = false;
    const { canvas } = viewer;
    canvas.addEventListener('keydown', (event) => {
      if (!viewer.item || !this.#key(event)) return;
      event.preventDefault();
      event.stopPropagation();
    });
    canvas.addEventListener('blur', () => this.#hide());
    // The mouse takes over.
    canvas.addEventListener('pointerdown', () => this.#hide());
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether it was for us */
  #key({ key, shiftKey, ctrlKey, metaKey }) {
    const way = WAYS[key];
    const { tool } = this.gestures;
    if (way && shiftKey) {
      const step = ctrlKey || metaKey ? 1 : STEP;
      const [dx, dy] = way.map((each) => each * step);
      if (DRAGS.includes(tool)) this.gestures.nudge(dx, dy);
      else this.#move(dx, dy);
      return true;
    }
    if (key === 'Enter' && !DRAGS.includes(tool)) {
      this.#press();
      return true;
    }
    if (key === 'Escape') {
      this.#hide();
      this.held = false;
    }
    return false;
  }

  /** Where it is; it begins in the middle. @returns {Point} */
  #place() {
    const { clientWidth, clientHeight } = this.viewer.canvas;
    this.at ??= { x: clientWidth / 2, y: clientHeight / 2 };
    return this.at;
  }

  /** @param {number} dx @param {number} dy */
  #move(dx, dy) {
    const { clientWidth, clientHeight } = this.viewer.canvas;
    const { x, y } = this.#place();
    this.at = { x: Math.max(0, Math.min(clientWidth - 1, x + dx)), y: Math.max(0, Math.min(clientHeight - 1, y + dy)) };
    const { hand } = this.gestures;
    if (this.held) hand?.move(this.at);
    else hand?.hover(this.at);
    this.gestures.onHover(this.at);
    this.#show();
  }

  #press() {
    const at = this.#place();
    const { hand, tool } = this.gestures;
    this.#show();
    if (!hand) return;
    if (this.held) {
      this.held = false;
      hand.up(at);
      return;
    }
    if (!hand.down(at)) return;
    // A mark that was taken hold of, and a region by hand, follow until the next press.
    if (tool === 'polygon' || hand.grip) this.held = true;
    else hand.up(at);
  }

  #show() {
    const { x, y } = this.#place();
    this.cross.hidden = false;
    this.cross.style.translate = `${x}px ${y}px`;
  }

  #hide() {
    this.cross.hidden = true;
    if (this.held) this.gestures.hand?.cancel();
    this.held = false;
  }
}
