/** How good curves of survival are: concordance, Brier scores, and what was seen beside what was predicted. */
import { formatNumber, t } from '../../i18n/i18n.js';
import { download, h } from '../dom.js';
import { shape } from '../explain/curves.js';
import { survivalAxes } from '../survival.js';
import { button } from './parts.js';

/** @typedef {import('../../shared/training.js').SurvivalReport} SurvivalReport */

/** @param {number | null} value */
const figure = (value) => (value === null ? '–' : formatNumber(value, { minimumFractionDigits: 3, maximumFractionDigits: 3 }));

/** @param {string} name @param {number | null} value @param {string} note */
function card(name, value, note) {
  return h('div', { 'data-figure': name }, h('dt', {}, t(`train.survival.${name}`)), h('dd', {}, figure(value)), h('dd.quiet', {}, note));
}

/** @param {SurvivalReport} report */
function drawCurves({ points, kaplanMeier, unit }) {
  const last = points[points.length - 1].time;
  const { chart, x, y } = survivalAxes(last, unit, t('train.survival.curves'));
  const steps = kaplanMeier.filter(([time]) => time <= last).map(([time, survival]) => `H${x(time)}V${y(survival)}`);
  chart.append(
    shape('path', { class: 'survival-seen', d: `M${x(0)} ${y(1)}${steps.join('')}` }),
    shape('polyline', { class: 'survival-curve', points: [`${x(0)},${y(1)}`, ...points.map(({ time, predicted }) => `${x(time)},${y(predicted)}`)].join(' ') }),
  );
  return chart;
}

/** @param {SurvivalReport} report @param {number} epoch  whose weights were judged @returns {HTMLElement[]} */
export function survivalBlocks(report, epoch) {
  const { harrell, antolini, brier, count, events, pairs } = report;
  const save = () => download('report.json', 'application/json', `${JSON.stringify({ epoch, report }, null, 2)}\n`);
  const seen = t('train.survival.brierSeen', { value: figure(brier.kaplanMeier) });
  const chance = t('train.survival.chance');
  return [
    h(
      'section.eval-block',
      {},
      h('dl.metric-cards', {}, card('harrell', harrell.value, harrell.reason ?? chance), card('antolini', antolini.value, antolini.reason ?? chance), card('brier', brier.integrated, seen)),
      h('p.quiet', {}, t('train.survival.cases', { count: formatNumber(count), events: formatNumber(events), pairs: formatNumber(pairs) })),
    ),
    h(
      'section.eval-block',
      {},
      h('h3', {}, t('train.survival.curves')),
      /** @type {any} */ (drawCurves(report)),
      h('ul.survival-legend', {}, h('li', {}, h('i', { 'data-curve': 'seen' }), t('train.survival.seen')), h('li', {}, h('i', {}), t('train.survival.predicted'))),
      h('p.quiet', {}, t('train.survival.curvesHint')),
    ),
    h('div.eval-exports', {}, button(t('train.eval.saveReport'), 'download', save, { id: 'save-report' }), h('span.quiet', {}, t('result.notice'))),
  ];
}
