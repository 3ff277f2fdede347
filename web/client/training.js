/**
 * The page's side of ../shared/training.js: a worker of its own with a core of its own, started when it is first needed.
 * After a trap everything in it is lost; what was kept can be restored in the next one, which the page offers.
 */
import { CoreError, FAULT } from '../shared/protocol.js';
import { startWorker } from './starting.js';

/**
 * @typedef {import('./client.js').Build} Build
 * @typedef {import('./client.js').ProgressEvent} ProgressEvent
 * @typedef {{resolve: (result: any) => void, reject: (error: Error) => void,
 *            onProgress?: (progress: ProgressEvent) => void}} Waiting
 */

export class TrainingClient extends EventTarget {
  /**
   * Event: `dead` when the worker ended by itself, with detail {message}.
   * @param {() => Worker} createWorker
   * @param {Build} build
   * @param {{test?: boolean}} [options]
   */
  constructor(createWorker, build, { test = false } = {}) {
    super();
    this.createWorker = createWorker;
    this.build = build;
    this.test = test;
    /** @type {Map<number, Waiting>} */
    this.waiting = new Map();
    this.nextId = 1;
    /** @type {Worker | null} */
    this.worker = null;
    /** @type {Promise<unknown> | null} */
    this.started = null;
    this.ended = new AbortController();
  }

  /**
   * @param {string} op
   * @param {object} [args]
   * @param {{onProgress?: (progress: ProgressEvent) => void}} [options]
   * @returns {Promise<any>}
   */
  async request(op, args = {}, options = {}) {
    this.started ??= this.#start();
    await this.started;
    return this.#send(op, args, options);
  }

  /** Ends the worker for good. */
  dispose() {
    this.ended.abort();
    this.worker?.terminate();
    this.worker = null;
    // What is still asked waits for a core that never comes.
    this.started = new Promise(() => {});
  }

  async #start() {
    try {
      const { worker } = await startWorker(this.createWorker, this.build, { test: this.test, service: 'training' }, this.ended.signal);
      this.worker = worker;
      worker.addEventListener('message', ({ data }) => {
        if (worker === this.worker) this.#receive(data);
      });
      worker.addEventListener('error', (event) => {
        event.preventDefault();
        if (worker === this.worker) this.#failed(new CoreError(FAULT.TRAP, 'TRAP', event.message || 'the worker stopped'));
      });
    } catch (error) {
      this.#failed(/** @type {CoreError} */ (error));
      throw error;
    }
  }

  /** @param {string} op @param {object} args @param {{onProgress?: Waiting['onProgress']}} options */
  #send(op, args, { onProgress }) {
    return new Promise((resolve, reject) => {
      const id = this.nextId++;
      this.waiting.set(id, { resolve, reject, onProgress });
      this.worker?.postMessage({ id, op, args });
    });
  }

  /** @param {any} message */
  #receive(message) {
    const waiting = this.waiting.get(message.id);
    if (!waiting) return;
    if (message.op === 'progress') {
      waiting.onProgress?.(message);
      return;
    }
    if (!message.ok && message.error.code === FAULT.TRAP) {
      this.#failed(CoreError.fromMessage(message.error));
      return;
    }
    this.waiting.delete(message.id);
    if (message.ok) waiting.resolve(message.result);
    else waiting.reject(CoreError.fromMessage(message.error));
  }

  /** @param {CoreError} error */
  #failed(error) {
    this.#lose(error);
    this.dispatchEvent(new CustomEvent('dead', { detail: { message: error.message } }));
  }

  /** @param {CoreError} error */
  #lose(error) {
    this.worker?.terminate();
    this.worker = null;
    this.started = null;
    const lost = [...this.waiting.values()];
    this.waiting.clear();
    for (const { reject } of lost) reject(error);
  }
}
