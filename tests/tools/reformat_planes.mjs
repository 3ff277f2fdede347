/**
 * Values in planes through volumes, with their places: node tests/tools/reformat_planes.mjs FILE...
 * One line of JSON for each file: {file, plan, samples: [[plane, x, y, z in mm (LPS+), value | null]]} or {file, refused}.
 */
import { openAsBlob } from 'node:fs';

import { CoreReformat, positionOf } from '../../web/worker/core-reformat.js';
import { createCore } from '../node/harness.mjs';

/** Pixels looked at in each plane; a fixed sequence, so that two runs look at the same ones. */
const SAMPLES = 400;

function numbers(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const core = await createCore();
const { planes } = core.constants();
for (const file of process.argv.slice(2)) {
  const stack = new CoreReformat(core);
  try {
    const image = core.openImage(await core.source(await openAsBlob(file)));
    stack.announceImage(image);
    const plan = stack.plan(0, image);
    plan.pictures.forEach((frame, slice) => stack.fill(slice, image, frame));
    const pick = numbers(1);
    const samples = planes.flatMap((name, kind) => {
      const plane = stack.openPlane(kind);
      const { width, height, frames } = core.imageInfo(plane);
      const found = Array.from({ length: SAMPLES }, () => {
        const [x, y, frame] = [pick(width), pick(height), pick(frames)];
        const [value] = core.probe(plane, frame, x, y);
        return [name, ...positionOf(core, plane, frame, x + 0.5, y + 0.5), value];
      });
      core.freeImage(plane);
      return found;
    });
    core.freeImage(image);
    process.stdout.write(`${JSON.stringify({ file, plan, samples })}\n`);
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ file, refused: error.message })}\n`);
  }
  stack.free();
}
