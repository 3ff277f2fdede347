/** One pass over a list of files: the core takes portions of it, and what comes of them goes into the list. */

/** @typedef {import('./desk.js').Item} Item */

/** Files of one request, whose results are in the list after it: as many as take about half a second. */
const PORTION = { first: 8, least: 4, most: 256 };
const SHORT_MS = 400;
const LONG_MS = 1500;
/** Between two looks at the progress: each makes the browser lay out and paint the page, which a core is better used for. */
const SHOW_MS = 400;

export class Pass {
  /**
   * @param {import('./results.js').Results} results
   * @param {Item[]} items
   * @param {{signal: AbortSignal, isWanted: () => boolean, onProgress: (done: number) => void}} options  isWanted: by the model in use, still
   */
  constructor(results, items, { signal, isWanted, onProgress }) {
    this.results = results;
    this.items = items;
    this.signal = signal;
    this.isWanted = isWanted;
    this.onProgress = onProgress;
    this.asked = 0;
    this.done = 0;
    this.shown = -Infinity;
  }

  /** @param {number} more  of the portion that is being worked on */
  #show(more) {
    const now = performance.now();
    if (now - this.shown < SHOW_MS) return;
    this.shown = now;
    this.onProgress(this.done + more);
  }

  /** @param {number} portion */
  #ask(portion) {
    const items = this.items.slice(this.asked, this.asked + portion);
    if (!items.length || this.signal.aborted || !this.isWanted()) return null;
    this.asked += items.length;
    return { items, classified: this.results.classifyMany(items, this.items.length - this.asked, this.signal, (done) => this.#show(done)) };
  }

  /** @returns {Promise<number>} of files that have a result */
  async run() {
    let portion = PORTION.first;
    this.#show(0);
    // The core has the next portion before what became of this one is written into the list.
    for (let current = this.#ask(portion), next = this.#ask(portion); current; current = next, next = this.#ask(portion)) {
      const start = performance.now();
      const apply = await current.classified;
      const ms = performance.now() - start;
      const classified = await apply();
      this.done += classified;
      if (classified < current.items.length) break;
      if (ms < SHORT_MS) portion = Math.min(PORTION.most, 2 * portion);
      else if (ms > LONG_MS) portion = Math.max(PORTION.least, portion >> 1);
    }
    return this.done;
  }
}
