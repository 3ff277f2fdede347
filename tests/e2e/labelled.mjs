/** Pictures with labels as a person would drop them. */
import { greyPng } from '../node/fixtures.mjs';

/** Bright on the left, or on the right. */
export const half = (label, seed) => greyPng(32, 32, (x, y) => ((x < 16) === (label === 0) ? 190 : 60) + ((x * 7 + y * 13 + seed * 29) % 40));

/** Files with paths, as a dropped folder has them. @type {Array<{path: string, bytes: number[]}>} */
export function folder({ perClass = 12, extra = [] } = {}) {
  const files = [];
  for (let index = 0; index < perClass * 2; index++) {
    files.push({ path: `set/${index % 2 ? 'right' : 'left'}/p${index >> 2}_${index}.png`, bytes: [...half(index % 2, index)] });
  }
  return [...files, ...extra];
}

/** A folder cannot be dropped by a test; this is what the page makes of one. */
export function drop(page, files) {
  return page.evaluate((given) => {
    const found = given.map(({ path, bytes }) => ({ path, file: new File([new Uint8Array(bytes)], path.split('/').pop()) }));
    globalThis.negatoscope.training.take(found);
  }, files);
}
