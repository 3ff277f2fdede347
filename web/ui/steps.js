/**
 * A list of filters to put together: added from a choice, in an order that can be changed, with their parameters. Names,
 * bounds and defaults come from the core; here are only texts and controls.
 */
import { formatNumber, hasText, t } from '../i18n/i18n.js';
import { h, icon } from './dom.js';

/**
 * @typedef {import('../shared/protocol.js').Step} Step
 * @typedef {import('../shared/protocol.js').Filter} Filter
 * @typedef {import('../shared/protocol.js').Parameter} Parameter
 * @typedef {Pick<import('../shared/protocol.js').Constants, 'filters' | 'limits'>} Known  what filters there are, and how many fit
 */

/** @param {string} key @param {string} otherwise */
const textOr = (key, otherwise) => (hasText(key) ? t(key) : otherwise);
/** @param {string} step */
const stepName = (step) => textOr(`filter.${step}`, step);
/** @param {string} name */
const parameterName = (name) => textOr(`filter.parameter.${name}`, name);

/** Filters in one line for people: "Median (size 3) → Otsu". @param {readonly Step[]} steps */
export function describeSteps(steps) {
  const one = (/** @type {Step} */ { step, ...values }) => {
    const texts = Object.entries(values).map(([name, value]) => `${parameterName(name)} ${formatNumber(value)}`);
    return stepName(step) + (texts.length ? ` (${texts.join(', ')})` : '');
  };
  return steps.map(one).join(' → ');
}

/** What an arrow key adds where any number will do: a hundredth or so of what is usual. @param {Parameter} parameter */
const nudge = ({ default: usual, most }) => 10 ** (Math.floor(Math.log10(usual || most)) - 1);

export class StepsEditor {
  /** @param {Known} known @param {() => void} onChange  steps or their validity changed */
  constructor({ filters, limits }, onChange) {
    this.filters = filters;
    this.most = limits.steps;
    this.onChange = onChange;
    /** @type {Step[]} */
    this.steps = [];
    this.list = h('ol.steps-list');
    this.said = h('p.for-readers', { role: 'status' });
    this.adder = h('div.steps-add');
    this.node = h('div.steps', {}, this.list, this.adder, this.said);
  }

  /** Whether all parameters are within their bounds. */
  get valid() {
    return [...this.list.querySelectorAll('input')].every((input) => input.checkValidity());
  }

  /** Anew, in the present language. */
  render() {
    const chosen = this.node.querySelector('select')?.value;
    this.list.setAttribute('aria-label', t('steps.title'));
    this.list.replaceChildren(...this.steps.map((step, index) => this.#row(step, index)));
    const options = this.filters.map(({ step }) => h('option', { value: step }, stepName(step)));
    const select = /** @type {HTMLSelectElement} */ (h('select', { 'aria-label': t('steps.choice') }, ...options));
    if (chosen) select.value = chosen;
    const add = h('button.button', { type: 'button' }, icon('zoomIn'), h('span', {}, t('steps.add')));
    add.addEventListener('click', () => this.#add(select.value));
    const full = this.steps.length >= this.most;
    /** @type {HTMLButtonElement} */ (add).disabled = full;
    this.adder.replaceChildren(select, add, full ? h('span.quiet', {}, t('steps.full', { most: this.most })) : '');
  }

  /** @param {string} name */
  #add(name) {
    const filter = this.filters.find(({ step }) => step === name);
    if (!filter || this.steps.length >= this.most) return;
    this.steps.push({ step: name, ...Object.fromEntries(filter.parameters.map((each) => [each.name, each.default])) });
    this.#changed(t('steps.added', { name: stepName(name), number: this.steps.length }));
    this.adder.querySelector('button')?.focus();
  }

  /** @param {number} index @param {1 | -1} by */
  #move(index, by) {
    const [step] = this.steps.splice(index, 1);
    this.steps.splice(index + by, 0, step);
    this.#changed(t('steps.moved', { name: stepName(step.step), number: index + by + 1 }));
    // At an end this button has nothing more to do, and the other one has.
    this.#focus(index + by, by < 0 ? ['up', 'down'] : ['down', 'up']);
  }

  /** @param {number} index */
  #remove(index) {
    const [step] = this.steps.splice(index, 1);
    this.#changed(t('steps.removed', { name: stepName(step.step) }));
    if (this.steps.length) this.#focus(Math.min(index, this.steps.length - 1), ['remove']);
    else this.adder.querySelector('select')?.focus();
  }

  /** @param {number} index @param {string[]} acts  the first that can be pressed */
  #focus(index, acts) {
    for (const act of acts) {
      const button = /** @type {HTMLButtonElement | null} */ (this.list.children[index]?.querySelector(`[data-act=${act}]`));
      if (button && !button.disabled) return button.focus();
    }
  }

  /** @param {string} said */
  #changed(said) {
    this.render();
    this.said.textContent = said;
    this.onChange();
  }

  /** @param {Step} step @param {number} index */
  #row(step, index) {
    const name = stepName(step.step);
    const parameters = this.filters.find((filter) => filter.step === step.step)?.parameters ?? [];
    /** @param {string} act @param {string} symbol @param {() => void} run @param {boolean} [idle] */
    const button = (act, symbol, run, idle = false) => {
      const made = h('button.icon-button', { type: 'button', 'data-act': act, disabled: idle, title: t(`steps.${act}`, { name }), 'aria-label': t(`steps.${act}`, { name }) }, icon(symbol));
      made.addEventListener('click', run);
      return made;
    };
    return h(
      'li.step',
      { 'data-step': step.step },
      h(
        'div.step-head',
        {},
        h('span', {}, name),
        button('up', 'up', () => this.#move(index, -1), index === 0),
        button('down', 'down', () => this.#move(index, 1), index === this.steps.length - 1),
        button('remove', 'close', () => this.#remove(index)),
      ),
      parameters.length ? h('div.step-parameters', {}, ...parameters.map((parameter) => this.#field(step, parameter))) : null,
    );
  }

  /** @param {Step} step @param {Parameter} parameter */
  #field(step, parameter) {
    const { name, least, most, by } = parameter;
    const bounds = { min: String(least), max: String(most), step: by ? String(by) : 'any' };
    const title = t('steps.bounds', { least: formatNumber(least), most: formatNumber(most) });
    const input = /** @type {HTMLInputElement} */ (
      h('input', { type: 'number', required: true, value: String(step[name]), 'data-parameter': name, title, ...bounds })
    );
    const read = () => {
      if (input.checkValidity()) step[name] = input.valueAsNumber;
      this.onChange();
    };
    input.addEventListener('input', read);
    input.addEventListener('keydown', (event) => {
      const up = event.key === 'ArrowUp';
      if (by || (!up && event.key !== 'ArrowDown')) return;
      event.preventDefault();
      const size = nudge(parameter);
      const count = Math.round(step[name] / size) + (up ? 1 : -1);
      input.value = String(Number(Math.max(least, Math.min(most, count * size)).toPrecision(6)));
      read();
    });
    return h('label', {}, h('span', {}, parameterName(name)), input);
  }
}
