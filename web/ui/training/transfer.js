/** The part of the settings that is about a model to start from: what of it is trained, and whether it fits the data. */
import { hasText, t } from '../../i18n/i18n.js';
import { h } from '../dom.js';
import { button, choice, field, numberInput, warning } from './parts.js';

/**
 * @typedef {Record<string, any>} Values
 * @typedef {{options: Values, base: import('./bases.js').Base, then: Values | null}} Start
 */

const WHATS = ['head', 'last', 'all'];
/** A new head has nothing to lose and learns fast; layers that have learned already are moved gently. */
const RATES = /** @type {Record<string, number>} */ ({ head: 0.01, last: 0.01, all: 0.001 });
const GENTLE = 0.1;

export class Transfer {
  /**
   * @param {import('./lab.js').Lab} lab
   * @param {import('./bases.js').Bases} bases
   */
  constructor(lab, bases) {
    this.lab = lab;
    this.bases = bases;
    this.what = 'head';
    this.layers = 4;
  }

  /** Why the chosen model does not fit the pictures; null when it does, as far as is known. */
  get misfit() {
    const { channels } = this.bases;
    const has = this.lab.loaded?.data.channels;
    return channels !== null && has !== undefined && channels !== has ? { channels, has } : null;
  }

  /** A rate to begin with, for what is trained. */
  get rate() {
    return RATES[this.what];
  }

  /** Whether augmented pictures are of use: a head alone learns from features that are computed once. */
  get augments() {
    return this.what !== 'head';
  }

  nodes() {
    const { misfit } = this;
    // What follows a head begins with the model's file, which with fields about the patient has a second input.
    const whats = this.lab.survives ? WHATS.filter((what) => what !== 'last') : WHATS;
    if (!whats.includes(this.what)) this.what = 'head';
    const texts = whats.map((value) => ({ value, text: t(`train.transfer.${value}`) }));
    const nodes = [field(t('train.transfer.what'), choice('what', this.what, texts), t(`train.transfer.${this.what}Hint`))];
    if (this.what === 'last') nodes.push(field(t('train.transfer.layers'), numberInput('layers', this.layers, { min: 2, step: 1 }), t('train.transfer.layersHint')));
    if (misfit) nodes.push(this.#misfitNote(misfit));
    return nodes;
  }

  /** @param {{channels: number, has: number}} misfit */
  #misfitNote(misfit) {
    const { reload } = this.lab;
    const again = button(t('train.transfer.reload', { channels: misfit.channels }), 'reset', () => void reload?.({ channels: misfit.channels }), { kind: 'small', id: 'reload-channels' });
    return warning(h('p', {}, t('train.transfer.misfit', misfit)), reload ? again : '');
  }

  /** What is said below the name of the model. */
  get description() {
    const { chosen } = this.bases;
    const [, channels, height, width] = chosen?.info?.inputs[0]?.shape ?? [];
    if (typeof channels !== 'number') return '';
    const known = typeof width === 'number' && typeof height === 'number';
    return t(known ? 'train.transfer.input' : 'train.transfer.anySize', known ? { channels, width, height } : { channels });
  }

  /** @param {HTMLInputElement} input @returns {boolean} whether it was one of these fields */
  read({ name, value }) {
    if (name === 'what') this.what = value;
    else if (name === 'layers') this.layers = Math.max(2, Math.round(Number(value)));
    else return false;
    return true;
  }

  /** @param {Values} given  the rest of the form @returns {Start} */
  start(given) {
    const { chosen } = this.bases;
    if (!chosen) throw new Error('no model is chosen');
    const common = { ...given, net: 'base' };
    const first = this.what === 'all' ? { ...common, trainable: 'all' } : { ...common, trainable: 'head', augment: 'none' };
    const then = { ...common, head: 'keep', trainable: this.layers, rate: given.rate * GENTLE };
    if (this.what !== 'last') return { options: first, base: chosen, then: null };
    // What comes after the network comes after its second part.
    return { options: { ...first, autoencoder: false }, base: chosen, then };
  }
}

/** Of a training in two parts, the one under way. @param {import('./lab.js').Lab} lab */
export function phaseText({ options, then }) {
  const key = then ? 'train.phase.head' : options?.head === 'keep' ? 'train.phase.last' : '';
  return hasText(key) ? `${t(key)} · ` : '';
}
