/** Other models' opinions: those that were loaded and know the same labels are asked about the picture, and combined. */
import { formatNumber, formatPercent, t } from '../../i18n/i18n.js';
import { h } from '../dom.js';
import { InquiryView } from './inquiry.js';

/**
 * @typedef {import('../../shared/protocol.js').Opinions} Opinions
 * @typedef {import('../models.js').Choice} Choice
 * @typedef {{opinions: Opinions, titles: string[]}} Found  titles: of the members, the model in use first
 */

/** Weights that were learnt are for the command: they belong to certain models in a certain order. */
const WAYS = ['average', 'vote'];

/** @extends {InquiryView<Found>} */
export class OpinionsView extends InquiryView {
  /**
   * @param {import('../desk.js').Desk} desk
   * @param {import('../../client/client.js').Client} client
   * @param {string[]} combines
   */
  constructor(desk, client, combines) {
    super(desk, client, 'opinions', 'ask');
    this.combines = combines;
    /** The models that can be asked. @type {() => Choice[]} */
    this.alike = () => [];
    this.way = WAYS[0];
    /** Left out by their owner. @type {Set<Choice>} */
    this.silent = new Set();
  }

  /** @override */
  isOffered() {
    return this.alike().length > 0;
  }

  /** @override */
  isReady() {
    return this.#asked().length > 0;
  }

  #asked() {
    return this.alike().filter((each) => !this.silent.has(each));
  }

  /** @override */
  choices() {
    const boxes = this.alike().map((each) => {
      const box = /** @type {HTMLInputElement} */ (h('input', { type: 'checkbox', checked: !this.silent.has(each) }));
      box.addEventListener('change', () => {
        if (box.checked) this.silent.delete(each);
        else this.silent.add(each);
        this.show();
      });
      return h('label.check', {}, box, h('span', {}, each.title));
    });
    const ways = h('select', { id: 'opinions-way', 'aria-label': t('opinions.way') }, ...WAYS.map((way) => h('option', { value: way, selected: way === this.way }, t(`opinions.${way}`))));
    ways.addEventListener('change', () => {
      this.way = /** @type {HTMLSelectElement} */ (ways).value;
    });
    return [h('div.opinions-choices', {}, ...boxes, ways)];
  }

  /** @override @param {import('./inquiry.js').Ask} ask @returns {Promise<Found>} */
  async work(ask) {
    const asked = this.#asked();
    const titles = [this.desk.model?.title ?? '', ...asked.map(({ title }) => title)];
    const others = await Promise.all(asked.map(async ({ load, options, weights }) => ({ file: await load(), options, weights })));
    return { opinions: await ask('opinions', { combine: this.combines.indexOf(this.way), others }), titles };
  }

  /** @override @param {Found} found */
  result({ opinions, titles }) {
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
