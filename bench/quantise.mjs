/** The networks in int8, by the product's own command. What it calibrates on are pictures of noise: speed is the same. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { ROOT, SCRATCH } from './paths.mjs';

const SIDE = 16;

/** Two labels with three grey pictures each. */
function makePictures() {
  const folder = join(SCRATCH, 'pictures');
  let state = 1;
  for (const label of ['a', 'b']) {
    mkdirSync(join(folder, label), { recursive: true });
    for (let i = 0; i < 3; i++) {
      const grey = Uint8Array.from({ length: SIDE * SIDE }, () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24);
      writeFileSync(join(folder, label, `${i}.pgm`), Buffer.concat([Buffer.from(`P5 ${SIDE} ${SIDE} 255\n`), grey]));
    }
  }
  return folder;
}

/** Writes `<name>-int8.onnx` beside `<name>.onnx`. */
export async function quantise(name, [channels, height, width]) {
  const recipe = { width, height, channels, mean: Array(channels).fill(0.5), std: Array(channels).fill(0.5) };
  const file = (suffix) => join(SCRATCH, 'models', `${name}${suffix}.onnx`);
  await promisify(execFile)(join(ROOT, 'build/native/negatoscope'),
    ['quantize', '--recipe', JSON.stringify(recipe), '--images', '4', '-o', file('-int8'), file(''), makePictures()]);
}
