/** The list of measurements beside the picture, and how they leave the page. */
import { onLanguage, t } from '../../i18n/i18n.js';
import { byId, download, h, icon } from '../dom.js';
import { nameOf, onPrivacy, pathOf } from '../privacy.js';
import { RegionHistogram } from './histogram.js';
import { isMeasured } from './marks.js';
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
  /**
   * @param {import('./marks.js').Marks} marks
   * @param {import('../desk.js').Desk} desk
   * @param {import('./keeping.js').Keeping} keeping
   * @param {(marks: readonly Mark[]) => Promise<Uint8Array<ArrayBuffer>>} report  writes a structured report
   */
  constructor(marks, desk, keeping, report) {
    this.marks = marks;
    this.desk = desk;
    this.keeping = keeping;
    this.report = report;
    /** Of the marks on the list. @type {Array<{key: string, histogram: RegionHistogram}>} */
    this.histograms = [];
    this.panel = byId('measures');
    this.problem = h('span.bad', { role: 'status' });
    const update = () => this.update();
    for (const type of ['change', 'measured']) marks.addEventListener(type, update);
    desk.on('select', update);
    keeping.addEventListener('change', update);
    desk.on('view', () => this.#markWindow());
    onLanguage(update);
    onPrivacy(update);
  }

  update() {
    // A text that is being written stays as it is.
    if (this.panel.contains(document.activeElement) && document.activeElement instanceof HTMLInputElement) return;
    const { all } = this.marks;
    this.histograms = [];
    if (all.length === 0) {
      this.panel.replaceChildren(h('p.quiet', {}, t('measure.none')), this.#kept());
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
        this.#reportable().length > 0 && h('button.button.small', { type: 'button', id: 'measures-sr', onclick: () => void this.#saveReport() }, t('measure.sr')),
        this.problem,
      ),
      this.#kept(),
    );
    this.#markWindow();
  }

  /** What is kept for another visit, and the way to be rid of it. */
  #kept() {
    const { count, works } = this.keeping;
    if (!works) return h('p.quiet', {}, t('measure.hint'));
    const note = h('p.quiet', {}, t('measure.kept', { count }));
    if (!count) return note;
    const remove = h('button.button.small', { type: 'button', id: 'measures-delete' }, t('measure.deleteAll'));
    remove.addEventListener('click', () => {
      // The first press asks.
      if (remove.dataset.sure) return void this.keeping.deleteAll();
      remove.dataset.sure = 'asked';
      remove.textContent = t('measure.deleteSure', { count });
    });
    return h('div.measure-kept', {}, note, remove);
  }

  #markWindow() {
    for (const { key, histogram } of this.histograms) {
      histogram.mark(this.desk.items.find((item) => item.key === key)?.view);
    }
  }

  /** @param {Mark} mark */
  #histogram(mark) {
    const measured = this.marks.result(mark);
    if (!measured?.histogram || measured.channels?.length !== 1) return null;
    const histogram = new RegionHistogram(measured.histogram);
    this.histograms.push({ key: mark.key, histogram });
    return histogram.node;
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
    const name = item ? nameOf(item) : '';
    const place = number === null ? name : `${name} · ${number}`;
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
      this.#histogram(mark),
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
      this.marks.all.map(async (mark) => {
        const item = this.#fileOf(mark);
        return { mark, file: item ? pathOf(item) : '', measured: await this.marks.measured(mark) };
      }),
    );
  }

  /** Measurements that a report can refer to; notes and arrows have no value. */
  #reportable() {
    return this.marks.all.filter((mark) => isMeasured(mark.kind) && this.#fileOf(mark)?.info?.format === 'DICOM');
  }

  async #saveReport() {
    this.problem.textContent = '';
    try {
      download('measurements.dcm', 'application/dicom', await this.report(this.#reportable()));
    } catch (error) {
      this.problem.textContent = String(/** @type {Error} */ (error).message);
    }
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
