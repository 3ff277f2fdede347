/**
 * The lines of a triage table: what is known of each file, in which order, and which of them are wanted. Scores and verdicts are the
 * core's; here they are only compared with each other.
 */
import { isHidden } from '../applies.js';

/**
 * @typedef {import('../desk.js').Item} Item
 * @typedef {import('../../client/triage-store.js').Review} Review
 * @typedef {import('../../client/triage-store.js').Opinion} Opinion
 * @typedef {import('../../shared/protocol.js').Result} Result
 *
 * @typedef {object} Row
 * @property {Item} item
 * @property {string} name
 * @property {Result | null} result  null also where the model may not judge the picture and nobody asked all the same
 * @property {string | null} verdict
 * @property {string} label  whose score it is; empty where there is none
 * @property {number | null} score
 * @property {number | null} threshold
 * @property {'above' | 'borderline' | 'below' | 'highest' | 'other' | null} relation
 * @property {'in range' | 'doubtful' | 'out of range' | 'unknown' | null} applies
 * @property {'waiting' | 'refused' | 'classified'} state
 * @property {Opinion | null} opinion
 * @property {string} note
 *
 * @typedef {'score' | 'name' | 'review'} Column  that one can sort by
 * @typedef {{column: Column, descending: boolean}} Order
 *
 * @typedef {object} Wishes  an empty text: any
 * @property {string} verdict
 * @property {string} applies
 * @property {string} review  'any', 'none' or an opinion
 * @property {number | null} least
 * @property {number | null} most
 * @property {string} text
 */

/** @type {Wishes} */
export const NO_WISHES = Object.freeze({ verdict: '', applies: '', review: '', least: null, most: null, text: '' });
/** Stands for "no label reached its threshold" in the filter of verdicts: no label begins with a control character. */
export const NO_VERDICT = '\u0001';
/** What needs a decision first comes first. */
const OPINIONS = /** @type {Array<Opinion | null>} */ ([null, 'unsure', 'disagree', 'agree']);

const byName = new Intl.Collator(undefined, { numeric: true }).compare;

/** The label that a table shows unless another is chosen: a binary model's finding; of others '', each file's own. @param {Result} result */
export function usualLabel({ task, scores }) {
  return task === 'binary' ? (Object.keys(scores).pop() ?? '') : '';
}

/** @param {Pick<Result, 'scores'>} result */
function highestOf({ scores }) {
  return Object.entries(scores).reduce((best, each) => (each[1] > best[1] ? each : best), ['', -Infinity])[0];
}

/**
 * How a label's score lies to its threshold. The core says so of the one label that the verdict rests on.
 * @param {Result} result
 * @param {string} label
 * @returns {Pick<Row, 'threshold' | 'relation'>}
 */
function relationOf({ task, verdict, scores, threshold, relation }, label) {
  const decides = label === (task === 'binary' ? Object.keys(scores).pop() : (verdict ?? highestOf({ scores })));
  if (task === 'binary') return decides && typeof threshold === 'number' ? { threshold, relation } : { threshold: null, relation: null };
  const own = typeof threshold === 'object' ? (threshold?.[label] ?? null) : null;
  if (own !== null) return { threshold: own, relation: decides ? relation : scores[label] >= own ? 'above' : 'below' };
  return { threshold: null, relation: !decides ? 'other' : relation === 'borderline' ? relation : 'highest' };
}

/**
 * @param {Item} item
 * @param {string} name  as the page may show it
 * @param {{label: string, model: unknown, review: Review | null}} options  label '': the verdict's or the highest one; findings of
 *   other models do not count
 * @returns {Row}
 */
export function rowOf(item, name, { label, model, review }) {
  const finding = item.finding?.model === model ? item.finding : null;
  const given = finding?.result ?? null;
  const result = given && finding && !isHidden(finding) ? given : null;
  const chosen = result ? (label in result.scores ? label : (result.verdict ?? highestOf(result))) : '';
  return {
    item,
    name,
    result,
    verdict: result?.verdict ?? null,
    label: chosen,
    score: result ? result.scores[chosen] : null,
    ...(result ? relationOf(result, chosen) : { threshold: null, relation: null }),
    applies: given ? (given.applies?.verdict ?? 'unknown') : null,
    state: item.error || finding?.error ? 'refused' : given ? 'classified' : 'waiting',
    opinion: review?.opinion ?? null,
    note: review?.note ?? '',
  };
}

/** @param {Row} row @param {Wishes} wishes */
export function isWanted(row, { verdict, applies, review, least, most, text }) {
  if (verdict && (verdict === NO_VERDICT ? !row.result || row.verdict !== null : row.verdict !== verdict)) return false;
  if (applies && row.applies !== applies) return false;
  if (review && (review === 'any' ? !row.opinion : review === 'none' ? row.opinion : row.opinion !== review)) return false;
  if (least !== null && !(row.score !== null && row.score >= least)) return false;
  if (most !== null && !(row.score !== null && row.score <= most)) return false;
  const wish = text.trim().toLowerCase();
  return !wish || row.name.toLowerCase().includes(wish) || row.note.toLowerCase().includes(wish);
}

/**
 * What has no score comes last either way; equals are in the order of their names.
 * @param {Row[]} rows  put in order
 * @param {Order} order
 */
export function sortRows(rows, { column, descending }) {
  const way = descending ? -1 : 1;
  const places = new Map(rows.map((row, at) => [row, at]));
  const listed = (/** @type {Row} */ a, /** @type {Row} */ b) => (places.get(a) ?? 0) - (places.get(b) ?? 0);
  const byScore = (/** @type {Row} */ a, /** @type {Row} */ b) => {
    if (a.score === null || b.score === null) return Number(a.score === null) - Number(b.score === null);
    return way * (a.score - b.score);
  };
  const compare = {
    score: byScore,
    name: (/** @type {Row} */ a, /** @type {Row} */ b) => way * byName(a.name, b.name),
    review: (/** @type {Row} */ a, /** @type {Row} */ b) => way * (OPINIONS.indexOf(a.opinion) - OPINIONS.indexOf(b.opinion)),
  }[column];
  return rows.sort((a, b) => compare(a, b) || listed(a, b));
}

/**
 * The label that a reviewed picture has for training: the verdict where the reviewer agrees; of a binary model the other one
 * where not. What else it may be, nobody said.
 * @param {Result | null} result
 * @param {Opinion | null} opinion
 * @returns {string | null}
 */
export function reviewedLabel(result, opinion) {
  if (!result?.verdict || !opinion || opinion === 'unsure') return null;
  if (opinion === 'agree') return result.verdict;
  const labels = Object.keys(result.scores);
  if (result.task !== 'binary' || labels.length !== 2) return null;
  return labels.find((label) => label !== result.verdict) ?? null;
}
