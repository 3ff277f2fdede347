/** For tests that run the native command. */
import { spawnSync } from 'node:child_process';

import { NATIVE } from './harness.mjs';

export function commandIn(folder, ...words) {
  const { status, stdout, stderr } = spawnSync(NATIVE, words, { encoding: 'utf8', cwd: folder });
  return { status, stdout, stderr };
}

/** A number from 0 to 1 that looks drawn by chance. */
export const noise = (seed) => {
  const x = Math.sin(seed * 12.9898 + 4.1) * 43758.5453;
  return x - Math.floor(x);
};
