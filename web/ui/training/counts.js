/**
 * Counts of right and wrong calls at a threshold, from the cases that the core evaluated: what moves live under a slider.
 * Figures with their intervals are the core's.
 */

/** @typedef {import('../../shared/training.js').Case} Case */

/** What a case is called: of two labels the second at or above the threshold; else as the core called it.
 * @param {Case} one @param {number | null} threshold */
export function calledAt(one, threshold) {
  return threshold === null ? one[2] : Number(one[one.length - 1] >= threshold);
}

/**
 * @param {Case[]} cases
 * @param {number} labels
 * @param {number | null} threshold
 * @returns {number[][]} rows are the truth, columns the calls
 */
export function confusion(cases, labels, threshold) {
  const matrix = Array.from({ length: labels }, () => Array(labels).fill(0));
  for (const one of cases) matrix[one[1]][calledAt(one, threshold)]++;
  return matrix;
}

/** @typedef {{hits: number, of: number}} Share */

/** Of two labels, the second being the positive one. @param {number[][]} matrix @returns {Record<string, Share>} */
export function shares([[tn, fp], [fn, tp]]) {
  return {
    sensitivity: { hits: tp, of: tp + fn },
    specificity: { hits: tn, of: tn + fp },
    precision: { hits: tp, of: tp + fp },
    npv: { hits: tn, of: tn + fn },
    accuracy: { hits: tp + tn, of: tp + tn + fp + fn },
  };
}

/**
 * Points of a curve at which x never goes back, as a chart wants them.
 * @param {Array<[number, number, ...unknown[]]>} points
 * @returns {[number[], number[]]}
 */
export function columnsOf(points) {
  const sorted = points.map((point, index) => ({ point, index })).sort((a, b) => a.point[0] - b.point[0] || a.index - b.index);
  return [sorted.map(({ point }) => point[0]), sorted.map(({ point }) => point[1])];
}
