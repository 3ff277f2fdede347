/** Charts of this workspace, drawn by uPlot in the page's colours. */
import uPlot from 'uplot';
import { formatNumber } from '../../i18n/i18n.js';
import { h } from '../dom.js';

/**
 * @typedef {{label: string, colour: string, points?: boolean, dash?: number[]}} Line
 * @typedef {Array<Array<number | null | undefined>>} Columns  the first are the x
 * @typedef {object} ChartOptions
 * @property {string} title
 * @property {string} x  name of the axis
 * @property {Line[]} lines
 * @property {[number, number] | null} [xRange]
 * @property {[number, number] | null} [yRange]
 * @property {boolean} [square]
 * @property {boolean} [epochs]  x counts epochs: whole numbers from 0 on
 * @property {() => number | null} [mark]  an x to mark with a dashed line
 * @property {() => number | null} [seam]  an x where one part ends and another begins
 */

export const COLOURS = Object.freeze({ train: '#8fd0dc', validation: '#e2b266', quiet: '#5b6873', mark: '#a8d5a2' });

const TEXT = '#93a1ad';
const GRID = '#20262c';
const HEIGHT = 220;
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/** @param {string} x @param {boolean} whole  only whole numbers stand at the axis */
function axes(x, whole) {
  const common = {
    stroke: TEXT,
    font: '11px system-ui, sans-serif',
    grid: { stroke: GRID, width: 1 },
    ticks: { stroke: GRID, width: 1, size: 4 },
  };
  const values = (/** @type {any} */ _, /** @type {number[]} */ splits) =>
    splits.map((value) => (value === null ? '' : formatNumber(value, { maximumFractionDigits: 4 })));
  return [
    { ...common, values, ...(whole ? { incrs: WHOLE } : {}), label: x, labelFont: '11px system-ui, sans-serif', labelSize: 18, size: 28 },
    { ...common, values, size: 46 },
  ];
}

/**
 * A vertical line: for the best epoch, a threshold, or the end of a part.
 * @param {() => number | null} markOf
 * @param {string} colour
 * @param {number[]} dash
 */
function marker(markOf, colour, dash) {
  return (/** @type {uPlot} */ plot) => {
    const x = markOf();
    if (x === null) return;
    const at = Math.round(plot.valToPos(x, 'x', true));
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = colour;
    ctx.setLineDash(dash);
    ctx.beginPath();
    ctx.moveTo(at, bbox.top);
    ctx.lineTo(at, bbox.top + bbox.height);
    ctx.stroke();
    ctx.restore();
  };
}

export class Chart {
  /** @param {ChartOptions} options */
  constructor(options) {
    this.options = options;
    this.box = h('div.chart-box', { role: 'img', 'aria-label': options.title });
    this.node = h('figure.chart', {}, h('figcaption', {}, options.title), this.box);
    /** @type {Columns} */
    this.columns = [[], ...options.lines.map(() => [])];
    /** @type {uPlot | null} */
    this.plot = null;
    // Made when it has a width: a hidden panel has none.
    this.observer = new ResizeObserver(() => this.#place());
    this.observer.observe(this.box);
  }

  /** @param {Columns} columns */
  show(columns) {
    this.columns = columns;
    this.node.dataset.points = String(columns[0].length);
    this.plot?.setData(/** @type {any} */ (columns));
  }

  /** Says in words what the curves show. @param {string} text */
  describe(text) {
    this.box.setAttribute('aria-label', text);
  }

  end() {
    this.observer.disconnect();
    this.plot?.destroy();
  }

  #place() {
    const width = Math.floor(this.box.clientWidth);
    if (width < 40) return;
    const height = this.options.square ? Math.min(width, 300) : HEIGHT;
    if (this.plot) {
      if (this.plot.width !== width) this.plot.setSize({ width, height });
      return;
    }
    this.plot = new uPlot(this.#plotOptions(width, height), /** @type {any} */ (this.columns), this.box);
  }

  /** @param {number} width @param {number} height @returns {uPlot.Options} */
  #plotOptions(width, height) {
    const { lines, x, xRange, yRange, mark, seam, epochs = false } = this.options;
    const fromZero = (/** @type {any} */ _, /** @type {number} */ __, /** @type {number} */ most) =>
      /** @type {[number, number]} */ ([0, Math.max(1, most)]);
    const range = epochs ? fromZero : xRange;
    const value = (/** @type {any} */ _, /** @type {number | null} */ number) =>
      number === null || number === undefined ? '–' : formatNumber(number, { maximumFractionDigits: 4 });
    return {
      width,
      height,
      scales: {
        x: { time: false, ...(range ? { range } : {}) },
        y: yRange ? { range: yRange } : {},
      },
      axes: axes(x, epochs),
      cursor: { points: { size: 6 }, drag: { x: false, y: false } },
      legend: { live: true },
      series: [
        { label: x, value },
        ...lines.map(({ label, colour, points = false, dash }) => ({
          label,
          value,
          stroke: colour,
          width: 1.6,
          dash,
          spanGaps: true,
          points: { show: points, size: 5, fill: colour, stroke: colour },
        })),
      ],
      hooks: {
        ...(seam && { drawAxes: [marker(seam, COLOURS.quiet, [])] }),
        ...(mark && { draw: [marker(mark, COLOURS.mark, [4, 4])] }),
      },
    };
  }
}
