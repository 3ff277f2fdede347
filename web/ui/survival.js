/**
 * What a model of times to an event says of the picture that is up: a curve, never a class. Ages and sexes that a file does
 * not say can be entered; all numbers of the curve are the core's.
 */
import { isCancelled } from '../client/client.js';
import { CoreError, FAULT } from '../shared/protocol.js';
import { formatNumber, formatPercent, hasText, t } from '../i18n/i18n.js';
import { appliesNote, isHidden, showAnyway } from './applies.js';
import { h, icon } from './dom.js';
import { shape } from './explain/curves.js';
import { describeError } from './filelist.js';
import { namesHidden, onPrivacy } from './privacy.js';

/**
 * @typedef {import('./desk.js').Item} Item
 * @typedef {import('../shared/protocol.js').ModelInfo} ModelInfo
 * @typedef {import('../shared/protocol.js').SurvivalCurve} SurvivalCurve
 * @typedef {{model: ModelInfo, frame: number, curve: SurvivalCurve | null, error: CoreError | null, asked: boolean}} Said
 */

/** In units of the drawing. */
const [LEFT, TOP, WIDE, HIGH, BOTTOM, RIGHT] = [36, 8, 276, 150, 34, 12];

/** @param {number} value */
const short = (value) => formatNumber(value, { maximumSignificantDigits: 3 });

/** Round times for the axis: at most six of them. @param {number} last */
function ticks(last) {
  const power = 10 ** Math.floor(Math.log10(last / 6));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => last / each <= 6) ?? last;
  return Array.from({ length: Math.floor(last / step + 1e-9) + 1 }, (_, i) => i * step);
}

/** @param {SurvivalCurve} curve */
const unitOf = ({ unit }) => unit || t('survival.noUnit');

/**
 * A chart of shares over time, still without curves, and where a time and a share stand in it.
 * @param {number} last  time at its right end
 * @param {string} unit
 * @param {string} title
 */
export function survivalAxes(last, unit, title) {
  const x = (/** @type {number} */ time) => LEFT + (time / last) * WIDE;
  const y = (/** @type {number} */ share) => TOP + (1 - share) * HIGH;
  const chart = shape('svg', { viewBox: `0 0 ${LEFT + WIDE + RIGHT} ${TOP + HIGH + BOTTOM}`, class: 'survival-chart', role: 'img', 'aria-label': title });
  const text = (/** @type {number} */ at, /** @type {number} */ down, /** @type {string} */ anchor, /** @type {string} */ words) => {
    const node = shape('text', { x: at, y: down, 'text-anchor': anchor });
    node.textContent = words;
    chart.append(node);
  };
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    chart.append(shape('path', { class: 'survival-grid', d: `M${LEFT} ${y(share)}h${WIDE}` }));
    text(LEFT - 6, y(share) + 4, 'end', formatNumber(share, { style: 'percent' }));
  }
  for (const time of ticks(last)) text(x(time), TOP + HIGH + 15, 'middle', short(time));
  text(LEFT + WIDE, TOP + HIGH + 30, 'end', unit || t('survival.noUnit'));
  return { chart, x, y };
}

/** @param {SurvivalCurve} curve */
export function drawSurvival(curve) {
  const { edges, survival, median } = curve;
  const last = edges[edges.length - 1];
  const values = { last: formatPercent(survival[survival.length - 1]), time: short(last), unit: unitOf(curve) };
  const { chart, x, y } = survivalAxes(last, curve.unit, t('survival.curve', values));
  chart.id = 'survival-chart';
  if (median !== null) chart.append(shape('path', { class: 'survival-median', d: `M${LEFT} ${y(0.5)}H${x(median)}V${y(0)}` }));
  chart.append(shape('polyline', { class: 'survival-curve', points: edges.map((edge, k) => `${x(edge)},${y(survival[k])}`).join(' ') }));
  for (const [k, edge] of edges.entries()) chart.append(shape('circle', { class: 'survival-point', cx: x(edge), cy: y(survival[k]), r: 2.5 }));
  return chart;
}

export class SurvivalView {
  /**
   * @param {import('./desk.js').Desk} desk
   * @param {import('../client/client.js').Client} client
   * @param {() => void} changed  what is shown is to be shown anew
   */
  constructor(desk, client, changed) {
    this.desk = desk;
    this.client = client;
    this.changed = changed;
    /** @type {WeakMap<Item, Said>} */
    this.said = new WeakMap();
    /** What was entered of the patient, by the name of the field. @type {WeakMap<Item, Record<string, string>>} */
    this.entered = new WeakMap();
    /** @type {Item | null} */
    this.running = null;
    desk.on('select', (item) => !desk.stepped && void this.follow(item));
    desk.on('model', () => void this.follow(desk.current));
    onPrivacy(() => desk.survival && changed());
  }

  /** Computes the curve of a picture unless it is there. @param {Item | null} item */
  async follow(item) {
    const { survival } = this.desk;
    if (!survival || !item || item.plane || item.synthetic || this.said.get(item)?.model === survival) return;
    await this.run(item);
  }

  /** @param {Item} item */
  async run(item) {
    const { survival: model } = this.desk;
    if (!model) return;
    const frame = item.view?.frame ?? 0;
    const before = this.said.get(item);
    /** @type {Said} */
    const said = { model, frame, curve: null, error: null, asked: before?.model === model && before.frame === frame && before.asked };
    this.running = item;
    this.changed();
    try {
      said.curve = await this.client.request('curve', { key: item.key, frame, fields: this.entered.get(item) ?? {} });
    } catch (error) {
      if (!isCancelled(error)) said.error = error instanceof CoreError ? error : new CoreError(FAULT.REQUEST, 'REQUEST', String(error));
    }
    if (this.running === item) this.running = null;
    if (model === this.desk.survival) this.said.set(item, said);
    if (item === this.desk.current) this.changed();
  }

  /**
   * @param {HTMLElement} panel
   * @param {Item} item
   * @param {ModelInfo} model
   * @param {Node | string} facts  of the model
   */
  show(panel, item, model, facts) {
    const said = this.said.get(item);
    const title = h('p.model-title', { lang: '' }, model.title || model.name);
    if (!said || said.model !== model) {
      const running = this.running === item;
      const begin = h('button.button', { type: 'button', onclick: () => void this.run(item) }, icon('classify'), t('survival.run'));
      panel.replaceChildren(title, h('div.note', {}, ...(running ? [h('span.spinner'), h('p.note-title', {}, t('survival.running'))] : [begin])), facts);
      return;
    }
    // A curve that is computed anew takes the place of the one before, which stays until then: an entry keeps the focus.
    if (panel.contains(document.activeElement) && this.running === item) return;
    const focused = panel.contains(document.activeElement) ? document.activeElement?.id : '';
    panel.replaceChildren(title, ...(said.curve ? this.#judged(said, said.curve) : [this.#problem(said.error)]), this.#fields(item, said), this.#frame(item, said), facts);
    if (focused) document.getElementById(focused)?.focus();
  }

  /** @param {CoreError | null} error */
  #problem(error) {
    const { title, detail } = error ? describeError(error) : { title: '', detail: '' };
    return h('div.note', { role: 'alert' }, h('p.note-title', {}, title), h('p.note-text', { lang: 'en' }, detail));
  }

  /** A curve of a picture that the model may not judge is hidden until somebody asks for it. @param {Said} said @param {SurvivalCurve} curve @returns {Array<Node>} */
  #judged(said, curve) {
    const show = () => {
      said.asked = true;
      this.changed();
    };
    return isHidden({ result: curve, asked: said.asked }) ? [appliesNote(curve.applies, showAnyway(show))] : this.#curve(curve);
  }

  /** @param {SurvivalCurve} curve @returns {Array<Node>} */
  #curve(curve) {
    const { edges, survival, median } = curve;
    const unit = unitOf(curve);
    const words = median === null ? t('survival.beyond', { time: short(edges[edges.length - 1]), unit }) : t('survival.median', { time: short(median), unit });
    const rows = edges.slice(1).map((edge, k) => h('tr', {}, h('th', { scope: 'row' }, `${short(edge)} ${curve.unit}`), h('td', {}, formatPercent(survival[k + 1]))));
    return [
      h('figure.survival', {}, h('figcaption', {}, t('survival.title')), /** @type {any} */ (drawSurvival(curve))),
      h('p.survival-words', { id: 'survival-words' }, words),
      appliesNote(curve.applies),
      h('p.notice', { id: 'notice' }, icon('warning'), h('span', {}, `${t('result.notice')} ${t('survival.hint')}`)),
      h('details.survival-numbers', {}, h('summary', {}, t('survival.table')), h('table', {}, h('tbody', {}, ...rows))),
    ];
  }

  /** Entry boxes: what stands in them goes before what the file says. @param {Item} item @param {Said} said */
  #fields(item, said) {
    const { fields } = /** @type {NonNullable<ModelInfo['survival']>} */ (said.model.survival);
    if (!fields.length) return h('p.note-text', {}, t('survival.noFields'));
    return h('fieldset.survival-fields', {}, h('legend', {}, t('survival.fields')), ...fields.map(({ name }) => this.#field(item, said, name)));
  }

  /** @param {Item} item @param {Said} said @param {string} name */
  #field(item, said, name) {
    const entered = this.entered.get(item)?.[name] ?? '';
    const set = (/** @type {Event} */ event) => {
      const { value } = /** @type {HTMLInputElement} */ (event.currentTarget);
      this.entered.set(item, { ...this.entered.get(item), [name]: value.trim() });
      void this.run(item);
    };
    const id = `survival-${name}`;
    const sexes = [['', 'sexUnknown'], ['F', 'female'], ['M', 'male']].map(([value, word]) => h('option', { value, selected: value === entered }, t(`survival.${word}`)));
    const box = name === 'sex' ? h('select', { id, onchange: set }, ...sexes) : h('input', { id, type: 'text', inputMode: 'decimal', autocomplete: 'off', value: entered, onchange: set });
    const label = h('label', { htmlFor: id }, hasText(`survival.${name}`) && ['age', 'sex'].includes(name) ? t(`survival.${name}`) : name);
    return h('div.survival-field', {}, label, box, h('span.survival-from', { id: `${id}-from` }, this.#from(said, name)));
  }

  /** @param {Said} said @param {string} name */
  #from({ curve }, name) {
    const used = curve?.fields.find((field) => field.name === name);
    if (!used) return '';
    const sexed = name === 'sex' && used.from !== 'mean';
    const plain = sexed ? t(used.value ? 'survival.male' : 'survival.female') : short(used.value);
    const value = used.from === 'file' && namesHidden() ? t('privacy.value') : plain;
    return t(`survival.${used.from}`, { value });
  }

  /** A curve is of one frame; another one is asked for. @param {Item} item @param {Said} said */
  #frame(item, { frame }) {
    if ((item.info?.frames ?? 1) < 2) return '';
    const again = h('button.button', { type: 'button', onclick: () => void this.run(item) }, icon('classify'), t('survival.run'));
    return h('div.frame-note', {}, h('span', {}, t('result.ofFrame', { frame: frame + 1 })), again);
  }
}
