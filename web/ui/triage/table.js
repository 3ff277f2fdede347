/**
 * A table of thousands of lines of which only those in sight are in the page. One line is the active one: it has the keyboard, and
 * stays in the page wherever the table is scrolled to, so that readers of the screen do not lose it.
 */
import { formatPercent, t } from '../../i18n/i18n.js';
import { h } from '../dom.js';

/**
 * @typedef {import('./rows.js').Row} Row
 * @typedef {import('./rows.js').Order} Order
 * @typedef {import('./rows.js').Column} Column
 */

/** Height of a line in CSS pixels, as triage.css says. */
const LINE = 48;
/** Lines that are drawn beyond those in sight. */
const BEYOND = 4;

/** @type {Array<{name: string, sorts: Column | null}>} */
const COLUMNS = [
  { name: 'picture', sorts: null },
  { name: 'name', sorts: 'name' },
  { name: 'verdict', sorts: null },
  { name: 'score', sorts: 'score' },
  { name: 'relation', sorts: null },
  { name: 'applies', sorts: null },
  { name: 'review', sorts: 'review' },
  { name: 'note', sorts: null },
];

/** Texts of the values of `applies`. */
const APPLIES = { 'in range': 'in', doubtful: 'doubtful', 'out of range': 'out', unknown: 'unknown' };
/** @param {keyof typeof APPLIES} applies */
export const appliesText = (applies) => t(`triage.applies.${APPLIES[applies]}`);

export class TriageTable {
  /**
   * @param {HTMLElement} node
   * @param {object} actions
   * @param {(row: Row) => void} actions.activate  the line became the active one
   * @param {(column: Column) => void} actions.sort
   * @param {(row: Row) => ImageBitmap | null} actions.thumbOf  null: none yet; `redraw` when it came
   */
  constructor(node, { activate, sort, thumbOf }) {
    this.node = node;
    this.activate = activate;
    this.sort = sort;
    this.thumbOf = thumbOf;
    /** @type {Row[]} */
    this.rows = [];
    /** The number of the active line, or -1. */
    this.at = -1;
    this.head = h('div.triage-line.triage-head', { role: 'row', 'aria-rowindex': '1' });
    this.body = h('div.triage-body', { role: 'rowgroup' });
    this.node.append(h('div.triage-heads', { role: 'rowgroup' }, this.head), this.body);
    /** The lines in the page, by number. @type {Map<number, HTMLElement>} */
    this.drawn = new Map();
    node.addEventListener('scroll', () => this.#drawSight());
    new ResizeObserver(() => this.#drawSight()).observe(node);
    this.body.addEventListener('click', (event) => {
      const line = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (event.target).closest('.triage-line'));
      if (line) this.goTo(Number(line.dataset.at));
    });
  }

  /** @param {Order} order */
  #drawHead({ column, descending }) {
    const cells = COLUMNS.map(({ name, sorts }) => {
      const sorted = sorts === column ? (descending ? 'descending' : 'ascending') : sorts ? 'none' : null;
      const text = t(`triage.column.${name}`);
      const label = sorts ? h('button.triage-sort', { type: 'button', onclick: () => this.sort(sorts) }, text) : h('span', {}, text);
      return h(`div.triage-cell.triage-${name}`, { role: 'columnheader', 'aria-sort': sorted }, label);
    });
    const held = this.head.contains(document.activeElement) ? [...this.head.querySelectorAll('button')].indexOf(/** @type {any} */ (document.activeElement)) : -1;
    this.head.replaceChildren(...cells);
    if (held >= 0) this.head.querySelectorAll('button')[held]?.focus();
  }

  /**
   * @param {Row[]} rows
   * @param {Order} order
   * @param {number} at  the active one, or -1
   */
  show(rows, order, at) {
    this.rows = rows;
    this.at = at;
    this.#drawHead(order);
    this.node.setAttribute('aria-rowcount', String(rows.length + 1));
    this.body.style.height = `${rows.length * LINE}px`;
    this.redraw();
  }

  /** Draws what is in sight anew. */
  redraw() {
    for (const line of this.drawn.values()) line.remove();
    this.drawn.clear();
    this.#drawSight();
  }

  #drawSight() {
    const { node, rows, drawn } = this;
    const top = node.scrollTop;
    const first = Math.max(0, Math.floor(top / LINE) - BEYOND);
    const last = Math.min(rows.length, Math.ceil((top + node.clientHeight) / LINE) + BEYOND);
    for (const [at, line] of drawn) {
      if ((at >= first && at < last) || at === this.at) continue;
      line.remove();
      drawn.delete(at);
    }
    for (let at = first; at < last; at++) this.#draw(at);
    if (this.at >= 0) this.#draw(this.at);
    const active = drawn.get(this.at);
    if (active) node.setAttribute('aria-activedescendant', active.id);
    else node.removeAttribute('aria-activedescendant');
  }

  /** @param {number} at */
  #draw(at) {
    const row = this.rows[at];
    if (!row || this.drawn.has(at)) return;
    const line = this.#line(row, at);
    this.drawn.set(at, line);
    // In the order of the table, which is the order in which they are read out.
    const after = [...this.drawn].reduce((/** @type {[number, HTMLElement] | null} */ best, each) => (each[0] > at && (!best || each[0] < best[0]) ? each : best), null);
    this.body.insertBefore(line, after?.[1] ?? null);
  }

  /** @param {Row} row @param {number} at */
  #line(row, at) {
    const active = at === this.at;
    const cells = [
      [this.#picture(row)],
      [h('span.triage-text', { title: row.name }, row.name)],
      [this.#verdict(row)],
      row.score === null ? [] : [this.#score(row, row.score)],
      [row.relation ? t(`triage.relation.${row.relation}`) : ''],
      [row.applies ? appliesText(row.applies) : ''],
      [row.opinion ? h('span.triage-opinion', { 'data-opinion': row.opinion }, t(`triage.${row.opinion}`)) : ''],
      [h('span.triage-text', { title: row.note }, row.note)],
    ].map((children, column) => h(`div.triage-cell.triage-${COLUMNS[column].name}`, { role: 'gridcell' }, ...children));
    const line = h(
      'div.triage-line',
      { role: 'row', id: `triage-line-${at}`, 'aria-rowindex': String(at + 2), 'aria-selected': String(active), 'data-at': String(at), 'data-key': row.item.key },
      ...cells,
    );
    line.style.top = `${at * LINE}px`;
    return line;
  }

  /** @param {Row} row */
  #verdict({ verdict, state, applies, result }) {
    if (state === 'refused') return h('span.triage-quiet', {}, t('triage.refused'));
    if (state === 'waiting') return h('span.triage-quiet', {}, t('triage.waiting'));
    if (!result && applies === 'out of range') return h('span.triage-quiet', {}, t('applies.outShort'));
    return h('span.triage-text', { title: verdict ?? '' }, verdict ?? t('triage.noVerdict'));
  }

  /** @param {Row} row @param {number} score */
  #score({ threshold, label, relation }, score) {
    const fill = h('span.bar-fill');
    fill.style.width = `${Math.max(0, Math.min(1, score)) * 100}%`;
    const track = h('span.bar-track', {}, fill);
    if (threshold !== null) {
      const mark = h('span.bar-mark', { title: t('result.threshold', { value: formatPercent(threshold) }) });
      mark.style.left = `${threshold * 100}%`;
      track.append(mark);
    }
    return h('span.triage-measure', { title: label, 'data-relation': relation ?? '' }, h('span', {}, formatPercent(score)), track);
  }

  /** @param {Row} row */
  #picture(row) {
    const thumb = this.thumbOf(row);
    if (!thumb) return h('span.triage-thumb');
    const canvas = /** @type {HTMLCanvasElement} */ (h('canvas.triage-thumb', { width: thumb.width, height: thumb.height, 'aria-hidden': 'true' }));
    canvas.getContext('2d')?.drawImage(thumb, 0, 0);
    return canvas;
  }

  /** The lines that are in the page now. */
  inSight() {
    return [...this.drawn.keys()].map((at) => this.rows[at]).filter(Boolean);
  }

  /** Makes a line the active one and brings it into sight. @param {number} at  held within the table */
  goTo(at) {
    if (!this.rows.length) return;
    const next = Math.max(0, Math.min(this.rows.length - 1, at));
    for (const [number, line] of this.drawn) line.setAttribute('aria-selected', String(number === next));
    this.at = next;
    this.bringIntoSight();
    this.#drawSight();
    this.activate(this.rows[next]);
  }

  bringIntoSight() {
    const { node, at } = this;
    if (at < 0) return;
    const room = node.clientHeight - this.head.offsetHeight;
    if (at * LINE < node.scrollTop) node.scrollTop = at * LINE;
    else if ((at + 1) * LINE > node.scrollTop + room) node.scrollTop = (at + 1) * LINE - room;
  }

  /** Lines of a page, for the keys of that name. */
  get pageful() {
    return Math.max(1, Math.floor((this.node.clientHeight - this.head.offsetHeight) / LINE) - 1);
  }
}
