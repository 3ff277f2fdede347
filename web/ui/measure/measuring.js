/** Measuring as a whole: puts marks, their drawing, the hand and the list together. */
import { MarksStore } from '../../client/marks-store.js';
import { byId } from '../dom.js';
import { namesHidden } from '../privacy.js';
import { Drawing } from './drawing.js';
import { Hand } from './hand.js';
import { Keeping } from './keeping.js';
import { Marks, POINTS } from './marks.js';
import { MeasurePanel } from './panel.js';

/** As DICOM writes a date and a time, of this place. @param {Date} date */
function moment(date) {
  const two = (/** @type {number} */ number) => String(number).padStart(2, '0');
  const day = `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`;
  return `${day}${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
}

export class Measuring {
  /**
   * @param {object} parts
   * @param {import('../desk.js').Desk} parts.desk
   * @param {import('../../client/client.js').Client} parts.client
   * @param {import('../../shared/protocol.js').Constants} parts.constants
   * @param {() => void} parts.showPanel
   */
  constructor({ desk, client, constants, showPanel }) {
    this.desk = desk;
    this.marks = new Marks(({ key, frame, kind, points }) =>
      client.request('measure', { key, frame, kind: constants.measures.indexOf(kind), points }),
    );
    /** By the number of their pane. @type {Array<{drawing: Drawing, hand: Hand}>} */
    this.places = [];
    this.keeping = new Keeping(this.marks, desk, new MarksStore());
    this.panel = new MeasurePanel(this.marks, desk, this.keeping, (marks) =>
      client.request('report', {
        marks: marks.map(({ key, frame, kind, points, text }) => ({ key, frame, kind: constants.measures.indexOf(kind), points, text })),
        key: [...crypto.getRandomValues(new Uint32Array(4))],
        now: moment(new Date()),
        nameless: namesHidden(),
      }),
    );
    this.showPanel = showPanel;
    let keys = new Set();
    desk.on('items', () => {
      const now = new Set(desk.items.map(({ key }) => key));
      for (const key of keys) if (!now.has(key)) this.marks.forget(key);
      keys = now;
    });
  }

  /** Marks of what lies in a pane. @param {import('../panes/pane.js').Pane} pane @param {import('../viewer.js').Viewer} viewer @param {SVGSVGElement} root */
  attach(pane, viewer, root) {
    const drawing = new Drawing(root, viewer, this.marks, pane);
    const onText = (/** @type {import('./marks.js').Mark} */ mark) => {
      this.showPanel();
      this.panel.edit(mark);
    };
    const hand = new Hand({ viewer, desk: pane, marks: this.marks, drawing, onText });
    this.places[pane.number] = { drawing, hand };
    return hand;
  }

  /** Of the active pane. */
  get drawing() {
    return this.places[this.desk.active.number].drawing;
  }

  /** Of the active pane. */
  get hand() {
    return this.places[this.desk.active.number].hand;
  }

  /** @param {import('../gestures.js').Tool} tool */
  setTool(tool) {
    for (const { hand } of this.places) hand.setKind(tool in POINTS ? /** @type {import('./marks.js').MarkKind} */ (tool) : null);
  }

  /** @param {KeyboardEvent} event @param {boolean} onPicture @returns {boolean} whether it was for us */
  key({ key, ctrlKey, metaKey, shiftKey }, onPicture) {
    const command = ctrlKey || metaKey;
    const letter = key.toLowerCase();
    if (command && letter === 'z') {
      if (shiftKey) this.marks.redo();
      else if (!this.hand.cancel()) this.marks.undo();
      return true;
    }
    if (command && letter === 'y') {
      this.marks.redo();
      return true;
    }
    if (command) return false;
    if (key === 'Escape') return this.hand.cancel();
    if ((key === 'Delete' || key === 'Backspace') && onPicture && this.marks.selected !== null) {
      this.marks.remove(this.marks.selected);
      return true;
    }
    if (letter !== 'h') return false;
    for (const { drawing } of this.places) drawing.toggle();
    return true;
  }
}
