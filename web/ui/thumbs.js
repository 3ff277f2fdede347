/** The small pictures of files: made when a file is opened or its line comes in sight; only those seen last are held. */

/** @typedef {import('./desk.js').Item} Item */
/** @typedef {{inSight: () => Item[], arrived: () => void}} Sight  a list of files: which are in sight, and what to do when a picture of theirs came */

/** Pixels, of the longer side. */
export const THUMB = 112;
/** Those of some screens of lines: 20 MB. */
const MOST = 400;

export class Thumbs {
  /**
   * @param {import('../client/client.js').Client} client
   * @param {import('./desk.js').Desk} desk
   */
  constructor(client, desk) {
    this.client = client;
    /** Files that have one, least recently seen first. @type {Set<Item>} */
    this.held = new Set();
    /** Those that give none. @type {WeakSet<Item>} */
    this.without = new WeakSet();
    /** @type {Sight[]} */
    this.sights = [];
    this.working = false;
    desk.on('item', (item) => this.#hold(item));
    desk.on('items', () => this.#forgetClosed());
  }

  /** @param {Sight} sight */
  serve(sight) {
    this.sights.push(sight);
  }

  /** Null: none yet. @param {Item} item */
  of(item) {
    if (item.thumb) this.#hold(item);
    else if (this.#lacks(item)) void this.#work();
    return item.thumb;
  }

  /** What is made from other files is in none, and keeps its picture. @param {Item} item */
  #hold(item) {
    if (!item.thumb || !item.file) return;
    this.held.delete(item);
    this.held.add(item);
    for (const oldest of this.held) {
      if (this.held.size <= MOST) return;
      oldest.thumb?.close();
      oldest.thumb = null;
      this.held.delete(oldest);
    }
  }

  #forgetClosed() {
    for (const item of this.held) if (!item.thumb) this.held.delete(item);
  }

  /** @param {Item} item */
  #lacks(item) {
    return !item.thumb && Boolean(item.file) && (item.state === 'indexed' || item.state === 'shown') && !this.without.has(item);
  }

  async #work() {
    if (this.working) return;
    this.working = true;
    // What is in sight may be something else by the time a picture was made.
    await new Promise((resolve) => requestAnimationFrame(resolve));
    for (;;) {
      const item = this.sights.flatMap(({ inSight }) => inSight()).find((each) => this.#lacks(each));
      if (!item) break;
      const opened = await this.client.openIndexed(item.key, { thumb: THUMB }).catch(() => null);
      if (!opened?.thumb) this.without.add(item);
      // Another request may have brought it meanwhile.
      else if (item.thumb) opened.thumb.close();
      else item.thumb = opened.thumb;
      this.#hold(item);
      for (const { arrived } of this.sights) arrived();
    }
    this.working = false;
  }
}
