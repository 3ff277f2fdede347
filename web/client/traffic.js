/**
 * Counts what the page asks of any address, from the browser's own record, so that "nothing leaves this computer" can be looked
 * at. Workers have records of their own and report them; the service worker is asked for its one.
 */
import { requestOf } from '../shared/requests.js';

/** @typedef {import('../shared/requests.js').Request} Request */

/** How long the service worker may take to answer. */
const PATIENCE_MS = 2000;

export class Traffic extends EventTarget {
  /** Events: `change`. */
  constructor() {
    super();
    /** @type {Request[]} */
    this.all = [];
    /** When the page was ready, in ms since 1970. */
    this.loaded = Infinity;
    /** When the service worker had kept the page, or could not. */
    this.settled = Infinity;
    if (typeof PerformanceObserver === 'undefined') return;
    const observer = new PerformanceObserver((list) => this.#take(list.getEntries().flatMap((entry) => requestOf(entry, performance.timeOrigin) ?? [])));
    observer.observe({ type: 'resource', buffered: true });
  }

  /** @param {Request[]} requests */
  #take(requests) {
    if (!requests.length) return;
    this.all.push(...requests);
    this.dispatchEvent(new Event('change'));
  }

  /** Takes in what a worker of the page will report. @param {Worker} worker @returns {Worker} the same */
  listen(worker) {
    worker.addEventListener('message', ({ data }) => data?.op === 'requests' && this.#take(data.requests));
    return worker;
  }

  /** The page is ready: what it asks now is counted. */
  begin() {
    this.loaded = performance.timeOrigin + performance.now();
    this.dispatchEvent(new Event('change'));
  }

  /** The service worker has what it keeps: what it asks now is counted, too. */
  settle() {
    this.settled = performance.timeOrigin + performance.now();
    this.dispatchEvent(new Event('change'));
  }

  /** Since then. @returns {Request[]} */
  get since() {
    return this.all.filter(({ at }) => at >= this.loaded);
  }

  /** Those that went out to the network. */
  get sent() {
    return this.since.filter(({ kept }) => !kept);
  }

  /** Those that were answered with the copy in this browser. */
  get kept() {
    return this.since.length - this.sent.length;
  }

  /** What the service worker fetched since then: the page's own files, a new version of them. @returns {Promise<Request[]>} */
  async ofServiceWorker() {
    const registration = await navigator.serviceWorker?.getRegistration().catch(() => undefined);
    const workers = [registration?.active, registration?.waiting, registration?.installing].filter((each) => each !== null && each !== undefined);
    const lists = await Promise.all(workers.map((worker) => askServiceWorker(worker, { requests: true })));
    return lists.flatMap((list) => list ?? []).filter(({ at }) => at >= this.settled);
  }
}

/** @param {ServiceWorker} worker @param {object} message @returns {Promise<any>} null when no answer comes */
export function askServiceWorker(worker, message) {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data);
    setTimeout(() => resolve(null), PATIENCE_MS);
    worker.postMessage(message, [port2]);
  });
}
