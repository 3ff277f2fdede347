/** Colours for grey pictures: the choice among the core's maps, and the legend that says which value has which colour. */
import { formatNumber, onLanguage, t } from '../../i18n/i18n.js';
import { h } from '../dom.js';
import { paintTexts } from './placing.js';

/** @typedef {import('../../shared/protocol.js').Constants['colorMaps']} ColorMaps */

const BAR = { width: 14, height: 256 };

/** @param {number} value */
const short = (value) => formatNumber(value, { maximumSignificantDigits: 4, useGrouping: false });

/** The choice in the tool bar. Colours belong to the view: they stay through a series, and another file begins in grey. */
export class ColorChoice {
  /**
   * @param {HTMLSelectElement} select
   * @param {import('../desk.js').Desk} desk
   * @param {ColorMaps} maps
   */
  constructor(select, desk, maps) {
    this.select = select;
    this.desk = desk;
    this.maps = maps;
    select.addEventListener('change', () => desk.setView({ colors: Number(select.value) }));
    for (const type of ['select', 'view']) desk.on(type, () => this.#show());
    onLanguage(() => {
      select.replaceChildren(...maps.map(({ name }, index) => h('option', { value: String(index) }, t(`color.${name}`))));
      this.#show();
    });
  }

  #show() {
    const item = this.desk.current;
    this.select.disabled = item?.info?.channels !== 1;
    this.select.value = String(item?.view?.colors ?? 0);
  }

  /** The next map, and after the last one grey. */
  next() {
    const item = this.desk.current;
    if (item?.info?.channels !== 1 || !item.view) return;
    this.desk.setView({ colors: ((item.view.colors ?? 0) + 1) % this.maps.length });
  }
}

/** A bar of the colours with the values at its ends and in its middle. */
export class ColorLegend {
  /**
   * @param {HTMLElement} root  the pane
   * @param {import('../viewer.js').Viewer} viewer
   * @param {import('../panes/pane.js').Pane} pane
   * @param {ColorMaps} maps
   */
  constructor(root, viewer, pane, maps) {
    this.viewer = viewer;
    this.pane = pane;
    this.maps = maps;
    this.bar = /** @type {HTMLCanvasElement} */ (h('canvas', { ...BAR }));
    this.texts = [h('span'), h('span'), h('span')];
    this.unit = h('span.legend-unit');
    this.legend = h('div.color-legend', { hidden: true }, this.bar, h('div.legend-values', {}, ...this.texts), this.unit);
    root.append(this.legend);
    for (const type of ['select', 'view']) pane.on(type, () => this.update());
    viewer.addEventListener('rendered', () => this.update());
    onLanguage(() => this.update());
  }

  update() {
    const { current, view } = this.pane;
    const info = current?.info;
    const map = info?.channels === 1 && view?.colors ? this.maps[view.colors] : null;
    this.legend.hidden = !map;
    if (!map || !view || !info) return;
    const upsideDown = view.invert !== (info.photometric === 'MONOCHROME1');
    this.#paint(map.colors, upsideDown);
    const { center, width, voiLut } = view;
    const values = voiLut >= 0 ? ['', '', ''] : [center + width / 2, center, center - width / 2].map(short);
    this.texts.forEach((text, index) => (text.textContent = values[index]));
    this.unit.textContent = voiLut >= 0 ? '' : (info.rescale?.unit ?? '');
    this.legend.dataset.map = map.name;
  }

  /** The same on a picture that is saved. @param {CanvasRenderingContext2D} context */
  paintOn(context) {
    if (this.legend.hidden) return;
    const { canvas } = this.viewer;
    const origin = canvas.getBoundingClientRect();
    const { left, top, width, height } = this.bar.getBoundingClientRect();
    context.drawImage(this.bar, left - origin.left, top - origin.top, width, height);
    paintTexts(context, canvas, [...this.texts, this.unit]);
  }

  /** @param {string} colors @param {boolean} upsideDown */
  #paint(colors, upsideDown) {
    const context = /** @type {CanvasRenderingContext2D} */ (this.bar.getContext('2d'));
    for (let row = 0; row < BAR.height; row++) {
      const shade = upsideDown ? row : BAR.height - 1 - row;
      context.fillStyle = `#${colors.slice(6 * shade, 6 * shade + 6)}`;
      context.fillRect(0, row, BAR.width, 1);
    }
  }
}
