/**
 * The triage view: all files as a table beside the picture, in the order of their scores, to be gone through with the keyboard. A
 * line that is gone to lies in the viewer at once; a review goes on to the next line.
 */
import { formatNumber, onLanguage, t } from '../../i18n/i18n.js';
import { isHidden } from '../applies.js';
import { byId, download, h } from '../dom.js';
import { nameOf, namesHidden, onPrivacy, veiled } from '../privacy.js';
import { labelledFiles, labelTable, trainingFiles, withOwnPath } from './labels.js';
import { NO_VERDICT, NO_WISHES, isWanted, rowOf, sortRows, usualLabel } from './rows.js';
import { appliesText, TriageTable } from './table.js';

/**
 * @typedef {import('../desk.js').Item} Item
 * @typedef {import('./rows.js').Row} Row
 * @typedef {import('./rows.js').Wishes} Wishes
 * @typedef {import('../../client/triage-store.js').Opinion} Opinion
 */

/** The table is put in order again this often while results come in. */
const REFRESH_MS = 400;
const OPINIONS = /** @type {Opinion[]} */ (['agree', 'disagree', 'unsure']);
const KEYS = /** @type {Record<string, Opinion>} */ ({ a: 'agree', d: 'disagree', u: 'unsure' });
const APPLIES = /** @type {const} */ (['in range', 'doubtful', 'out of range', 'unknown']);

export class Triage {
  /**
   * @param {import('../desk.js').Desk} desk
   * @param {import('../thumbs.js').Thumbs} thumbs
   * @param {import('./keeping.js').Keeping} keeping
   * @param {(found: Array<{file: File, path: string}>) => void} train  takes reviewed pictures and the table of their labels
   */
  constructor(desk, thumbs, keeping, train) {
    this.desk = desk;
    this.train = train;
    this.keeping = keeping;
    this.isUp = false;
    /** @type {import('./rows.js').Order} */
    this.order = { column: 'score', descending: true };
    /** @type {Wishes} */
    this.wishes = { ...NO_WISHES };
    /** Whose score is shown; null: as the model's task wants it. @type {string | null} */
    this.label = null;
    /** The active line's file. @type {Item | null} */
    this.active = null;
    this.timer = 0;
    /** Whose note stands in the field. @type {Item | null} */
    this.notedOf = null;
    this.toggle = /** @type {HTMLButtonElement} */ (byId('triage-open'));
    this.filters = /** @type {HTMLFormElement} */ (byId('triage-filters'));
    this.note = /** @type {HTMLInputElement} */ (byId('triage-note'));
    this.table = new TriageTable(byId('triage-table'), {
      activate: (row) => this.#look(row.item),
      sort: (column) => this.#sortBy(column),
      thumbOf: ({ item }) => thumbs.of(item),
    });
    thumbs.serve({
      inSight: () => (this.isUp ? this.table.inSight().map(({ item }) => item) : []),
      arrived: () => this.isUp && this.table.redraw(),
    });
    this.#connect();
  }

  #connect() {
    const { desk } = this;
    this.toggle.addEventListener('click', () => this.show(!this.isUp));
    byId('triage').addEventListener('keydown', (event) => this.#key(event));
    this.filters.addEventListener('input', () => this.#readFilters());
    this.filters.addEventListener('submit', (event) => event.preventDefault());
    byId('triage-all').addEventListener('click', () => this.#clearFilters());
    for (const opinion of OPINIONS) byId(`triage-${opinion}`).addEventListener('click', () => this.#give(opinion));
    byId('triage-save-labels').addEventListener('click', () => download('reviewed.csv', 'text/csv', labelTable(withOwnPath(this.labelled()))));
    byId('triage-train').addEventListener('click', () => this.train(trainingFiles(this.labelled())));
    byId('triage-forget').addEventListener('click', () => confirm(t('triage.forgetSure')) && void this.keeping.forgetAll());
    this.note.addEventListener('change', () => this.#giveNote());
    this.note.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== 'Escape') return;
      event.preventDefault();
      if (event.key === 'Escape') this.#showReview();
      this.table.node.focus();
    });
    for (const type of ['items', 'item']) desk.on(type, () => this.#refreshSoon());
    desk.on('items', () => this.#showSwitch());
    desk.on('model', () => {
      this.label = null;
      this.wishes = { ...this.wishes, verdict: '' };
      this.#showSwitch();
      this.#refreshSoon();
      if (this.isUp) void this.keeping.recall(desk.shown);
    });
    desk.on('select', (item) => this.#follow(item));
    this.keeping.addEventListener('change', () => this.#refreshSoon());
    onLanguage(() => this.refresh());
    onPrivacy(() => this.refresh());
    this.#showSwitch();
  }

  #showSwitch() {
    this.toggle.hidden = !this.isUp && (this.desk.items.length < 2 || !this.desk.model);
  }

  /** @param {boolean} up */
  show(up) {
    this.isUp = up;
    document.body.classList.toggle('triage-up', up);
    byId('triage').hidden = !up;
    byId('file-list').hidden = up;
    this.toggle.setAttribute('aria-expanded', String(up));
    this.#showSwitch();
    if (!up) return;
    this.active = this.desk.current;
    this.refresh();
    this.table.bringIntoSight();
    this.table.redraw();
    this.table.node.focus();
    void this.keeping.recall(this.desk.shown);
  }

  // ---- what the table shows -----------------------------------------------------------------------------------------

  #refreshSoon() {
    if (this.isUp) this.timer ||= window.setTimeout(() => this.refresh(), REFRESH_MS);
  }

  refresh() {
    clearTimeout(this.timer);
    this.timer = 0;
    if (!this.isUp) return;
    const all = this.#allRows();
    this.#drawFilters(all);
    const rows = sortRows(all.filter((row) => isWanted(row, this.wishes)), this.order);
    this.table.show(rows, this.order, rows.findIndex(({ item }) => item === this.active));
    byId('triage-empty').hidden = rows.length > 0;
    byId('triage-count').textContent = this.#counts(all, rows.length);
    this.#showReview();
    this.#showLabels(all);
  }

  labelled() {
    return labelledFiles(this.desk.items, this.desk.model, (item) => this.keeping.reviewOf(item));
  }

  /** What the reviews are good for. @param {Row[]} all */
  #showLabels(all) {
    byId('triage-labels').hidden = !all.some(({ opinion, note }) => opinion || note);
    const labelled = this.labelled();
    const left = labelled.length - withOwnPath(labelled).length;
    byId('triage-labels-text').textContent = t('triage.labels', { count: formatNumber(labelled.length) }) + (left ? ` ${t('triage.left', { count: left })}` : '');
    const save = /** @type {HTMLButtonElement} */ (byId('triage-save-labels'));
    save.disabled = !labelled.length || namesHidden();
    save.title = t(namesHidden() ? 'triage.saveLabelsHidden' : 'triage.saveLabelsHint');
    /** @type {HTMLButtonElement} */ (byId('triage-train')).disabled = !labelled.length;
  }

  #allRows() {
    const { model, items } = this.desk;
    const first = items.find(({ finding }) => finding?.result && finding.model === model)?.finding?.result;
    const label = this.label ?? (first ? usualLabel(first) : '');
    const shown = items.filter(({ file }) => file);
    return shown.map((item) => {
      const review = this.keeping.reviewOf(item);
      return rowOf(item, nameOf(item), { label, model, review: review && { ...review, note: review.note && veiled(review.note, t('privacy.value')) } });
    });
  }

  /** @param {Row[]} all @param {number} shown */
  #counts(all, shown) {
    const count = (/** @type {Opinion} */ opinion) => formatNumber(all.filter((row) => row.opinion === opinion).length);
    const line = t('triage.count', { shown: formatNumber(shown), total: formatNumber(all.length) });
    const reviews = t('triage.reviews', { agree: count('agree'), disagree: count('disagree'), unsure: count('unsure') });
    const kept = this.keeping.works ? '' : ` ${t('triage.notKept')}`;
    return `${line} ${reviews}${kept}`;
  }

  /** @param {import('./rows.js').Column} column */
  #sortBy(column) {
    const { order } = this;
    // Scores are of interest from the highest on, names and reviews from their beginning.
    this.order = order.column === column ? { column, descending: !order.descending } : { column, descending: column === 'score' };
    this.table.node.scrollTop = 0;
    this.refresh();
  }

  // ---- filters ------------------------------------------------------------------------------------------------------

  /** @param {string} name @returns {HTMLInputElement | HTMLSelectElement} */
  #field(name) {
    return /** @type {any} */ (this.filters.elements.namedItem(name));
  }

  /** @param {string} name @param {Array<[string, string]>} choices @param {string} value */
  #fill(name, choices, value) {
    const select = this.#field(name);
    const texts = JSON.stringify(choices);
    // A list that is open stays as it is.
    if (select.dataset.choices !== texts) {
      select.replaceChildren(...choices.map(([key, text]) => h('option', { value: key }, text)));
      select.dataset.choices = texts;
    }
    if (select.value !== value) select.value = value;
  }

  /** @param {Row[]} all */
  #drawFilters(all) {
    const result = all.find((row) => row.result)?.result;
    const labels = result ? Object.keys(result.scores) : [];
    const label = this.label ?? (result ? usualLabel(result) : '');
    /** @type {Array<[string, string]>} */
    const each = labels.map((name) => [name, name]);
    this.#fill('label', result?.task === 'binary' ? each : [['', t('triage.ownLabel')], ...each], label);
    /** @type {Array<[string, string]>} */
    const none = result?.task === 'multi' ? [[NO_VERDICT, t('triage.noVerdict')]] : [];
    this.#fill('verdict', [['', t('triage.anyVerdict')], ...each, ...none], this.wishes.verdict);
    this.#fill('applies', [['', t('triage.anyApplies')], ...APPLIES.map((name) => /** @type {[string, string]} */ ([name, appliesText(name)]))], this.wishes.applies);
    /** @type {Array<[string, string]>} */
    const opinions = OPINIONS.map((name) => [name, t(`triage.${name}`)]);
    this.#fill('review', [['', t('triage.anyReview')], ['none', t('triage.unreviewed')], ['any', t('triage.reviewed')], ...opinions], this.wishes.review);
  }

  #readFilters() {
    const share = (/** @type {string} */ name) => (this.#field(name).value.trim() === '' ? null : Number(this.#field(name).value) / 100);
    const texts = Object.fromEntries(['verdict', 'applies', 'review', 'text'].map((name) => [name, this.#field(name).value]));
    this.wishes = { ...this.wishes, ...texts, least: share('least'), most: share('most') };
    this.label = this.#field('label').value;
    this.refresh();
  }

  #clearFilters() {
    const { label } = this;
    this.filters.reset();
    this.label = label;
    this.wishes = { ...NO_WISHES };
    this.refresh();
    this.table.bringIntoSight();
    this.table.node.focus();
  }

  // ---- going through it ---------------------------------------------------------------------------------------------

  /** @param {Item} item */
  #look(item) {
    this.active = item;
    this.#showReview();
    if (item !== this.desk.current && item.state !== 'refused') this.desk.select(item);
  }

  /** Another picture was put up in another way. @param {Item | null} item */
  #follow(item) {
    if (!this.isUp || !item || item === this.active) return;
    // What is on its way was gone to in the table.
    if (this.active && this.desk.wanted === this.active) return;
    this.active = item;
    this.refresh();
    this.table.bringIntoSight();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // The viewer's keys mean nothing here, and those below nothing in a field.
    if (event.key !== 'Tab') event.stopPropagation();
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.matches('input, select')) return;
    const { table } = this;
    const steps = /** @type {Record<string, number>} */ ({ ArrowDown: 1, ArrowUp: -1, PageDown: table.pageful, PageUp: -table.pageful, Home: -Infinity, End: Infinity });
    const opinion = KEYS[event.key.toLowerCase()];
    if (event.key in steps) table.goTo(table.at < 0 ? 0 : table.at + steps[event.key]);
    else if (opinion) this.#give(opinion);
    else if (event.key.toLowerCase() === 'n') this.note.focus();
    else if (event.key === 'Backspace' || event.key === 'Delete') this.#give(null);
    else if (event.key === 'Enter' && target === table.node) this.#open();
    else return;
    event.preventDefault();
  }

  /** To the picture: into the viewer's keyboard, and on a narrow page out from under the table. */
  #open() {
    if (!this.active) return;
    this.desk.select(this.active);
    document.body.dataset.sheet = '';
    byId('canvas').focus();
  }

  /** What the reviewer said of the active line, and on to the next. @param {Opinion | null} opinion  null: nothing any more */
  #give(opinion) {
    const { active, table } = this;
    if (!active || !this.#mayJudge(active)) return;
    const same = this.keeping.reviewOf(active)?.opinion === opinion;
    const next = table.rows[table.at + 1]?.item ?? null;
    void this.keeping.review(active, { opinion: same ? null : opinion });
    if (opinion && !same && next) this.active = next;
    this.refresh();
    table.bringIntoSight();
    table.redraw();
    if (this.active !== active && this.active) this.#look(this.active);
    byId('live').textContent = t(same || !opinion ? 'triage.cleared' : 'triage.given', { name: nameOf(active), review: opinion ? t(`triage.${opinion}`) : '' });
  }

  /** Only what one sees can be agreed with. @param {Item} item */
  #mayJudge({ finding }) {
    return Boolean(finding?.result && finding.model === this.desk.model && !isHidden(finding));
  }

  #giveNote() {
    const { active } = this;
    if (!active?.finding?.result || namesHidden()) return;
    void this.keeping.review(active, { note: this.note.value.trim() });
    this.refresh();
  }

  #showReview() {
    const { active } = this;
    const review = active && this.keeping.reviewOf(active);
    const can = Boolean(active && this.#mayJudge(active));
    for (const opinion of OPINIONS) {
      const button = /** @type {HTMLButtonElement} */ (byId(`triage-${opinion}`));
      button.disabled = !can;
      button.setAttribute('aria-pressed', String(review?.opinion === opinion));
    }
    this.note.disabled = !active?.finding?.result || namesHidden();
    if (document.activeElement !== this.note || this.notedOf !== active) this.note.value = namesHidden() ? '' : (review?.note ?? '');
    this.notedOf = active;
  }
}
