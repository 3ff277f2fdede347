/**
 * Maps of what influenced the model. The last one is kept, so that its threshold can be moved; it ends with the model, or
 * with the next one.
 */
import { CoreError, FAULT } from '../shared/protocol.js';
import { CoreEnsemble, CoreExplanation, CoreStability, shuffledModel } from './core-explain.js';
import { isTrap } from './core.js';

/**
 * @typedef {import('./core.js').Core} Core
 * @typedef {(done: number, total: number, phase: string) => void} Progress
 * @typedef {{handle: number, classifier: number, options: import('../shared/protocol.js').ModelOptions}} Model
 * @typedef {{method: number, label: number, samples?: number, curve?: number}} Question
 */

/** Between two reports of progress; a step at least. */
const PIECE_MS = 40;

/** All steps of a work. @param {CoreExplanation | CoreStability} work @param {Progress} progress */
export function finish(work, progress) {
  let [done, total] = work.progress();
  while (done < total) {
    const until = performance.now() + PIECE_MS;
    do {
      work.step();
      done += 1;
    } while (done < total && performance.now() < until);
    progress(done, total, 'explain');
  }
}

/** @param {Core} core @param {number} classifier @param {number} image @param {number} frame @param {number} draws @param {Progress} progress */
export function testStability(core, classifier, image, frame, draws, progress) {
  const stability = new CoreStability(core, classifier, image, frame, draws);
  try {
    finish(stability, progress);
    const facts = stability.facts();
    stability.free();
    return facts;
  } catch (error) {
    if (!isTrap(error)) stability.free();
    throw error;
  }
}

/** Stands for the loaded model among others. */
const LOADED = null;

/** @param {Core} core @param {Model} model */
function end(core, { handle, classifier }) {
  core.freeClassifier(classifier);
  core.freeModel(handle);
}

/**
 * The loaded model and others about one picture. The others are opened one after the other, without threads, which the loaded one has, and end as soon as
 * they have spoken.
 * @template Other
 * @param {Core} core
 * @param {number} classifier
 * @param {Other[]} others
 * @param {{open: (other: Other) => Promise<Model>, image: () => Promise<number>, frame: number, combine: number, stack: string | null, at: number, progress: Progress}} how
 *   `image` is asked for each time: files are read in between. at: of the loaded model among the others, which speak in their order
 */
export async function askModels(core, classifier, others, { open, image, frame, combine, stack, at, progress }) {
  const ensemble = new CoreEnsemble(core, combine, stack);
  const total = others.length + 1;
  try {
    for (const [turn, other] of [...others.slice(0, at), LOADED, ...others.slice(at)].entries()) {
      progress(turn, total, 'opinions');
      if (other === LOADED) {
        ensemble.ask(classifier, await image(), frame);
        continue;
      }
      const model = await open(other);
      try {
        ensemble.ask(model.classifier, await image(), frame);
      } catch (error) {
        if (!isTrap(error)) end(core, model);
        throw error;
      }
      end(core, model);
    }
    progress(total, total, 'opinions');
    const facts = ensemble.facts();
    ensemble.free();
    return facts;
  } catch (error) {
    if (!isTrap(error)) ensemble.free();
    throw error;
  }
}

/**
 * How much each model's word counts, from labelled pictures. All models are open at once: each picture goes through all of them.
 * @template Other
 * @param {Core} core
 * @param {number} classifier
 * @param {Other[]} others
 * @param {import('../shared/protocol.js').Labelled[]} pictures
 * @param {{open: (other: Other) => Promise<Model>, image: (key: string) => Promise<number>, progress: Progress}} how
 */
export async function learnStack(core, classifier, others, pictures, { open, image, progress }) {
  const ensemble = new CoreEnsemble(core, 0);
  /** @type {Model[]} */
  const models = [];
  const drop = () => {
    for (const model of models) end(core, model);
    ensemble.free();
  };
  try {
    for (const other of others) models.push(await open(other));
    for (const [done, { key, frame, truth }] of pictures.entries()) {
      progress(done, pictures.length, 'opinions');
      const handle = await image(key);
      for (const each of [classifier, ...models.map((model) => model.classifier)]) ensemble.ask(each, handle, frame);
      ensemble.learn(Uint8Array.from(truth));
    }
    const stack = ensemble.fit();
    drop();
    return stack;
  } catch (error) {
    if (!isTrap(error)) drop();
    throw error;
  }
}

export class Explanations {
  /** @param {Core} core */
  constructor(core) {
    this.core = core;
    /** @type {{explanation: CoreExplanation, question: Question} | null} */
    this.kept = null;
  }

  /** Before its classifier ends. */
  forget() {
    this.kept?.explanation.free();
    this.kept = null;
  }

  /** @param {number} classifier @param {number} image @param {number} frame @param {Question} question @param {Progress} progress */
  #make(classifier, image, frame, question, progress) {
    const explanation = new CoreExplanation(this.core, classifier, image, frame, question);
    try {
      finish(explanation, progress);
      return explanation;
    } catch (error) {
      if (!isTrap(error)) explanation.free();
      throw error;
    }
  }

  /** @param {Model} model @param {number} image @param {number} frame @param {Question} question @param {Progress} progress */
  explain(model, image, frame, question, progress) {
    this.forget();
    const explanation = this.#make(model.classifier, image, frame, question, progress);
    this.kept = { explanation, question };
    return explanation.result();
  }

  /** @param {number} threshold */
  look(threshold) {
    const { explanation } = this.#last();
    const facts = explanation.facts(threshold);
    return { facts, pixels: explanation.overlay(threshold, facts) };
  }

  /**
   * The same question to the same network with shuffled weights. It has no threads: the classifier has them.
   * @param {Model} model
   * @param {number} image
   * @param {number} frame
   * @param {number} threshold
   * @param {Progress} progress
   */
  check({ handle, options }, image, frame, threshold, progress) {
    const { explanation, question } = this.#last();
    const model = shuffledModel(this.core, handle, 1);
    try {
      const classifier = this.core.createClassifier(model, 1, options);
      try {
        const other = this.#make(classifier, image, frame, { ...question, curve: 0 }, progress);
        const likeness = explanation.compare(other);
        const pixels = other.overlay(threshold, other.facts(threshold));
        other.free();
        return { likeness, pixels };
      } finally {
        this.core.freeClassifier(classifier);
      }
    } finally {
      this.core.freeModel(model);
    }
  }

  #last() {
    if (!this.kept) throw new CoreError(FAULT.REQUEST, 'REQUEST', 'nothing was explained');
    return this.kept;
  }
}
