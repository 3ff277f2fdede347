/** Reports: a classification, its map and its test of steadiness, anew for each report, so that one holds together. */
import { CoreError } from '../shared/protocol.js';
import { CoreExplanation, CoreStability } from './core-explain.js';
import { CoreRecord, digestOf } from './core-record.js';
import { isTrap } from './core.js';
import { finish } from './explaining.js';

/**
 * @typedef {import('./core.js').Core} Core
 * @typedef {import('./explaining.js').Progress} Progress
 * @typedef {import('./explaining.js').Model} Model
 * @typedef {import('../shared/protocol.js').ReportWish} ReportWish
 */

/** A map by one method, or null where it does not fit the model. @param {Core} core @param {number} classifier @param {number} image @param {number} method @param {ReportWish} wish @param {Progress} progress */
function explainBy(core, classifier, image, method, { frame, label }, progress) {
  /** @type {CoreExplanation | null} */
  let explanation = null;
  try {
    explanation = new CoreExplanation(core, classifier, image, frame, { method, label });
    finish(explanation, progress);
    return explanation;
  } catch (error) {
    if (!isTrap(error)) explanation?.free();
    if (error instanceof CoreError && error.name === 'NSC_ERROR_UNSUPPORTED') return null;
    throw error;
  }
}

/**
 * @param {Core} core
 * @param {Model} model
 * @param {{handle: number, file: Blob | null}} image
 * @param {ReportWish} wish
 * @param {Progress} progress
 */
export async function writeReport(core, model, { handle, file }, wish, progress) {
  const sha256 = file && (await digestOf(core, file, (done, total) => progress(done, total, 'read')));
  /** What is to be ended, the last first. @type {Array<{free: () => void}>} */
  const made = [];
  try {
    /** @type {CoreExplanation | null} */
    let explanation = null;
    for (const method of wish.methods) explanation ??= explainBy(core, model.classifier, handle, method, wish, progress);
    if (explanation) made.push(explanation);
    const stability = new CoreStability(core, model.classifier, handle, wish.frame, wish.draws);
    made.push(stability);
    finish(stability, progress);
    const { threshold, nameless, time, name, marks } = wish;
    const options = { explanation: explanation?.handle ?? 0, stability: stability.handle, threshold, nameless, time, name, sha256, marks: JSON.stringify(marks), model: model.options };
    const record = new CoreRecord(core, model.classifier, handle, wish.frame, options);
    made.push(record);
    const written = record.write(wish.form, wish.language, wish.secret);
    for (const each of made.reverse()) each.free();
    return written;
  } catch (error) {
    if (!isTrap(error)) for (const each of made.reverse()) each.free();
    throw error;
  }
}
