/**
 * Panes that follow the active one: through the slices, in their window, in zoom and place. Slices that lie in one frame of
 * reference and are parallel are brought to the same place in mm; others to the same part of their stack.
 */

/**
 * @typedef {import('./pane.js').Pane} Pane
 * @typedef {{space: string | null, normal: readonly number[] | null, positions: readonly number[] | null}} Course  where the
 *   slices of a stack lie: mm along their normal
 */

/** Cosine above which planes are taken for parallel: 2 degrees, as between two scans of one person. */
const PARALLEL = 0.9994;

/** @param {Pane} pane @returns {Course | null} */
function courseOf({ current }) {
  if (!current?.pile) return current?.info?.place ?? null;
  const { stack, places } = current.pile;
  return { space: stack.space ?? null, normal: stack.normal ?? null, positions: places };
}

/**
 * Where in its own stack a pane has to go to lie beside another.
 * @param {Pane} source
 * @param {Pane} target
 */
export function placeBeside(source, target) {
  const { at, count } = source.place;
  const last = target.place.count - 1;
  const [from, to] = [courseOf(source), courseOf(target)];
  const mm = from?.positions?.[at];
  if (from?.space && from.space === to?.space && from.normal && to.normal && to.positions?.length && mm !== undefined) {
    const cosine = from.normal.reduce((sum, value, axis) => sum + value * Number(to.normal?.[axis]), 0);
    if (Math.abs(cosine) > PARALLEL) {
      const aim = mm * Math.sign(cosine);
      let best = 0;
      to.positions.forEach((each, index) => {
        if (Math.abs(each - aim) < Math.abs(Number(to.positions?.[best]) - aim)) best = index;
      });
      return best;
    }
  }
  return count > 1 ? Math.round((at / (count - 1)) * last) : target.place.at;
}

export class Links {
  /** @param {import('../desk.js').Desk} desk @param {import('./panes.js').Panes} panes */
  constructor(desk, panes) {
    this.desk = desk;
    this.panes = panes;
    /** What is linked. */
    this.on = { scroll: false, window: false, zoom: false };
    this.following = false;
    /** Where the active pane was: a change of the window alone moves nobody. */
    this.was = '';
    desk.on('select', () => desk.stepped && this.#follow());
    desk.on('view', () => this.#follow());
    desk.on('active', () => (this.was = this.#placeName()));
    panes.addEventListener('place', (event) => {
      if (/** @type {CustomEvent} */ (event).detail.viewer === panes.viewer) this.#followZoom();
    });
  }

  /** @param {keyof Links['on']} what @param {boolean} on */
  set(what, on) {
    this.on[what] = on;
    this.was = '';
    if (on) this.#follow();
    if (on && what === 'zoom') this.#followZoom();
  }

  /** The other panes in sight that show something. */
  #others() {
    return this.panes.inSight.filter(({ pane }) => pane !== this.desk.active && pane.current);
  }

  #placeName() {
    const { current, place } = this.desk.active;
    return `${current?.pile ? '' : current?.key}:${place.at}`;
  }

  #follow() {
    const { active } = this.desk;
    if (this.following || !active.current) return;
    this.following = true;
    const place = this.#placeName();
    for (const { pane } of this.#others()) {
      if (this.on.scroll && place !== this.was) pane.goTo(placeBeside(active, pane));
      if (this.on.window) this.#followWindow(pane);
    }
    this.was = place;
    this.following = false;
  }

  /** Windows are in units of the modality: others would mean nothing. @param {Pane} pane */
  #followWindow(pane) {
    const { current, view } = this.desk.active;
    if (!view || !pane.view || view.voiLut >= 0 || current?.info?.modality !== pane.current?.info?.modality) return;
    const { center, width, function: voi, invert } = view;
    const now = pane.view;
    if (now.center === center && now.width === width && now.function === voi && now.invert === invert && now.voiLut < 0) return;
    pane.setView({ voiLut: -1, function: voi, center, width, invert });
  }

  /** The same size in mm where both files tell it, else in pixels; places are counted from the middle. */
  #followZoom() {
    if (!this.on.zoom || this.following) return;
    this.following = true;
    const { viewer, pane: source } = this.panes.active;
    const from = source.current?.info?.spacing?.[0];
    for (const { viewer: other, pane } of this.#others()) {
      const to = pane.current?.info?.spacing?.[0];
      const ratio = from && to ? to / from : 1;
      other.follow(viewer.scale * ratio, viewer.centre);
    }
    this.following = false;
  }
}
