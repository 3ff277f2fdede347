/**
 * Other models' opinions: those that were loaded and know the same labels are asked about the picture, and combined: by their mean, by
 * votes, or by weights that were learnt from reviewed pictures.
 */
import { CoreError, FAULT } from '../../shared/protocol.js';
import { formatNumber, formatPercent, t } from '../../i18n/i18n.js';
import { download, h } from '../dom.js';
import { InquiryView } from './inquiry.js';

/**
 * @typedef {import('../../shared/protocol.js').Opinions} Opinions
 * @typedef {import('../models.js').Choice} Choice
 * @typedef {import('../../shared/protocol.js').StackFile} StackFile
 * @typedef {{opinions: Opinions, titles: string[]}} Found  titles: of the members, in their order
 */

const WAYS = ['average', 'vote'];
/** Weights belong to certain models in a certain order. */
const STACK = 'stack';
const FORMAT = 'negatoscope-stack';

/** Whether it has what is shown of weights. @param {any} found @returns {found is StackFile} */
function isStack(found) {
  if (found?.format !== FORMAT || !Array.isArray(found.members) || !Array.isArray(found.weights)) return false;
  const numbers = [...found.weights, found.pictures, found.logLoss?.held, found.logLoss?.average];
  return found.members.length === found.weights.length && found.members.every((/** @type {any} */ name) => typeof name === 'string') && numbers.every(Number.isFinite);
}

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
    /** Pictures whose label a review says. @type {() => Array<{key: string, label: string}>} */
    this.reviewed = () => [];
    this.way = WAYS[0];
    /** @type {StackFile | null} */
    this.stack = null;
    this.weightsOpen = false;
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
    const list = this.#order() ? [...WAYS, STACK] : WAYS;
    if (!list.includes(this.way)) this.way = WAYS[0];
    const ways = h('select', { id: 'opinions-way', 'aria-label': t('opinions.way') }, ...list.map((way) => h('option', { value: way, selected: way === this.way }, t(`opinions.${way}`))));
    ways.addEventListener('change', () => {
      this.way = /** @type {HTMLSelectElement} */ (ways).value;
    });
    return [h('div.opinions-choices', {}, ...boxes, ways), this.#weights()];
  }

  /** The models in use and asked, the former first. */
  #names() {
    return [this.desk.model?.name ?? '', ...this.#asked().map(({ info }) => info?.name ?? '')];
  }

  /** Which of them stand where in the weights at hand, or null where these belong to others. */
  #order() {
    const names = this.#names();
    if (!this.stack || this.stack.members.length !== names.length) return null;
    /** @type {number[]} */
    const order = [];
    for (const member of this.stack.members) order.push(names.findIndex((name, index) => name === member && !order.includes(index)));
    return order.includes(-1) ? null : order;
  }

  /** What the models' weights are, and where they come from. */
  #weights() {
    const { stack } = this;
    const learn = h('button.button.small', { type: 'button', id: 'opinions-learn', disabled: Boolean(this.running) || !this.isReady(), title: t('opinions.learnHint'), onclick: () => void this.run((ask) => this.#learn(ask)) }, t('opinions.learn'));
    const file = /** @type {HTMLInputElement} */ (h('input', { type: 'file', id: 'pick-weights', accept: '.json', hidden: true }));
    file.addEventListener('change', () => {
      const [picked] = file.files ?? [];
      if (picked) void this.run(() => this.#open(picked));
    });
    const open = h('button.button.small', { type: 'button', onclick: () => file.click() }, t('opinions.open'));
    const save = stack ? [h('button.button.small', { type: 'button', id: 'opinions-save', onclick: () => download('weights.json', 'application/json', JSON.stringify(stack)) }, t('opinions.save'))] : [];
    const said = stack ? [h('p', { id: 'opinions-stack' }, this.#order() ? this.#said(stack) : t('opinions.others', { members: stack.members.join(', ') }))] : [];
    const node = /** @type {HTMLDetailsElement} */ (h('details.opinions-weights', { open: this.weightsOpen }, h('summary', {}, t('opinions.weights')), ...said, h('div.report-forms', {}, learn, open, ...save, file)));
    node.addEventListener('toggle', () => (this.weightsOpen = node.open));
    return node;
  }

  /** @param {StackFile} stack */
  #said({ members, weights, pictures, logLoss }) {
    const digits = { maximumFractionDigits: 2 };
    const list = members.map((member, at) => `${member} ${formatNumber(weights[at], digits)}`).join(', ');
    const loss = (/** @type {number} */ value) => formatNumber(value, { maximumFractionDigits: 3 });
    return t('opinions.learnt', { pictures: formatNumber(pictures), list, held: loss(logLoss.held), average: loss(logLoss.average) });
  }

  #others() {
    return Promise.all(this.#asked().map(async ({ load, options, weights }) => ({ file: await load(), options, weights })));
  }

  /** @param {import('./inquiry.js').Ask} ask */
  async #learn(ask) {
    const labels = this.desk.model?.labels ?? [];
    const pictures = this.reviewed().map(({ key, label }) => ({ key, frame: 0, truth: labels.map((each) => Number(each === label)) }));
    this.stack = await ask('learnStack', { pictures, others: await this.#others() });
    this.way = STACK;
  }

  /** What a file says; the core reads all of it when it is used. @param {File} file */
  async #open(file) {
    const found = await file.text().then(JSON.parse).catch(() => null);
    if (!isStack(found)) throw new CoreError(FAULT.REQUEST, 'NSC_ERROR_UNKNOWN_FORMAT', `${file.name}: no weights of models that negatoscope wrote`);
    this.stack = found;
    if (this.#order()) this.way = STACK;
  }

  /** @override @param {import('./inquiry.js').Ask} ask @returns {Promise<Found>} */
  async work(ask) {
    const own = [this.desk.model?.title ?? '', ...this.#asked().map(({ title }) => title)];
    const stacked = this.way === STACK;
    const order = (stacked && this.#order()) || own.map((_, index) => index);
    const all = await this.#others();
    const others = order.filter((index) => index > 0).map((index) => all[index - 1]);
    const how = { combine: this.combines.indexOf(this.way), stack: stacked ? JSON.stringify(this.stack) : null, at: order.indexOf(0) };
    return { opinions: await ask('opinions', { ...how, others }), titles: order.map((index) => own[index]) };
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
