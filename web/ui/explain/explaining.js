/**
 * What influenced the model: which map is asked for, and the one that is shown. Maps are the core's; they belong to one
 * picture and one model, and end with the look at it.
 */
import { isCancelled } from '../../client/client.js';
import { CoreError, FAULT } from '../../shared/protocol.js';
import { isHidden } from '../applies.js';
import { Latest } from '../latest.js';
import { putPixels } from '../tools/placing.js';

/**
 * @typedef {import('../desk.js').Item} Item
 * @typedef {import('../../shared/protocol.js').Explained} Explained
 * @typedef {import('../../shared/protocol.js').Result} Result
 * @typedef {{item: Item, frame: number, model: unknown, method: string, label: number, curve: number}} Asked
 * @typedef {{asked: Asked, facts: Explained, map: HTMLCanvasElement}} Shown
 */

/** Maps that are ready with one run of the model: they are made with every classification while maps are shown. */
const QUICK = ['cam', 'grad-cam', 'grad-cam++'];

/** Points of insertion and deletion curves: with 21, each step is five hundredths of the picture. */
const CURVE_POINTS = 21;

export class Explaining extends EventTarget {
  /**
   * Events: `change`.
   * @param {import('../desk.js').Desk} desk
   * @param {import('../../client/client.js').Client} client
   * @param {import('../../shared/protocol.js').Constants} constants
   */
  constructor(desk, client, constants) {
    super();
    this.desk = desk;
    this.client = client;
    this.methods = constants.explanations;
    this.on = false;
    this.method = 'grad-cam';
    /** Number of the label that is asked about; -1: the verdict's. */
    this.label = -1;
    this.opacity = 0.5;
    this.threshold = 0.35;
    /** @type {Shown | null} */
    this.shown = null;
    /** What the core keeps, and can be looked at again with another threshold. @type {Asked | null} */
    this.kept = null;
    /** @type {{controller: AbortController, done: number, total: number} | null} */
    this.running = null;
    /** Why there is no map. @type {CoreError | null} */
    this.error = null;
    /** @type {{likeness: number, map: HTMLCanvasElement} | null} */
    this.check = null;
    this.looking = new Latest(() => this.#look());
    desk.on('model', () => {
      this.label = -1;
      this.#drop();
    });
  }

  get quick() {
    return QUICK.includes(this.method);
  }

  #tell() {
    this.dispatchEvent(new Event('change'));
  }

  #drop() {
    this.running?.controller.abort();
    this.shown = null;
    this.kept = null;
    this.check = null;
    this.error = null;
    this.#tell();
  }

  /** The map of what is up, or null. @param {Item | null} item @param {number | undefined} frame */
  mapOf(item, frame) {
    const { shown } = this;
    if (item?.finding && isHidden(item.finding)) return null;
    return this.on && shown && shown.asked.item === item && shown.asked.frame === frame ? shown : null;
  }

  /** @param {boolean} on */
  setOn(on) {
    this.on = on;
    this.#drop();
    if (on) this.begin();
  }

  /** @param {Partial<{method: string, label: number}>} question */
  ask(question) {
    Object.assign(this, question);
    this.#drop();
    this.begin();
  }

  /** @param {Partial<{opacity: number, threshold: number}>} look */
  setLook(look) {
    Object.assign(this, look);
    if (look.threshold === undefined) this.#tell();
    else this.looking.ask();
  }

  /** The map of what is up, where it does not take long. */
  follow() {
    const { kept } = this;
    const { current } = this.desk;
    if (!this.on || !this.quick || !current?.finding?.result) return;
    const made = kept?.item === current && kept.frame === current.finding.frame && kept.method === this.method && kept.label === this.label;
    if (made) this.looking.ask();
    else this.begin();
  }

  /**
   * Classifies; while quick maps are shown, with one.
   * @param {Item} item
   * @param {number} frame
   * @param {import('../../client/client.js').RequestOptions} options
   * @returns {Promise<Result>}
   */
  async classify(item, frame, options) {
    const plain = () => this.client.request('classify', { key: item.key, frame }, options);
    if (!this.on || !this.quick || item !== this.desk.current) return plain();
    try {
      return await this.#explain(this.#question(item, frame, 0), options);
    } catch (error) {
      if (!(error instanceof CoreError) || error.name !== 'NSC_ERROR_UNSUPPORTED') throw error;
      this.error = error;
      return plain();
    }
  }

  /** @param {Item} item @param {number} frame @param {number} curve @returns {Asked} */
  #question(item, frame, curve) {
    return { item, frame, model: this.desk.model, method: this.method, label: this.label, curve };
  }

  /** @param {Asked} asked @param {import('../../client/client.js').RequestOptions} options @returns {Promise<Result>} */
  async #explain(asked, options) {
    const { item, frame, method, label, curve } = asked;
    this.kept = null;
    const args = { key: item.key, frame, method: this.methods.indexOf(method), label, samples: 0, curve };
    const result = await this.client.request('explain', args, options);
    this.kept = asked;
    this.error = null;
    this.check = null;
    this.looking.ask();
    return result;
  }

  /** Makes the map of what is up. @param {{curves?: boolean}} [options]  with insertion and deletion */
  begin({ curves = false } = {}) {
    const { current } = this.desk;
    const frame = current?.finding?.frame;
    if (!current?.finding?.result || frame === undefined) return this.#tell();
    void this.#work((options) => this.#explain(this.#question(current, frame, curves ? CURVE_POINTS : 0), options));
  }

  /** The same map with shuffled weights. */
  beginCheck() {
    const { kept } = this;
    if (!kept) return;
    void this.#work(async (options) => {
      const args = { key: kept.item.key, frame: kept.frame, threshold: this.threshold };
      const { likeness, pixels } = await this.client.request('explainShuffled', args, options);
      const map = document.createElement('canvas');
      putPixels(pixels, map);
      if (this.kept === kept) this.check = { likeness, map };
    });
  }

  /** @param {(options: import('../../client/client.js').RequestOptions) => Promise<unknown>} work */
  async #work(work) {
    this.running?.controller.abort();
    const running = { controller: new AbortController(), done: 0, total: 0 };
    this.running = running;
    this.error = null;
    this.#tell();
    try {
      await work({
        signal: running.controller.signal,
        onProgress: ({ done, total }) => {
          Object.assign(running, { done, total });
          this.#tell();
        },
      });
    } catch (error) {
      if (!isCancelled(error)) this.error = error instanceof CoreError ? error : new CoreError(FAULT.REQUEST, 'REQUEST', String(error));
    }
    if (this.running === running) this.running = null;
    this.#tell();
  }

  stop() {
    this.running?.controller.abort();
  }

  async #look() {
    const { kept } = this;
    if (!kept || kept.model !== this.desk.model) return;
    try {
      const { facts, pixels } = await this.client.request('explained', { threshold: this.threshold });
      if (kept !== this.kept) return;
      const map = document.createElement('canvas');
      putPixels(pixels, map);
      this.shown = { asked: kept, facts, map };
    } catch {
      // The worker was replaced; the map is asked for anew with the next picture.
      this.kept = null;
      this.shown = null;
    }
    this.#tell();
  }
}
