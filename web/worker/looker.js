/**
 * An answer without training: pictures compared by what a model's layers make of them. It has a copy of the data and no
 * thread but the worker's own, so that a training at hand keeps its network, its threads and what it has learned.
 */
import { isTrap } from './core.js';
import { CoreTraining } from './core-training.js';

/** A head that is never run: to begin is to compute the features of all pictures. */
const ONLY_FEATURES = Object.freeze({ net: 'base', trainable: 'head', augment: 'none', epochs: 1 });

export class Looker {
  /** @param {CoreTraining} training */
  constructor(training) {
    this.training = training;
  }

  /** @param {import('./core.js').Core} core @param {CoreTraining} of  whose data @param {Blob} base  a model */
  static async make(core, of, base) {
    const training = CoreTraining.restore(core, of.saveData());
    try {
      await training.setBase(base);
      training.begin(ONLY_FEATURES, 1);
      return new Looker(training);
    } catch (error) {
      if (!isTrap(error)) training.free();
      throw error;
    }
  }

  /** @param {number} image @param {number} frame @param {number} k */
  neighbours(image, frame, k) {
    return this.training.neighbours(image, frame, k);
  }

  /** @param {object} how  with `neighbours` @returns {import('../shared/training.js').Evaluation} */
  evaluate(how) {
    return this.training.evaluate(how);
  }

  free() {
    this.training.free();
  }
}
