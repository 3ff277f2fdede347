/** How many pictures go in one run of the network: as many as are faster on the whole. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Images } from '../../web/worker/images.js';
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
  const images = { readAhead: () => {}, borrow: async () => ({ handle: 1, info: {} }), giveBack: () => {} };
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

/** A core whose images are numbers, and which of them were ended. */
function fakeCore() {
  const freed = [];
  let last = 0;
  const core = {
    source: async () => 0,
    openImage: () => ++last,
    imageInfo: () => ({ width: 8, height: 8, channels: 1, bits: 8 }),
    readyToDecode: async () => {},
    freeImage: (handle) => freed.push(handle),
  };
  return { core, freed };
}

test('an image that was borrowed is ended by who borrowed it if it was closed or read again meanwhile', async () => {
  const { core, freed } = fakeCore();
  const images = new Images(core);
  const file = new Blob(['x']);
  await images.open('held', file);
  images.adopt('closed', file);

  const one = await images.borrow('held');
  images.giveBack('held', one);
  assert.deepEqual([freed.length, images.has('held')], [0, true]); // it stays

  const first = await images.borrow('held');
  const second = await images.get('held'); // somebody looks at it: read once more
  assert.notEqual(first.handle, second.handle);
  images.giveBack('held', first);
  assert.deepEqual(freed, [first.handle]);

  const third = await images.borrow('held');
  images.close('held');
  assert.deepEqual(freed, [first.handle]); // not while it is used
  images.giveBack('held', third);
  assert.deepEqual(freed, [first.handle, third.handle]);

  const read = await images.borrow('closed');
  images.giveBack('closed', read);
  assert.deepEqual(freed.at(-1), read.handle); // going through many keeps none
  await assert.rejects(images.borrow('never'), /no file is open/);
});
