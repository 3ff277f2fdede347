/**
 * What reading makes of a picture: one of those that were dropped, as the form says without its filters and with them.
 * The core computes both.
 */
import { t } from '../../i18n/i18n.js';
import { CoreError } from '../../shared/protocol.js';
import { h } from '../dom.js';
import { describeError } from '../filelist.js';
import { Latest } from '../latest.js';
import { button, picture } from './parts.js';

/**
 * @typedef {import('../../shared/protocol.js').Recipe} Recipe
 * @typedef {import('../../shared/protocol.js').Pixels} Pixels
 * @typedef {(file: Blob) => Promise<{prepare: (frame: number, recipe: Recipe) => Promise<Pixels>, close: () => void}>} Hold
 * @typedef {import('../../shared/training.js').Sample} Sample
 */

export class Preview {
  /** @param {Hold} hold  the viewer's core keeps a picture until it is closed */
  constructor(hold) {
    this.hold = hold;
    /** @type {readonly Sample[]} */
    this.samples = [];
    this.index = 0;
    /** The picture that is open. @type {{sample: Sample, held: Awaited<ReturnType<Hold>>} | null} */
    this.current = null;
    /** What is shown or on its way. @type {Recipe | null} */
    this.wanted = null;
    this.work = new Latest(() => this.#work());
    this.figures = h('div.preview-figures');
    this.note = h('p.quiet', { role: 'status' });
    this.node = h('div.preview');
  }

  /** @param {readonly Sample[]} samples */
  use(samples) {
    if (samples === this.samples) return;
    this.samples = samples;
    this.index = 0;
    this.wanted = null;
    this.#close();
    this.figures.replaceChildren();
  }

  /** Anew, in the present language; what was shown is asked for again. */
  render() {
    this.wanted = null;
    const another = button(t('steps.another'), 'next', () => this.#another(), { kind: 'small', id: 'preview-another' });
    another.hidden = this.samples.length < 2;
    this.node.hidden = !this.samples.length;
    this.node.replaceChildren(this.figures, h('div.preview-foot', {}, this.note, another));
  }

  /** @param {Recipe} recipe */
  show(recipe) {
    if (!this.samples.length || JSON.stringify(recipe) === JSON.stringify(this.wanted)) return;
    this.wanted = recipe;
    this.work.ask();
  }

  /** Nothing is shown any more. */
  end() {
    this.use([]);
  }

  #another() {
    this.index = (this.index + 1) % this.samples.length;
    this.work.ask();
  }

  #close() {
    this.current?.held.close();
    this.current = null;
  }

  async #work() {
    const recipe = this.wanted;
    const sample = this.samples[this.index];
    if (!recipe) return;
    try {
      if (await this.#take(sample)) await this.#compute(sample, recipe);
    } catch (error) {
      if (!(error instanceof CoreError)) throw error;
      const { title, detail } = describeError(error);
      this.note.textContent = `${sample.name}: ${title}. ${detail}`;
      this.note.classList.add('bad');
    }
  }

  /** Opens a picture in the place of the one before. @param {Sample} sample @returns {Promise<boolean>} whether it is still wanted */
  async #take(sample) {
    if (this.current?.sample === sample) return true;
    this.#close();
    this.figures.replaceChildren();
    if (!sample.file) return false;
    const held = await this.hold(sample.file);
    if (this.samples[this.index] === sample) this.current = { sample, held };
    else held.close();
    return this.current?.sample === sample;
  }

  /** @param {Sample} sample @param {Recipe} recipe */
  async #compute(sample, recipe) {
    const held = this.current?.held;
    if (!held) return;
    const frame = sample.frame ?? 0;
    const plain = await held.prepare(frame, { ...recipe, steps: [] });
    const shown = [this.#figure('plain', t('steps.without'), plain)];
    if (recipe.steps.length) shown.push(this.#figure('filtered', t('steps.with'), await held.prepare(frame, recipe)));
    if (this.current?.held !== held) return;
    this.figures.replaceChildren(...shown);
    this.note.textContent = sample.name;
    this.note.classList.remove('bad');
  }

  /** @param {string} kind @param {string} caption @param {Pixels} pixels */
  #figure(kind, caption, pixels) {
    return h('figure', { 'data-kind': kind }, picture(pixels, caption), h('figcaption', {}, caption));
  }
}
