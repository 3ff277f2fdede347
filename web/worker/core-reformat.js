/** The core's part for planes through stacks of slices, and for places in the patient. Sees addresses only. */

/**
 * @typedef {import('./core.js').Core} Core
 * @typedef {import('../shared/protocol.js').Plan} Plan
 */

/** A stack of slices on its way to planes. */
export class CoreReformat {
  /** @param {Core} core */
  constructor(core) {
    this.core = core;
    core.call('bridge_reformat_create', 0);
    this.handle = core.result();
  }

  /** A file that is known from its header. @param {number} index  of files @param {string} key */
  announce(index, key) {
    this.core.withTexts([key], (text) => this.core.call('bridge_reformat_announce', this.handle, index, text));
  }

  /** All frames of an image. @param {number} image */
  announceImage(image) {
    this.core.call('bridge_reformat_announce_image', this.handle, image);
  }

  /** @param {number} chosen  number of a picture as announced @param {number} sample  an image @returns {Plan} */
  plan(chosen, sample) {
    this.core.call('bridge_reformat_plan', this.handle, chosen, sample);
    return this.core.ownedJson();
  }

  /** @param {number} slice @param {number} image @param {number} frame */
  fill(slice, image, frame) {
    this.core.call('bridge_reformat_fill', this.handle, slice, image, frame);
  }

  /** @param {number} kind @returns {number} an image */
  openPlane(kind) {
    this.core.call('bridge_reformat_open_plane', this.handle, kind);
    return this.core.result();
  }

  free() {
    this.core.freeReformat(this.handle);
  }
}

/** @param {Core} core @param {number} plane @param {number} thickness @param {number} projection */
export function setSlab(core, plane, thickness, projection) {
  core.call('bridge_plane_set_slab', plane, thickness, projection);
}

/** Where a picture is cut by the plane of another: [x, y, x, y] or null. @param {Core} core @param {number} image @param {number} frame @param {number} other @param {number} otherFrame @returns {[number, number, number, number] | null} */
export function cutLine(core, image, frame, other, otherFrame) {
  core.call('bridge_cut', image, frame, other, otherFrame);
  return core.borrowedJson();
}

/** @param {Core} core @param {number} image @param {number} frame @param {number} x @param {number} y @returns {[number, number, number]} mm */
export function positionOf(core, image, frame, x, y) {
  core.call('bridge_position', image, frame, x, y);
  return core.borrowedJson();
}

/** @param {Core} core @param {number} image @param {[number, number, number]} mm */
export function pointAt(core, image, [x, y, z]) {
  core.call('bridge_point', image, x, y, z);
  const [frame, u, v] = /** @type {[number, number, number]} */ (core.borrowedJson());
  return { frame, x: u, y: v };
}
