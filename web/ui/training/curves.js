/** ROC and precision-recall curves and the reliability diagram of one class. */
import { formatNumber, formatPercent, t } from '../../i18n/i18n.js';
import { h } from '../dom.js';
import { Chart, COLOURS } from './charts.js';
import { columnsOf } from './counts.js';
import { choice, field } from './parts.js';

/**
 * @typedef {import('../../shared/training.js').Report} Report
 * @typedef {import('../../shared/training.js').ReportClass} ReportClass
 */

/** The point of a curve at a threshold: the last one that still calls as much. @param {ReportClass['roc']} points @param {number} threshold */
function xAt(points, threshold) {
  let x = null;
  for (const [at, , value] of points) {
    if (value !== null && value < threshold) break;
    x = at;
  }
  return x;
}

export class Curves {
  /**
   * @param {Report} report
   * @param {() => number | null} thresholdOf
   */
  constructor(report, thresholdOf) {
    this.report = report;
    this.thresholdOf = thresholdOf;
    // Of two classes the second is what is looked for.
    this.index = report.labels.length === 2 ? 1 : 0;
    const square = { square: true, xRange: /** @type {[number, number]} */ ([0, 1]), yRange: /** @type {[number, number]} */ ([0, 1.02]) };
    const main = (/** @type {string} */ label, points = false) => ({ label, colour: COLOURS.train, points });
    const diagonal = { label: t('train.curve.chance'), colour: COLOURS.quiet, dash: [4, 4] };
    const mark = (/** @type {'roc' | 'pr'} */ curve) => () => {
      const threshold = this.thresholdOf();
      return threshold === null ? null : xAt(this.current[curve], threshold);
    };
    this.roc = new Chart({ title: t('train.curve.roc'), x: t('train.curve.fpr'), lines: [main(t('train.metric.sensitivity')), diagonal], mark: mark('roc'), ...square });
    this.pr = new Chart({ title: t('train.curve.pr'), x: t('train.metric.sensitivity'), lines: [main(t('train.metric.precision'))], mark: mark('pr'), ...square });
    this.reliability = new Chart({
      title: t('train.curve.reliability'),
      x: t('train.curve.score'),
      lines: [main(t('train.curve.share'), true), { ...diagonal, label: t('train.curve.perfect') }],
      ...square,
    });
    this.charts = [this.roc, this.pr, this.reliability];
    this.node = h('section.eval-block', {}, ...this.#chooser(), h('div.charts.three', {}, ...this.charts.map(({ node }) => node)));
    this.#show();
  }

  get current() {
    return this.report.classes[this.index];
  }

  #chooser() {
    const { classes } = this.report;
    if (classes.length < 3) return [];
    const select = choice('class', String(this.index), classes.map(({ name }, index) => ({ value: String(index), text: name })));
    select.addEventListener('change', () => {
      this.index = Number(select.value);
      this.#show();
    });
    return [field(t('train.curve.class'), select)];
  }

  #show() {
    const { roc, pr, metrics, calibration, name } = this.current;
    const [x, y] = columnsOf(roc);
    this.roc.show([x, y, x]);
    this.pr.show(columnsOf(pr));
    const bins = calibration.equalWidth.filter(({ count, score }) => count > 0 && score !== null);
    const scores = bins.map(({ score }) => Number(score));
    this.reliability.show([[0, ...scores, 1], [null, ...bins.map(({ share }) => share), null], [0, ...scores, 1]]);
    const auc = metrics.auc?.value;
    const area = auc === null || auc === undefined ? '–' : formatNumber(auc, { maximumFractionDigits: 3 });
    this.roc.describe(`${t('train.curve.roc')}, ${name}: ${t('train.metric.auc')} ${area}`);
    const points = bins.map(({ score, share }) => `${formatPercent(Number(score))} → ${formatPercent(Number(share))}`);
    this.reliability.describe(`${t('train.curve.reliability')}, ${name}: ${points.join(', ')}`);
  }

  /** The threshold moved. */
  mark() {
    for (const { plot } of [this.roc, this.pr]) plot?.redraw(false);
  }

  end() {
    for (const chart of this.charts) chart.end();
  }
}
