/** The tools over the picture, the window presets, the frame slider, and the keys that do the same. */
import { prefer, preferences } from '../client/preferences.js';
import { hasText, onLanguage, t } from '../i18n/i18n.js';
import { SMOOTHING } from '../shared/protocol.js';
import { byId, h } from './dom.js';
import { forgetWindow, keepWindow, ownWindowOf, ownWindows, windowLines } from './own-windows.js';

/**
 * @typedef {import('./gestures.js').Tool} Tool
 * @typedef {import('../shared/protocol.js').View} View
 */

/** The core names its presets in English; the usual ones are translated. @param {string} name */
function presetName(name) {
  const key = `preset.${name.toLowerCase()}`;
  return hasText(key) ? t(key) : name;
}

export class Toolbar {
  /**
   * @param {object} parts
   * @param {import('./desk.js').Desk} parts.desk
   * @param {import('./panes/panes.js').Panes} parts.panes
   * @param {import('./panes/panel.js').PanesPanel} parts.panesPanel
   * @param {import('./panes/reformatting.js').Reformatting} parts.reformatting
   * @param {import('../client/client.js').Client} parts.client
   * @param {import('../shared/protocol.js').Constants} parts.constants
   * @param {import('./filters.js').Filters} parts.filters
   * @param {import('./measure/measuring.js').Measuring} parts.measuring
   * @param {import('./snapshot.js').Snapshot} parts.snapshot
   * @param {import('./cine.js').Cine} parts.cine
   * @param {() => void} parts.onHelp
   */
  constructor({ desk, panes, panesPanel, reformatting, client, constants, filters, measuring, snapshot, cine, onHelp }) {
    this.desk = desk;
    this.panes = panes;
    this.panesPanel = panesPanel;
    this.reformatting = reformatting;
    this.client = client;
    this.constants = constants;
    this.filters = filters;
    this.measuring = measuring;
    this.snapshot = snapshot;
    this.cine = cine;
    this.onHelp = onHelp;
    /** What other parts of the page do on a button or key. @type {Record<string, () => unknown>} */
    this.more = {};
    this.bar = byId('tools');
    this.smoothing = /** @type {HTMLSelectElement} */ (byId('smoothing'));
    this.presets = /** @type {HTMLSelectElement} */ (byId('presets'));
    this.slider = /** @type {HTMLInputElement} */ (byId('frame-slider'));
    this.frames = byId('frames');

    this.bar.addEventListener('click', (event) => {
      const button = /** @type {HTMLElement} */ (event.target).closest('button');
      if (button?.dataset.tool) this.pickTool(/** @type {Tool} */ (button.dataset.tool));
      if (button?.dataset.do) void this.act(button.dataset.do);
    });
    const { smoothing } = preferences();
    if (Object.values(SMOOTHING).some((known) => known === smoothing)) panes.setSmoothing(Number(smoothing));
    this.smoothing.addEventListener('change', () => {
      panes.setSmoothing(Number(this.smoothing.value));
      prefer({ smoothing: Number(this.smoothing.value) });
    });
    this.presets.addEventListener('change', () => void this.#usePreset(this.presets.value));
    this.slider.addEventListener('input', () => desk.goTo(Number(this.slider.value) - 1));
    addEventListener('keydown', (event) => this.#key(event));
    addEventListener('keyup', (event) => event.code === 'Space' && (panes.active.gestures.spaceHeld = false));

    desk.on('select', () => this.#showCurrent());
    for (const type of ['view', 'items']) desk.on(type, () => this.#showView());
    onLanguage(() => {
      this.#fillSmoothing();
      this.#showCurrent();
    });
    this.pickTool('window');
  }

  /** Of the active pane. */
  get viewer() {
    return this.panes.viewer;
  }

  /** @param {Tool} tool */
  pickTool(tool) {
    this.panes.setTool(tool);
    this.measuring.setTool(tool);
    for (const button of this.bar.querySelectorAll('[data-tool]')) {
      button.setAttribute('aria-pressed', String(/** @type {HTMLElement} */ (button).dataset.tool === tool));
    }
  }

  /** @param {string} action */
  async act(action) {
    const { desk, viewer } = this;
    const item = desk.current;
    switch (action) {
      case 'fit':
        return viewer.fit();
      case 'actual':
        return viewer.actualSize();
      case 'zoom-in':
        return viewer.zoom(1.25);
      case 'zoom-out':
        return viewer.zoom(0.8);
      case 'invert':
        return item?.view && desk.setView({ invert: !item.view.invert });
      case 'auto':
        return this.#askView('auto', 0);
      case 'reset':
        viewer.setTurn(0, false);
        return item?.view && item.firstView && desk.setView({ colors: 0, ...item.firstView, frame: item.view.frame });
      case 'cine':
        return this.cine.toggle();
      case 'filters':
        return this.filters.togglePanel();
      case 'filter':
        return this.filters.toggle();
      case 'previous':
        return desk.select(desk.neighbour(-1) ?? desk.current);
      case 'next':
        return desk.select(desk.neighbour(1) ?? desk.current);
      case 'turn-left':
        return viewer.setTurn(viewer.turn + 3, viewer.mirrored);
      case 'turn-right':
        return viewer.setTurn(viewer.turn + 1, viewer.mirrored);
      case 'mirror':
        return viewer.setTurn(-viewer.turn, !viewer.mirrored);
      case 'save-picture':
        return this.snapshot.save();
      case 'copy-picture':
        return this.snapshot.copy();
      case 'panes':
        return this.panesPanel.toggle();
      case 'reformat':
        return this.reformatting.start();
      case 'help':
        return this.onHelp();
      default:
        return this.more[action]?.();
    }
  }

  /** Through a series or the frames of a file, or the files when there is but one picture. @param {1 | -1} step */
  step(step) {
    const { at, count } = this.desk.place;
    if (count > 1) this.desk.goTo(at + step);
    else if (count) this.desk.select(this.desk.neighbour(step) ?? this.desk.current);
  }

  /** @param {string} kind @param {number} index */
  async #askView(kind, index) {
    const item = this.desk.current;
    if (!item?.view) return;
    try {
      const view = await this.client.request('view', { key: item.key, kind, frame: item.view.frame, index });
      if (item !== this.desk.current || !item.view) return;
      this.desk.setView({ ...view, frame: item.view.frame, invert: item.view.invert });
    } catch {
      // The viewer says what is wrong with the image when it renders it.
    }
  }

  /** @param {string} value  as filled in by #fillPresets */
  async #usePreset(value) {
    const [kind, index] = value.split(':');
    if (kind === 'file') await this.#askView('window', Number(index));
    else if (kind === 'lut') this.desk.setView({ voiLut: Number(index) });
    else if (kind === 'default') await this.#askView('default', 0);
    else if (kind === 'auto') await this.#askView('auto', 0);
    else if (kind === 'preset' || kind === 'kept') {
      const { center, width } = (kind === 'kept' ? ownWindows() : this.constants.windowPresets)[Number(index)];
      this.desk.setView({ voiLut: -1, function: 0, center, width });
    } else if (this.desk.current?.view) {
      (kind === 'keep' ? keepWindow : forgetWindow)(this.desk.current.view);
      this.#showCurrent();
    }
  }

  #fillSmoothing() {
    const choices = Object.entries(SMOOTHING).reverse();
    this.smoothing.replaceChildren(...choices.map(([name, value]) => h('option', { value: String(value) }, t(`smoothing.${name.toLowerCase()}`))));
    this.smoothing.value = String(this.viewer.smoothing);
  }

  #showCurrent() {
    const item = this.desk.current;
    this.bar.toggleAttribute('inert', !item);
    this.#fillPresets();
    this.#showView();
  }

  #showView() {
    const item = this.desk.current;
    if (!item?.view || !item.info) return;
    const { view } = item;
    const { at, count } = this.desk.place;
    this.frames.hidden = count < 2;
    this.slider.max = String(count);
    this.slider.value = String(at + 1);
    this.slider.setAttribute('aria-valuetext', t('overlay.frame', { frame: at + 1, frames: count }));
    this.bar.querySelector('[data-do=invert]')?.setAttribute('aria-pressed', String(view.invert));
    this.#fillOwn(view);
    this.presets.value = this.#presetOf(view);
  }

  /** The entry that the window equals, or the line that says it was moved by hand. @param {View} view */
  #presetOf(view) {
    const info = this.desk.current?.info;
    if (view.voiLut >= 0) return `lut:${view.voiLut}`;
    /** @param {{center: number, width: number}} window */
    const same = ({ center, width }) => center === view.center && width === view.width;
    const own = info?.windows.findIndex(same) ?? -1;
    if (own >= 0) return `file:${own}`;
    const first = this.desk.current?.firstView;
    if (first && same(first)) return 'default:0';
    const kept = ownWindowOf(view);
    if (kept >= 0) return `kept:${kept}`;
    for (const option of this.presets.options) {
      const [kind, index] = option.value.split(':');
      if (kind === 'preset' && same(this.constants.windowPresets[Number(index)])) return option.value;
    }
    return 'own';
  }

  #fillPresets() {
    const info = this.desk.current?.info;
    /** @param {string} value @param {string} text */
    const option = (value, text) => h('option', { value }, text);
    /** @param {string} label @param {Node[]} options */
    const group = (label, options) => (options.length ? [h('optgroup', { label }, ...options)] : []);
    const presets = this.constants.windowPresets
      .map((preset, index) => ({ ...preset, index }))
      .filter(({ modality }) => !modality || modality === info?.modality)
      .map(({ name, index }) => option(`preset:${index}`, presetName(name)));
    this.presets.replaceChildren(
      h('option', { value: 'own', hidden: true }, t('window.own')),
      option('default:0', t('window.default')),
      option('auto:0', t('window.auto')),
      ...group(
        t('window.ofFile'),
        (info?.windows ?? []).map(({ name, center, width }, index) =>
          option(`file:${index}`, name || t('overlay.window', { center, width })),
        ),
      ),
      ...group(t('window.luts'), (info?.voiLuts ?? []).map((name, index) => option(`lut:${index}`, name || `LUT ${index + 1}`))),
      ...group(t('window.presets'), presets),
      h('optgroup', { label: t('window.kept') }),
    );
  }

  /** Whether there is a window to keep or to forget depends on the view. @param {View} view */
  #fillOwn(view) {
    this.presets.querySelector('optgroup:last-child')?.replaceChildren(...windowLines(view.voiLut >= 0 ? null : view));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.altKey || document.querySelector('dialog[open]')) return;
    if (document.body.dataset.workspace === 'train') return;
    if (target.closest('input:not([type=range]), textarea, select')) return;
    // A letter that is spoken or slips must do nothing to those who do not want it to (WCAG 2.1.4).
    if (!event.ctrlKey && !event.metaKey && /^[^ ]$/u.test(event.key) && preferences().letters === false) return;
    if (this.measuring.key(event, target === this.viewer.canvas)) return event.preventDefault();
    if (event.ctrlKey || event.metaKey) {
      // Text that was selected is what is copied.
      if (event.key.toLowerCase() !== 'c' || String(getSelection()) || !this.desk.current) return;
      event.preventDefault();
      return void this.act('copy-picture');
    }
    if (event.key === '?') return this.onHelp();
    if (this.panesPanel.key(event)) return event.preventDefault();
    if (!this.desk.current) return;
    if (event.code === 'Space' && target === this.viewer.canvas) this.panes.active.gestures.spaceHeld = true;
    else if (!this.#keyAction(event.key, target)) return;
    event.preventDefault();
  }

  /** @param {string} key @param {HTMLElement} target @returns {boolean} whether the key means something */
  #keyAction(key, target) {
    const tools = /** @type {Record<string, Tool>} */ ({
      w: 'window', p: 'pan', z: 'zoom', l: 'length', g: 'angle', c: 'cobb', b: 'rectangle', e: 'ellipse', d: 'polygon', k: 'arrow', t: 'text', o: 'crosshair',
    });
    const actions = /** @type {Record<string, string>} */ ({
      '+': 'zoom-in', '=': 'zoom-in', '-': 'zoom-out', 0: 'fit', 1: 'actual',
      i: 'invert', a: 'auto', r: 'reset', f: 'filter', x: 'save-picture', '[': 'turn-left', ']': 'turn-right', m: 'mirror', s: 'cine', u: 'reformat', v: 'planes', q: 'magnifier', ';': 'next-colors', n: 'privacy', ArrowLeft: 'previous', ArrowRight: 'next',
    });
    const inList = target.closest('[role=listbox], [role=tablist]');
    if (key.startsWith('Arrow') && (inList || target === this.slider)) return false;
    if (key in tools) this.pickTool(tools[key]);
    else if (key in actions) void this.act(actions[key]);
    else if (key === 'ArrowUp' || key === 'PageUp') this.step(-1);
    else if (key === 'ArrowDown' || key === 'PageDown') this.step(1);
    else if (key === 'Home') this.desk.goTo(0);
    else if (key === 'End') this.desk.goTo(this.desk.place.count - 1);
    else return false;
    return true;
  }
}
