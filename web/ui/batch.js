/**
 * Classifies everything that is open, one after the other, and offers the results and what a reviewer said of them as CSV and
 * JSON. What was classified in an earlier visit is not classified again.
 */
import { t } from '../i18n/i18n.js';
import { byId, download } from './dom.js';
import { Pass } from './pass.js';
import { pathOf, veiled } from './privacy.js';

/**
 * @typedef {import('./desk.js').Item} Item
 * @typedef {{file: string, model: string | null, scores: Record<string, number> | null, threshold: unknown,
 *            verdict: string | null, applies: string | null, error: string | null, review: string | null, note: string | null}} Row
 */

/**
 * One line a file, in the order of the list, as the command line writes it.
 * @param {Item} item
 * @param {string | null} model
 * @param {import('../client/triage-store.js').Review | null} review
 * @returns {Row}
 */
export function resultRow(item, model, review) {
  const result = item.finding?.result ?? null;
  const error = item.error ?? item.finding?.error ?? null;
  return {
    file: pathOf(item),
    model: result?.model ?? model,
    scores: result?.scores ?? null,
    threshold: result?.threshold ?? null,
    verdict: result?.verdict ?? null,
    applies: result?.applies?.verdict ?? null,
    error: error?.message ?? null,
    review: review?.opinion ?? null,
    note: review?.note ? veiled(review.note, t('privacy.value')) : null,
  };
}

/** A cell by RFC 4180; a leading sign that a spreadsheet would run as a formula is quoted away. @param {unknown} value */
export function cell(value) {
  let text = value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
  if (typeof value === 'string' && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** @param {Row[]} rows */
export function toCsv(rows) {
  const labels = [...new Set(rows.flatMap(({ scores }) => Object.keys(scores ?? {})))];
  const head = ['file', 'model', 'verdict', 'threshold', 'applies', 'error', 'review', 'note', ...labels];
  const lines = rows.map(({ file, model, scores, threshold, verdict, applies, error, review, note }) =>
    [file, model, verdict, threshold, applies, error, review, note, ...labels.map((label) => scores?.[label])].map(cell).join(','),
  );
  return [head.map(cell).join(','), ...lines, ''].join('\r\n');
}

export class Batch {
  /**
   * @param {import('./desk.js').Desk} desk
   * @param {import('./results.js').Results} results
   * @param {import('./triage/keeping.js').Keeping} keeping
   */
  constructor(desk, results, keeping) {
    this.desk = desk;
    this.results = results;
    this.keeping = keeping;
    this.button = /** @type {HTMLButtonElement} */ (byId('classify-all'));
    this.progress = /** @type {HTMLProgressElement} */ (byId('batch-progress'));
    this.status = byId('batch-status');
    /** @type {AbortController | null} */
    this.running = null;

    this.button.addEventListener('click', () => void this.run());
    byId('batch-stop').addEventListener('click', () => this.running?.abort());
    byId('save-csv').addEventListener('click', () => download('results.csv', 'text/csv', toCsv(this.#rows())));
    byId('save-json').addEventListener('click', () =>
      download('results.json', 'application/json', `${JSON.stringify(this.#rows(), null, 2)}\n`),
    );
    for (const type of ['items', 'item', 'model']) desk.on(type, () => this.#update());
    this.#update();
  }

  #rows() {
    const model = this.desk.model?.name ?? null;
    return this.desk.items.map((item) => resultRow(item, model, this.keeping.reviewOf(item)));
  }

  #update() {
    const { desk } = this;
    byId('batch').hidden = desk.items.length < 2 || !desk.model;
    byId('batch-running').hidden = !this.running;
    this.button.hidden = Boolean(this.running);
    const some = desk.items.some(({ finding }) => finding?.result);
    byId('batch-save').hidden = Boolean(this.running) || !some;
  }

  async run() {
    const { desk } = this;
    const { model } = desk;
    const controller = new AbortController();
    this.running = controller;
    this.#update();
    this.status.textContent = t('batch.recalling');
    await this.keeping.recall(desk.shown, {
      identify: true,
      signal: controller.signal,
      progress: (done, total) => {
        this.progress.max = total;
        this.progress.value = done;
      },
    });
    const todo = desk.shown.filter((item) => item.finding?.model !== model);
    const pass = new Pass(this.results, todo, {
      signal: controller.signal,
      isWanted: () => desk.model === model,
      onProgress: (done) => {
        this.progress.max = todo.length;
        this.progress.value = done;
        this.status.textContent = t('batch.progress', { done, total: todo.length });
      },
    });
    const done = await pass.run();
    if (done < todo.length) await this.results.endMany();
    this.running = null;
    this.#update();
    byId('live').textContent = t(controller.signal.aborted ? 'batch.stopped' : 'batch.done', { done });
  }
}
