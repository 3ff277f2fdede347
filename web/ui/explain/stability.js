/** How steady a verdict is: the score under small changes of the picture, kind by kind. */
import { isCancelled } from '../../client/client.js';
import { CoreError, FAULT } from '../../shared/protocol.js';
import { formatNumber, formatPercent, t } from '../../i18n/i18n.js';
import { coreWords, h, keepFocus } from '../dom.js';
import { describeError } from '../filelist.js';

/** @typedef {import('../../shared/protocol.js').Steadiness} Steadiness */

export class StabilityView {
  /**
   * @param {import('../desk.js').Desk} desk
   * @param {import('../../client/client.js').Client} client
   */
  constructor(desk, client) {
    this.desk = desk;
    this.client = client;
    this.node = h('section.stability', { id: 'stability' });
    /** @type {import('../desk.js').Finding | null} */
    this.finding = null;
    /** What was found of each finding. @type {WeakMap<object, Steadiness>} */
    this.found = new WeakMap();
    /** @type {{controller: AbortController, done: number, total: number} | null} */
    this.running = null;
    /** @type {CoreError | null} */
    this.error = null;
  }

  /** @param {import('../desk.js').Finding} finding  of the picture that is up */
  render(finding) {
    if (finding !== this.finding) {
      this.running?.controller.abort();
      this.error = null;
      this.finding = finding;
    }
    const found = this.found.get(finding);
    this.node.replaceChildren(h('div.explain-head', {}, h('strong', {}, t('stability.title')), this.#button()), ...(found ? this.#result(found) : []));
    if (this.running) this.node.append(this.#progress(this.running));
    if (this.error) {
      const { title, detail } = describeError(this.error);
      this.node.append(h('p.explain-problem', { role: 'alert' }, h('strong', {}, title), ' ', coreWords(detail)));
    }
    return this.node;
  }

  #button() {
    if (this.running) return h('button.button.small', { type: 'button', id: 'stability-stop', onclick: () => this.running?.controller.abort() }, t('result.stop'));
    return h('button.button.small', { type: 'button', id: 'stability-test', title: t('stability.hint'), onclick: () => void this.#test() }, t('stability.test'));
  }

  /** @param {{done: number, total: number}} running */
  #progress({ done, total }) {
    return h('progress.stability-progress', { value: done, max: total || 1, 'aria-label': t('stability.title') });
  }

  async #test() {
    const { finding } = this;
    const { current } = this.desk;
    if (!finding || !current || current.finding !== finding) return;
    const running = { controller: new AbortController(), done: 0, total: 0 };
    this.running = running;
    this.error = null;
    const show = () => keepFocus(this.node, () => void (this.finding && this.render(this.finding)));
    show();
    try {
      const found = await this.client.request('stability', { key: current.key, frame: finding.frame, draws: 0 }, {
        signal: running.controller.signal,
        onProgress: ({ done, total }) => {
          Object.assign(running, { done, total });
          const bar = this.node.querySelector('progress');
          if (bar) Object.assign(bar, { value: done, max: total });
        },
      });
      this.found.set(finding, found);
    } catch (error) {
      if (!isCancelled(error)) this.error = error instanceof CoreError ? error : new CoreError(FAULT.REQUEST, 'REQUEST', String(error));
    }
    if (this.running === running) this.running = null;
    show();
  }

  /** @param {Steadiness} found */
  #result({ label, score, threshold, draws, flips, mean, deviation, lowest, highest, kinds, dropout, repeated }) {
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
