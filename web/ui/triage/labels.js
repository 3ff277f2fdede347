/**
 * Reviewed pictures as data for training: a table of files and labels as `negatoscope train` and `evaluate` read it, or at once in
 * the page's own training.
 */
import { cell } from '../batch.js';
import { isHidden } from '../applies.js';
import { reviewedLabel } from './rows.js';

/**
 * @typedef {import('../desk.js').Item} Item
 * @typedef {{key: string, file: File, path: string, label: string}} Labelled
 */

/**
 * The files whose label a review says. Training takes the first frame of a file, so reviews of other frames are left out, and so
 * are results that nobody saw.
 * @param {Item[]} items
 * @param {object | null} model
 * @param {(item: Item) => import('../../client/triage-store.js').Review | null} reviewOf
 * @returns {Labelled[]}
 */
export function labelledFiles(items, model, reviewOf) {
  return items.flatMap((item) => {
    const { key, file, path, finding } = item;
    if (!file || finding?.model !== model || finding?.frame !== 0 || isHidden(finding)) return [];
    const label = reviewedLabel(finding.result, reviewOf(item)?.opinion ?? null);
    return label === null ? [] : [{ key, file, path, label }];
  });
}

/** Files that were opened under one path cannot be told apart in a table. @param {Labelled[]} files */
export function withOwnPath(files) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { path } of files) counts.set(path, (counts.get(path) ?? 0) + 1);
  return files.filter(({ path }) => counts.get(path) === 1);
}

/**
 * CSV (RFC 4180) of files and labels. A path that a spreadsheet would run as a formula begins with "./", which leads to the same file.
 * @param {Array<{path: string, label: string}>} files
 */
export function labelTable(files) {
  const lines = files.map(({ path, label }) => [/^[=+\-@]/.test(path) ? `./${path}` : path, label].map(cell).join(','));
  return ['file,label', ...lines, ''].join('\r\n');
}

/** What training takes: the pictures and their table. @param {Labelled[]} files @returns {Array<{file: File, path: string}>} */
export function trainingFiles(files) {
  const own = withOwnPath(files);
  const table = new File([labelTable(own)], 'reviewed.csv', { type: 'text/csv' });
  return [{ file: table, path: 'reviewed.csv' }, ...own.map(({ file, path }) => ({ file, path }))];
}
