/** What a training is for: its model, used in the viewer or saved as an ONNX file. */
import { onLanguage, t } from '../../i18n/i18n.js';
import { CoreError } from '../../shared/protocol.js';
import { download, h } from '../dom.js';
import { button, field } from './parts.js';

/** A name that files and other programs can carry. @param {string} text */
export function fileName(text) {
  const plain = text.toLowerCase().normalize('NFKD').replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, '');
  return plain || 'model';
}

export class Outcome {
  /**
   * @param {import('./lab.js').Lab} lab
   * @param {{use: (file: File) => Promise<void>, evaluate: () => void, complain: (error: CoreError) => void,
   *          thresholdOf: () => number | null}} actions
   */
  constructor(lab, { use, evaluate, complain, thresholdOf }) {
    this.lab = lab;
    this.actions = { use, evaluate, complain, thresholdOf };
    this.node = h('section.outcome', { id: 'outcome' });
    this.facts = { name: '', title: '', limits: '', license: '' };
    /** What limits and licence were made of; texts that were written by hand since then stay. */
    this.known = '';
    lab.on('data', () => {
      const title = lab.loaded?.about.title ?? '';
      this.facts = { ...this.facts, name: fileName(title), title };
      this.known = '';
      this.#takeLimits();
    });
    lab.on('begun', () => this.#takeLimits());
    onLanguage(() => this.render());
  }

  /** What is known of limits: those of the model that this training started from, and of synthetic data. */
  #takeLimits() {
    const { loaded, status } = this.lab;
    const base = status?.base;
    const synthetic = loaded?.about.synthetic ?? false;
    const known = JSON.stringify([base, synthetic]);
    if (known === this.known) return;
    this.known = known;
    const parts = [base?.inherited, synthetic && t('train.outcome.synthetic')];
    this.facts = { ...this.facts, limits: parts.filter(Boolean).join(' '), license: base?.license ?? '' };
    this.render();
  }

  render() {
    const fields = /** @type {const} */ (['name', 'title', 'license', 'limits']).map((name) => {
      const [kind, more] = name === 'limits' ? ['textarea', { rows: 3 }] : ['input', { type: 'text', autocomplete: 'off' }];
      const input = /** @type {HTMLInputElement} */ (h(kind, { name, value: this.facts[name], ...more }));
      input.addEventListener('input', () => (this.facts[name] = input.value));
      return field(t(`train.outcome.${name}`), input);
    });
    this.node.replaceChildren(
      h('h3', {}, t('train.outcome.heading')),
      h('div.form-grid', {}, ...fields),
      h(
        'div.outcome-actions',
        {},
        button(t('train.outcome.use'), 'film', () => void this.#with((file) => this.actions.use(file)), { kind: 'primary', id: 'use-model' }),
        button(t('train.outcome.save'), 'download', () => void this.#with(async (file) => download(file.name, 'application/octet-stream', file)), { id: 'save-model' }),
        button(t('train.outcome.evaluate'), 'classify', () => this.actions.evaluate(), { id: 'to-evaluation' }),
      ),
      h('p.quiet', {}, t('train.outcome.note')),
    );
  }

  /** @param {(file: File) => Promise<void>} act */
  async #with(act) {
    // Limits and licence also where they are empty: the form shows what the file says.
    const { name, title, limits, license } = this.facts;
    const facts = { name: name || 'model', title: title || name, threshold: this.actions.thresholdOf() };
    const given = { ...Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== null && value !== '')), limits, license };
    try {
      const bytes = await this.lab.model(given);
      await act(new File([bytes], `${fileName(facts.name)}.onnx`));
    } catch (error) {
      if (!(error instanceof CoreError)) throw error;
      this.actions.complain(error);
    }
  }
}
