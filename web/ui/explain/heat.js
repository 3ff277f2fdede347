/** The map of influence over the picture of one pane: its colours, and the outlines of its regions. */
import { h } from '../dom.js';
import { clearLayer } from '../tools/placing.js';

const OUTLINE = '#ffffff';
const NUMBER_FONT = '600 12px system-ui, sans-serif';

export class Heat {
  /**
   * @param {import('../viewer.js').Viewer} viewer
   * @param {import('../panes/pane.js').Pane} pane
   * @param {import('./explaining.js').Explaining} explaining
   */
  constructor(viewer, pane, explaining) {
    this.viewer = viewer;
    this.pane = pane;
    this.explaining = explaining;
    this.layer = /** @type {HTMLCanvasElement} */ (h('canvas.layer.heat', { 'aria-hidden': 'true', hidden: true }));
    viewer.canvas.after(this.layer);
    const draw = () => this.#draw();
    for (const type of ['select', 'view']) pane.on(type, draw);
    for (const type of ['place', 'rendered']) viewer.addEventListener(type, draw);
    explaining.addEventListener('change', draw);
  }

  #draw() {
    const shown = this.explaining.mapOf(this.pane.current, this.pane.view?.frame);
    this.layer.hidden = !shown;
    this.layer.dataset.shown = shown ? `${shown.asked.method}:${shown.asked.item.key}` : '';
    if (!shown) return;
    const context = clearLayer(this.layer, this.viewer.canvas);
    this.#drawMap(context, shown);
    this.#drawRegions(context, shown.facts.regions);
  }

  /** @param {CanvasRenderingContext2D} context @param {import('./explaining.js').Shown} shown */
  #drawMap(context, { map, facts }) {
    const { width, height } = this.viewer.item?.info ?? { width: 0, height: 0 };
    const [left, top, right, bottom] = facts.rectangle;
    context.save();
    context.setTransform(this.viewer.matrix());
    // What a model with black borders saw there is no part of the picture.
    context.beginPath();
    context.rect(0, 0, width, height);
    context.clip();
    context.globalAlpha = this.explaining.opacity;
    context.imageSmoothingQuality = 'high';
    context.drawImage(map, left, top, right - left, bottom - top);
    context.restore();
  }

  /** @param {CanvasRenderingContext2D} context @param {import('../../shared/protocol.js').Region[]} regions */
  #drawRegions(context, regions) {
    context.strokeStyle = OUTLINE;
    context.lineWidth = 1.25;
    context.font = NUMBER_FONT;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    for (const [index, { outline, centre }] of regions.entries()) {
      context.beginPath();
      for (const [x, y] of outline) {
        const at = this.viewer.placeOf({ x, y });
        context.lineTo(at.x, at.y);
      }
      context.closePath();
      context.stroke();
      const at = this.viewer.placeOf({ x: centre[0], y: centre[1] });
      context.save();
      context.strokeStyle = '#000';
      context.lineWidth = 3;
      context.strokeText(String(index + 1), at.x, at.y);
      context.fillStyle = OUTLINE;
      context.fillText(String(index + 1), at.x, at.y);
      context.restore();
    }
  }
}
