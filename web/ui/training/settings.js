/**
 * The form of a training's options. What there is to choose and what is good to begin with comes from the core
 * (nsc_training_choices_json); here are only names for people and the order.
 */
import { formatBytes, formatNumber, hasText, onLanguage, t } from '../../i18n/i18n.js';
import { byId, coreWords, h } from '../dom.js';
import { button, checkField, choice, field, numberInput } from './parts.js';
import { Transfer } from './transfer.js';

/**
 * @typedef {import('./lab.js').Lab} Lab
 * @typedef {import('../../shared/training.js').Choices} Choices
 * @typedef {Record<string, any>} Values
 */

const MAIN = ['epochs', 'batch', 'rate', 'schedule'];
/** In lines of their own. */
const LAST = ['autoencoder'];
const ADVANCED = ['optimiser', 'momentum', 'nesterov', 'decay', 'dropout', 'clip', 'warmUp', 'smoothing', 'balance', 'average', 'patience', 'seed'];
/** Only where the optimiser has them. */
const OF_SGD = ['momentum', 'nesterov'];
/** May be left empty, for what the network has. */
const OPTIONAL = 'dropout';
/** Only where labels are learned. */
const OF_LABELS = ['smoothing', 'balance'];
const FILLS = ['nearest', 'reflect', 'constant', 'wrap'];
const CUSTOM = 'custom';
/** The core's name of a network that starts from a model; in the choice of networks with the number of one behind it. */
const BASE = 'base';
const OPEN = 'open';
/** After the last change of a field memory is counted again. */
const COUNT_MS = 250;
/** Augmented pictures of so many samples, so often each. */
const SHEET_SAMPLES = 4;
const SHEET_DRAWS = 6;

/** A name from the core, for people where there is a text for it. @param {string} group @param {string} name */
function named(group, name) {
  const key = `train.${group}.${name}`;
  return hasText(key) ? t(key) : name;
}

/** What a form takes over of a training that is restored: of one that started from a model, only what every network has. @param {Values | null} options */
function ownOptions(options) {
  if (options?.net !== BASE) return options;
  const { net: _, head: __, trainable: ___, rate: ____, augment: _____, ...rest } = options;
  return rest;
}

/** What is left empty is the core's to say. @param {HTMLInputElement} input */
const numberOf = (input) => (input.name === OPTIONAL && input.value === '' ? null : Number(input.value));

export class Settings {
  /**
   * @param {Lab} lab
   * @param {import('./samples.js').Samples} samples
   * @param {import('./bases.js').Bases} bases
   */
  constructor(lab, samples, bases) {
    this.lab = lab;
    this.samples = samples;
    this.bases = bases;
    this.transfer = new Transfer(lab, bases);
    this.panel = byId('lab-settings');
    /** As the user has set them; other data keep them as far as they still make sense. @type {Values} */
    this.values = {};
    /** Fields of an augmentation set by hand. @type {Values} */
    this.augment = {};
    /** Values that the last data brought and other data do not. @type {string[]} */
    this.suggested = [];
    this.advancedOpen = false;
    /** Which wish for a count is the newest. */
    this.counts = 0;
    lab.on('data', () => this.#fit());
    lab.on('begun', () => this.render());
    bases.addEventListener('change', () => this.fromModel && this.render());
    onLanguage(() => this.render());
  }

  get fromModel() {
    return this.values.net === BASE;
  }

  /** Takes up what the core offers for these data. */
  #fit() {
    const { choices, options, suggested } = this.lab;
    if (choices) {
      for (const name of this.suggested) delete this.values[name];
      this.suggested = Object.keys(suggested ?? {});
      this.values = { ...choices.defaults, ...this.values, ...suggested, ...ownOptions(options) };
      const { augment } = this.values;
      if (augment && typeof augment === 'object') {
        this.augment = { ...this.#preset(choices, ''), ...augment };
        this.values.augment = CUSTOM;
      }
      const fits = (this.fromModel && this.bases.chosen) || choices.networks.some(({ name, reason }) => name === this.values.net && !reason);
      if (!fits) this.values.net = choices.networks.find(({ reason }) => !reason)?.name ?? choices.defaults.net;
    }
    this.render();
  }

  /** Fields of a preset without its name; of an unknown one those of the first. @param {Choices} choices @param {string} wanted */
  #preset({ augments }, wanted) {
    const { name: _, ...fields } = augments.find(({ name }) => name === wanted) ?? augments[0] ?? { name: '' };
    return fields;
  }

  render() {
    const { choices, loaded, starting } = this.lab;
    const open = this.lab.open || starting;
    const head = h('div.panel-head', {}, h('h2', {}, t('train.settings')));
    if (!choices || !loaded) {
      this.panel.replaceChildren(head, h('p.note-text.pad', {}, t('train.settings.none')));
      return;
    }
    const fields = /** @type {HTMLFieldSetElement} */ (h('fieldset', { disabled: open }, ...this.#fields(choices)));
    const start = /** @type {HTMLButtonElement} */ (
      h('button.button.primary.wide', { type: 'submit', id: 'train-start' }, h('span', {}, t('train.start')))
    );
    start.disabled = open || (this.fromModel && (!this.bases.chosen || this.transfer.misfit !== null));
    if (starting) start.prepend(h('span.spinner'));
    // One that was kept may have started from a model that is not among those to choose from.
    const from = open && loaded.about.base ? h('p.note-text', {}, t('train.settings.from', { model: loaded.about.base })) : '';
    const note = open ? h('div', {}, from, h('p.note-text', {}, t('train.settings.fixed'))) : '';
    const form = /** @type {HTMLFormElement} */ (
      h('form.settings-form', { id: 'train-settings' }, h('div.lab-scroll', {}, fields), h('div.panel-foot', {}, note, h('p.note-text', { id: 'train-need' }), start))
    );
    form.addEventListener('input', (event) => {
      this.#read(/** @type {HTMLInputElement} */ (event.target), choices);
      void this.#count();
    });
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#start();
    });
    this.panel.replaceChildren(head, form);
    void this.#count();
  }

  /** What a training begins with. */
  #beginning() {
    const options = this.options();
    return this.fromModel ? this.transfer.start(options) : { options, base: null, then: null };
  }

  #start() {
    const { options, base, then } = this.#beginning();
    void this.lab.begin(options, { base, then });
  }

  /** Says how much memory that would take, a moment after the last change. */
  async #count() {
    const count = ++this.counts;
    await new Promise((resolve) => setTimeout(resolve, COUNT_MS));
    const node = this.panel.querySelector('#train-need');
    const startable = !this.lab.open && !this.lab.starting && !(this.fromModel && (!this.bases.chosen || this.transfer.misfit !== null));
    if (count !== this.counts || !node || !startable || !this.lab.loaded) return;
    const { options, base, then } = this.#beginning();
    // What the core refuses is said at the start; nothing is known of it here.
    const need = await this.lab.need(options, { base, then }).catch(() => null);
    if (count === this.counts) node.textContent = need ? t('train.need', { bytes: formatBytes(need.bytes) }) : '';
  }

  /** What nsc_training_begin takes, for networks that begin with nothing. */
  options() {
    const { augment, optimiser } = this.values;
    const options = { ...this.values, augment: augment === CUSTOM ? this.augment : augment };
    const unused = [...(optimiser === 'sgd' ? [] : OF_SGD), ...(this.lab.survives ? OF_LABELS : [])];
    for (const name of unused) delete (/** @type {Values} */ (options))[name];
    return options;
  }

  /** @param {Choices} choices */
  #fields(choices) {
    const advanced = /** @type {HTMLDetailsElement} */ (
      h(
        'details.advanced',
        { open: this.advancedOpen },
        h('summary', {}, t('train.settings.advanced')),
        h('div.form-grid', {}, ...this.#group(ADVANCED, choices)),
        h('h3', {}, t('train.augment.fields')),
        h('div.form-grid', {}, ...this.#augmentFields(choices)),
      )
    );
    advanced.addEventListener('toggle', () => (this.advancedOpen = advanced.open));
    const augments = this.fromModel && !this.transfer.augments ? [] : [this.#augmentChoice(choices)];
    return [this.#network(choices), h('div.form-grid', {}, ...this.#group(MAIN, choices)), ...augments, ...this.#group(LAST, choices), advanced];
  }

  /** @param {Choices} choices */
  #network({ networks }) {
    const what = h('small', { id: 'network-what' });
    this.#describeNetwork(what, networks);
    const misfits = networks.filter(({ reason }) => reason);
    const why = misfits.length
      ? h('details.more', {}, h('summary', {}, t('train.misfits', { count: misfits.length })), h('ul.left-list', {}, ...misfits.map(({ name, reason }) => h('li', {}, h('b', {}, name), ' ', coreWords(reason ?? '')))))
      : '';
    return h('div.network', {}, h('label.field', {}, h('span', {}, t('train.option.net')), this.#networkChoice(networks), what), ...(this.fromModel ? this.transfer.nodes() : [why]));
  }

  /** Networks that begin with nothing, and models to start from. @param {Choices['networks']} networks */
  #networkChoice(networks) {
    const fresh = networks.map(({ name, parameters, reason }) => {
      const text = parameters === null || reason ? name : `${name} · ${t('train.parameters', { count: formatNumber(parameters) })}`;
      return h('option', { value: name, disabled: Boolean(reason) }, text);
    });
    const models = this.bases.list.map(({ title }, index) => h('option', { value: `${BASE}:${index}`, lang: '' }, title));
    const select = /** @type {HTMLSelectElement} */ (
      h(
        'select',
        { name: 'net' },
        h('optgroup', { label: t('train.net.fresh') }, ...fresh),
        h('optgroup', { label: t('train.net.models') }, ...models, h('option', { value: OPEN }, t('model.open'))),
      )
    );
    select.value = this.fromModel ? `${BASE}:${this.bases.index}` : this.values.net;
    return select;
  }

  /** @param {string} value  of the choice of networks */
  #chooseNetwork(value) {
    const [name, index] = value.split(':');
    if (name === OPEN) {
      void this.bases.pick().then((found) => found && this.#chooseNetwork(`${BASE}:${this.bases.index}`));
      this.render();
      return;
    }
    const wasModel = this.fromModel;
    this.values.net = name;
    if (this.fromModel && !wasModel) this.values.rate = this.transfer.rate;
    if (!this.fromModel && wasModel) this.values.rate = this.lab.suggested?.rate ?? this.lab.choices?.defaults.rate;
    if (name === BASE) void this.bases.choose(Number(index));
    this.render();
  }

  /** @param {HTMLElement} node @param {Choices['networks']} networks */
  #describeNetwork(node, networks) {
    if (this.fromModel) {
      node.textContent = this.transfer.description;
      return;
    }
    const chosen = networks.find(({ name }) => name === this.values.net);
    node.textContent = chosen ? (hasText(`train.net.${chosen.name}`) ? t(`train.net.${chosen.name}`) : chosen.what) : '';
  }

  /** @param {string[]} names @param {Choices} choices */
  #group(names, choices) {
    const sgd = this.values.optimiser === 'sgd';
    return names
      .filter((name) => name in this.values && (sgd || !OF_SGD.includes(name)) && !(this.lab.survives && OF_LABELS.includes(name)))
      .map((name) => this.#field(name, this.values[name], choices));
  }

  /** @param {string} name @param {any} value @param {Choices} choices */
  #field(name, value, { optimisers, schedules, balances }) {
    const lists = /** @type {Record<string, string[]>} */ ({ optimiser: optimisers, schedule: schedules, balance: balances, fill: FILLS });
    const text = named('option', name);
    const list = lists[name];
    if (list) return field(text, choice(name, value, list.map((each) => ({ value: each, text: named(name, each) }))));
    const hint = hasText(`train.hint.${name}`) ? t(`train.hint.${name}`) : '';
    if (typeof value === 'boolean') return checkField(text, /** @type {HTMLInputElement} */ (h('input', { type: 'checkbox', name, checked: value })), hint);
    const whole = ['epochs', 'batch', 'patience', 'seed'].includes(name) ? { step: 1 } : {};
    const least = ['epochs', 'batch'].includes(name) ? { min: 1 } : { min: 0 };
    const empty = name === OPTIONAL ? { required: false, max: 0.95 } : {};
    return field(text, numberInput(name, value ?? '', { ...whole, ...least, ...empty }), hint);
  }

  /** @param {Choices} choices */
  #augmentChoice({ augments }) {
    const presets = augments.map(({ name }) => ({ value: name, text: named('augment', name) }));
    const options = [...presets, { value: CUSTOM, text: t('train.augment.custom') }];
    const select = choice('augment', this.values.augment, options);
    const show = button(t('train.augment.show'), 'sheet', () => this.#showAugmented(), { kind: 'small', id: 'show-augmented' });
    return h('div.augment', {}, field(named('option', 'augment'), select), show);
  }

  /** @param {Choices} choices */
  #augmentFields(choices) {
    const fields = this.values.augment === CUSTOM ? this.augment : this.#preset(choices, this.values.augment);
    return Object.entries(fields).map(([name, value]) => {
      const node = this.#field(name, value, choices);
      const control = node.querySelector('input, select');
      control?.setAttribute('data-augment', '');
      return node;
    });
  }

  /** @param {HTMLInputElement} input @param {Choices} choices */
  #read(input, choices) {
    if (input.name === 'net') return this.#chooseNetwork(input.value);
    if (this.transfer.read(input)) {
      if (input.name === 'what') {
        this.values.rate = this.transfer.rate;
        this.#renderAt(input.name);
      }
      return;
    }
    const value = input.type === 'checkbox' ? input.checked : input.type === 'number' ? numberOf(input) : input.value;
    if (input.dataset.augment !== undefined) {
      if (this.values.augment !== CUSTOM) this.augment = this.#preset(choices, this.values.augment);
      this.augment[input.name] = value;
      this.values.augment = CUSTOM;
      /** @type {HTMLSelectElement} */ (this.panel.querySelector('[name=augment]')).value = CUSTOM;
      return;
    }
    if (input.name === 'augment' && value === CUSTOM) this.augment = this.#preset(choices, this.values.augment);
    this.values[input.name] = value;
    // Which fields there are depends on these two.
    if (['optimiser', 'augment'].includes(input.name)) this.#renderAt(input.name);
  }

  /** @param {string} name  of the field that keeps the focus */
  #renderAt(name) {
    this.render();
    /** @type {HTMLElement | null} */ (this.panel.querySelector(`[name=${name}]`))?.focus();
  }

  #showAugmented() {
    const { loaded } = this.lab;
    if (!loaded) return;
    const { samples } = loaded.data;
    const training = samples.flatMap(([, split], sample) => (split === 0 ? [sample] : []));
    const step = Math.max(1, Math.floor(training.length / SHEET_SAMPLES));
    const { augment } = this.options();
    const shown = training
      .filter((_, index) => index % step === 0)
      .slice(0, SHEET_SAMPLES)
      .flatMap((sample) => [
        { sample, caption: t('train.augment.original') },
        ...Array.from({ length: SHEET_DRAWS - 1 }, (_, draw) => ({ sample, augment, draw: draw + 1 })),
      ]);
    void this.samples.showList(t('train.augment.title'), t('train.augment.note'), shown, SHEET_DRAWS);
  }
}
