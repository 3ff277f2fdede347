/**
 * Measurements come back when their picture is opened again, in this visit or another. What is on the page counts: every
 * change is kept, and closing a picture leaves what was kept of it.
 */

/**
 * @typedef {import('./marks.js').Mark} Mark
 * @typedef {import('../desk.js').Item} Item
 * @typedef {import('../../client/marks-store.js').KeptMark} KeptMark
 */

/** Changes of one stroke are written together. */
const WAIT_MS = 300;

/** @param {Mark} mark @returns {KeptMark} */
const toKept = ({ frame, kind, points, text }) => ({ frame, kind, points, text });

export class Keeping extends EventTarget {
  /**
   * Events: `change` when the number of pictures with measurements changed, or whether they can be kept at all.
   * @param {import('./marks.js').Marks} marks
   * @param {import('../desk.js').Desk} desk
   * @param {import('../../client/marks-store.js').MarksStore} store
   */
  constructor(marks, desk, store) {
    super();
    this.marks = marks;
    this.desk = desk;
    this.store = store;
    /** Whether the browser lets us. */
    this.works = true;
    /** Pictures with measurements, on the page or not. */
    this.count = 0;
    /** What is kept of each open file, as JSON; of those that were looked up. @type {Map<string, string>} */
    this.known = new Map();
    this.timer = 0;
    desk.on('item', (item) => void this.#opened(item));
    desk.on('items', () => this.#forgetClosed());
    marks.addEventListener('change', () => this.#saveSoon());
    addEventListener('pagehide', () => void this.#save());
    void this.#recount();
  }

  /** @param {() => Promise<void>} work */
  async #attempt(work) {
    try {
      await work();
    } catch {
      // Storage is forbidden or full: measurements then last as long as the page.
      this.works = false;
      this.dispatchEvent(new Event('change'));
    }
  }

  #recount() {
    return this.#attempt(async () => {
      const count = await this.store.count();
      if (count === this.count) return;
      this.count = count;
      this.dispatchEvent(new Event('change'));
    });
  }

  /** @param {Item} item */
  async #opened({ key, state, info }) {
    const identity = info?.identity;
    if (state !== 'shown' || !identity || this.known.has(key)) return;
    this.known.set(key, '[]');
    await this.#attempt(async () => {
      const kept = await this.store.get(identity);
      if (!kept.length || !this.known.has(key)) return;
      this.known.set(key, JSON.stringify(kept));
      this.marks.restore(key, kept);
    });
  }

  #forgetClosed() {
    const open = new Set(this.desk.items.map(({ key }) => key));
    for (const key of this.known.keys()) if (!open.has(key)) this.known.delete(key);
  }

  #saveSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.#save(), WAIT_MS);
  }

  async #save() {
    clearTimeout(this.timer);
    for (const { key, info } of this.desk.items) {
      const before = this.known.get(key);
      if (before === undefined || !info?.identity) continue;
      const kept = this.marks.all.filter((mark) => mark.key === key).map(toKept);
      const after = JSON.stringify(kept);
      if (after === before) continue;
      this.known.set(key, after);
      await this.#attempt(() => this.store.put(/** @type {string} */ (info.identity), kept));
    }
    await this.#recount();
  }

  /** All that was ever kept, and what is on the page. */
  async deleteAll() {
    for (const key of this.known.keys()) this.known.set(key, '[]');
    this.marks.clear();
    await this.#attempt(() => this.store.clear());
    await this.#recount();
  }
}
