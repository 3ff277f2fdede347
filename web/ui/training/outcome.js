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
    this.facts = { name: '', title: '', limits: '' };
    lab.on('data', () => {
      const { about } = lab.loaded ?? {};
      const title = about?.title ?? '';
      const limits = about?.synthetic ? t('train.outcome.synthetic') : '';
      this.facts = { name: fileName(title), title, limits };
      this.render();
    });
    onLanguage(() => this.render());
  }

  render() {
    const fields = /** @type {const} */ (['name', 'title', 'limits']).map((name) => {
      const input = /** @type {HTMLInputElement} */ (h('input', { type: 'text', name, value: this.facts[name], autocomplete: 'off' }));
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
    const { name, title, limits } = this.facts;
    const facts = { name: name || 'model', title: title || name, limits, threshold: this.actions.thresholdOf() };
    const given = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== null && value !== ''));
    try {
      const bytes = await this.lab.model(given);
      await act(new File([bytes], `${fileName(facts.name)}.onnx`));
    } catch (error) {
      if (!(error instanceof CoreError)) throw error;
      this.actions.complain(error);
    }
  }
}
