/** The texts in the corners of the picture, the scale bar, and the value under the cursor. */
import { formatNumber, onLanguage, t } from '../i18n/i18n.js';
import { Latest } from './latest.js';

/** @param {number} value */
const short = (value) => formatNumber(value, { maximumSignificantDigits: 5, useGrouping: false });

/**
 * The value as a quantity, and how it comes from the stored one where that is another line than the rescale's.
 * @param {import('../shared/protocol.js').RealWorld | null} real
 * @param {import('../shared/protocol.js').ImageInfo['rescale']} [rescale]
 */
function realWorldLines(real, rescale) {
  if (!real) return [];
  const { value, unit, label, explanation, slope, intercept } = real;
  const name = explanation || label ? `${explanation || label} ` : '';
  // UCUM's code for a number without a unit.
  const lines = [`${name}${short(value)}${unit && unit !== '1' ? ` ${unit}` : ''}`];
  const told = slope === null || intercept === null || (slope === rescale?.slope && intercept === rescale.intercept);
  if (!told) lines.push(t('overlay.line', { slope: short(slope), intercept: `${intercept < 0 ? '−' : '+'} ${short(Math.abs(intercept))}` }));
  return lines;
}

export class Overlay {
  /**
   * @param {import('./viewer.js').Viewer} viewer
   * @param {import('./panes/pane.js').Pane} pane
   * @param {import('../client/client.js').Client} client
   * @param {HTMLElement} root  which holds the corners and the bar
   */
  constructor(viewer, pane, client, root) {
    this.viewer = viewer;
    this.desk = pane;
    this.client = client;
    const part = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (root.querySelector(selector));
    this.corners = {
      topLeft: part('.corner-top-left'),
      topRight: part('.corner-top-right'),
      bottomLeft: part('.corner-bottom-left'),
      bottomRight: part('.corner-bottom-right'),
    };
    this.bar = part('.scale');
    this.barText = part('.scale span');
    /** @type {import('./viewer.js').Point | null} */
    this.cursor = null;
    this.probe = new Latest(() => this.#probe());

    const update = () => this.update();
    pane.on('items', update);
    pane.on('select', () => {
      if (!pane.stepped) {
        this.cursor = null;
        this.corners.bottomRight.textContent = '';
      }
      update();
      this.probe.ask();
    });
    pane.on('view', () => {
      update();
      this.probe.ask();
    });
    for (const type of ['place', 'filters']) viewer.addEventListener(type, update);
    onLanguage(update);
  }

  /** @param {import('./viewer.js').Point | null} at a place on the canvas */
  hover(at) {
    this.cursor = at;
    this.probe.ask();
  }

  update() {
    const { topLeft, topRight, bottomLeft } = this.corners;
    const item = this.desk.current;
    const { view } = this.desk;
    if (!item?.info || !view) {
      for (const corner of Object.values(this.corners)) corner.textContent = '';
      this.bar.hidden = true;
      return;
    }
    const { info } = item;
    const kind = [item.plane ? t(`plane.${item.plane.kind}`) : '', info.modality || (item.plane?.of.info ?? info).format, t('overlay.size', { width: info.width, height: info.height })];
    topLeft.textContent = [
      item.synthetic ? t('overlay.synthetic') : '',
      kind.filter(Boolean).join('  '),
      t(info.channels === 1 ? 'overlay.grey' : 'overlay.colour', { bits: info.bits }),
    ]
      .filter(Boolean)
      .join('\n');
    topRight.textContent = this.#place(item, info, view.frame);
    const window =
      view.voiLut >= 0
        ? t('overlay.lut', { name: info.voiLuts?.[view.voiLut] || String(view.voiLut + 1) })
        : t('overlay.window', { center: short(view.center), width: short(view.width) });
    const zoom = formatNumber(this.viewer.scale * devicePixelRatio, { style: 'percent', maximumFractionDigits: 0 });
    const { turn, mirrored, steps } = this.viewer;
    const slab = item.plane?.slab;
    const through = slab ? `${t('overlay.slab', { projection: t(`slab.${slab.projection}`), thickness: short(slab.thickness) })}\n` : '';
    const changes = [
      view.invert && t('overlay.inverted'),
      steps && t('overlay.filtered'),
      mirrored && t('overlay.mirrored'),
      turn && t('overlay.turned', { degrees: turn * 90 }),
    ].filter(Boolean);
    bottomLeft.textContent = `${through}${[window, ...changes].join('  ')}\n${t('overlay.zoom', { zoom })}`;
    this.#scaleBar(info);
  }

  /** Number in the stack and, in a series, where it lies. @param {import('./desk.js').Item} item @param {import('../shared/protocol.js').ImageInfo} info @param {number} frame */
  #place({ pile, at }, { frames, frameFacts, place }, frame) {
    if (!pile && frames < 2) return '';
    const facts = frameFacts?.[frame];
    const mm = pile ? pile.places[at] : place?.positions[frame];
    const lines = [t('overlay.frame', pile ? { frame: at + 1, frames: pile.items.length } : { frame: frame + 1, frames })];
    const number = (/** @type {number} */ value) => formatNumber(value, { maximumFractionDigits: 1, useGrouping: false });
    if (mm !== undefined && mm !== null) lines.push(t('overlay.place', { mm: number(mm) }));
    if (facts && facts.time !== null) lines.push(t('overlay.time', { seconds: short(facts.time) }));
    return lines.join('\n');
  }

  /** A bar of a round length, about a fifth of the picture's width, in millimetres. */
  #scaleBar(/** @type {import('../shared/protocol.js').ImageInfo} */ info) {
    const spacing = info.spacing?.[0] ?? 0;
    this.bar.hidden = !(spacing > 0);
    if (this.bar.hidden) return;
    const perMm = this.viewer.scale / spacing;
    const aim = Math.min(160, this.viewer.canvas.clientWidth / 4) / perMm;
    const power = 10 ** Math.floor(Math.log10(aim));
    const length = ([5, 2, 1].find((step) => step * power <= aim) ?? 1) * power;
    this.bar.style.width = `${length * perMm}px`;
    this.barText.textContent =
      length >= 10 ? t('overlay.cm', { length: short(length / 10) }) : t('overlay.mm', { length: short(length) });
  }

  /** The value under the cursor. */
  async #probe() {
    const { bottomRight } = this.corners;
    const item = this.desk.current;
    const pixel = this.cursor && this.viewer.pixelAt(this.cursor);
    const { view } = this.desk;
    if (!item?.info || !view || !pixel) {
      bottomRight.textContent = '';
      return;
    }
    try {
      const args = { key: item.key, frame: view.frame, x: pixel.x, y: pixel.y };
      const values = /** @type {Array<number | null>} */ (await this.client.request('probe', args));
      if (item !== this.desk.current) return;
      const unit = item.info.rescale?.unit;
      // Grey pictures are often stored as colour; three times the same says no more than once.
      const distinct = values.every((each) => each === values[0]) ? values.slice(0, 1) : values;
      const value = distinct.map((each) => (each === null ? '–' : short(each))).join(' ');
      const known = unit && unit !== 'US' ? ` ${unit}` : '';
      const lines = [t('overlay.position', { x: pixel.x, y: pixel.y }), value + known];
      const real = item.info.realWorld?.length ? await this.client.request('realWorld', args) : null;
      if (item !== this.desk.current) return;
      bottomRight.textContent = [...lines, ...realWorldLines(real, item.info.rescale)].join('\n');
    } catch {
      bottomRight.textContent = '';
    }
  }
}
