/**
 * Results and reviews outlast the visit: what a model said of a picture comes back when both are here again, and so does what a
 * reviewer said of that. New results are written as they come in; a picture is known by its identity, never by its name.
 */
import { modelFingerprint } from '../../client/fingerprint.js';

/**
 * @typedef {import('../desk.js').Item} Item
 * @typedef {import('../../client/triage-store.js').Review} Review
 * @typedef {import('../../client/triage-store.js').Subject} Subject
 */

/** Results of one portion are written together. */
const WAIT_MS = 250;
/** Pictures that are looked up, and files that are identified, with one request. */
const PORTION = 256;
const FILES = 32;

/** @param {Item} item */
const identityOf = ({ info, identity }) => info?.identity ?? identity ?? null;

export class Keeping extends EventTarget {
  /**
   * Events: `change` when reviews came back or whether anything can be kept changed.
   * @param {import('../desk.js').Desk} desk
   * @param {import('../../client/client.js').Client} client
   * @param {import('../../client/triage-store.js').TriageStore} store
   * @param {string} version  of the core: results of another one may differ
   */
  constructor(desk, client, store, version) {
    super();
    this.desk = desk;
    this.client = client;
    this.store = store;
    this.version = version;
    /** Whether the browser lets us. */
    this.works = true;
    /** Of the model at hand, by the key of the file. @type {Map<string, Review & {frame: number}>} */
    this.reviews = new Map();
    /** Files whose kept records are here already. @type {Set<string>} */
    this.known = new Set();
    /** Findings that are in the store. @type {WeakSet<object>} */
    this.stored = new WeakSet();
    /** Items with findings that are not. @type {Set<Item>} */
    this.fresh = new Set();
    /** @type {{model: object, id: Promise<string | null>} | null} */
    this.named = null;
    this.timer = 0;
    desk.on('item', (item) => this.#noteFinding(item));
    desk.on('items', () => this.#forgetClosed());
    desk.on('model', () => this.#forgetModel());
    addEventListener('pagehide', () => void this.flush());
  }

  /** @template T @param {() => Promise<T>} work @returns {Promise<T | null>} */
  async #attempt(work) {
    try {
      return await work();
    } catch {
      // Storage is forbidden or full: reviews then last as long as the page.
      this.works = false;
      this.dispatchEvent(new Event('change'));
      return null;
    }
  }

  /** The model at hand, as records name it. */
  async #modelId() {
    const { model } = this.desk;
    const { model: loaded } = this.client;
    if (!model || !loaded) return null;
    if (this.named?.model !== model) this.named = { model, id: modelFingerprint(loaded).catch(() => null) };
    return this.named.id;
  }

  /** Records of results: another version of the core may give other ones, but what a reviewer said stays. @param {string} id */
  #resultsOf(id) {
    return `${id} ${this.version}`;
  }

  #forgetModel() {
    this.reviews.clear();
    this.known.clear();
    this.fresh.clear();
    this.dispatchEvent(new Event('change'));
  }

  #forgetClosed() {
    const open = new Set(this.desk.items.map(({ key }) => key));
    for (const key of this.known) if (!open.has(key)) this.known.delete(key);
    for (const key of this.reviews.keys()) if (!open.has(key)) this.reviews.delete(key);
  }

  // ---- results ------------------------------------------------------------------------------------------------------

  /** @param {Item} item */
  #noteFinding(item) {
    const { finding } = item;
    if (!finding?.result || finding.model !== this.desk.model || this.stored.has(finding) || !identityOf(item)) return;
    this.stored.add(finding);
    this.fresh.add(item);
    this.timer ||= window.setTimeout(() => void this.flush(), WAIT_MS);
  }

  /** Writes what came in. */
  async flush() {
    clearTimeout(this.timer);
    this.timer = 0;
    const { model } = this.desk;
    const records = [...this.fresh].flatMap((item) => {
      const { finding } = item;
      const identity = identityOf(item);
      return finding?.result && finding.model === model && identity ? [{ identity, frame: finding.frame, result: finding.result }] : [];
    });
    this.fresh.clear();
    if (!records.length) return;
    const id = await this.#modelId();
    if (id) await this.#attempt(() => this.store.putResults(this.#resultsOf(id), records));
  }

  /**
   * Gives files the results and reviews that are kept of them.
   * @param {Item[]} items
   * @param {{identify?: boolean, signal?: AbortSignal, progress?: (done: number, total: number) => void}} [options]  identify: also those
   *   that were not opened yet, which are read for it
   */
  async recall(items, { identify = false, signal, progress } = {}) {
    const { model } = this.desk;
    const id = await this.#modelId();
    if (!id) return;
    const any = await this.#attempt(async () => (await this.store.count(id)) + (await this.store.count(this.#resultsOf(id))));
    if (!any) return;
    const todo = items.filter(({ key }) => !this.known.has(key));
    if (identify) await this.#identify(todo.filter((item) => !identityOf(item)), signal, progress);
    for (let at = 0; at < todo.length && !signal?.aborted; at += PORTION) {
      if (this.desk.model !== model) return;
      await this.#attempt(() => this.#restore(id, todo.slice(at, at + PORTION).filter(identityOf)));
    }
    this.dispatchEvent(new Event('change'));
  }

  /** @param {Item[]} items @param {AbortSignal} [signal] @param {(done: number, total: number) => void} [progress] */
  async #identify(items, signal, progress) {
    for (let at = 0; at < items.length && !signal?.aborted; at += FILES) {
      const some = items.slice(at, at + FILES);
      progress?.(at, items.length);
      try {
        const identities = await this.client.request('identify', { keys: some.map(({ key }) => key) }, { signal });
        for (const [index, item] of some.entries()) this.desk.learn(item, { identity: identities[index] });
      } catch {
        // Stopped, or one of them ended the core: they are classified as if nothing were kept.
      }
    }
  }

  /** @param {string} id @param {Item[]} items */
  async #restore(id, items) {
    const { model } = this.desk;
    const subjects = items.map((item) => ({ identity: /** @type {string} */ (identityOf(item)), frame: item.finding?.frame ?? item.view?.frame ?? 0 }));
    const [results, reviews] = await Promise.all([this.store.get(this.#resultsOf(id), subjects), this.store.get(id, subjects)]);
    if (this.desk.model !== model || !model) return;
    for (const [index, item] of items.entries()) {
      const { frame } = subjects[index];
      const { review } = reviews[index];
      const { result } = results[index];
      this.known.add(item.key);
      if (review && !this.reviews.has(item.key)) this.reviews.set(item.key, { ...review, frame });
      if (!result || item.finding?.model === model) continue;
      const finding = { frame, model, result, error: null };
      this.stored.add(finding);
      this.desk.update(item, { finding });
    }
  }

  // ---- reviews ------------------------------------------------------------------------------------------------------

  /** Of the result that the file has. @param {Item} item @returns {Review | null} */
  reviewOf(item) {
    const review = this.reviews.get(item.key);
    return review && item.finding && review.frame === item.finding.frame ? review : null;
  }

  /** @param {Item} item @param {Partial<Review>} changes */
  async review(item, changes) {
    const { finding } = item;
    if (!finding?.result || finding.model !== this.desk.model) return;
    const { opinion, note } = { opinion: null, note: '', ...this.reviewOf(item), ...changes };
    const { frame } = finding;
    const some = opinion || note ? { opinion, note } : null;
    if (some) this.reviews.set(item.key, { ...some, frame });
    else this.reviews.delete(item.key);
    this.dispatchEvent(new Event('change'));
    const identity = identityOf(item);
    const id = await this.#modelId();
    if (!id || !identity) return;
    await this.#attempt(() => this.store.putReview(id, { identity, frame }, some));
  }

  /** Deletes all that was ever kept, of all models, and the reviews on the page. Results on the page stay. */
  async forgetAll() {
    this.reviews.clear();
    this.fresh.clear();
    await this.#attempt(() => this.store.clear());
    this.dispatchEvent(new Event('change'));
  }
}
