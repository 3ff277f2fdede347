/** A longer question about the picture that is up: a button that asks, progress, a way to stop, and what came of it or went wrong. */
import { isCancelled } from '../../client/client.js';
import { CoreError, FAULT } from '../../shared/protocol.js';
import { t } from '../../i18n/i18n.js';
import { coreWords, h, keepFocus } from '../dom.js';
import { describeError } from '../filelist.js';

/** @typedef {(op: string, args: object) => Promise<any>} Ask  of the worker, about the picture */

/**
 * What it found is kept with the finding that it was asked about.
 * @template Found
 */
export class InquiryView {
  /**
   * @param {import('../desk.js').Desk} desk
   * @param {import('../../client/client.js').Client} client
   * @param {string} name  of its element, and of its texts: NAME.title, NAME.hint, NAME.VERB
   * @param {string} verb
   */
  constructor(desk, client, name, verb) {
    this.desk = desk;
    this.client = client;
    this.name = name;
    this.verb = verb;
    this.node = h(`section.${name}`, { id: name });
    /** @type {import('../desk.js').Finding | null} */
    this.finding = null;
    /** @type {WeakMap<object, Found>} */
    this.found = new WeakMap();
    /** @type {{controller: AbortController, done: number, total: number} | null} */
    this.running = null;
    /** @type {CoreError | null} */
    this.error = null;
  }

  /** Whether there is anything to ask. */
  isOffered() {
    return true;
  }

  /** Whether it can be asked as things are chosen. */
  isReady() {
    return true;
  }

  /** Above the result. @returns {Node[]} */
  choices() {
    return [];
  }

  /** @param {Ask} _ask @returns {Promise<Found>} */
  async work(_ask) {
    throw new Error('a kind of inquiry says what it asks');
  }

  /** @param {Found} _found @returns {Node[]} */
  result(_found) {
    return [];
  }

  /** @param {import('../desk.js').Finding} finding  of the picture that is up */
  render(finding) {
    if (finding !== this.finding) {
      this.running?.controller.abort();
      this.error = null;
      this.finding = finding;
    }
    this.node.hidden = !this.isOffered();
    if (this.node.hidden) return this.node;
    const title = t(`${this.name}.title`);
    const found = this.found.get(finding);
    this.node.replaceChildren(h('div.explain-head', {}, h('strong', {}, title), this.#button()), ...this.choices(), ...(found ? this.result(found) : []));
    if (this.running) this.node.append(h('progress.stability-progress', { value: this.running.done, max: this.running.total || 1, 'aria-label': title }));
    if (this.error) {
      const problem = describeError(this.error);
      this.node.append(h('p.explain-problem', { role: 'alert' }, h('strong', {}, problem.title), ' ', coreWords(problem.detail)));
    }
    return this.node;
  }

  show() {
    keepFocus(this.node, () => void (this.finding && this.render(this.finding)));
  }

  #button() {
    const { name, verb } = this;
    if (this.running) return h('button.button.small', { type: 'button', id: `${name}-stop`, onclick: () => this.running?.controller.abort() }, t('result.stop'));
    return h('button.button.small', { type: 'button', id: `${name}-${verb}`, disabled: !this.isReady(), title: t(`${name}.hint`), onclick: () => void this.run(async (ask, finding) => void this.found.set(finding, await this.work(ask))) }, t(`${name}.${verb}`));
  }

  /** @param {(ask: Ask, finding: import('../desk.js').Finding) => Promise<void>} work  shown with progress and a way to stop */
  async run(work) {
    const { finding } = this;
    const { current } = this.desk;
    if (!finding || !current || current.finding !== finding) return;
    const running = { controller: new AbortController(), done: 0, total: 0 };
    this.running = running;
    this.error = null;
    this.show();
    const options = {
      signal: running.controller.signal,
      onProgress: (/** @type {{done: number, total: number}} */ { done, total }) => {
        Object.assign(running, { done, total });
        const bar = this.node.querySelector('progress');
        if (bar) Object.assign(bar, { value: done, max: total });
      },
    };
    try {
      await work((op, args) => this.client.request(op, { key: current.key, frame: finding.frame, ...args }, options), finding);
    } catch (error) {
      if (!isCancelled(error)) this.error = error instanceof CoreError ? error : new CoreError(FAULT.REQUEST, 'REQUEST', String(error));
    }
    if (this.running === running) this.running = null;
    this.show();
  }
}
