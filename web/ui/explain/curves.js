/** Insertion and deletion: what becomes of the score as the map's most important pixels are given or taken away. */
import { formatNumber, t } from '../../i18n/i18n.js';
import { h } from '../dom.js';

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 240;
const HEIGHT = 110;

/** @param {string} name @param {Record<string, string | number>} attributes */
export function shape(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  return node;
}

/** @param {{deletion: import('../../shared/protocol.js').Curve, insertion: import('../../shared/protocol.js').Curve}} curves */
export function drawCurves({ deletion, insertion }) {
  const areas = {
    insertion: formatNumber(insertion.area, { maximumFractionDigits: 2 }),
    deletion: formatNumber(deletion.area, { maximumFractionDigits: 2 }),
  };
  const chart = shape('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: 'explain-chart', role: 'img', 'aria-label': t('explain.curvesText', areas) });
  chart.append(shape('path', { class: 'explain-axes', d: `M.5 .5V${HEIGHT - 0.5}H${WIDTH}` }));
  for (const [name, { scores }] of /** @type {const} */ ([['insertion', insertion], ['deletion', deletion]])) {
    const points = scores.map((score, i) => `${(i / (scores.length - 1)) * WIDTH},${(1 - score) * (HEIGHT - 2) + 1}`);
    chart.append(shape('polyline', { class: `explain-${name}`, points: points.join(' ') }));
  }
  return h('figure.explain-curves', { id: 'explain-curved' }, /** @type {any} */ (chart), h('figcaption', {}, t('explain.curvesText', areas)));
}
