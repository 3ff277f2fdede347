/**
 * Starts the worker of a core. Firefox now and then never returns from making a worker inside a worker, which is how threads are made: the first request is then not answered, and
 * another worker does the same at once. When that does not help either, the core goes without threads.
 */
import { CoreError, FAULT } from '../shared/protocol.js';
import { keptDecisions } from './decisions.js';

/**
 * @typedef {import('./client.js').Build} Build
 * @typedef {import('./client.js').Ready} Ready
 * @typedef {{test: boolean, service?: 'training'}} Kind
 */

/** How long a worker may take to make its threads and the instance; both take some 50 ms. */
const PATIENCE_MS = 5000;
/** Of the first request of each worker; the clients count from 1. */
const INIT_ID = 0;

/**
 * @param {Worker} worker
 * @param {object} args  of `init`
 * @param {number} patience  in ms
 * @returns {Promise<Ready | null>} null: no answer in time
 * @throws {CoreError} LOAD: this build does not start
 */
function initialize(worker, args, patience) {
  return new Promise((resolve, reject) => {
    const heard = new AbortController();
    const failed = (/** @type {string} */ message) => new CoreError(FAULT.LOAD, 'LOAD', message);
    const timer = patience < Infinity ? setTimeout(() => settle(resolve, null), patience) : 0;
    /** @type {<T>(how: (value: T) => void, value: T) => void} */
    const settle = (how, value) => {
      clearTimeout(timer);
      heard.abort();
      how(value);
    };
    worker.addEventListener(
      'message',
      ({ data }) => {
        if (data.id !== INIT_ID) return;
        if (data.ok) settle(resolve, data.result);
        else settle(reject, data.error.code === FAULT.TRAP ? failed(data.error.message) : CoreError.fromMessage(data.error));
      },
      heard,
    );
    worker.addEventListener('error', (event) => (event.preventDefault(), settle(reject, failed(event.message || 'the worker stopped'))), heard);
    worker.postMessage({ id: INIT_ID, op: 'init', args });
  });
}

/**
 * @param {() => Worker} createWorker
 * @param {Build} build
 * @param {Kind} kind
 * @param {AbortSignal} signal  ends what was begun; the promise then stays open
 * @param {number} [patience]  in ms
 * @returns {Promise<{worker: Worker, ready: Ready}>} the worker is the caller's
 * @throws {CoreError} LOAD
 */
export async function startWorker(createWorker, { variant, threads, module, codec }, kind, signal, patience = PATIENCE_MS) {
  const attempts = threads > 1 ? [threads, threads, 1] : [1];
  for (const count of attempts) {
    const worker = createWorker();
    const end = () => worker.terminate();
    signal.addEventListener('abort', end);
    try {
      const ready = await initialize(worker, { variant, threads: count, module, codec, decisions: keptDecisions(variant), ...kind }, count > 1 ? patience : Infinity);
      if (signal.aborted) break;
      if (ready) return { worker, ready };
      end();
    } catch (error) {
      end();
      throw error;
    } finally {
      signal.removeEventListener('abort', end);
    }
  }
  return new Promise(() => {});
}
