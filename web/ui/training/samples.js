/** Pictures of the data in sheets: some of each class, any list in a dialog, one picture large with what is known of it. */
import { formatPercent, onLanguage, t } from '../../i18n/i18n.js';
import { SPLITS } from '../../shared/training.js';
import { byId, h } from '../dom.js';
import { veiled } from '../privacy.js';
import { button, countPictures, labelName, picture } from './parts.js';

/**
 * @typedef {import('./lab.js').Lab} Lab
 * @typedef {{sample: number, augment?: object | string | null, draw?: number, caption?: string, scores?: number[]}} Shown
 */

const PER_CLASS = 12;
/** Of a list in a dialog, until more are asked for. */
const PORTION = 60;

export class Samples {
  /** @param {Lab} lab */
  constructor(lab) {
    this.lab = lab;
    this.page = byId('lab-pictures');
    this.list = /** @type {HTMLDialogElement} */ (byId('samples-dialog'));
    this.one = /** @type {HTMLDialogElement} */ (byId('sample-dialog'));
    /** Pictures shown of each class. @type {number[]} */
    this.counts = [];
    lab.on('data', () => {
      this.counts = (lab.loaded?.data.labels ?? []).map(() => PER_CLASS);
      void this.render();
    });
    onLanguage(() => void this.render());
  }

  async render() {
    const { loaded } = this.lab;
    if (!loaded) return;
    const { labels, samples } = loaded.data;
    const sections = labels.map(({ name, train, validation, test }, label) => {
      const all = samples.flatMap(([of], sample) => (of === label ? [{ sample }] : []));
      const sheet = h('div.sheet');
      void this.fill(sheet, all.slice(0, this.counts[label]));
      const more = button(t('train.pictures.more'), null, () => this.#more(label, sheet, all, more), { kind: 'small' });
      more.hidden = all.length <= this.counts[label];
      const count = countPictures(train + validation + test);
      return h('section.class-sheet', {}, h('h3', {}, labelName(loaded.data.survival, name, label), h('span.quiet', {}, count)), sheet, more);
    });
    this.page.replaceChildren(h('div.class-sheets', {}, ...sections));
  }

  /** @param {number} label @param {HTMLElement} sheet @param {Shown[]} all @param {HTMLElement} more */
  #more(label, sheet, all, more) {
    const from = this.counts[label];
    this.counts[label] += PORTION;
    more.hidden = all.length <= this.counts[label];
    void this.fill(sheet, all.slice(from, this.counts[label]));
  }

  /** Adds pictures to a sheet. @param {HTMLElement} sheet @param {Shown[]} shown */
  async fill(sheet, shown) {
    const { loaded } = this.lab;
    if (!loaded || !shown.length) return;
    const pictures = await this.lab.pictures(shown).catch(() => []);
    // Other data came while these were made.
    if (loaded !== this.lab.loaded) return;
    sheet.append(...pictures.map((pixels, index) => this.#card(shown[index], pixels)));
  }

  /** @param {Shown} shown @param {import('../../shared/protocol.js').Pixels} pixels */
  #card(shown, pixels) {
    const name = this.nameOf(shown.sample);
    const card = h('button.card', { type: 'button', title: name }, picture(pixels, name), shown.caption && h('span', {}, shown.caption));
    card.addEventListener('click', () => this.#showOne(shown, pixels));
    return card;
  }

  /** @param {number} sample */
  nameOf(sample) {
    const number = `#${sample + 1}`;
    return veiled(this.lab.loaded?.names[sample] || number, number);
  }

  /** @param {string} title @param {string} note @param {Shown[]} shown @param {number} [columns]  when rows mean something */
  async showList(title, note, shown, columns = 0) {
    byId('samples-title').textContent = title;
    byId('samples-note').textContent = note;
    const sheet = byId('samples-sheet');
    sheet.style.gridTemplateColumns = columns ? `repeat(${columns}, minmax(0, 1fr))` : '';
    sheet.replaceChildren();
    this.list.showModal();
    for (let at = 0; at < shown.length; at += PORTION) {
      await this.fill(sheet, shown.slice(at, at + PORTION));
      if (at + PORTION < shown.length && !(await this.#asked(sheet))) return;
    }
  }

  /** Waits for "more", or the end of the dialog. @param {HTMLElement} sheet @returns {Promise<boolean>} */
  #asked(sheet) {
    return new Promise((resolve) => {
      const more = button(t('train.pictures.more'), null, () => (more.remove(), resolve(true)));
      sheet.append(more);
      this.list.addEventListener('close', () => resolve(false), { once: true });
    });
  }

  /** @param {Shown} shown @param {import('../../shared/protocol.js').Pixels} pixels */
  #showOne({ sample, scores }, pixels) {
    const { loaded } = this.lab;
    if (!loaded) return;
    const [label, split] = loaded.data.samples[sample];
    const { labels } = loaded.data;
    const facts = [
      [t('train.sample.class'), labelName(loaded.data.survival, labels[label].name, label)],
      [t('train.sample.split'), t(`train.split.${SPLITS[split] ?? 'train'}`)],
      ...(scores ?? []).map((score, index) => [labels[index].name, formatPercent(score)]),
    ];
    byId('sample-title').textContent = this.nameOf(sample);
    byId('sample-body').replaceChildren(
      h('div.large-picture', {}, picture(pixels, this.nameOf(sample))),
      h('dl.facts', {}, ...facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
    );
    this.one.showModal();
  }
}
