/**
 * The model chooser: shipped models, and any ONNX file of the user's. A file that does not say how its input is made is
 * asked about in a form that starts from the core's presets.
 */
import { CoreError } from '../shared/protocol.js';
import { isCancelled } from '../client/client.js';
import { prefer, preferences } from '../client/preferences.js';
import { formatNumber, onLanguage, t } from '../i18n/i18n.js';
import { byId, h } from './dom.js';
import { describeError } from './filelist.js';
import { veiled } from './privacy.js';
import { askLarge } from './room.js';

/**
 * @typedef {import('../client/site.js').ShippedModel} ShippedModel
 * @typedef {import('../client/kept-models.js').KeptModels} KeptModels
 * @typedef {import('../client/kept-models.js').KeptModel} KeptModel
 * @typedef {import('../shared/protocol.js').ModelInfo} ModelInfo
 * @typedef {import('../shared/protocol.js').ModelOptions} ModelOptions
 * @typedef {import('../shared/protocol.js').Weights} Weights
 * @typedef {import('./opening.js').Found} Found
 * @typedef {{title: string, load: () => Promise<Blob>, options: ModelOptions, weights: Weights[], origin: string, info: ModelInfo | null}} Choice
 *   origin: "shipped:NAME", "kept:ID", or "opened" for what the next visit does not know; info: once it was loaded
 */

/** @type {ModelOptions} */
const AS_THE_MODEL_SAYS = { recipe: null, labels: null, output: null };

/** From here on it is asked: an eighth of what a small computer has. */
const LARGE_MB = 500;

/** What a model's file is called on the page: it may have been named after somebody. @param {string} name */
const shownName = (name) => veiled(name, t('privacy.value'));

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
   * @param {(choice: Choice, bytes: number) => void} parts.offer  asks whether a model that was opened is to be kept
   * @param {KeptModels} parts.store
   */
  constructor({ desk, client, shipped, presets, complain, offer, store }) {
    this.desk = desk;
    this.client = client;
    this.complain = complain;
    this.offer = offer;
    this.store = store;
    this.select = /** @type {HTMLSelectElement} */ (byId('model-select'));
    this.picker = /** @type {HTMLInputElement} */ (byId('pick-model'));
    this.form = new RecipeForm(client, presets);
    /** @type {Choice[]} */
    this.choices = shipped.map(({ name, title, blob }) => ({ title, load: blob, options: AS_THE_MODEL_SAYS, weights: [], origin: `shipped:${name}`, info: null }));
    this.chosen = -1;

    this.select.addEventListener('change', () => {
      const { value } = this.select;
      this.#list();
      if (value === 'open') this.picker.click();
      else void this.choose(Number(value)).then(() => this.#remember());
    });
    this.picker.addEventListener('change', () => {
      const found = [...(this.picker.files ?? [])].map((file) => ({ file, path: file.name }));
      this.picker.value = '';
      void this.#openPicked(found);
    });
    onLanguage(() => this.#list());
  }

  #list() {
    const options = this.choices.map(({ title }, index) => h('option', { value: String(index), lang: '' }, title));
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
      this.complain(t('model.failed', { name: shownName(file.name) }), t('model.weights', { name: missing.name }));
      return;
    }
    const options = info.recipe ? AS_THE_MODEL_SAYS : await this.form.ask(info, file.name);
    if (!options || !(await this.#isWanted(file.name, info.token ?? 0, options, weights))) return;
    /** @type {Choice} */
    const choice = { title: info.title || file.name, load: async () => file, options, weights, origin: 'opened', info: null };
    this.choices.push(choice);
    await this.choose(this.choices.length - 1, info.token);
    if (this.chosen !== this.choices.length - 1) {
      this.choices.pop();
      this.#list();
    } else this.offer(choice, [file, ...weights.map((each) => each.file)].reduce((sum, { size }) => sum + size, 0));
  }

  // ---- from one visit to the next ----

  /** Models that were kept, and the one that was chosen last; the first of those that came with the page if there is none. @param {KeptModel[]} kept */
  async start(kept) {
    for (const { id, title, file, options, weights } of kept) {
      this.choices.push({ title, load: async () => file, options, weights, origin: `kept:${id}`, info: null });
    }
    const last = this.choices.findIndex(({ origin }) => origin === preferences().model);
    if (this.choices.length) await this.choose(Math.max(0, last));
    // One that was kept and does not load any more must not leave the page without a model.
    if (this.chosen < 0 && last > 0) await this.choose(0);
  }

  #remember() {
    const origin = this.choices[this.chosen]?.origin;
    if (origin && origin !== 'opened') prefer({ model: origin });
  }

  /** The loaded model, if it was opened and is not kept. */
  get keepable() {
    const choice = this.choices[this.chosen];
    return choice?.origin === 'opened' ? choice : null;
  }

  /** @param {Choice} choice */
  async keep(choice) {
    try {
      const { id } = await this.store.keep({ ...choice, file: await choice.load() });
      choice.origin = `kept:${id}`;
      this.#remember();
    } catch (error) {
      const full = error instanceof DOMException && error.name === 'QuotaExceededError';
      this.complain(t('kept.failed', { name: choice.title }), t(full ? 'error.QUOTA' : 'error.STORAGE'));
    }
  }

  /** It stays in the list of this visit. @param {string} id */
  async forget(id) {
    await this.store.forget(id);
    for (const choice of this.choices) if (choice.origin === `kept:${id}`) choice.origin = 'opened';
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
    const text = t('model.largeText', { mb: formatNumber(Math.ceil(memory.peakMB)) });
    return askLarge({ title: t('model.large'), name: shownName(name), text, go: t('model.largeLoad') });
  }

  /** @param {string} name @param {unknown} error */
  #complainOf(name, error) {
    const { title, detail } = error instanceof CoreError ? describeError(error) : { title: String(error), detail: '' };
    this.complain(t('model.failed', { name: shownName(name) }), `${title}. ${detail}`);
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
    byId('model-file').textContent = shownName(fileName);
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
