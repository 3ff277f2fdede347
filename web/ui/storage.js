/** What this browser keeps of the page, by kinds, with the models of the user's own one by one, and the end of all of it. */
import { deleteEverything, lookOver, storageEstimate } from '../client/kept.js';
import { formatBytes, t } from '../i18n/i18n.js';
import { byId, h, icon, keepFocus } from './dom.js';

/**
 * @typedef {import('../client/kept.js').Inventory} Inventory
 * @typedef {{inventory: Inventory, estimate: {usage: number, quota: number} | null, models: import('../client/kept-models.js').KeptModel[]}} Seen
 */

export class Storage {
  /**
   * @param {object} parts
   * @param {import('./models.js').Models} parts.models
   * @param {() => void} parts.endWorkers  before everything is deleted: they hold files open
   */
  constructor({ models, endWorkers }) {
    this.models = models;
    this.endWorkers = endWorkers;
    /** @type {Seen | null} */
    this.seen = null;
    this.asking = false;
    this.node = byId('kept');
  }

  async refresh() {
    const [inventory, estimate, models] = await Promise.all([lookOver(), storageEstimate(), this.models.store.list()]);
    this.seen = { inventory, estimate, models };
    this.render();
  }

  /** What is kept is known a moment after the dialog opens. */
  render() {
    keepFocus(this.node, () => this.#render());
  }

  #render() {
    const { seen } = this;
    this.node.replaceChildren(
      h('p.kept-usage', { id: 'kept-usage' }, seen?.estimate ? this.#usage(seen.estimate) : ''),
      ...(seen ? [this.#list(seen)] : []),
      h('p.quiet', {}, t('kept.images')),
      this.#end(),
    );
  }

  /** @param {{usage: number, quota: number}} estimate */
  #usage({ usage, quota }) {
    const bar = h('progress', { value: usage, max: quota, 'aria-label': t('kept.title') });
    return h('span.kept-bar', {}, h('span', {}, t('kept.usage', { used: formatBytes(usage), quota: formatBytes(quota) })), bar);
  }

  /** @param {Seen} seen */
  #list({ inventory, models }) {
    const own = models.map((model) => this.#row(`${t('kept.model')}: ${model.title}`, model.bytes, () => void this.#forget(model.id)));
    const current = this.models.keepable ? [this.#offer(this.models.keepable)] : [];
    const { trainingBytes, pageBytes, records } = inventory;
    const has = (/** @type {string} */ name) => (records[`negatoscope-${name}`] ?? 0) > 0;
    const rest = [
      trainingBytes > 0 || has('trainings') ? this.#row(t('kept.trainings'), trainingBytes) : null,
      has('measurements') ? this.#row(t('kept.measurements')) : null,
      has('triage') ? this.#row(t('kept.triage')) : null,
      inventory.settings.length ? this.#row(t('kept.settings')) : null,
      pageBytes ? this.#row(t('kept.page'), pageBytes) : null,
    ];
    return h('ul.kept-list', {}, ...own, ...current, ...rest);
  }

  /** @param {string} text @param {number} [bytes] @param {() => void} [forget] */
  #row(text, bytes = 0, forget) {
    const remove = forget && h('button.icon-button', { type: 'button', title: t('kept.forget'), 'aria-label': `${t('kept.forget')}: ${text}`, onclick: forget }, icon('trash'));
    return h('li', {}, h('span', {}, text), h('span.quiet', {}, bytes ? formatBytes(bytes) : ''), remove);
  }

  /** The loaded model, which was opened and is not kept. @param {import('./models.js').Choice} choice */
  #offer(choice) {
    const keep = h('button.button.small', { type: 'button', id: 'kept-keep', onclick: () => void this.models.keep(choice).then(() => this.refresh()) }, t('kept.keep'));
    return h('li.kept-offer', {}, h('span', {}, t('kept.loaded', { name: choice.title })), keep);
  }

  /** @param {string} id */
  async #forget(id) {
    await this.models.forget(id);
    await this.refresh();
  }

  /** The button, the question behind it, or nothing while it is done. */
  #end() {
    if (!this.asking) {
      return h('div.form-actions', {}, h('button.button.danger', { type: 'button', id: 'delete-all', onclick: () => this.#ask(true) }, icon('trash'), h('span', {}, t('kept.delete'))));
    }
    return h(
      'div.kept-ask',
      { role: 'alert' },
      h('p', {}, t('kept.ask')),
      h(
        'div.form-actions',
        {},
        h('button.button', { type: 'button', id: 'delete-not', onclick: () => this.#ask(false) }, t('form.cancel')),
        h('button.button.danger', { type: 'button', id: 'delete-yes', onclick: () => void this.#deleteAll() }, t('kept.yes')),
      ),
    );
  }

  /** @param {boolean} asking */
  #ask(asking) {
    this.asking = asking;
    this.render();
    byId(asking ? 'delete-not' : 'delete-all').focus();
  }

  /** The page ends with it: what goes on would be kept anew. */
  async #deleteAll() {
    this.endWorkers();
    const dialog = /** @type {HTMLDialogElement} */ (byId('gone-dialog'));
    byId('gone-text').textContent = t('kept.deleting');
    /** @type {HTMLDialogElement} */ (byId('about-dialog')).close();
    dialog.addEventListener('cancel', (event) => event.preventDefault());
    byId('gone-again').addEventListener('click', () => location.reload());
    dialog.showModal();
    const left = await deleteEverything();
    byId('gone-title').textContent = t(left.length ? 'kept.left.title' : 'kept.gone.title');
    byId('gone-text').textContent = left.length ? t('kept.left', { names: left.join(', ') }) : t('kept.gone');
    dialog.dataset.done = left.length ? 'left' : 'all';
  }
}
