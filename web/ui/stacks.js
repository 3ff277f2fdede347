/**
 * Opens files of a series when they are looked at, the newest wish first, and reads the neighbours ahead in the direction
 * of travel, so that scrolling does not wait.
 */
import { CoreError, FAULT } from '../shared/protocol.js';

/** @typedef {import('./desk.js').Item} Item */

/** Files opened ahead, and behind. A wheel that is spun gives some 30 steps a second. */
const AHEAD = 8;
const BEHIND = 2;

export class Stacks {
  /**
   * @param {import('./desk.js').Desk} desk
   * @param {import('../client/client.js').Client} client
   */
  constructor(desk, client) {
    this.desk = desk;
    this.client = client;
    this.loading = false;
    this.lastAt = 0;
    /** Counts selections: reading ahead for an old one ends. */
    this.turn = 0;
    desk.on('wanted', () => void this.#load());
    desk.on('select', (item) => void this.#readAhead(item));
  }

  /**
   * Opens a file that is known from its header.
   * @param {Item} item
   * @param {{thumb?: number, quiet?: boolean}} [options]  quiet: nobody looks at it yet
   */
  async open(item, { thumb = 0, quiet = false } = {}) {
    try {
      const opened = await this.client.openIndexed(item.key, { thumb });
      if (!this.desk.items.includes(item)) return;
      const { info, view } = opened;
      /** @type {Partial<Item>} */
      const changes = { state: 'shown', info, thumb: opened.thumb ?? item.thumb };
      // A window that was moved since stays.
      if (!item.view) Object.assign(changes, { view, firstView: view });
      if (quiet) this.desk.learn(item, changes);
      else this.desk.update(item, changes);
    } catch (error) {
      this.desk.refuse(item, error instanceof CoreError ? error : new CoreError(FAULT.READ, 'READ', String(error)));
    }
  }

  async #load() {
    if (this.loading) return;
    this.loading = true;
    for (let pane = this.#waiting(); pane; pane = this.#waiting()) {
      const item = /** @type {Item} */ (pane.wanted);
      if (item.state === 'indexed') await this.open(item, { quiet: true });
      if (item === pane.wanted) {
        pane.wanted = null;
        pane.select(item);
      } else if (item.state === 'shown' && item.pile && item.pile === pane.wanted?.pile) {
        // On the way to where the slider is by now: shown, so that one sees where one goes.
        const { wanted } = pane;
        pane.select(item);
        pane.wanted ??= wanted;
      }
    }
    this.loading = false;
  }

  /** The next pane to be served, the active one first. */
  #waiting() {
    const { active, panes } = this.desk;
    return active.wanted ? active : panes.find(({ wanted }) => wanted);
  }

  /** @param {Item | null} item */
  async #readAhead(item) {
    const turn = ++this.turn;
    if (!item?.pile) return;
    const { items } = item.pile;
    const step = item.at < this.lastAt ? -1 : 1;
    this.lastAt = item.at;
    // After the picture itself has been asked for.
    await new Promise((resolve) => setTimeout(resolve, 0));
    const near = [];
    for (let k = 1; k <= AHEAD; k++) near.push(items[item.at + k * step]);
    for (let k = 1; k <= BEHIND; k++) near.push(items[item.at - k * step]);
    for (const each of near) {
      if (turn !== this.turn || this.#waiting()) return;
      if (each?.state === 'indexed') await this.open(each, { quiet: true });
    }
    if (turn !== this.turn) return;
    const keys = near.slice(0, AHEAD).flatMap((each) => (each?.state === 'shown' ? [each.key] : []));
    if (keys.length) await this.client.request('ahead', { keys }).catch(() => {});
  }
}
