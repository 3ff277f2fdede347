/** What the core measured at one start spares the next one the measuring, and changes no score. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { buildNetwork } from '../networks/zoo.mjs';
import { blobOf, createCore, variantsHere } from './harness.mjs';

const SKIP = !variantsHere().includes('relaxed') && 'this Node runs no relaxed SIMD';
const { bytes } = buildNetwork('squeezenet', { size: 64, classes: 10 });

async function start(decisions) {
  const core = await createCore('relaxed');
  if (decisions) core.assumeDecisions(decisions);
  const model = core.openModel(await core.source(blobOf(bytes)));
  const before = performance.now();
  core.call('bridge_session_create', model, 1, 0, 1);
  const ms = performance.now() - before;
  const session = core.result();
  const [input, output] = [core.module._bridge_alloc(3 * 64 * 64 * 4) >>> 0, core.module._bridge_alloc(40) >>> 0];
  new Float32Array(core.module.wasmMemory.buffer, input, 3 * 64 * 64).forEach((_, i, all) => (all[i] = Math.sin(i)));
  core.call('bridge_session_run', session, input, 3 * 64 * 64, output, 10);
  return { ms, decisions: core.decisions(), scores: [...new Float32Array(core.module.wasmMemory.buffer, output, 10)] };
}

test('measured once, then known', { skip: SKIP }, async (t) => {
  const first = await start(0);
  const rows = first.decisions & 3;
  assert.ok(rows === 1 || rows === 2, 'four rows or six');
  const second = await start(first.decisions);
  assert.equal(second.decisions, first.decisions);
  t.diagnostic(`${first.ms.toFixed(1)} ms, then ${second.ms.toFixed(1)} ms`);
  // The race alone takes twelve rounds of a millisecond at least.
  assert.ok(second.ms < first.ms - 6, `${first.ms} ms, then ${second.ms} ms`);
  const other = await start(3 - rows);
  assert.equal(other.decisions & 3, 3 - rows, 'what is assumed is used');
  for (const { scores } of [second, other]) {
    for (const [i, score] of scores.entries()) assert.ok(Math.abs(score - first.scores[i]) < 1e-4 * Math.max(...first.scores.map(Math.abs)));
  }
});
