/**
 * Planes through a stack of slices: gathers the stack in the core, portion by portion, puts its three planes into panes,
 * and sets the slab they are seen through. A plane is an item of the desk like any other, but no file.
 */
import { CoreError, FAULT } from '../../shared/protocol.js';
import { formatNumber, onLanguage, t } from '../../i18n/i18n.js';
import { byId, h } from '../dom.js';
import { describeError } from '../filelist.js';
import { pileName } from '../pile-texts.js';
import { nameOf } from '../privacy.js';
import { isWanted } from '../room.js';
import { THUMB } from '../thumbs.js';

/**
 * @typedef {import('../desk.js').Item} Item
 * @typedef {import('../../shared/protocol.js').Plan} Plan
 */

/** mm; a slab of this thickness is offered first. */
const USUAL_SLAB = 10;
const MOST_SLAB = 500;

export class Reformatting {
  /**
   * @param {object} parts
   * @param {import('../desk.js').Desk} parts.desk
   * @param {import('./panes.js').Panes} parts.panes
   * @param {import('./crosshair.js').Crosshair} parts.crosshair
   * @param {import('../measure/measuring.js').Measuring} parts.measuring
   * @param {import('../../client/client.js').Client} parts.client
   * @param {import('../../shared/protocol.js').Constants} parts.constants
   * @param {import('../status.js').Status} parts.status
   */
  constructor({ desk, panes, crosshair, measuring, client, constants, status }) {
    this.desk = desk;
    this.panes = panes;
    this.crosshair = crosshair;
    this.measuring = measuring;
    this.client = client;
    this.constants = constants;
    this.status = status;
    this.nextKey = 1;
    /** What is being gathered; another object: it was stopped. @type {object | null} */
    this.running = null;
    this.box = byId('gathering');
    this.tools = byId('plane-tools');
    /** @type {{thickness: number, projection: number}} */
    this.slab = { thickness: 0, projection: 0 };
    byId('gathering-stop').addEventListener('click', () => this.stop());
    for (const type of ['select', 'items']) desk.on(type, () => this.#showTools());
    // Another worker knows nothing of what the one before had gathered.
    client.addEventListener('restart', () => {
      this.stop();
      if (!this.#planes().length) return;
      desk.remove(this.#planes());
      status.notify(t('mpr.lost'), t('mpr.lostDetail'));
    });
    onLanguage(() => this.#fillTools());
  }

  #planes() {
    return this.desk.items.filter(({ plane }) => plane);
  }

  stop() {
    this.running = null;
    this.box.hidden = true;
  }

  /** Planes of what lies in the active pane. */
  async start() {
    const { current, active } = this.desk;
    if (!current || !active.view || current.plane || this.running) return;
    const known = this.#planes().filter(({ plane }) => plane?.of === current || (plane?.of.pile && plane.of.pile === current.pile));
    if (known.length) return this.#lay(known, current);
    const files = (current.pile?.items ?? [current]).filter(({ state }) => state !== 'refused');
    const key = `r${this.nextKey++}`;
    const mine = {};
    this.running = mine;
    try {
      const chosen = { key: current.key, frame: active.view.frame };
      /** @type {Plan} */
      const plan = await this.client.request('reformat', { key, keys: files.map((each) => each.key), chosen });
      const wanted = await isWanted(labelOf(current), plan.bytes, { title: t('room.planes'), go: t('room.compute') });
      if (wanted && (await this.#gather(key, plan, mine))) this.#open(await this.#openPlanes(key), key, current, plan);
    } catch (error) {
      const known = error instanceof CoreError ? error : new CoreError(FAULT.REQUEST, 'REQUEST', String(error));
      const { detail } = describeError(known);
      this.status.notify(t('mpr.refused', { name: labelOf(current) }), detail);
    } finally {
      void this.client.request('release', { key }).catch(() => {});
      if (this.running === mine) this.stop();
    }
  }

  /** @param {string} key @param {Plan} plan @param {object} mine @returns {Promise<boolean>} whether it went to the end */
  async #gather(key, plan, mine) {
    const bar = /** @type {HTMLProgressElement} */ (byId('gathering-bar'));
    const megabytes = formatNumber(plan.bytes / 2 ** 20, { maximumFractionDigits: 0 });
    bar.max = plan.slices;
    for (let done = 0; done < plan.slices; ) {
      byId('gathering-text').textContent = t('mpr.gathering', { done, total: plan.slices, megabytes });
      bar.value = done;
      this.box.hidden = false;
      ({ done } = await this.client.request('gather', { key }));
      if (this.running !== mine) return false;
    }
    return true;
  }

  /** @param {string} stack @returns {Promise<Array<{key: string, kind: string, info: any, view: any, thumb: ImageBitmap | null}>>} */
  async #openPlanes(stack) {
    const planes = [];
    for (const [kind, name] of this.constants.planes.entries()) {
      const key = `${stack}-${name}`;
      planes.push({ key, kind: name, ...(await this.client.request('plane', { key: stack, plane: key, kind, thumb: THUMB })) });
    }
    return planes;
  }

  /** @param {Array<{key: string, kind: string, info: any, view: any, thumb: ImageBitmap | null}>} opened @param {string} stack @param {Item} of @param {Plan} plan */
  #open(opened, stack, of, plan) {
    const view = this.desk.active.view;
    const window = view && view.voiLut < 0 ? { function: view.function, center: view.center, width: view.width, invert: view.invert } : {};
    const items = opened.map(({ key, kind, info, view: first, thumb }) =>
      this.desk.addMade({ key, name: `${t(`plane.${kind}`)} · ${labelOf(of)}`, info, thumb, view: { ...first, ...window }, plane: { kind, of, stack, slab: null } }),
    );
    this.#lay(items, of);
    this.slab = { ...this.slab, thickness: 0 };
    const [axial] = items;
    const { info } = axial;
    if (info && axial.view) this.crosshair.move(axial, { frame: axial.view.frame, x: info.width / 2, y: info.height / 2 });
    const notes = [];
    if (plan.missing) notes.push(t('mpr.missing', { count: plan.missing }));
    if (plan.tilt >= 0.1) notes.push(t('mpr.tilt', { degrees: formatNumber(plan.tilt, { maximumFractionDigits: 1 }) }));
    if (notes.length) this.status.notify(t('mpr.note'), notes.join(' '), { kind: 'news' });
  }

  /** Three planes, and what they were made of in the fourth pane. @param {Item[]} planes @param {Item} of */
  #lay(planes, of) {
    const { desk, panes } = this;
    panes.setLayout('2x2');
    planes.forEach((item, at) => desk.panes[at].select(item));
    desk.panes[planes.length].select(of);
    desk.activate(desk.panes[0]);
  }

  // ---- the slab ----

  /** @param {{thickness?: number, projection?: number}} changes */
  async setSlab(changes) {
    const { current } = this.desk;
    this.slab = { ...this.slab, ...changes };
    this.#showTools();
    if (!current?.plane) return;
    const keys = this.#planes().flatMap(({ key, plane }) => (plane?.stack === current.plane?.stack ? [key] : []));
    try {
      await this.client.request('slab', { keys, ...this.slab });
    } catch (error) {
      this.status.notify(t('mpr.noSlab'), String(/** @type {Error} */ (error).message));
      return;
    }
    const { thickness, projection } = this.slab;
    const slab = thickness > 0 ? { thickness, projection: this.constants.projections[projection] } : null;
    for (const item of this.desk.items) if (item.plane && keys.includes(item.key)) this.desk.update(item, { plane: { ...item.plane, slab } });
    for (const { pane, viewer, overlay } of this.panes.views) {
      if (!pane.current || !keys.includes(pane.current.key)) continue;
      overlay.update();
      viewer.render();
    }
    this.measuring.marks.remeasure(keys);
  }

  #fillTools() {
    const show = this.constants.planes.map((kind) =>
      h('button.tool.tool-text', { type: 'button', 'data-plane': kind, title: t(`plane.${kind}`), onclick: () => this.#showPlane(kind) }, t(`plane.${kind}.short`)),
    );
    const projection = h(
      'select',
      { id: 'slab-projection', 'aria-label': t('slab.projection'), title: t('slab.projection') },
      h('option', { value: '' }, t('slab.off')),
      ...this.constants.projections.map((name, index) => h('option', { value: String(index) }, t(`slab.${name}`))),
    );
    const thickness = h('input', { type: 'number', id: 'slab-thickness', min: '0.1', max: String(MOST_SLAB), step: 'any', 'aria-label': t('slab.thickness'), title: t('slab.thickness') });
    projection.addEventListener('change', () => {
      const { value } = /** @type {HTMLSelectElement} */ (projection);
      void this.setSlab(value === '' ? { thickness: 0 } : { projection: Number(value), thickness: this.slab.thickness || USUAL_SLAB });
    });
    thickness.addEventListener('change', () => {
      const value = Number(/** @type {HTMLInputElement} */ (thickness).value);
      if (value > 0) void this.setSlab({ thickness: Math.min(MOST_SLAB, value) });
    });
    this.tools.replaceChildren(...show, projection, thickness, h('span.quiet', {}, t('slab.mm')));
    this.#showTools();
  }

  /** Into the active pane: on a narrow page the only way from plane to plane but the list. @param {string} kind */
  #showPlane(kind) {
    const stack = this.desk.current?.plane?.stack;
    const item = this.desk.items.find(({ plane }) => plane?.kind === kind && plane.stack === stack);
    if (item) this.desk.select(item);
    const spot = item && this.crosshair.spots.get(item.key);
    if (spot) this.desk.setFrame(spot.frame);
  }

  #showTools() {
    const { current } = this.desk;
    // While there are planes the tools keep their place: pictures would jump with every change between panes.
    this.tools.hidden = this.#planes().length === 0;
    this.tools.toggleAttribute('inert', !current?.plane);
    if (!current?.plane) return;
    const { thickness, projection } = this.slab;
    const [select, input] = this.tools.querySelectorAll('select, input');
    /** @type {HTMLSelectElement} */ (select).value = thickness > 0 ? String(projection) : '';
    /** @type {HTMLInputElement} */ (input).value = thickness > 0 ? String(thickness) : '';
    /** @type {HTMLInputElement} */ (input).disabled = !(thickness > 0);
    for (const button of this.tools.querySelectorAll('button')) {
      button.setAttribute('aria-pressed', String(button.dataset.plane === current.plane.kind));
    }
  }
}

/** @param {Item} item */
function labelOf(item) {
  return item.pile ? pileName(item.pile) : nameOf(item);
}
