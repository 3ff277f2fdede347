/** The list of measurements beside the picture, and how they leave the page. */
import { onLanguage, t } from '../../i18n/i18n.js';
import { byId, download, h, icon } from '../dom.js';
import { markLines } from './say.js';

/**
 * @typedef {import('./marks.js').Mark} Mark
 * @typedef {import('../../shared/protocol.js').Measured} Measured
 */

/** Columns of the CSV file that hold numbers. @type {Array<keyof Measured>} */
const NUMBERS = ['length', 'pixels', 'degrees', 'area', 'padding'];
/** @type {Array<'mean' | 'sd' | 'min' | 'max' | 'median'>} */
const STATISTICS = ['mean', 'sd', 'min', 'max', 'median'];

/** RFC 4180. @param {unknown} value */
function field(value) {
  const text = value === null || value === undefined ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export class MeasurePanel {
  /** @param {import('./marks.js').Marks} marks @param {import('../desk.js').Desk} desk */
  constructor(marks, desk) {
    this.marks = marks;
    this.desk = desk;
    this.panel = byId('measures');
    const update = () => this.update();
    for (const type of ['change', 'measured']) marks.addEventListener(type, update);
    desk.on('select', update);
    onLanguage(update);
  }

  update() {
    // A text that is being written stays as it is.
    if (this.panel.contains(document.activeElement) && document.activeElement instanceof HTMLInputElement) return;
    const { all } = this.marks;
    if (all.length === 0) {
      this.panel.replaceChildren(h('p.quiet', {}, t('measure.none')));
      return;
    }
    const rows = all.map((mark) => this.#row(mark));
    this.panel.replaceChildren(
      h('ul.measure-list', {}, ...rows),
      h(
        'div.measure-save',
        {},
        h('button.button.small', { type: 'button', id: 'measures-csv', onclick: () => void this.#saveCsv() }, t('measure.csv')),
        h('button.button.small', { type: 'button', id: 'measures-json', onclick: () => void this.#saveJson() }, t('measure.json')),
      ),
      h('p.quiet', {}, t('measure.hint')),
    );
  }

  /** @param {Mark} mark */
  #fileOf(mark) {
    return this.desk.items.find(({ key }) => key === mark.key) ?? null;
  }

  /** @param {Mark} mark */
  #row(mark) {
    const item = this.#fileOf(mark);
    const frames = item?.info?.frames ?? 1;
    const number = item?.pile ? item.at + 1 : frames > 1 ? mark.frame + 1 : null;
    const place = number === null ? (item?.name ?? '') : `${item?.name} · ${number}`;
    const lines = markLines({ ...mark, text: '' }, this.marks.result(mark));
    const label = h('input', {
      type: 'text',
      value: mark.text,
      placeholder: t('measure.label'),
      'aria-label': t('measure.label'),
      onchange: (/** @type {Event} */ event) => this.#rename(mark.id, /** @type {HTMLInputElement} */ (event.target).value),
    });
    const remove = h('button.icon-button', { type: 'button', 'aria-label': t('measure.remove'), onclick: () => this.marks.remove(mark.id) }, icon('close'));
    return h(
      'li',
      { className: mark.id === this.marks.selected ? 'selected' : '', 'data-id': String(mark.id) },
      h('button.measure-go', { type: 'button', onclick: () => this.#show(mark) }, h('b', {}, t(`measure.${mark.kind}`)), h('span.quiet', {}, place)),
      remove,
      h('div.measure-values', {}, ...lines.map((line) => h('span', {}, line))),
      label,
    );
  }

  /** @param {number} id @param {string} text */
  #rename(id, text) {
    const mark = this.marks.find(id);
    if (mark && mark.text !== text) this.marks.change(mark, { text });
  }

  /** Goes to the slice or frame that the mark is on. @param {Mark} mark */
  #show(mark) {
    this.desk.select(this.#fileOf(mark));
    this.desk.setFrame(mark.frame);
    this.marks.select(mark.id);
  }

  /** The words of a note are wanted. @param {Mark} mark */
  edit(mark) {
    this.update();
    const input = /** @type {HTMLInputElement | null} */ (this.panel.querySelector(`[data-id="${mark.id}"] input`));
    input?.focus();
  }

  /** All marks with what the core says of them. @returns {Promise<Array<{mark: Mark, measured: Measured | null, file: string}>>} */
  async #complete() {
    return Promise.all(
      this.marks.all.map(async (mark) => ({
        mark,
        file: this.#fileOf(mark)?.path ?? '',
        measured: await this.marks.measured(mark),
      })),
    );
  }

  async #saveJson() {
    const list = (await this.#complete()).map(({ mark, file, measured }) => {
      const { kind, frame, points, text } = mark;
      return { file, frame: frame + 1, kind, text, points, measured };
    });
    download('measurements.json', 'application/json', `${JSON.stringify(list, null, 2)}\n`);
  }

  async #saveCsv() {
    const head = ['file', 'frame', 'kind', 'text', ...NUMBERS, ...STATISTICS, 'unit', 'points'];
    const rows = (await this.#complete()).map(({ mark, file, measured }) => [
      file,
      mark.frame + 1,
      mark.kind,
      mark.text,
      ...NUMBERS.map((name) => measured?.[name]),
      ...STATISTICS.map((name) => measured?.channels?.map((channel) => channel[name]).join(' ')),
      measured?.unit,
      mark.points.map(([x, y]) => `${x} ${y}`).join(' '),
    ]);
    download('measurements.csv', 'text/csv', [head, ...rows].map((row) => row.map(field).join(',')).join('\r\n') + '\r\n');
  }
}
