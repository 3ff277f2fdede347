/**
 * Stacks that are looked at in other planes. The voxels are gathered in portions, so that pictures can be asked for in
 * between and the page can stop by asking for no more. Planes are images with a key and without a file.
 */
import { CoreError, FAULT } from '../shared/protocol.js';
import { CoreReformat, cutLine, pointAt, positionOf, setSlab } from './core-reformat.js';

/**
 * @typedef {import('./core.js').Core} Core
 * @typedef {import('../shared/protocol.js').Plan} Plan
 * @typedef {import('../shared/protocol.js').Look} Look
 * @typedef {{stack: CoreReformat, plan: Plan, sources: Look[], done: number}} Gathering
 */

/** Milliseconds of gathering for one answer: a picture that is asked for meanwhile waits no longer than this. */
const PORTION_MS = 50;

export class Reformats {
  /** @param {Core} core @param {import('./images.js').Images} images @param {import('./catalogue.js').Catalogue} catalogue */
  constructor(core, images, catalogue) {
    this.core = core;
    this.images = images;
    this.catalogue = catalogue;
    /** @type {Map<string, Gathering>} */
    this.gatherings = new Map();
  }

  /**
   * Looks at the slices' headers and says what is to come.
   * @param {string} key  a new one, for what is gathered
   * @param {string[]} keys  of the stack's files, or of one file of many frames
   * @param {Look} chosen  the picture that is looked at
   */
  async begin(key, keys, chosen) {
    const { handle, info } = await this.images.get(chosen.key);
    const stack = new CoreReformat(this.core);
    try {
      /** @type {Look[]} */
      let sources;
      if (keys.length === 1) {
        stack.announceImage(handle);
        sources = Array.from({ length: info.frames }, (_, frame) => ({ key: keys[0], frame }));
      } else {
        for (const each of keys) stack.announce(this.catalogue.index.handle, each);
        sources = keys.map((each) => ({ key: each, frame: 0 }));
      }
      const number = keys.length === 1 ? chosen.frame : keys.indexOf(chosen.key);
      const plan = stack.plan(number, handle);
      this.gatherings.set(key, { stack, plan, sources, done: 0 });
      return plan;
    } catch (error) {
      stack.free();
      throw error;
    }
  }

  /** The next slices. @param {string} key */
  async fill(key) {
    const gathering = this.#get(key);
    const { stack, plan, sources } = gathering;
    const until = performance.now() + PORTION_MS;
    do {
      if (gathering.done === plan.slices) break;
      const slice = gathering.done;
      const source = sources[plan.pictures[slice]];
      await this.images.once(source.key, (handle) => stack.fill(slice, handle, source.frame));
      gathering.done++;
    } while (performance.now() < until);
    return { done: gathering.done, total: plan.slices };
  }

  /** Opens a plane of what was gathered, as an image. @param {string} key @param {string} plane  key of the plane @param {number} kind */
  openPlane(key, plane, kind) {
    const handle = this.#get(key).stack.openPlane(kind);
    return this.images.take(plane, handle);
  }

  /** Lets what was gathered go; its planes stay. @param {string} key */
  close(key) {
    this.gatherings.get(key)?.stack.free();
    this.gatherings.delete(key);
  }

  /** @param {string[]} keys  of planes @param {number} thickness @param {number} projection */
  async setSlab(keys, thickness, projection) {
    for (const key of keys) setSlab(this.core, (await this.images.get(key)).handle, thickness, projection);
  }

  /** Where the plane of one picture cuts others. @param {Look} from @param {Look[]} others */
  async cut(from, others) {
    const lines = [];
    for (const { key, frame } of others) {
      // The one before may have been let go to make room for this one.
      const image = await this.images.get(key);
      const plane = await this.images.get(from.key);
      lines.push(this.images.has(key) ? cutLine(this.core, image.handle, frame, plane.handle, from.frame) : null);
    }
    return lines;
  }

  /** The place of a pixel, in other images. @param {Look & {x: number, y: number}} from @param {string[]} keys */
  async locate({ key, frame, x, y }, keys) {
    const mm = positionOf(this.core, (await this.images.get(key)).handle, frame, x, y);
    const points = [];
    for (const each of keys) points.push(pointAt(this.core, (await this.images.get(each)).handle, mm));
    return points;
  }

  /** @param {string} key @returns {Gathering} */
  #get(key) {
    const gathering = this.gatherings.get(key);
    if (!gathering) throw new CoreError(FAULT.REQUEST, 'REQUEST', `nothing is gathered as ${key}`);
    return gathering;
  }
}
