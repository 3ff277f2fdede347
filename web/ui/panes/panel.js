/** The panel over layouts and links, and the keys that do the same. */
import { prefer, preferences } from '../../client/preferences.js';
import { onLanguage, t } from '../../i18n/i18n.js';
import { byId, h, icon } from '../dom.js';
import { LAYOUTS } from './panes.js';

/** @typedef {import('./panes.js').Layout} Layout */

const NAMES = /** @type {Layout[]} */ (Object.keys(LAYOUTS));

export class PanesPanel {
  /**
   * @param {object} parts
   * @param {import('./panes.js').Panes} parts.panes
   * @param {import('./links.js').Links} parts.links
   * @param {import('./reference-lines.js').ReferenceLines} parts.lines
   * @param {import('./crosshair.js').Crosshair} parts.crosshair
   */
  constructor({ panes, links, lines, crosshair }) {
    this.panes = panes;
    this.links = links;
    this.lines = lines;
    this.crosshair = crosshair;
    this.panel = byId('panes-panel');
    this.button = byId('panes');
    this.panel.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      this.#open(false);
    });
    // A press anywhere else is meant for what lies there.
    document.addEventListener('pointerdown', ({ target }) => {
      const inside = target instanceof Node && (this.panel.contains(target) || this.button.contains(target));
      if (!inside && !this.panel.hidden) this.#open(false);
    });
    panes.addEventListener('layout', () => this.#render());
    this.#restore();
    onLanguage(() => this.#render());
  }

  toggle() {
    this.#open(this.panel.hidden === true);
  }

  /** @param {boolean} open */
  #open(open) {
    const had = this.panel.contains(document.activeElement);
    this.panel.hidden = !open;
    this.button.setAttribute('aria-expanded', String(open));
    if (open) this.panel.querySelector('button')?.focus();
    else if (had) this.button.focus();
  }

  #render() {
    const focused = document.activeElement?.id;
    const layouts = NAMES.map((name) => {
      const props = { type: 'button', id: `layout-${name}`, 'aria-pressed': String(name === this.panes.layout), 'aria-label': t(`layout.${name}`), title: t(`layout.${name}`) };
      const button = h('button.tool', { ...props, disabled: this.panes.narrow.matches && name !== '1x1' }, icon(`layout${name}`));
      button.addEventListener('click', () => this.#lay(name));
      return button;
    });
    this.panel.replaceChildren(
      h('h2', {}, t('panes.title')),
      h('div.layouts', { role: 'group', 'aria-label': t('panes.layout') }, ...layouts),
      this.panes.narrow.matches ? h('p.quiet', {}, t('panes.narrow')) : '',
      ...['scroll', 'window', 'zoom'].map((what) => {
        const key = /** @type {'scroll' | 'window' | 'zoom'} */ (what);
        return this.#box(`link-${what}`, t(`link.${what}`), this.links.on[key], (on) => this.#link(key, on));
      }),
      this.#box('reference-lines', t('panes.lines'), this.lines.on, (on) => this.#setLines(on)),
    );
    this.button.setAttribute('aria-pressed', String(Object.values(this.links.on).some(Boolean)));
    if (focused) document.getElementById(focused)?.focus();
  }

  /** @param {string} id @param {string} text @param {boolean} checked @param {(on: boolean) => void} change */
  #box(id, text, checked, change) {
    const box = /** @type {HTMLInputElement} */ (h('input', { type: 'checkbox', id, checked }));
    box.addEventListener('change', () => {
      change(box.checked);
      this.#render();
    });
    return h('label.check-field', {}, box, h('span', {}, text));
  }

  /** Lines that stand for slices, the crosshair's too. @param {boolean} on */
  #setLines(on) {
    this.lines.set(on);
    this.crosshair.set(on);
    prefer({ lines: on });
  }

  /** @param {Layout} name */
  #lay(name) {
    this.panes.setLayout(name);
    prefer({ layout: name });
  }

  /** @param {'scroll' | 'window' | 'zoom'} what @param {boolean} on */
  #link(what, on) {
    this.links.set(what, on);
    prefer({ links: { ...preferences().links, [what]: on } });
  }

  /** As the last visit left it. */
  #restore() {
    const { layout, links = {}, lines } = preferences();
    const known = NAMES.find((name) => name === layout);
    if (known) this.panes.setLayout(known);
    for (const what of /** @type {const} */ (['scroll', 'window', 'zoom'])) if (typeof links[what] === 'boolean') this.links.set(what, links[what]);
    if (typeof lines === 'boolean') {
      this.lines.set(lines);
      this.crosshair.set(lines);
    }
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether it was for us */
  key({ code, key, shiftKey }) {
    const digit = shiftKey ? /^Digit([1-4])$/.exec(code) : null;
    if (digit) this.#lay(NAMES[Number(digit[1]) - 1]);
    else if (key === ',') this.panes.next(-1);
    else if (key === '.') this.panes.next(1);
    else if (key === 'y') this.#link('scroll', !this.links.on.scroll);
    else if (key === 'j') this.#setLines(!this.lines.on);
    else return false;
    this.#render();
    return true;
  }
}
