/** Numbers about numbers. */

/** @param {number[]} values @param {number} share  0..1 */
export function quantile(values, share) {
  const sorted = Float64Array.from(values).sort();
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.ceil(at);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

export const median = (values) => quantile(values, 0.5);

/** @param {number[]} values */
export function summary(values) {
  return {
    count: values.length,
    median: median(values),
    min: Math.min(...values),
    p10: quantile(values, 0.1),
    p90: quantile(values, 0.9),
  };
}

/** The largest difference, relative to the largest value that was wanted. */
export function relativeError(got, want) {
  if (got.length !== want.length) throw new Error(`${got.length} values instead of ${want.length}`);
  let error = 0;
  let size = 0;
  for (let i = 0; i < want.length; i++) {
    error = Math.max(error, Math.abs(got[i] - want[i]));
    size = Math.max(size, Math.abs(want[i]));
  }
  if (!(size > 0) || !Number.isFinite(error)) throw new Error('the outputs are zero or no numbers');
  return error / size;
}
