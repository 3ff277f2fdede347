/** Where the slice of the active pane cuts the pictures of the others: computed by the core, drawn here. */

const SVG = 'http://www.w3.org/2000/svg';

export class ReferenceLines {
  /**
   * @param {import('../desk.js').Desk} desk
   * @param {import('./panes.js').Panes} panes
   * @param {import('../../client/client.js').Client} client
   */
  constructor(desk, panes, client) {
    this.desk = desk;
    this.panes = panes;
    this.client = client;
    this.on = true;
    /** By the number of the pane: in which picture, from where to where. @type {Map<number, {key: string, frame: number, line: [number, number, number, number]}>} */
    this.found = new Map();
    this.asking = false;
    this.again = false;
    for (const type of ['pane', 'select', 'items']) desk.on(type, () => void this.#ask());
    panes.addEventListener('layout', () => void this.#ask());
    panes.addEventListener('place', () => this.#draw());
  }

  /** @param {boolean} on */
  set(on) {
    this.on = on;
    void this.#ask();
  }

  /** Panes that can have a line. Planes of one stack have their crosshair. */
  #targets() {
    const { active, current } = this.desk;
    if (!this.on || !current || !active.view) return [];
    return this.panes.inSight.flatMap(({ pane }) => {
      const { current: item, view } = pane;
      if (pane === active || !item || !view || (item.plane && item.plane.stack === current.plane?.stack)) return [];
      return [{ number: pane.number, key: item.key, frame: view.frame }];
    });
  }

  /** One question at a time; the newest state wins. */
  async #ask() {
    if (this.asking) {
      this.again = true;
      return;
    }
    this.asking = true;
    do {
      this.again = false;
      const targets = this.#targets();
      const { current } = this.desk;
      this.found.clear();
      if (current && targets.length) {
        const from = { key: current.key, frame: this.desk.active.view?.frame ?? 0 };
        const others = targets.map(({ key, frame }) => ({ key, frame }));
        // What cannot be read is said where it is shown.
        const lines = await this.client.request('cut', { from, others }).catch(() => []);
        targets.forEach(({ number, key, frame }, at) => lines[at] && this.found.set(number, { key, frame, line: lines[at] }));
      }
      this.#draw();
    } while (this.again);
    this.asking = false;
  }

  #draw() {
    for (const { pane, viewer, lines } of this.panes.views) {
      const found = this.found.get(pane.number);
      let path = lines.querySelector('.reference');
      if (!found || found.key !== pane.current?.key || found.frame !== pane.view?.frame) {
        path?.remove();
        continue;
      }
      if (!path) {
        path = document.createElementNS(SVG, 'path');
        path.setAttribute('class', 'reference');
        lines.prepend(path);
      }
      const [x0, y0, x1, y1] = found.line;
      const [a, b] = [viewer.placeOf({ x: x0, y: y0 }), viewer.placeOf({ x: x1, y: y1 })];
      path.setAttribute('d', `M${a.x.toFixed(1)} ${a.y.toFixed(1)}L${b.x.toFixed(1)} ${b.y.toFixed(1)}`);
    }
  }
}
