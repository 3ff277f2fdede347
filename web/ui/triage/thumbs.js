/** Small pictures for lines in sight that have none yet: made when they are seen, and only the last ones are held. */

/** @typedef {import('../desk.js').Item} Item */

const SIDE = 64;
/** As many as some screens of lines. */
const MOST = 160;

export class Thumbs {
  /**
   * @param {import('../../client/client.js').Client} client
   * @param {() => Item[]} wanted  lines in sight
   * @param {() => void} arrived
   */
  constructor(client, wanted, arrived) {
    this.client = client;
    this.wanted = wanted;
    this.arrived = arrived;
    /** Least recently made first; null where there can be none. @type {Map<string, ImageBitmap | null>} */
    this.made = new Map();
    this.working = false;
  }

  /** @param {Item} item */
  of(item) {
    const thumb = item.thumb ?? this.made.get(item.key) ?? null;
    if (!thumb && this.#lacks(item)) void this.#work();
    return thumb;
  }

  /** @param {Item} item */
  #lacks(item) {
    return !item.thumb && !this.made.has(item.key) && Boolean(item.file) && (item.state === 'indexed' || item.state === 'shown');
  }

  async #work() {
    if (this.working) return;
    this.working = true;
    // What is in sight may be something else by the time a picture was made.
    await new Promise((resolve) => requestAnimationFrame(resolve));
    for (;;) {
      const item = this.wanted().find((each) => this.#lacks(each));
      if (!item) break;
      const opened = await this.client.openIndexed(item.key, { thumb: SIDE }).catch(() => null);
      this.made.set(item.key, opened?.thumb ?? null);
      this.#makeRoom();
      this.arrived();
    }
    this.working = false;
  }

  #makeRoom() {
    for (const [key, thumb] of this.made) {
      if (this.made.size <= MOST) return;
      thumb?.close();
      this.made.delete(key);
    }
  }

  clear() {
    for (const thumb of this.made.values()) thumb?.close();
    this.made.clear();
  }
}
