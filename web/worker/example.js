/**
 * Synthetic films to try training with, made on the spot and of nobody: a bright field with soft shadows and grain, with
 * or without a small dense disc. As PGM, so that they pass through the core's own reader like any file.
 */

const SIZE = 96;

export const EXAMPLE_LABELS = Object.freeze(['synthetic clear', 'synthetic nodule']);

/** Park and Miller's generator (CACM 31, 1988): the same pictures on every machine. @param {number} seed */
function randomOf(seed) {
  let state = (seed % 2147483646) + 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

/** A smooth spot of height 1 at its middle. @param {number} distance @param {number} radius */
const spot = (distance, radius) => 1 / (1 + Math.exp((distance - radius) / (radius * 0.22)));

/** @param {() => number} random @param {boolean} nodule */
function film(random, nodule) {
  const shadows = Array.from({ length: 5 }, () => ({
    x: random() * SIZE,
    y: random() * SIZE,
    radius: SIZE * (0.14 + random() * 0.16),
    depth: (random() - 0.35) * 60,
  }));
  const disc = {
    x: SIZE * (0.2 + random() * 0.6),
    y: SIZE * (0.2 + random() * 0.6),
    radius: SIZE * (0.05 + random() * 0.035),
    depth: nodule ? 38 + random() * 40 : 0,
  };
  const level = 70 + random() * 50;
  const bytes = new Uint8Array(SIZE * SIZE);
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      let value = level + (random() + random() + random() - 1.5) * 22;
      for (const each of [...shadows, disc]) {
        value += each.depth * spot(Math.hypot(x - each.x, y - each.y), each.radius);
      }
      bytes[y * SIZE + x] = Math.max(0, Math.min(255, Math.round(value)));
    }
  }
  return bytes;
}

/**
 * @param {number} perClass
 * @returns {Generator<{name: string, label: number, file: Blob}>}
 */
export function* exampleFilms(perClass) {
  const random = randomOf(20240229);
  for (let index = 0; index < perClass * 2; index++) {
    const label = index % 2;
    const number = String(Math.floor(index / 2) + 1).padStart(3, '0');
    yield {
      name: `synthetic-${label ? 'nodule' : 'clear'}-${number}.pgm`,
      label,
      file: new Blob([`P5\n${SIZE} ${SIZE}\n255\n`, film(random, label === 1)]),
    };
  }
}
