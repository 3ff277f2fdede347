/** Models for times to an event: the part of the core's functions that gives curves in the place of scores. */

/** @typedef {import('./core.js').Core} Core */

/** A model that is made ready to run; to be freed. */
export class CorePrognosis {
  /** @param {Core} core @param {number} model @param {number} threads @param {string | null} recipe */
  constructor(core, model, threads, recipe) {
    this.core = core;
    core.withTexts([recipe], (text) => core.call('bridge_prognosis_create', model, threads, text));
    this.handle = core.result();
  }

  /**
   * @param {number} image
   * @param {number} frame
   * @param {Record<string, string> | null} fields  as people write them; "" asks the file
   * @returns {import('../shared/protocol.js').SurvivalCurve}
   */
  run(image, frame, fields) {
    const given = fields ? JSON.stringify(fields) : null;
    this.core.withTexts([given], (text) => this.core.call('bridge_prognosis_run', this.handle, image, frame, text));
    return this.core.ownedJson();
  }

  free() {
    this.core.freePrognosis(this.handle);
  }
}
