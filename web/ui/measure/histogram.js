/** How often each value occurs in a region, as the core counted it, with the range of the window marked. */
import { formatNumber, t } from '../../i18n/i18n.js';
import { h } from '../dom.js';

/** @typedef {NonNullable<import('../../shared/protocol.js').Measured['histogram']>} Histogram */

const SVG = 'http://www.w3.org/2000/svg';
const HEIGHT = 40;

/** @param {string} name @param {Record<string, string | number>} attributes */
function svg(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  return node;
}

/** @param {number} value */
const short = (value) => formatNumber(value, { maximumSignificantDigits: 4, useGrouping: false });

export class RegionHistogram {
  /** @param {Histogram} histogram */
  constructor({ from, to, counts }) {
    this.from = from;
    this.to = to;
    this.width = counts.length;
    const most = Math.max(...counts, 1);
    const bars = counts.map((count, bin) => `M${bin} ${HEIGHT}v${((-HEIGHT * count) / most).toFixed(2)}h1V${HEIGHT}z`).join('');
    this.range = svg('rect', { class: 'histogram-window', y: 0, height: HEIGHT });
    const root = svg('svg', { class: 'histogram', viewBox: `0 0 ${this.width} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img' });
    root.setAttribute('aria-label', t('measure.histogram', { from: short(from), to: short(to) }));
    root.append(svg('path', { class: 'histogram-bars', d: bars }), this.range);
    this.node = h('div.histogram-box', {}, root, h('span.quiet', {}, short(from)), h('span.quiet', {}, short(to)));
  }

  /** Marks what lies between black and white; nothing where no window holds. @param {import('../../shared/protocol.js').View | null | undefined} view */
  mark(view) {
    const extent = this.to - this.from;
    const shown = Boolean(view && view.voiLut < 0 && extent > 0);
    this.range.toggleAttribute('hidden', !shown);
    if (!view || !shown) return;
    /** @param {number} value  to a place along the bars */
    const place = (value) => Math.max(0, Math.min(this.width, ((value - this.from) / extent) * this.width));
    const low = place(view.center - view.width / 2);
    const high = place(view.center + view.width / 2);
    this.range.setAttribute('x', low.toFixed(2));
    this.range.setAttribute('width', (high - low).toFixed(2));
  }
}
