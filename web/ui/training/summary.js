/** The data at a glance: classes with their counts by split, and what one should know before trusting them. */
import { formatBytes, formatNumber, onLanguage, t } from '../../i18n/i18n.js';
import { SPLITS } from '../../shared/training.js';
import { byId, h } from '../dom.js';
import { describeError } from '../filelist.js';
import { describeSteps } from '../steps.js';
import { button, countPictures, labelName, warning } from './parts.js';

/**
 * @typedef {import('./lab.js').Lab} Lab
 * @typedef {import('./lab.js').Loaded} Loaded
 * @typedef {Loaded['data']['labels'][number]} Label
 */

/** Below this a class says little about others of its kind. */
const FEW = 10;
/** The largest class has this many times the pictures of the smallest. */
const UNBALANCED = 3;

/** @param {Label} label */
const sum = ({ train, validation, test }) => train + validation + test;

export class Summary {
  /**
   * @param {Lab} lab
   * @param {import('./samples.js').Samples} samples
   */
  constructor(lab, samples) {
    this.lab = lab;
    this.samples = samples;
    this.panel = byId('lab-data');
    for (const type of ['data', 'begun']) lab.on(type, () => this.render());
    onLanguage(() => this.render());
  }

  render() {
    const { loaded, open } = this.lab;
    const head = h('div.panel-head', {}, h('h2', {}, t('train.data')));
    if (!loaded) {
      this.panel.replaceChildren(head, h('p.note-text.pad', {}, t('train.data.none')));
      return;
    }
    const { data, about } = loaded;
    head.append(h('span.quiet', {}, countPictures(data.samples.length)));
    const other = button(t('train.data.other'), 'folder', () => void this.lab.clear(), { kind: 'wide', id: 'train-other' });
    other.disabled = open;
    this.panel.replaceChildren(
      head,
      h(
        'div.lab-scroll',
        {},
        h('p.note-title', {}, about.title),
        about.synthetic ? h('p.synthetic', {}, t('train.data.synthetic')) : '',
        this.#legend(),
        h('ul.class-list', {}, ...data.labels.map((label, index) => this.#classRow({ ...label, name: labelName(data.survival, label.name, index) }, data.labels))),
        h('p.quiet', {}, t('train.data.size', { width: data.width, height: data.height, channels: data.channels, bytes: formatBytes(data.bytes) })),
        data.steps.length ? h('p.quiet', { id: 'data-steps' }, t('train.data.steps', { steps: describeSteps(data.steps) })) : '',
        data.survival ? h('p.quiet', { id: 'data-survival' }, this.#survivalText(data.survival)) : '',
        ...this.#warnings(loaded),
        this.#refusals(loaded),
      ),
      h('div.panel-foot', {}, other),
    );
  }

  /** @param {NonNullable<Loaded['data']['survival']>} survival */
  #survivalText({ edges, unit, fields }) {
    const last = formatNumber(edges[edges.length - 1], { maximumSignificantDigits: 3 });
    const values = { bins: edges.length - 1, last: `${last} ${unit}`.trim(), fields: fields.map(({ name }) => name).join(', ') };
    return t(fields.length ? 'train.survival.data' : 'train.survival.dataAlone', values);
  }

  #legend() {
    return h('p.split-legend', {}, ...SPLITS.map((split) => h('span', {}, h('i', { 'data-split': split }), t(`train.split.${split}`))));
  }

  /** @param {Label} label @param {Label[]} all */
  #classRow(label, all) {
    const most = Math.max(...all.map(sum), 1);
    const parts = /** @type {const} */ (['train', 'validation', 'test']).map((split) => {
      const part = h('i', { 'data-split': split });
      part.style.width = `${(label[split] / most) * 100}%`;
      return part;
    });
    const [train, validation, test] = [label.train, label.validation, label.test].map((count) => formatNumber(count));
    const counts = { train, validation, test };
    const text = t('train.data.counts', counts);
    return h(
      'li',
      {},
      h('div.class-line', {}, h('span', {}, label.name), h('b', {}, formatNumber(sum(label)))),
      h('div.split-bar', { 'aria-hidden': 'true' }, ...parts),
      h('span.quiet', {}, text),
    );
  }

  /** @param {Loaded} loaded */
  #warnings({ data, duplicates }) {
    const counts = data.labels.map(sum);
    const few = data.labels.filter((label) => sum(label) < FEW);
    const found = [];
    if (few.length) found.push(warning(t('train.warn.few', { few: FEW, names: few.map(({ name }) => name).join(', ') })));
    if (!data.survival && Math.max(...counts) > UNBALANCED * Math.max(1, Math.min(...counts))) found.push(warning(t('train.warn.unbalanced')));
    if (data.labels.some(({ validation }) => validation === 0)) found.push(warning(t('train.warn.noValidation')));
    if (duplicates.length) found.push(this.#duplicates(duplicates));
    return found;
  }

  /** @param {Loaded['duplicates']} duplicates */
  #duplicates(duplicates) {
    const across = duplicates.filter(({ acrossSplits }) => acrossSplits).length;
    const differing = duplicates.filter(({ differentLabels }) => differentLabels).length;
    const values = { count: formatNumber(duplicates.length), across: formatNumber(across), differing: formatNumber(differing) };
    const show = button(t('train.warn.showPairs'), null, () => this.#showPairs(duplicates), { kind: 'small', id: 'show-duplicates' });
    return warning(h('p', {}, t('train.warn.duplicates', values)), show);
  }

  /** @param {Loaded['duplicates']} duplicates */
  #showPairs(duplicates) {
    const shown = duplicates.flatMap(({ first, sample: second }, index) =>
      [first, second].map((sample) => ({ sample, caption: `${index + 1}` })),
    );
    void this.samples.showList(t('train.pairs.title'), t('train.pairs.note'), shown);
  }

  /** @param {Loaded} loaded */
  #refusals({ refused }) {
    if (!refused.length) return '';
    const rows = refused.map(({ name, error, reason, values }) => {
      const described = error ? describeError(error) : { title: t(reason ?? ''), detail: '' };
      const title = error ? described.title : t(reason ?? '', values);
      return h('li', {}, h('b', {}, name), h('span.row-reason', {}, title), described.detail && h('span.row-fact', { lang: 'en' }, described.detail));
    });
    return h('details.refusals', { id: 'refusals', open: refused.length < 8 }, h('summary', {}, t('train.left.title', { count: refused.length })), h('ul', {}, ...rows));
  }
}
