/** "What influenced the model" in the result panel: which map, how it is shown, its regions, and how far to trust it. */
import { formatNumber, formatPercent, onLanguage, t } from '../../i18n/i18n.js';
import { coreWords, h, icon, keepFocus } from '../dom.js';
import { describeError } from '../filelist.js';
import { drawCurves } from './curves.js';

/**
 * @typedef {import('./explaining.js').Explaining} Explaining
 * @typedef {import('../../shared/protocol.js').Region} Region
 * @typedef {import('../../shared/protocol.js').Result} Result
 */

/** Rank correlations: above, a map hardly depends on what the model learnt. Adebayo et al. 2018 show both kinds. */
const ALIKE = 0.7;
const UNLIKE = 0.3;

/** @param {number} value */
const short = (value) => formatNumber(value, { maximumFractionDigits: 0 });
/** @param {number} value */
const millimetres = (value) => formatNumber(value, { maximumFractionDigits: 1 });

export class ExplainPanel {
  /** @param {Explaining} explaining */
  constructor(explaining) {
    this.explaining = explaining;
    this.node = h('section.explain', { id: 'explain' });
    this.body = h('div.explain-body');
    /** How far the map is, while it is made. @type {{node: HTMLElement, bar: HTMLElement, text: HTMLElement} | null} */
    this.waiting = null;
    this.live = h('div.explain-live');
    /** @type {import('../desk.js').Item | null} */
    this.item = null;
    explaining.addEventListener('change', () => this.#update());
    onLanguage(() => this.item && this.render(this.item));
  }

  /** Of the picture whose result is shown. @param {import('../desk.js').Item} item */
  render(item) {
    this.item = item;
    const { explaining } = this;
    const toggle = h(
      'button.button.small',
      { type: 'button', id: 'explain-toggle', 'aria-pressed': String(explaining.on), onclick: () => explaining.setOn(!explaining.on) },
      icon('heat'),
      t(explaining.on ? 'explain.hide' : 'explain.show'),
    );
    this.node.replaceChildren(h('div.explain-head', {}, h('strong', {}, t('explain.title')), toggle));
    if (!explaining.on) return this.node;
    this.body.replaceChildren(this.#question(item), this.#look(), this.live);
    this.node.append(this.body);
    this.#update();
    return this.node;
  }

  /** @param {import('../desk.js').Item} item */
  #question(item) {
    const { explaining } = this;
    const methods = explaining.methods.map((name) => h('option', { value: name, selected: name === explaining.method }, t(`explain.method.${name}`)));
    const method = h('select', { id: 'explain-method', onchange: () => explaining.ask({ method: /** @type {HTMLSelectElement} */ (method).value }) }, ...methods);
    const labels = Object.keys(item.finding?.result?.scores ?? {});
    const choices = ['-1', ...labels.keys()].map((value) =>
      h('option', { value: String(value), selected: Number(value) === explaining.label }, Number(value) < 0 ? t('explain.verdict') : labels[Number(value)]),
    );
    const label = h('select', { id: 'explain-label', onchange: () => explaining.ask({ label: Number(/** @type {HTMLSelectElement} */ (label).value) }) }, ...choices);
    return h('div.explain-fields', {}, h('label', {}, t('explain.method'), method), h('label', {}, t('explain.label'), label));
  }

  #look() {
    const { explaining } = this;
    /** @param {'opacity' | 'threshold'} name */
    const slider = (name) => {
      const input = /** @type {HTMLInputElement} */ (h('input', { type: 'range', id: `explain-${name}`, min: 0, max: 100, step: 1 }));
      input.value = String(Math.round(explaining[name] * 100));
      input.addEventListener('input', () => explaining.setLook({ [name]: Number(input.value) / 100 }));
      return h('label', {}, t(`explain.${name}`), input);
    };
    return h('div.explain-fields', {}, slider('opacity'), slider('threshold'));
  }

  /** What changes while one looks; the fields above keep the focus. */
  #update() {
    const { explaining, item } = this;
    if (!item || this.node.querySelector('#explain-toggle')?.getAttribute('aria-pressed') !== String(explaining.on)) {
      if (item) keepFocus(this.node, () => void this.render(item));
      return;
    }
    // A button that is made anew at every step cannot be pressed.
    if (explaining.on && explaining.running && this.waiting?.node.isConnected) this.#showSteps(this.waiting, explaining.running);
    else if (explaining.on) keepFocus(this.live, () => this.live.replaceChildren(...this.#state(item).filter((each) => each !== '')));
  }

  /** @param {import('../desk.js').Item} item @returns {Array<Node | string>} */
  #state(item) {
    const { explaining } = this;
    if (explaining.running) return [this.#progress(explaining.running)];
    if (explaining.error) {
      const { title, detail } = describeError(explaining.error);
      return [h('p.explain-problem', { role: 'alert' }, h('strong', {}, title), ' ', coreWords(detail))];
    }
    const shown = explaining.mapOf(item, item.finding?.frame);
    if (!shown) return [h('button.button.small', { type: 'button', id: 'explain-make', onclick: () => explaining.begin() }, t('explain.make'))];
    const { facts } = shown;
    return [
      h('p.explain-words', { id: 'explain-words' }, t('explain.words', { label: facts.label, score: formatPercent(facts.score) })),
      this.#regions(facts.regions),
      h('p.notice', {}, icon('warning'), h('span', {}, t('explain.notice'))),
      this.#trust(shown),
    ];
  }

  /** @param {{done: number, total: number}} running */
  #progress(running) {
    const bar = h('span', {});
    const text = h('span.quiet', {});
    const stop = h('button.button.small', { type: 'button', id: 'explain-stop', onclick: () => this.explaining.stop() }, t('result.stop'));
    this.waiting = { node: h('div.explain-progress', { role: 'status' }, bar, text, stop), bar, text };
    this.#showSteps(this.waiting, running);
    return this.waiting.node;
  }

  /** @param {{bar: HTMLElement, text: HTMLElement}} waiting @param {{done: number, total: number}} running */
  #showSteps({ bar, text }, { done, total }) {
    bar.replaceChildren(total ? h('progress', { value: done, max: total, 'aria-label': t('explain.title') }) : h('span.spinner'));
    text.textContent = total ? t('explain.steps', { done, total }) : t('explain.running');
  }

  /** @param {Region[]} regions */
  #regions(regions) {
    if (!regions.length) return h('p.quiet', {}, t('explain.none'));
    const rows = regions.map(({ share, box, centre, boxMm, centreMm }) => {
      const size = boxMm
        ? t('explain.regionMm', { width: millimetres(boxMm[2] - boxMm[0]), height: millimetres(boxMm[3] - boxMm[1]), x: millimetres(centreMm?.[0] ?? 0), y: millimetres(centreMm?.[1] ?? 0) })
        : t('explain.region', { width: short(box[2] - box[0]), height: short(box[3] - box[1]), x: short(centre[0]), y: short(centre[1]) });
      return h('li', {}, h('strong', {}, formatPercent(share)), ' ', size);
    });
    return h('ol.explain-regions', { 'aria-label': t('explain.regions') }, ...rows);
  }

  /** Whether the map says something of the model: other weights beside it, and what its pixels are worth. @param {import('./explaining.js').Shown} shown */
  #trust({ map, facts }) {
    const { explaining } = this;
    const parts = [];
    if (explaining.check) parts.push(this.#check(map, explaining.check));
    if (facts.curves) parts.push(drawCurves(facts.curves));
    if (!explaining.check) {
      parts.push(h('button.button.small', { type: 'button', id: 'explain-check', title: t('explain.checkHint'), onclick: () => explaining.beginCheck() }, t('explain.check')));
    }
    if (!facts.curves) {
      parts.push(h('button.button.small', { type: 'button', id: 'explain-curves', title: t('explain.curvesHint'), onclick: () => explaining.begin({ curves: true }) }, t('explain.curves')));
    }
    return h('div.explain-trust', {}, ...parts);
  }

  /** @param {HTMLCanvasElement} map @param {{likeness: number, map: HTMLCanvasElement}} check */
  #check(map, { likeness, map: other }) {
    const copy = document.createElement('canvas');
    copy.width = map.width;
    copy.height = map.height;
    copy.getContext('2d')?.drawImage(map, 0, 0);
    const verdict = likeness > ALIKE ? 'explain.alike' : likeness < UNLIKE ? 'explain.unlike' : 'explain.partly';
    return h(
      'div.explain-check',
      { id: 'explain-checked' },
      h('figure', {}, copy, h('figcaption', {}, t('explain.trained'))),
      h('figure', {}, other, h('figcaption', {}, t('explain.shuffled'))),
      h('p', {}, t(verdict, { likeness: formatNumber(likeness, { maximumFractionDigits: 2, minimumFractionDigits: 2 }) })),
    );
  }
}
