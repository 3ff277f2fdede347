/**
 * The model chooser: shipped models, and any ONNX file of the user's. A file that does not say how its input is made is
 * asked about in a form that starts from the core's presets.
 */
import { CoreError } from '../shared/protocol.js';
import { isCancelled } from '../client/client.js';
import { formatNumber, onLanguage, t } from '../i18n/i18n.js';
import { byId, h } from './dom.js';
import { describeError } from './filelist.js';

/**
 * @typedef {import('../client/site.js').ShippedModel} ShippedModel
 * @typedef {import('../shared/protocol.js').ModelInfo} ModelInfo
 * @typedef {import('../shared/protocol.js').ModelOptions} ModelOptions
 * @typedef {import('../shared/protocol.js').Weights} Weights
 * @typedef {import('./opening.js').Found} Found
 * @typedef {{title: string, load: () => Promise<Blob>, options: ModelOptions, weights: Weights[], info: ModelInfo | null}} Choice  info: once it was loaded
 */

/** @type {ModelOptions} */
const AS_THE_MODEL_SAYS = { recipe: null, labels: null, output: null };

/** From here on it is asked: an eighth of what a small computer has. */
const LARGE_MB = 500;

/** @param {string} path */
export const isModel = (path) => /\.onnx$/i.test(path);

export class Models {
  /**
   * @param {object} parts
   * @param {import('./desk.js').Desk} parts.desk
   * @param {import('../client/client.js').Client} parts.client
   * @param {ShippedModel[]} parts.shipped
   * @param {string[]} parts.presets  names of the core's recipe presets
   * @param {(text: string, detail?: string) => void} parts.complain
   */
  constructor({ desk, client, shipped, presets, complain }) {
    this.desk = desk;
    this.client = client;
    this.complain = complain;
    this.select = /** @type {HTMLSelectElement} */ (byId('model-select'));
    this.picker = /** @type {HTMLInputElement} */ (byId('pick-model'));
    this.form = new RecipeForm(client, presets);
    /** @type {Choice[]} */
    this.choices = shipped.map(({ title, blob }) => ({ title, load: blob, options: AS_THE_MODEL_SAYS, weights: [], info: null }));
    this.chosen = -1;

    this.select.addEventListener('change', () => {
      const { value } = this.select;
      this.#list();
      if (value === 'open') this.picker.click();
      else void this.choose(Number(value));
    });
    this.picker.addEventListener('change', () => {
      const found = [...(this.picker.files ?? [])].map((file) => ({ file, path: file.name }));
      this.picker.value = '';
      void this.#openPicked(found);
    });
    onLanguage(() => this.#list());
  }

  #list() {
    const options = this.choices.map(({ title }, index) => h('option', { value: String(index) }, title));
    if (this.chosen < 0) options.unshift(h('option', { value: '-1', disabled: true }, t('model.none')));
    this.select.replaceChildren(...options, h('option', { value: 'open' }, t('model.open')));
    this.select.value = String(this.chosen);
  }

  /** Loads a model; the one before stays when this fails. @param {number} index @param {number} [token]  of 'describe' */
  async choose(index, token) {
    const choice = this.choices[index];
    if (!choice) return;
    this.select.setAttribute('aria-busy', 'true');
    try {
      const info = await this.client.loadModel(await choice.load(), choice.options, choice.weights, token);
      this.chosen = index;
      choice.info = info;
      this.desk.setModel(info);
    } catch (error) {
      if (!isCancelled(error)) this.#complainOf(choice.title, error);
    } finally {
      this.select.removeAttribute('aria-busy');
      this.#list();
    }
  }

  /** Those that were loaded once and know what the current one knows, in any order. @returns {Choice[]} */
  alike() {
    const { info } = this.choices[this.chosen] ?? {};
    const key = (/** @type {ModelInfo} */ { task, labels }) => JSON.stringify([task, [...(labels ?? [])].sort()]);
    if (!info?.labels) return [];
    return this.choices.filter((each) => each.info && each.info !== info && key(each.info) === key(info));
  }

  /** @param {Found[]} found */
  async #openPicked(found) {
    const model = found.find(({ path }) => isModel(path)) ?? found[0];
    if (!model) return;
    const weights = await this.weightsOf(model, found.filter((each) => each !== model));
    await this.openFile(model.file, weights.map(({ name, found: { file } }) => ({ name, file })));
  }

  /**
   * Which of the files that came with a model hold weights of it. A model that cannot be read says so when it is opened.
   * @param {Found} model
   * @param {Found[]} others
   * @returns {Promise<{name: string, found: Found}[]>}
   */
  async weightsOf(model, others) {
    if (!others.length) return [];
    /** @type {ModelInfo} */
    const info = await this.client.request('describe', { file: model.file }).catch(() => ({ files: [] }));
    const folder = model.path.slice(0, model.path.lastIndexOf('/') + 1);
    return info.files.flatMap(({ name }) => {
      const lone = name.slice(name.lastIndexOf('/') + 1);
      const found = others.find(({ path }) => path === folder + name) ?? others.find(({ path }) => path === lone);
      return found ? [{ name, found }] : [];
    });
  }

  /** @param {File} file @param {Weights[]} [weights]  files beside it */
  async openFile(file, weights = []) {
    /** @type {ModelInfo} */
    let info;
    try {
      info = await this.client.request('describe', { file });
    } catch (error) {
      this.#complainOf(file.name, error);
      return;
    }
    const missing = info.files.find(({ name }) => !weights.some((each) => each.name === name));
    if (missing) {
      this.complain(t('model.failed', { name: file.name }), t('model.weights', { name: missing.name }));
      return;
    }
    const options = info.recipe ? AS_THE_MODEL_SAYS : await this.form.ask(info, file.name);
    if (!options || !(await this.#isWanted(file.name, info.token ?? 0, options, weights))) return;
    this.choices.push({ title: info.title || file.name, load: async () => file, options, weights, info: null });
    await this.choose(this.choices.length - 1, info.token);
    if (this.chosen !== this.choices.length - 1) {
      this.choices.pop();
      this.#list();
    }
  }

  /**
   * Asks before a model takes much of the machine's memory.
   * @param {string} name
   * @param {number} token
   * @param {ModelOptions} options
   * @param {Weights[]} weights
   */
  async #isWanted(name, token, options, weights) {
    /** @type {import('../shared/protocol.js').Memory | null} */
    const memory = await this.client.request('footprint', { token, options, weights }).catch(() => null);
    if (!memory || memory.peakMB < LARGE_MB) return true; // what fails says so when it is loaded
    const dialog = /** @type {HTMLDialogElement} */ (byId('large-dialog'));
    byId('large-file').textContent = name;
    byId('large-text').textContent = t('model.largeText', { mb: formatNumber(Math.ceil(memory.peakMB)) });
    dialog.returnValue = '';
    dialog.showModal();
    await new Promise((resolve) => dialog.addEventListener('close', resolve, { once: true }));
    return dialog.returnValue === 'load';
  }

  /** @param {string} name @param {unknown} error */
  #complainOf(name, error) {
    const { title, detail } = error instanceof CoreError ? describeError(error) : { title: String(error), detail: '' };
    this.complain(t('model.failed', { name }), `${title}. ${detail}`);
  }
}

/** Asks how a foreign model's input is made. */
class RecipeForm {
  /** @param {import('../client/client.js').Client} client @param {string[]} presets */
  constructor(client, presets) {
    this.client = client;
    this.dialog = /** @type {HTMLDialogElement} */ (byId('model-dialog'));
    this.form = /** @type {HTMLFormElement} */ (byId('model-form'));
    const select = /** @type {HTMLSelectElement} */ (/** @type {unknown} */ (this.#field('preset')));
    select.replaceChildren(...presets.map((name) => h('option', { value: name }, name)));
    this.#field('range').addEventListener('change', () => this.#showWindow());
    byId('model-cancel').addEventListener('click', () => this.dialog.close('cancel'));
  }

  /** @param {string} name @returns {HTMLInputElement} */
  #field(name) {
    return /** @type {HTMLInputElement} */ (this.form.elements.namedItem(name));
  }

  #showWindow() {
    byId('window-fields').hidden = this.#field('range').value !== 'window';
  }

  /**
   * @param {ModelInfo} info
   * @param {string} fileName
   * @returns {Promise<ModelOptions | null>} null when the user turned back
   */
  async ask(info, fileName) {
    const [, channels, height, width] = info.inputs[0]?.shape ?? [];
    byId('model-file').textContent = fileName;
    this.#field('channels').value = channels === 1 ? '1' : '3';
    this.#field('width').value = typeof width === 'number' ? String(width) : '224';
    this.#field('height').value = typeof height === 'number' ? String(height) : '224';
    this.#field('labels').value = (info.labels ?? []).join('\n');
    this.#showWindow();
    this.dialog.returnValue = '';
    this.dialog.showModal();
    await new Promise((resolve) => this.dialog.addEventListener('close', resolve, { once: true }));
    return this.dialog.returnValue === 'use' ? this.#options() : null;
  }

  /** @returns {Promise<ModelOptions>} */
  async #options() {
    /** @param {string} name */
    const number = (name) => Number(this.#field(name).value);
    const size = { width: number('width'), height: number('height'), channels: number('channels') };
    const recipe = await this.client.request('recipe', { preset: this.#field('preset').value, ...size });
    const kind = this.#field('range').value;
    recipe.fit = this.#field('fit').value;
    recipe.range = kind === 'window' ? { kind, low: number('low'), high: number('high') } : { kind };
    const labels = this.#field('labels').value.split('\n').map((line) => line.trim()).filter(Boolean);
    return {
      recipe: JSON.stringify(recipe),
      labels: labels.length ? JSON.stringify(labels) : null,
      output: this.#field('output').value,
    };
  }
}
