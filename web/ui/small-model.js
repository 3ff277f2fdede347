/** "Save in 8 bits": the model at hand in int8, with ranges from the pictures that are open. It goes on while others are looked at. */
import { isCancelled } from '../client/client.js';
import { CoreError, FAULT } from '../shared/protocol.js';
import { t } from '../i18n/i18n.js';
import { download, h } from './dom.js';
import { describeError } from './filelist.js';

/** Pictures that ranges are taken from: more do not change them. */
const MOST_TO_CALIBRATE = 200;

export class SmallModel {
  /**
   * @param {import('./desk.js').Desk} desk
   * @param {import('../client/client.js').Client} client
   */
  constructor(desk, client) {
    this.desk = desk;
    this.client = client;
    /** @type {{controller: AbortController, done: number, total: number} | null} */
    this.running = null;
    /** What came of the last one, until another model is chosen. */
    this.outcome = '';
    this.node = h('div.small-model');
    desk.on('model', () => {
      this.running?.controller.abort();
      this.outcome = '';
    });
  }

  #keys() {
    return this.desk.shown.slice(0, MOST_TO_CALIBRATE).map((item) => item.key);
  }

  /** The block as it is now: the same node every time, so that progress goes on in it. */
  render() {
    const { running } = this;
    const count = this.#keys().length;
    if (running && this.node.querySelector('progress')) {
      this.#progress();
      return this.node;
    }
    const note = h('span.quiet', { id: 'save-int8-note', role: 'status' }, this.#note(count));
    if (running) {
      const bar = h('progress', { id: 'save-int8-progress', value: running.done, max: running.total, 'aria-label': t('model.int8') });
      const stop = h('button.button.small', { type: 'button', id: 'save-int8-stop', onclick: () => running.controller.abort() }, t('batch.stop'));
      this.node.replaceChildren(bar, stop, note);
    } else {
      const save = h('button.button.small', { type: 'button', id: 'save-int8', disabled: count === 0, onclick: () => void this.#save() }, t('model.int8'));
      this.node.replaceChildren(save, note);
    }
    return this.node;
  }

  /** Into the elements that are there: a button that is made anew under the pointer cannot be clicked. */
  #progress() {
    const bar = /** @type {HTMLProgressElement | null} */ (this.node.querySelector('progress'));
    const note = this.node.querySelector('#save-int8-note');
    if (!this.running || !bar || !note) return;
    bar.value = this.running.done;
    note.textContent = this.#note(0);
  }

  /** @param {number} count */
  #note(count) {
    if (this.running) return t('model.int8Busy', { done: this.running.done, total: this.running.total });
    return this.outcome || t('model.int8Note', { count });
  }

  async #save() {
    const { model } = this.desk;
    const keys = this.#keys();
    if (!model || this.running) return;
    const running = { controller: new AbortController(), done: 0, total: keys.length };
    this.running = running;
    this.render();
    try {
      const bytes = await this.client.request('quantize', { keys, method: 'minmax' }, {
        signal: running.controller.signal,
        onProgress: ({ done }) => {
          running.done = done;
          this.#progress();
        },
      });
      download(`${model.name || 'model'}-int8.onnx`, 'application/octet-stream', bytes);
      this.outcome = t('model.int8Done', { kb: Math.round(bytes.length / 1000) });
    } catch (error) {
      const { title, detail } = describeError(error instanceof CoreError ? error : new CoreError(FAULT.REQUEST, 'REQUEST', String(error)));
      this.outcome = isCancelled(error) ? t('model.int8Stopped') : `${title}. ${detail}`;
    }
    this.running = null;
    this.render();
  }
}
