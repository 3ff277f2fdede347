/** How steady a verdict is: the score under small changes of the picture, kind by kind. */
import { formatNumber, formatPercent, t } from '../../i18n/i18n.js';
import { h } from '../dom.js';
import { InquiryView } from './inquiry.js';

/** @typedef {import('../../shared/protocol.js').Steadiness} Steadiness */

/** @extends {InquiryView<Steadiness>} */
export class StabilityView extends InquiryView {
  /**
   * @param {import('../desk.js').Desk} desk
   * @param {import('../../client/client.js').Client} client
   */
  constructor(desk, client) {
    super(desk, client, 'stability', 'test');
  }

  /** @override @param {import('./inquiry.js').Ask} ask @returns {Promise<Steadiness>} */
  work(ask) {
    return ask('stability', { draws: 0 });
  }

  /** @override @param {Steadiness} found */
  result({ label, score, threshold, draws, flips, mean, deviation, lowest, highest, kinds, dropout, repeated }) {
    const words = t(flips ? 'stability.turned' : 'stability.steady', { flips, draws });
    const spread = t('stability.spread', { label, score: formatPercent(score), mean: formatPercent(mean), deviation: formatNumber(deviation * 100, { maximumFractionDigits: 1 }), lowest: formatPercent(lowest), highest: formatPercent(highest) });
    const rows = kinds.map((kind) =>
      h('tr', {}, h('th', { scope: 'row' }, t(`stability.${kind.name}`)), h('td', {}, this.#range(kind, score, threshold)), h('td', {}, kind.flips ? t('stability.flips', { flips: kind.flips, draws: kind.draws }) : '–')),
    );
    const same = repeated === score ? 'stability.window' : 'stability.windowMoved';
    return [
      h('p.stability-words', { id: 'stability-words', 'data-flips': String(flips) }, words),
      h('p.quiet', {}, spread),
      h('table.stability-table', {}, h('tbody', {}, ...rows)),
      ...(dropout ? this.#dropout(dropout, label, score, threshold) : []),
      h('p.quiet', { id: 'stability-window' }, t(same)),
    ];
  }

  /** Runs of the network with its dropout at work. @param {NonNullable<Steadiness['dropout']>} dropout @param {string} label @param {number} score @param {number | null} threshold */
  #dropout({ deviation, ...runs }, label, score, threshold) {
    const { draws, flips, mean } = runs;
    const text = t('stability.dropoutSpread', { label, draws, flips, mean: formatPercent(mean), deviation: formatNumber(deviation * 100, { maximumFractionDigits: 1 }) });
    return [
      h('table.stability-table', { id: 'stability-dropout' }, h('tbody', {}, h('tr', {}, h('th', { scope: 'row' }, t('stability.dropout')), h('td', {}, this.#range(runs, score, threshold)), h('td', {}, flips ? t('stability.flips', { flips, draws }) : '–')))),
      h('p.quiet', {}, text),
    ];
  }

  /** From the lowest to the highest score, with the unchanged one and the threshold. @param {{lowest: number, highest: number}} kind @param {number} score @param {number | null} threshold */
  #range({ lowest, highest }, score, threshold) {
    const bar = h('span.range-bar');
    bar.style.left = `${lowest * 100}%`;
    bar.style.width = `${Math.max(0.5, (highest - lowest) * 100)}%`;
    const mark = h('span.range-mark');
    mark.style.left = `${score * 100}%`;
    const track = h('span.range-track', { title: `${formatPercent(lowest)} – ${formatPercent(highest)}` }, bar, mark);
    if (threshold !== null) {
      const line = h('span.range-threshold');
      line.style.left = `${threshold * 100}%`;
      track.append(line);
    }
    return track;
  }
}
