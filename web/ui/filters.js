/**
 * Filters on what the viewer shows. Like a window they change the screen alone: a model never sees them. The core applies
 * them to the rendered picture, in the worker that renders.
 */
import { onLanguage, t } from '../i18n/i18n.js';
import { byId, h, icon } from './dom.js';
import { describeError } from './filelist.js';
import { describeSteps, StepsEditor } from './steps.js';

export class Filters {
  /**
   * @param {object} parts
   * @param {import('./panes/panes.js').Panes} parts.viewer
   * @param {import('./desk.js').Desk} parts.desk
   * @param {import('../shared/protocol.js').Constants} parts.constants
   */
  constructor({ viewer, desk, constants }) {
    this.viewer = viewer;
    this.panel = byId('filter-panel');
    this.button = byId('filters');
    /** Whether they are applied; what is put together stays. */
    this.on = true;
    /** Steps there were before they were edited. */
    this.count = 0;
    this.editor = new StepsEditor(constants, () => this.#edited());
    this.problem = h('p.bad', { role: 'status' });
    this.box = /** @type {HTMLInputElement} */ (h('input', { type: 'checkbox', id: 'filters-on' }));
    this.box.addEventListener('change', () => this.#turn(this.box.checked));
    this.panel.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      this.#open(false);
    });
    desk.on('select', (item) => !item && this.#open(false));
    viewer.addEventListener('rendered', (event) => {
      // Not by the picture that stands in for one that could not be filtered.
      if (/** @type {CustomEvent} */ (event).detail.steps === viewer.steps) this.problem.textContent = '';
    });
    viewer.addEventListener('unfiltered', (event) => {
      const { title, detail } = describeError(/** @type {CustomEvent} */ (event).detail.error);
      this.problem.textContent = `${title}. ${detail}`;
    });
    onLanguage(() => this.#render());
  }

  /** One key: applies them or not; where there are none, the panel opens to put some together. */
  toggle() {
    if (this.editor.steps.length) this.#turn(!this.on);
    else this.togglePanel();
  }

  togglePanel() {
    this.#open(this.panel.hidden === true);
  }

  /** @param {boolean} open */
  #open(open) {
    const had = this.panel.contains(document.activeElement);
    this.panel.hidden = !open;
    this.button.setAttribute('aria-expanded', String(open));
    if (open) this.panel.querySelector('select')?.focus();
    else if (had) this.button.focus();
  }

  #edited() {
    // What is added is meant to be seen.
    if (this.editor.steps.length > this.count) this.on = true;
    this.count = this.editor.steps.length;
    this.#apply();
  }

  /** @param {boolean} on */
  #turn(on) {
    this.on = on;
    this.#apply();
    byId('live').textContent = t(this.viewer.steps ? 'filters.nowOn' : 'filters.nowOff');
  }

  #apply() {
    const { steps, valid } = this.editor;
    if (!valid) return;
    this.viewer.filter(this.on && steps.length ? structuredClone(steps) : null);
    this.#showState();
  }

  #showState() {
    const { steps } = this.editor;
    this.box.checked = this.on;
    this.box.disabled = !steps.length;
    this.button.setAttribute('aria-pressed', String(this.on && steps.length > 0));
    this.button.title = [t('tool.filters'), describeSteps(this.viewer.steps ?? [])].filter(Boolean).join(': ');
  }

  #render() {
    const close = h('button.icon-button', { type: 'button', 'aria-label': t('filters.close'), title: t('filters.close') }, icon('close'));
    close.addEventListener('click', () => this.#open(false));
    this.editor.render();
    this.panel.replaceChildren(
      h('div.filter-head', {}, h('h2', {}, t('filters.title')), close),
      h('label.check-field', {}, this.box, h('span', {}, t('filters.on'))),
      this.editor.node,
      this.problem,
      h('p.quiet', {}, t('filters.note')),
    );
    this.#showState();
  }
}
