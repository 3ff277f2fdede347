/**
 * Answers without training: a picture is compared with those of the data, as a model's layers see them, and the most
 * similar ones vote.
 */
import { formatNumber, formatPercent, onLanguage, t } from '../../i18n/i18n.js';
import { CoreError } from '../../shared/protocol.js';
import { byId, h } from '../dom.js';
import { veiled } from '../privacy.js';
import { describeError } from '../filelist.js';
import { button, choice, field, numberInput, thumbnail, warning } from './parts.js';

/**
 * @typedef {import('../../shared/training.js').Neighbours} Answer
 * @typedef {{file: File, name: string, frame: number}} Picture
 */

const OPEN = 'open';
const ANY = '';

export class NeighboursPanel {
  /**
   * @param {object} parts
   * @param {import('./lab.js').Lab} parts.lab
   * @param {import('./samples.js').Samples} parts.samples
   * @param {import('./bases.js').Bases} parts.bases
   * @param {import('./made.js').Peek} parts.peek
   * @param {() => import('./made.js').OpenPicture} parts.open
   * @param {(k: number) => void} parts.evaluate
   */
  constructor({ lab, samples, bases, peek, open, evaluate }) {
    this.lab = lab;
    this.samples = samples;
    this.bases = bases;
    this.actions = { peek, open, evaluate };
    this.page = byId('lab-neighbours');
    this.k = 5;
    /** @type {import('./bases.js').Base | null} */
    this.lookedWith = null;
    /** What the form offers. @type {import('./bases.js').Base | null} */
    this.shownBase = null;
    this.shownCount = 0;
    this.busy = false;
    /** @type {CoreError | null} */
    this.error = null;
    /** @type {{picture: Picture, thumb: ImageBitmap | null, answer: Answer} | null} */
    this.found = null;
    this.picker = /** @type {HTMLInputElement} */ (byId('pick-query'));
    this.picker.addEventListener('change', () => {
      const file = this.picker.files?.[0];
      this.picker.value = '';
      if (file) void this.ask({ file, name: file.name, frame: 0 });
    });
    lab.on('data', () => this.#reset());
    bases.addEventListener('change', () => this.#baseChanged());
    onLanguage(() => this.render());
  }

  #reset() {
    this.#forgetAnswer();
    this.lookedWith = null;
    this.error = null;
    this.render();
  }

  /** Built anew for another choice only: a field that is being filled in keeps the focus when facts of a model arrive. */
  #baseChanged() {
    const { chosen, list } = this.bases;
    if (this.shownBase === chosen && this.shownCount === list.length) return;
    if (this.lookedWith !== chosen) this.#forgetAnswer();
    this.render();
  }

  #forgetAnswer() {
    this.found?.thumb?.close();
    this.found = null;
  }

  /** Does something with the features, which are computed first if need be. @param {() => Promise<void>} work */
  async #with(work) {
    const { chosen } = this.bases;
    if (this.busy || !chosen || !this.lab.loaded) return;
    this.busy = true;
    this.error = null;
    this.render();
    try {
      // Its channels explain why it does not fit, should that be.
      if (!chosen.info) await this.bases.choose(this.bases.index);
      if (!this.lab.looks || this.lookedWith !== chosen) {
        await this.lab.look(await chosen.blob());
        this.lookedWith = chosen;
      }
      await work();
    } catch (error) {
      if (!(error instanceof CoreError)) throw error;
      this.error = error;
    } finally {
      this.busy = false;
      this.render();
    }
  }

  /** @param {Picture} picture */
  async ask(picture) {
    await this.#with(async () => {
      const answer = await this.lab.neighbours({ file: picture.file, frame: picture.frame }, this.k);
      this.#forgetAnswer();
      const seen = await this.actions.peek(picture.file, picture.name);
      this.found = { picture, thumb: seen?.thumb ?? null, answer };
    });
  }

  // ---- the page -----------------------------------------------------------------------------------------------------

  render() {
    const { loaded } = this.lab;
    if (!loaded) {
      this.page.replaceChildren();
      return;
    }
    const parts = [h('h2', {}, t('train.look.title')), h('p.note-text', {}, t('train.look.text')), this.#form()];
    if (this.error) {
      const { title, detail } = describeError(this.error);
      parts.push(warning(h('p', {}, `${title}. ${detail}`), this.#reload() ?? ''));
    }
    if (this.busy) parts.push(h('p.look-busy', { role: 'status' }, h('span.spinner'), h('span', {}, t('train.look.busy'))));
    else if (this.found) parts.push(this.#answer(this.found));
    this.page.replaceChildren(h('div.look', {}, ...parts));
  }

  /** Where the model wants other channels than the pictures have. */
  #reload() {
    const { channels } = this.bases;
    const { loaded, reload } = this.lab;
    if (!reload || channels === null || channels === loaded?.data.channels) return null;
    return button(t('train.transfer.reload', { channels }), 'reset', () => void reload({ channels }), { kind: 'small' });
  }

  #form() {
    this.shownBase = this.bases.chosen;
    this.shownCount = this.bases.list.length;
    const models = this.bases.list.map(({ title }, index) => ({ value: String(index), text: title }));
    if (!models.length) models.push({ value: ANY, text: t('model.none') });
    const model = choice('base', models.length ? String(this.bases.index) : ANY, [...models, { value: OPEN, text: t('model.open') }]);
    model.addEventListener('change', () => {
      if (model.value === OPEN) void this.bases.pick().then(() => this.render());
      else void this.bases.choose(Number(model.value));
    });
    const k = numberInput('k', this.k, { min: 1, step: 1 });
    k.addEventListener('input', () => (this.k = Math.max(1, Math.round(Number(k.value)) || 1)));
    k.addEventListener('change', () => this.found && void this.ask(this.found.picture));
    const shown = this.actions.open();
    const pick = button(t('train.look.pick'), 'file', () => this.picker.click(), { kind: 'primary', id: 'look-pick' });
    const current = button(t('train.look.open'), 'film', () => shown && void this.ask(shown), { id: 'look-open' });
    const judge = button(t('train.look.evaluate'), 'classify', () => void this.#with(async () => this.actions.evaluate(this.k)), { id: 'look-evaluate' });
    for (const each of [pick, current, judge]) each.disabled = this.busy || !this.bases.chosen;
    current.disabled ||= !shown;
    return h(
      'div.look-form',
      {},
      h('div.form-grid', {}, field(t('train.look.model'), model), field(t('train.look.k'), k)),
      h('div.outcome-actions', {}, pick, current, judge),
    );
  }

  /** @param {NonNullable<NeighboursPanel['found']>} found */
  #answer({ picture, thumb, answer }) {
    const labels = this.lab.loaded?.data.labels ?? [];
    const most = Math.max(...answer.scores);
    const rows = answer.scores.map((score, index) => {
      const bar = h('i');
      bar.style.width = `${score * 100}%`;
      return h(`li${score === most ? '.most' : ''}`, {}, h('span', {}, labels[index].name), h('div.vote-bar', { 'aria-hidden': 'true' }, bar), h('b', {}, formatPercent(score)));
    });
    const sheet = h('div.sheet');
    const caption = (/** @type {number} */ similarity) => formatNumber(similarity, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    const shown = answer.nearest.map(([sample, similarity]) => ({
      sample,
      caption: `${labels[this.lab.loaded?.data.samples[sample][0] ?? 0].name} · ${caption(similarity)}`,
    }));
    void this.samples.fill(sheet, shown);
    return h(
      'section.look-answer',
      { id: 'look-answer' },
      h('div.look-query', {}, thumb ? thumbnail(thumb) : '', h('span.quiet', {}, veiled(picture.name, ''))),
      h('ul.votes', { 'aria-label': t('train.look.votes') }, ...rows),
      h('h3', {}, t('train.look.nearest')),
      sheet,
      h('p.quiet', {}, `${t('train.look.similarity')} ${t('result.notice')}`),
    );
  }
}
