/** Other models' opinions: those that were loaded and know the same labels are asked about the picture, and combined. */
import { isCancelled } from '../../client/client.js';
import { CoreError, FAULT } from '../../shared/protocol.js';
import { formatNumber, formatPercent, t } from '../../i18n/i18n.js';
import { coreWords, h, keepFocus } from '../dom.js';
import { describeError } from '../filelist.js';

/**
 * @typedef {import('../../shared/protocol.js').Opinions} Opinions
 * @typedef {import('../models.js').Choice} Choice
 */

/** Weights that were learnt are for the command: they belong to certain models in a certain order. */
const WAYS = ['average', 'vote'];

export class OpinionsView {
  /**
   * @param {import('../desk.js').Desk} desk
   * @param {import('../../client/client.js').Client} client
   * @param {string[]} combines
   */
  constructor(desk, client, combines) {
    this.desk = desk;
    this.client = client;
    this.combines = combines;
    /** The models that can be asked. @type {() => Choice[]} */
    this.alike = () => [];
    this.node = h('section.opinions', { id: 'opinions' });
    /** @type {import('../desk.js').Finding | null} */
    this.finding = null;
    /** @type {WeakMap<object, {opinions: Opinions, titles: string[]}>} */
    this.found = new WeakMap();
    this.way = WAYS[0];
    /** Left out by their owner. @type {Set<Choice>} */
    this.silent = new Set();
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
    const others = this.alike();
    this.node.hidden = !others.length;
    if (!others.length) return this.node;
    const found = this.found.get(finding);
    this.node.replaceChildren(
      h('div.explain-head', {}, h('strong', {}, t('opinions.title')), this.#button(others)),
      this.#choices(others),
      ...(found ? this.#result(found) : []),
    );
    if (this.running) this.node.append(h('progress.stability-progress', { value: this.running.done, max: this.running.total || 1, 'aria-label': t('opinions.title') }));
    if (this.error) {
      const { title, detail } = describeError(this.error);
      this.node.append(h('p.explain-problem', { role: 'alert' }, h('strong', {}, title), ' ', coreWords(detail)));
    }
    return this.node;
  }

  #show() {
    keepFocus(this.node, () => void (this.finding && this.render(this.finding)));
  }

  /** @param {Choice[]} others */
  #button(others) {
    if (this.running) return h('button.button.small', { type: 'button', id: 'opinions-stop', onclick: () => this.running?.controller.abort() }, t('result.stop'));
    const disabled = others.every((each) => this.silent.has(each));
    return h('button.button.small', { type: 'button', id: 'opinions-ask', disabled, title: t('opinions.hint'), onclick: () => void this.#ask(others) }, t('opinions.ask'));
  }

  /** @param {Choice[]} others */
  #choices(others) {
    const boxes = others.map((each) => {
      const box = /** @type {HTMLInputElement} */ (h('input', { type: 'checkbox', checked: !this.silent.has(each) }));
      box.addEventListener('change', () => {
        if (box.checked) this.silent.delete(each);
        else this.silent.add(each);
        this.#show();
      });
      return h('label.check', {}, box, h('span', {}, each.title));
    });
    const ways = h('select', { id: 'opinions-way', 'aria-label': t('opinions.way') }, ...WAYS.map((way) => h('option', { value: way, selected: way === this.way }, t(`opinions.${way}`))));
    ways.addEventListener('change', () => {
      this.way = /** @type {HTMLSelectElement} */ (ways).value;
    });
    return h('div.opinions-choices', {}, ...boxes, ways);
  }

  /** @param {Choice[]} others */
  async #ask(others) {
    const { finding } = this;
    const { current, model } = this.desk;
    if (!finding || !current || current.finding !== finding) return;
    const asked = others.filter((each) => !this.silent.has(each));
    const running = { controller: new AbortController(), done: 0, total: asked.length + 1 };
    this.running = running;
    this.error = null;
    this.#show();
    try {
      const members = await Promise.all(asked.map(async ({ load, options, weights }) => ({ file: await load(), options, weights })));
      const opinions = await this.client.request('opinions', { key: current.key, frame: finding.frame, combine: this.combines.indexOf(this.way), others: members }, {
        signal: running.controller.signal,
        onProgress: ({ done, total }) => {
          Object.assign(running, { done, total });
          const bar = this.node.querySelector('progress');
          if (bar) Object.assign(bar, { value: done, max: total });
        },
      });
      this.found.set(finding, { opinions, titles: [model?.title ?? '', ...asked.map(({ title }) => title)] });
    } catch (error) {
      if (!isCancelled(error)) this.error = error instanceof CoreError ? error : new CoreError(FAULT.REQUEST, 'REQUEST', String(error));
    }
    if (this.running === running) this.running = null;
    this.#show();
  }

  /** @param {{opinions: Opinions, titles: string[]}} found */
  #result({ opinions, titles }) {
    const { task, combine, members, scores, deviation, lowest, highest, threshold, verdict, votes } = opinions;
    // A binary verdict is about what would be present; where no label is reached, about the first.
    const label = (task === 'binary' ? Object.keys(scores)[1] : verdict) ?? Object.keys(scores)[0];
    const limit = threshold?.[label] ?? null;
    const rows = members.map((member, at) => this.#row(titles[at] || member.name, member.scores[label], member.verdict, limit));
    const said = verdict ? t('opinions.verdict', { verdict, votes: votes[verdict], members: members.length }) : t('opinions.none');
    const spread = t('opinions.spread', { label, lowest: formatPercent(lowest[label]), highest: formatPercent(highest[label]), deviation: formatNumber(deviation[label] * 100, { maximumFractionDigits: 1 }) });
    return [
      h('table.stability-table.opinions-table', {}, h('tbody', {}, ...rows), h('tfoot', {}, this.#row(t(`opinions.${combine}`), scores[label], verdict, limit))),
      h('p', { id: 'opinions-words' }, said),
      h('p.quiet', {}, spread),
    ];
  }

  /** @param {string} name @param {number} score @param {string | null} verdict @param {number | null} threshold */
  #row(name, score, verdict, threshold) {
    const bar = h('span.opinion-bar');
    bar.style.width = `${score * 100}%`;
    const track = h('span.range-track', {}, bar);
    if (threshold !== null) {
      const line = h('span.range-threshold');
      line.style.left = `${threshold * 100}%`;
      track.append(line);
    }
    return h('tr', {}, h('th', { scope: 'row', title: name }, name), h('td', {}, track), h('td', {}, `${formatPercent(score)} ${verdict ?? '–'}`));
  }
}
