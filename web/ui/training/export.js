/** An evaluation as files: the report as JSON, the cases as CSV. */
import { SPLITS } from '../../shared/training.js';
import { cell } from '../batch.js';
import { calledAt } from './counts.js';

/**
 * @typedef {{lab: import('./lab.js').Lab, evaluation: import('../../shared/training.js').LabelEvaluation, split: string,
 *            by: {k: number, model: string} | null, epoch: number, threshold: number | null}} Facts
 */

/** @param {Facts} facts */
export function reportJson({ lab, evaluation, by, split, epoch, threshold }) {
  const { loaded, options, status } = lab;
  const judged = by ? { neighbours: by.k, model: by.model } : { options, net: status?.net, parameters: status?.parameters, from: loaded?.about.base, epoch };
  const about = {
    data: loaded?.about.title,
    synthetic: loaded?.about.synthetic,
    classes: loaded?.data.labels,
    ...judged,
    split,
    threshold,
    temperature: evaluation.temperature,
  };
  return `${JSON.stringify({ ...about, report: evaluation.report }, null, 2)}\n`;
}

/** @param {Facts} facts */
export function casesCsv({ lab, evaluation, split, threshold }) {
  const { labels } = evaluation.report;
  const names = lab.loaded?.names ?? [];
  const head = ['file', 'split', 'truth', 'called', ...labels];
  const rows = evaluation.cases.map((one) => {
    const [sample, truth, , ...scores] = one;
    return [names[sample] ?? sample, SPLITS.includes(split) ? split : '', labels[truth], labels[calledAt(one, threshold)], ...scores];
  });
  return [head, ...rows, []].map((row) => row.map(cell).join(',')).join('\r\n');
}
