/**
 * How good the best weights are, on cases they did not learn from: figures with intervals, the matrix whose cells open
 * their pictures, and for two classes a threshold that can be moved.
 */
import { formatNumber, formatPercent, onLanguage, t } from '../../i18n/i18n.js';
import { CoreError } from '../../shared/protocol.js';
import { byId, download, h } from '../dom.js';
import { describeError } from '../filelist.js';
import { Curves } from './curves.js';
import { calledAt, confusion, shares } from './counts.js';
import { casesCsv, reportJson } from './export.js';
import { button, choice, field, warning } from './parts.js';
import { survivalBlocks } from './survival.js';

/**
 * @typedef {import('./lab.js').Lab} Lab
 * @typedef {import('../../shared/training.js').Evaluation} AnyEvaluation
 * @typedef {import('../../shared/training.js').LabelEvaluation} Evaluation
 * @typedef {import('../../shared/training.js').Metric} Metric
 */

/** Figures of two classes and of more, the telling ones first. */
const BINARY = ['auc', 'averagePrecision', 'balancedAccuracy', 'f1', 'mcc', 'brier', 'ece'];
const SINGLE = ['accuracy', 'balancedAccuracy', 'kappa', 'mcc', 'brier', 'ece'];
const OF_CLASS = ['sensitivity', 'specificity', 'precision', 'f1', 'auc'];
/** Proportions; the others are plain numbers. */
const PERCENT = ['accuracy', 'balancedAccuracy', 'sensitivity', 'specificity', 'precision', 'npv'];

/** @param {string} name @param {number} value */
function formatMetric(name, value) {
  if (PERCENT.includes(name)) return formatPercent(value);
  return formatNumber(value, { minimumFractionDigits: 3, maximumFractionDigits: 3 });
}

/** @param {string} name @param {Metric | undefined} metric */
function interval(name, metric) {
  if (!metric || metric.low === null || metric.high === null) return '';
  return `${formatMetric(name, metric.low)} – ${formatMetric(name, metric.high)}`;
}

export class EvaluationPanel {
  /**
   * @param {Lab} lab
   * @param {import('./samples.js').Samples} samples
   */
  constructor(lab, samples) {
    this.lab = lab;
    this.samples = samples;
    this.page = byId('lab-evaluation');
    this.split = 'validation';
    /** Who is judged: the network, or so many neighbours as a model sees them. @type {{k: number, model: string} | null} */
    this.by = null;
    /** @type {AnyEvaluation | null} */
    this.evaluation = null;
    /** Whose weights were evaluated. */
    this.ofEpoch = 0;
    /** Of two labels; null takes the core's. @type {number | null} */
    this.threshold = null;
    /** @type {CoreError | null} */
    this.error = null;
    this.busy = false;
    /** @type {Curves | null} */
    this.curves = null;
    lab.on('data', () => this.#reset());
    lab.on('begun', () => this.#begun());
    lab.on('status', () => this.#showAge());
    lab.on('look', () => this.by && !lab.looks && this.#reset());
    onLanguage(() => this.render());
  }

  #reset() {
    this.evaluation = null;
    this.error = null;
    this.threshold = null;
    this.by = null;
    const validation = this.lab.loaded?.data.labels.some((label) => label.validation > 0);
    this.split = validation ? 'validation' : 'test';
    this.render();
  }

  #begun() {
    const { lab } = this;
    if (lab.running && !lab.hasWeights && !this.by) return this.#reset();
    this.render();
    if (!this.by && !lab.open && lab.hasWeights && this.ofEpoch !== lab.status?.bestEpoch) void this.run();
  }

  /** Something can be judged. */
  get #ready() {
    return this.by ? this.lab.looks : this.lab.hasWeights;
  }

  /** Judges answers without training. @param {number} k @param {string} model  its title */
  async runNeighbours(k, model) {
    this.#judge({ k, model });
    const has = (/** @type {string} */ split) => this.lab.loaded?.data.labels.some((label) => label[/** @type {'test'} */ (split)] > 0);
    // Training pictures are compared with all but themselves, so they serve where there are no others.
    if (!has(this.split)) this.split = ['validation', 'test', 'train'].find(has) ?? 'train';
    await this.run();
  }

  /** @param {{k: number, model: string} | null} by */
  #judge(by) {
    this.by = by;
    this.evaluation = null;
    this.threshold = null;
  }

  /** Evaluates the best weights so far, or the neighbours. */
  async run() {
    if (this.busy || !this.#ready) return;
    const { loaded } = this.lab;
    this.busy = true;
    this.error = null;
    this.render();
    const { bestEpoch = 0 } = this.lab.status ?? {};
    try {
      const evaluation = await this.lab.evaluate({ split: this.split, ...(this.by && { neighbours: this.by.k }) });
      if (loaded !== this.lab.loaded) return;
      this.evaluation = evaluation;
      this.ofEpoch = bestEpoch;
    } catch (error) {
      this.evaluation = null;
      if (error instanceof CoreError) this.error = error;
      else throw error;
    } finally {
      this.busy = false;
      this.render();
    }
  }

  /** The threshold a model made now should carry. */
  get chosenThreshold() {
    return this.by ? null : this.threshold;
  }

  // ---- the page -----------------------------------------------------------------------------------------------------

  render() {
    this.curves?.end();
    this.curves = null;
    if (!this.#ready) {
      const note = h('div.lab-note', {}, h('p.welcome-title', {}, t('train.eval.none')), h('p.welcome-text', {}, t('train.eval.noneHint')));
      this.page.replaceChildren(note);
      return;
    }
    const parts = [this.#head()];
    if (this.error) {
      const { title, detail } = describeError(this.error);
      parts.push(warning(`${title}. ${detail}`));
    } else if (this.busy && !this.evaluation) parts.push(h('div.lab-note', {}, h('span.spinner'), h('p', {}, t('train.eval.running'))));
    else if (this.evaluation?.survival) parts.push(...survivalBlocks(this.evaluation.survival, this.ofEpoch));
    else if (this.evaluation) parts.push(...this.#report(this.evaluation));
    this.page.replaceChildren(...parts);
    this.#showAge();
  }

  #head() {
    const labels = this.lab.loaded?.data.labels ?? [];
    const options = /** @type {const} */ (['validation', 'test', 'train']).map((split) => {
      const count = labels.reduce((sum, label) => sum + label[split], 0);
      return { value: split, text: `${t(`train.split.${split}`)} (${formatNumber(count)})`, disabled: count === 0 };
    });
    const select = choice('split', this.split, options);
    select.disabled = this.busy;
    select.addEventListener('change', () => {
      this.split = select.value;
      // Figures of another split do not stand below this one's name.
      this.evaluation = null;
      void this.run();
    });
    const again = button(t('train.eval.run'), 'classify', () => void this.run(), { id: 'evaluate', kind: this.evaluation ? '' : 'primary' });
    again.disabled = this.busy;
    this.age = h('span.quiet');
    const note = t(this.by ? `train.look.note.${this.split === 'train' ? 'train' : 'other'}` : `train.eval.note.${this.split}`);
    return h(
      'div.eval-head',
      {},
      field(t('train.eval.split'), select),
      again,
      this.by && this.lab.hasWeights ? button(t('train.eval.ofNetwork'), 'reset', () => this.#backToNetwork(), { kind: 'small' }) : '',
      h('div.eval-notes', {}, this.age, h('span.quiet', {}, note)),
    );
  }

  #backToNetwork() {
    this.#judge(null);
    void this.run();
  }

  #showAge() {
    const best = this.lab.status?.bestEpoch ?? 0;
    if (!this.age || !this.evaluation) return;
    if (this.by) {
      this.age.textContent = t('train.look.by', { k: formatNumber(this.by.k), model: this.by.model });
      return;
    }
    const newer = best !== this.ofEpoch ? ` ${t('train.eval.newer', { epoch: best })}` : '';
    const text = t('train.eval.ofEpoch', { epoch: this.ofEpoch }) + newer;
    if (this.age.textContent !== text) this.age.textContent = text;
  }

  /** @param {Evaluation} evaluation */
  #report(evaluation) {
    const { report } = evaluation;
    const binary = evaluation.threshold !== null;
    this.curves = new Curves(report, () => (binary ? (this.threshold ?? evaluation.threshold) : null));
    this.matrixBox = h('div.matrix-box');
    const blocks = [
      this.#figures({ ...(binary ? report.classes[1].metrics : {}), ...report.overall }, binary ? BINARY : SINGLE, report.confidence),
      ...(binary ? [this.#thresholdBlock(evaluation)] : []),
      h('section.eval-block', {}, h('h3', {}, t('train.eval.matrix')), this.matrixBox, h('p.quiet', {}, t('train.eval.matrixHint'))),
      ...(binary ? [] : [this.#classTable(report)]),
      this.curves.node,
      this.#exports(evaluation),
    ];
    this.#showThreshold(evaluation);
    return blocks;
  }

  /** @param {Record<string, Metric>} metrics @param {string[]} names @param {number} confidence */
  #figures(metrics, names, confidence) {
    const cards = names.filter((name) => name in metrics).map((name) => {
      const metric = metrics[name];
      const range = interval(name, metric);
      const value = metric.value === null ? '–' : formatMetric(name, metric.value);
      return h('div', {}, h('dt', {}, t(`train.metric.${name}`)), h('dd', {}, value), h('dd.quiet', { title: metric.reason ?? '', lang: metric.reason ? 'en' : null }, range || (metric.value === null ? (metric.reason ?? '') : '')));
    });
    const note = t('train.eval.confidence', { percent: formatNumber(confidence * 100) });
    return h('section.eval-block', {}, h('dl.metric-cards', {}, ...cards), h('p.quiet', {}, note));
  }

  // ---- two classes: the threshold -----------------------------------------------------------------------------------

  /** @param {Evaluation} evaluation */
  #thresholdBlock(evaluation) {
    const slider = /** @type {HTMLInputElement} */ (
      h('input', { type: 'range', id: 'threshold', min: '0', max: '1', step: '0.001', 'aria-label': t('train.eval.threshold') })
    );
    slider.value = String(this.threshold ?? evaluation.threshold);
    slider.addEventListener('input', () => {
      this.threshold = Number(slider.value);
      this.#showThreshold(evaluation);
    });
    const back = button(t(this.by ? 'train.look.half' : 'train.eval.found'), 'reset', () => {
      this.threshold = null;
      slider.value = String(evaluation.threshold);
      this.#showThreshold(evaluation);
    }, { kind: 'small' });
    this.thresholdText = h('output', { for: 'threshold' });
    this.shareBox = h('dl.metric-cards');
    return h(
      'section.eval-block',
      {},
      h('h3', {}, t('train.eval.threshold'), this.thresholdText, back),
      slider,
      this.shareBox,
    );
  }

  /** What follows from the threshold: shares and matrix. @param {Evaluation} evaluation */
  #showThreshold(evaluation) {
    const { cases, report } = evaluation;
    const threshold = evaluation.threshold === null ? null : (this.threshold ?? evaluation.threshold);
    const matrix = confusion(cases, report.labels.length, threshold);
    this.#showMatrix(matrix, evaluation, threshold);
    this.curves?.mark();
    if (threshold === null || !this.thresholdText || !this.shareBox) return;
    this.thresholdText.textContent = formatPercent(threshold);
    // Intervals are the core's, for the threshold that it evaluated.
    const own = this.threshold === null ? report.overall : {};
    const cards = Object.entries(shares(matrix)).map(([name, { hits, of }]) =>
      h(
        'div',
        { 'data-share': name },
        h('dt', {}, t(`train.metric.${name}`)),
        h('dd', {}, of ? formatPercent(hits / of) : '–'),
        h('dd.quiet', {}, `${formatNumber(hits)} / ${formatNumber(of)}`),
        h('dd.quiet', {}, interval(name, own[name]) || '\u00a0'),
      ),
    );
    this.shareBox.replaceChildren(...cards);
  }

  // ---- the matrix ---------------------------------------------------------------------------------------------------

  /** @param {number[][]} matrix @param {Evaluation} evaluation @param {number | null} threshold */
  #showMatrix(matrix, evaluation, threshold) {
    const { labels } = evaluation.report;
    const head = h('tr', {}, h('td', {}, h('span.quiet', {}, t('train.eval.axes'))), ...labels.map((name) => h('th', { scope: 'col' }, name)));
    const rows = matrix.map((counts, truth) => {
      const sum = counts.reduce((all, count) => all + count, 0);
      const cells = counts.map((count, called) => this.#cell(count, sum, truth, called, evaluation, threshold));
      return h('tr', {}, h('th', { scope: 'row' }, labels[truth]), ...cells);
    });
    const had = this.matrixBox?.contains(document.activeElement) ? document.activeElement?.getAttribute('data-cell') : null;
    this.matrixBox?.replaceChildren(h('table.matrix', {}, h('thead', {}, head), h('tbody', {}, ...rows)));
    if (had) /** @type {HTMLElement | null} */ (this.matrixBox?.querySelector(`[data-cell="${had}"]`))?.focus();
  }

  /** @param {number} count @param {number} sum @param {number} truth @param {number} called @param {Evaluation} evaluation @param {number | null} threshold */
  #cell(count, sum, truth, called, evaluation, threshold) {
    const { labels } = evaluation.report;
    const share = sum ? count / sum : 0;
    const values = { truth: labels[truth], called: labels[called], count };
    const open = h(
      'button',
      { type: 'button', 'data-cell': `${truth}-${called}` },
      h('b', {}, formatNumber(count)),
      h('span', {}, sum ? formatPercent(share) : ''),
      h('span.for-readers', {}, t('train.eval.cell', values)),
    );
    open.dataset.right = String(truth === called);
    open.style.setProperty('--share', String(share));
    open.addEventListener('click', () => this.#openCell(truth, called, evaluation, threshold));
    return h('td', {}, open);
  }

  /** @param {number} truth @param {number} called @param {Evaluation} evaluation @param {number | null} threshold */
  #openCell(truth, called, { cases, report }, threshold) {
    const found = cases.filter((one) => one[1] === truth && calledAt(one, threshold) === called);
    // The surest first: gross mistakes are the ones to look at.
    found.sort((a, b) => b[3 + called] - a[3 + called]);
    const shown = found.map(([sample, , , ...scores]) => ({ sample, scores, caption: formatPercent(scores[called]) }));
    const values = { truth: report.labels[truth], called: report.labels[called], count: found.length };
    void this.samples.showList(t('train.eval.cell', values), found.length ? t('train.eval.cellNote') : t('train.eval.cellEmpty'), shown);
  }

  /** @param {Evaluation['report']} report */
  #classTable({ classes }) {
    const head = h('tr', {}, h('th', { scope: 'col' }, t('train.sample.class')), h('th', { scope: 'col' }, t('train.eval.cases')), ...OF_CLASS.map((name) => h('th', { scope: 'col' }, t(`train.metric.${name}`))));
    const rows = classes.map(({ name, positives, metrics }) => {
      const cells = OF_CLASS.map((metric) => {
        const { value } = metrics[metric];
        return h('td', {}, value === null ? '–' : formatMetric(metric, value), h('span.quiet', {}, interval(metric, metrics[metric])));
      });
      return h('tr', {}, h('th', { scope: 'row' }, name), h('td', {}, formatNumber(positives)), ...cells);
    });
    return h('section.eval-block', {}, h('h3', {}, t('train.eval.classes')), h('div.table-scroll', {}, h('table.class-table', {}, h('thead', {}, head), h('tbody', {}, ...rows))));
  }

  /** @param {Evaluation} evaluation */
  #exports(evaluation) {
    const facts = { lab: this.lab, evaluation, by: this.by, split: this.split, epoch: this.ofEpoch, threshold: this.threshold ?? evaluation.threshold };
    const json = button(t('train.eval.saveReport'), 'download', () => download('report.json', 'application/json', reportJson(facts)), { id: 'save-report' });
    const csv = button(t('train.eval.saveCases'), 'download', () => download('cases.csv', 'text/csv', casesCsv(facts)), { id: 'save-cases' });
    return h('div.eval-exports', {}, json, csv, h('span.quiet', {}, t('result.notice')));
  }
}
