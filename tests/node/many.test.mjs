/** How many pictures go in one run of the network: as many as are faster on the whole. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Many } from '../../web/worker/many.js';

const PICTURES = Array.from({ length: 64 }, (_, i) => ({ key: String(i), frame: 0 }));

/** Batches that two hundred pictures are computed in, by a core that takes `ms(batch, run)` for the run-th run. */
async function batchesOf(t, ms, batched = true) {
  let clock = 0;
  let batch = 1;
  const used = [];
  t.mock.method(performance, 'now', () => clock);
  const core = {
    putPicture: () => {},
    runBatch: () => {
      used.push(batch);
      clock += ms(batch, used.length);
    },
    batchResult: () => ({}),
  };
  const images = { readAhead: () => {}, once: async (_, use) => use(1, {}) };
  const many = new Many(core, images, async (wanted) => (batch = wanted));
  const model = { classifier: 1, batched };
  for (let more = 3; more >= 0; more--) await many.classify(model, PICTURES, more * PICTURES.length, () => {});
  return used;
}

test('eight at a time where single pictures are only now and then as fast', async (t) => {
  // The first of every four is as fast as in a run of eight, the others are not.
  const used = await batchesOf(t, (batch, run) => (batch === 8 ? 8.8 : run % 4 ? 1.5 : 1.0));
  assert.equal(used[0], 1);
  assert.equal(used.at(-1), 8);
});

test('singly where eight at a time are not faster, or the model takes no more', async (t) => {
  assert.equal((await batchesOf(t, (batch) => (batch === 8 ? 8.8 : 1))).at(-1), 1);
  t.mock.restoreAll();
  assert.ok((await batchesOf(t, () => 1, false)).every((batch) => batch === 1));
});
