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
   * @param {import('../viewer.js').Viewer} parts.viewer
   * @param {import('../desk.js').Desk} parts.desk
   * @param {import('../../client/client.js').Client} parts.client
   * @param {import('../../shared/protocol.js').Constants} parts.constants
   * @param {() => void} parts.showPanel
   */
  constructor({ viewer, desk, client, constants, showPanel }) {
    this.marks = new Marks(({ key, frame, kind, points }) =>
      client.request('measure', { key, frame, kind: constants.measures.indexOf(kind), points }),
    );
    const root = /** @type {SVGSVGElement} */ (/** @type {unknown} */ (byId('marks')));
    this.drawing = new Drawing(root, viewer, this.marks, desk);
    this.keeping = new Keeping(this.marks, desk, new MarksStore());
    this.panel = new MeasurePanel(this.marks, desk, this.keeping, (marks) =>
      client.request('report', {
        marks: marks.map(({ key, frame, kind, points, text }) => ({ key, frame, kind: constants.measures.indexOf(kind), points, text })),
        key: [...crypto.getRandomValues(new Uint32Array(4))],
        now: moment(new Date()),
        nameless: namesHidden(),
      }),
    );
    this.hand = new Hand({
      viewer,
      desk,
      marks: this.marks,
      drawing: this.drawing,
      onText: (mark) => {
        showPanel();
        this.panel.edit(mark);
      },
    });
    let keys = new Set();
    desk.on('items', () => {
      const now = new Set(desk.items.map(({ key }) => key));
      for (const key of keys) if (!now.has(key)) this.marks.forget(key);
      keys = now;
    });
  }

  /** @param {import('../gestures.js').Tool} tool */
  setTool(tool) {
    this.hand.setKind(tool in POINTS ? /** @type {import('./marks.js').MarkKind} */ (tool) : null);
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
    this.drawing.toggle();
    return true;
  }
}
