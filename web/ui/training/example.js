/**
 * Data to try training with, of nobody: axial CT slices of an abdomen that the core computes, some with a liver lesion.
 * Which slice has one is dealt evenly, so that every split has its share. The same pictures on every machine.
 */
import { SPLIT_OPEN } from '../../shared/training.js';

/** @typedef {import('../../shared/training.js').Sample} Sample */

const COUNT = 400;
/** Of ten slices four have a lesion: both classes are many enough for figures that mean something. */
const LESIONS_IN_TEN = [1, 4, 6, 9];
const SEED = 1;
/** Larger and clearer lesions in less noise than the core's defaults: a minute of training is to show something. */
const SLICE = { size: 128, contrast: [-120, -80], diameter: [32, 52], noise: 6 };

/** How the slices are read: soft tissue, at a size at which a lesion has a few pixels. */
export const EXAMPLE_SETTINGS = Object.freeze({
  size: 64,
  channels: 1,
  fit: 'stretch',
  range: Object.freeze({ kind: 'window', low: -110, high: 190 }),
  invert: false,
  steps: Object.freeze([]),
  validation: 0.2,
  test: 0.2,
});

/** Options of a training that differ from the core's defaults: few pictures, and few epochs are to do. */
export const EXAMPLE_OPTIONS = Object.freeze({ rate: 0.003 });

/** @param {string} name  of the slices, for people @returns {Sample[]} */
export function exampleSamples(name) {
  return Array.from({ length: COUNT }, (_, index) => {
    const lesion = LESIONS_IN_TEN.includes(index % 10);
    return {
      phantom: { seed: SEED, options: { ...SLICE, number: index + 1, lesion } },
      name: `${name} ${String(index + 1).padStart(3, '0')}`,
      label: Number(lesion),
      patient: null,
      split: SPLIT_OPEN,
    };
  });
}
