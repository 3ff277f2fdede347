/**
 * The page's side of the protocol: sends requests, stops them, and replaces the worker when its module trapped or when
 * there is no other way to stop it. What was opened lives here too (files and the model), so that a new worker can be
 * brought to where the old one was; requests that were merely waiting are sent again, the one at fault fails.
 */
import { CoreError, FAULT } from '../shared/protocol.js';
import { keepDecisions } from './decisions.js';
import { startWorker } from './starting.js';

/**
 * @typedef {import('../shared/protocol.js').ModelOptions} ModelOptions
 * @typedef {import('../shared/protocol.js').Constants} Constants
 * @typedef {import('../shared/protocol.js').Listed} Listed
 * @typedef {import('../shared/protocol.js').Header} Header
 * @typedef {{done: number, total: number, phase: string}} ProgressEvent
 * @typedef {{onProgress?: (progress: ProgressEvent) => void, signal?: AbortSignal,
 *            buffer?: ArrayBuffer | null}} RequestOptions  buffer: memory to move to the worker, as args.buffer
 * @typedef {{id: number, op: string, args: any, options: RequestOptions,
 *            posted: boolean, resolve: (result: any) => void, reject: (error: Error) => void}} Pending
 * @typedef {{variant: string, threads: number, module: WebAssembly.Module | null, codec: Blob | null}} Build
 * @typedef {{constants: Constants, variant: string, threads: number,
 *            cancel: {buffer: SharedArrayBuffer, address: number} | null}} Ready
 */

/** Traps in a row, without a good answer between them, after which starting again is pointless. */
const MAX_RESTARTS = 3;
/** How long a threaded build may take to see the cancel flag before its worker is ended; between operators. */
const CANCEL_GRACE_MS = 1500;

export class Client extends EventTarget {
  /**
   * Events: `restart` when a worker was replaced, with detail {reason: 'trap' | 'cancel', message}; `dead` when that
   * failed for good.
   * @param {() => Worker} createWorker
   * @param {Build} build
   * @param {{test?: boolean}} [options]
   */
  constructor(createWorker, build, { test = false } = {}) {
    super();
    this.createWorker = createWorker;
    this.build = build;
    this.test = test;
    /** What a new worker must know. @type {Map<string, {file: Blob, path: string, facts: string | null}>} */
    this.files = new Map();
    /** @type {{file: Blob, options: ModelOptions, weights: import('../shared/protocol.js').Weights[]} | null} */
    this.model = null;
    /** In the order they were sent. @type {Map<number, Pending>} */
    this.pending = new Map();
    this.nextId = 1;
    this.restarts = 0;
    this.dead = false;
    this.ended = new AbortController();
    /** A new worker is being brought to where the old one was: requests wait. */
    this.restoring = false;
    /** @type {Worker | null} */
    this.worker = null;
    /** @type {Ready['cancel']} */
    this.cancelFlag = null;
  }

  /** @returns {Promise<Ready>} */
  async start() {
    const { worker, ready } = await startWorker(this.createWorker, this.build, { test: this.test }, this.ended.signal);
    this.worker = worker;
    worker.addEventListener('message', ({ data }) => {
      if (worker === this.worker) this.#receive(data);
    });
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      if (worker === this.worker) this.#failed(event.message || 'the worker stopped');
    });
    this.cancelFlag = ready.cancel;
    return ready;
  }

  /**
   * @param {string} op
   * @param {object} args
   * @param {RequestOptions} [options]  an abort of `signal` stops the work, not only the waiting for it
   * @returns {Promise<any>}
   */
  request(op, args, options = {}) {
    if (this.dead) return Promise.reject(new CoreError(FAULT.LOAD, 'LOAD', 'the core could not be started again'));
    return this.#send(op, args, options);
  }

  /** Ends the worker for good. */
  dispose() {
    this.dead = true;
    this.ended.abort();
    this.worker?.terminate();
    this.worker = null;
  }

  /** @param {string} key @param {Blob} file @param {{thumb?: number} & RequestOptions} [options] */
  async open(key, file, { thumb = 0, ...options } = {}) {
    const result = await this.request('open', { key, file, thumb }, options);
    this.files.set(key, { file, path: '', facts: null });
    return result;
  }

  /** Opens one that was indexed. @param {string} key @param {{thumb?: number}} [options] */
  async openIndexed(key, { thumb = 0 } = {}) {
    return this.request('open', { key, file: null, thumb });
  }

  /** @param {Listed[]} files @returns {Promise<Header[]>} */
  async index(files) {
    const headers = await this.request('index', { files });
    this.#remember(files, headers);
    return headers;
  }

  /** @param {Listed} directory @param {Listed[]} files @returns {Promise<{found: Header[], missing: string[]}>} */
  async directory(directory, files) {
    const result = await this.request('directory', { directory, files });
    this.#remember(files, result.found);
    return result;
  }

  /** @param {Listed[]} files @param {Header[]} headers */
  #remember(files, headers) {
    const byKey = new Map(files.map((each) => [each.key, each]));
    for (const { key, facts } of headers) {
      const listed = byKey.get(key);
      if (listed && facts) this.files.set(key, { file: listed.file, path: listed.path, facts });
    }
  }

  /** @param {string} key */
  async close(key) {
    this.files.delete(key);
    await this.request('close', { key });
  }

  /**
   * @param {Blob} file
   * @param {ModelOptions} options
   * @param {import('../shared/protocol.js').Weights[]} weights
   * @param {number} [token]  of 'describe', so that the file need not be read again
   */
  async loadModel(file, options, weights, token = 0) {
    const info = await this.request('model', { file, options, weights, token });
    this.model = { file, options, weights };
    keepDecisions(this.build.variant, info.decisions);
    return info;
  }

  /**
   * @param {string} op
   * @param {object} args
   * @param {RequestOptions} options
   * @param {boolean} [atOnce]  also while a worker is being restored
   * @returns {Promise<any>}
   */
  #send(op, args, options, atOnce = false) {
    return new Promise((resolve, reject) => {
      const { signal } = options;
      if (signal?.aborted) {
        reject(cancelled());
        return;
      }
      const id = this.nextId++;
      /** @type {Pending} */
      const pending = { id, op, args, options, posted: false, resolve, reject };
      this.pending.set(id, pending);
      signal?.addEventListener('abort', () => this.#abort(id), { once: true });
      if (atOnce || !this.restoring) this.#post(pending);
    });
  }

  /** @param {Pending} pending */
  #post(pending) {
    const { id, op, args } = pending;
    pending.posted = true;
    const { buffer } = pending.options;
    // It is gone with the worker it went to; a request that is sent again does without.
    pending.options = { ...pending.options, buffer: null };
    if (buffer) this.worker?.postMessage({ id, op, args: { ...args, buffer } }, [buffer]);
    else this.worker?.postMessage({ id, op, args });
  }

  /** @param {any} message */
  #receive(message) {
    const pending = this.pending.get(message.id);
    if (!pending) return;
    if (message.op === 'progress') {
      pending.options.onProgress?.(message);
      return;
    }
    if (!message.ok && message.error.code === FAULT.TRAP) {
      this.#failed(message.error.message, pending);
      return;
    }
    this.pending.delete(message.id);
    if (message.ok) {
      this.restarts = 0;
      pending.resolve(message.result);
    } else {
      pending.reject(CoreError.fromMessage(message.error));
    }
  }

  /** @param {number} id */
  #abort(id) {
    const pending = this.pending.get(id);
    if (!pending) return;
    if (!pending.posted) {
      this.pending.delete(id);
      pending.reject(cancelled());
      return;
    }
    if (!this.cancelFlag) {
      this.#endWorker(id);
      return;
    }
    const { buffer, address } = this.cancelFlag;
    Atomics.store(new Int32Array(buffer, address, 1), 0, 1);
    // Answered after the request that is to stop, since the worker keeps the order.
    void this.#send('clear', {}, {}).catch(() => {});
    setTimeout(() => {
      if (this.pending.has(id)) this.#endWorker(id);
    }, CANCEL_GRACE_MS);
  }

  /** Stops a request by ending its worker. @param {number} id */
  #endWorker(id) {
    const pending = this.pending.get(id);
    if (!pending) return;
    this.pending.delete(id);
    pending.reject(cancelled());
    void this.#replace('cancel', '');
  }

  /**
   * The module is gone: the request at fault fails, the others go to the next worker.
   * @param {string} message
   * @param {Pending} [culprit]  without it, the request that the worker was at: the oldest
   */
  #failed(message, culprit = this.pending.values().next().value) {
    if (culprit) {
      this.pending.delete(culprit.id);
      culprit.reject(new CoreError(FAULT.TRAP, 'TRAP', message));
    }
    // The restore under way has just lost one of its own requests, and says so itself.
    if (this.restoring) return;
    this.restarts++;
    void this.#replace('trap', message);
  }

  /** @param {'trap' | 'cancel'} reason @param {string} message */
  async #replace(reason, message) {
    this.worker?.terminate();
    this.worker = null;
    this.restoring = true;
    for (const [id, pending] of this.pending) {
      // What only served the worker that is gone (a half-made restore, a cleared flag) is not asked of the next one.
      if (['adopt', 'clear'].includes(pending.op)) this.pending.delete(id);
      else pending.posted = false;
    }
    try {
      if (this.restarts > MAX_RESTARTS) throw new CoreError(FAULT.TRAP, 'TRAP', message);
      await this.start();
      const files = [...this.files].map(([key, known]) => ({ key, ...known }));
      if (files.length) await this.#send('adopt', { files }, {}, true);
      if (this.model) await this.#send('model', this.model, {}, true);
    } catch (error) {
      this.#die(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.restoring = false;
    for (const pending of this.pending.values()) {
      if (!pending.posted) this.#post(pending);
    }
    this.dispatchEvent(new CustomEvent('restart', { detail: { reason, message } }));
  }

  /** @param {Error} error */
  #die(error) {
    this.dispose();
    for (const pending of this.pending.values()) pending.reject(error);
    this.pending.clear();
    this.dispatchEvent(new CustomEvent('dead', { detail: { message: error.message } }));
  }
}

function cancelled() {
  return new CoreError(FAULT.CANCELLED, 'CANCELLED', 'stopped');
}

/** @param {unknown} error */
export function isCancelled(error) {
  return error instanceof CoreError && (error.code === FAULT.CANCELLED || error.name === 'NSC_ERROR_CANCELLED');
}
