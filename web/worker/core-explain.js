/** The core's part for maps of what influenced a model. Sees addresses only. */

/**
 * @typedef {import('./core.js').Core} Core
 * @typedef {import('../shared/protocol.js').Explained} Explained
 */

/** A map that is being made, and the classification that it began with. */
export class CoreExplanation {
  /**
   * @param {Core} core
   * @param {number} classifier
   * @param {number} image
   * @param {number} frame
   * @param {{method: number, label: number, samples?: number, curve?: number}} options  label -1: the verdict's
   */
  constructor(core, classifier, image, frame, { method, label, samples = 0, curve = 0 }) {
    this.core = core;
    this.classifier = classifier;
    core.call('bridge_explanation_create', classifier, image, frame, method, label, samples, curve);
    this.handle = core.result();
  }

  /** @returns {[number, number]} steps done and to do */
  progress() {
    this.core.call('bridge_explanation_progress', this.handle);
    return this.core.borrowedJson();
  }

  step() {
    this.core.call('bridge_explanation_step', this.handle);
  }

  /** @returns {import('../shared/protocol.js').Result} */
  result() {
    this.core.call('bridge_explanation_result', this.handle, this.classifier);
    return this.core.ownedJson();
  }

  /** @param {number} threshold @returns {Explained} */
  facts(threshold) {
    this.core.call('bridge_explanation_json', this.handle, threshold);
    return this.core.ownedJson();
  }

  /** @param {number} threshold @param {Explained} facts */
  overlay(threshold, { width, height }) {
    this.core.call('bridge_explanation_overlay', this.handle, threshold);
    return this.core.pixels(width, height);
  }

  /** How alike two maps are, -1 to 1. @param {CoreExplanation} other @returns {number} */
  compare(other) {
    this.core.call('bridge_explanation_compare', this.handle, other.handle);
    return this.core.borrowedJson()[0];
  }

  free() {
    this.core.freeExplanation(this.handle);
  }
}

/** A score under small changes of the picture. */
export class CoreStability {
  /** @param {Core} core @param {number} classifier @param {number} image @param {number} frame @param {number} draws  0: as many as usual */
  constructor(core, classifier, image, frame, draws) {
    this.core = core;
    core.call('bridge_stability_create', classifier, image, frame, draws);
    this.handle = core.result();
  }

  /** @returns {[number, number]} steps done and to do */
  progress() {
    this.core.call('bridge_stability_progress', this.handle);
    return this.core.borrowedJson();
  }

  step() {
    this.core.call('bridge_stability_step', this.handle);
  }

  /** @returns {import('../shared/protocol.js').Steadiness} */
  facts() {
    this.core.call('bridge_stability_json', this.handle);
    return this.core.ownedJson();
  }

  free() {
    this.core.freeStability(this.handle);
  }
}

/** What several models say of one picture. */
export class CoreEnsemble {
  /** @param {Core} core @param {number} combine @param {string | null} [stack]  weights that were learnt */
  constructor(core, combine, stack = null) {
    this.core = core;
    core.withTexts([stack], (text) => core.call('bridge_ensemble_create', combine, text));
    this.handle = core.result();
  }

  /** @param {number} classifier  may end afterwards @param {number} image @param {number} frame */
  ask(classifier, image, frame) {
    this.core.call('bridge_ensemble_ask', this.handle, classifier, image, frame);
  }

  /** Of the picture that all were asked about. @param {Uint8Array} truth  1 for each label that it has */
  learn(truth) {
    this.core.withBytes(truth, (address) => this.core.call('bridge_ensemble_learn', this.handle, address));
  }

  /** @returns {import('../shared/protocol.js').StackFile} */
  fit() {
    this.core.call('bridge_ensemble_fit', this.handle);
    return this.core.ownedJson();
  }

  /** @returns {import('../shared/protocol.js').Opinions} */
  facts() {
    this.core.call('bridge_ensemble_json', this.handle);
    return this.core.ownedJson();
  }

  free() {
    this.core.freeEnsemble(this.handle);
  }
}

/** The same network with shuffled weights, as a model. @param {Core} core @param {number} model @param {number} seed @returns {number} */
export function shuffledModel(core, model, seed) {
  core.call('bridge_model_shuffled', model, seed);
  return core.openModel(core.sourceOf(core.ownedBytes()));
}
