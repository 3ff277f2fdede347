/** Starting from a model, and answers without training, through the training worker's protocol. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { greyPng, tinyModel } from './fixtures.mjs';
import { ROOT } from './harness.mjs';
import { good, memoryFiles, runToEnd, startTraining } from './training-harness.mjs';

const SHIPPED = new Blob([await readFile(join(ROOT, 'models/cxr-pneumonia/model.onnx'))]);
const SIZE = 32;
const DATA = { labels: ['disc', 'stripes', 'left'], width: SIZE, height: SIZE, channels: 1 };
const ABOUT = { title: 'shapes', synthetic: true };
const HEAD = { net: 'base', trainable: 'head', augment: 'none', epochs: 20, batch: 8, rate: 0.01, average: 0, seed: 3 };
const LAST = { net: 'base', head: 'keep', trainable: 3, augment: 'none', epochs: 3, batch: 8, rate: 0.001, average: 0, seed: 3 };

const SHAPES = [
  (x, y) => Math.hypot(x - 16, y - 16) < 9,
  (x) => x % 8 < 4,
  (x) => x < 16,
];

/** A shape in noise of its own. */
const shape = (label, seed) => greyPng(SIZE, SIZE, (x, y) => (SHAPES[label](x, y) ? 180 : 60) + ((x * 7 + y * 13 + seed * 29 + ((x * y * seed) % 17)) % 40));

const samplesOf = (count, { labels = 3, split = -1 } = {}) =>
  Array.from({ length: count }, (_, index) => ({
    file: new Blob([shape(index % labels, index)]),
    name: `${index}.png`,
    label: index % labels,
    patient: null,
    split,
  }));

async function withShapes({ count = 60, data = DATA, how = { validation: 0.2, test: 0.2, seed: 1 }, ...options } = {}) {
  const service = await startTraining(options);
  await good(service.ask('create', { data }));
  await good(service.ask('add', { samples: samplesOf(count, { labels: data.labels.length }) }));
  await good(service.ask('split', { how }));
  return service;
}

const accuracy = async (ask, how) => (await good(ask('evaluate', { how }))).report.overall.accuracy.value;
const modelOf = async (ask) => Buffer.from(await good(ask('model', { facts: { name: 'shapes' } })));

test('what a model is, before it is used', async () => {
  const { ask } = await startTraining();
  const info = await good(ask('describe', { file: SHIPPED }));
  assert.equal(info.inputs[0].shape[1], 1);
  const { error } = await ask('describe', { file: new Blob(['no model']) });
  assert.match(error.name, /^NSC_ERROR_/);
});

test('a new head on a shipped model learns in no time', async () => {
  const { ask } = await withShapes();
  const { status } = await good(ask('begin', { options: HEAD, about: ABOUT, base: SHIPPED }));
  assert.equal(status.net, 'base');
  const end = await runToEnd(ask);
  assert.equal(end.history.length, HEAD.epochs);
  assert.ok((await accuracy(ask, { split: 'test' })) > 0.9);
});

test('a head, then the last layers: one after the other, and on after an interruption anywhere, to the same model', async (t) => {
  const begin = { options: HEAD, about: ABOUT, base: SHIPPED, then: LAST };
  const whole = await withShapes();
  await good(whole.ask('begin', begin));
  const parts = [];
  let [end, before] = [null, null];
  for (let finished = false; !finished; ) {
    const slice = await good(whole.ask('run', { ms: 0 }));
    finished = slice.finished;
    end = slice.status;
    if (slice.next) parts.push(slice.next);
    before = slice.before ?? before;
  }
  assert.deepEqual(parts, [LAST]);
  assert.deepEqual(before.history.map(({ epoch }) => epoch), Array.from({ length: HEAD.epochs }, (_, at) => at + 1));
  assert.ok(before.history.every(({ epoch, best }) => !best || epoch <= before.bestEpoch));
  const curve = ({ history }) => history.map(({ trainLoss }) => trainLoss);
  assert.equal(end.history.length, LAST.epochs);
  assert.ok((await accuracy(whole.ask, { split: 'test' })) > 0.9);
  const expected = await modelOf(whole.ask);

  for (const [where, second, reached] of [
    ['in the first part', false, ({ history, batch }) => history.length === 7 && batch === 2],
    ['before the last batch of the first part', false, ({ history, batch, batches }) => history.length === HEAD.epochs - 1 && batch === batches - 1],
    ['in the second part', true, ({ history, batch }) => history.length === 1 && batch === 2],
  ]) {
    await t.test(where, async () => {
      const first = await withShapes();
      await good(first.ask('begin', begin));
      for (let [there, inSecond] = [false, false]; !there; ) {
        const { status, next } = await good(first.ask('run', { ms: 0 }));
        inSecond ||= Boolean(next);
        there = inSecond === second && reached(status);
      }
      const kept = await good(first.ask('keep'));
      assert.ok(kept.bytes > 0, JSON.stringify(kept));
      const next = await startTraining({ files: first.files });
      assert.equal((await good(next.ask('kept'))).more, !second);
      const restored = await good(next.ask('restore'));
      assert.deepEqual(restored.options, second ? LAST : HEAD);
      assert.deepEqual(restored.before && curve(restored.before), second ? curve(before) : null);
      await runToEnd(next.ask);
      assert.ok((await modelOf(next.ask)).equals(expected));
    });
  }
});

test('limits and licence of the model at the beginning come out at the end, also of two parts', async () => {
  const { ask } = await withShapes({ count: 15 });
  const base = await good(ask('describe', { file: SHIPPED }));
  assert.ok(base.limits && base.license);
  const made = async () => good(ask('describe', { file: new Blob([await modelOf(ask)]) }));
  const short = { ...HEAD, epochs: 1 };
  const { status } = await good(ask('begin', { options: short, about: ABOUT, base: SHIPPED, then: { ...LAST, epochs: 1 } }));
  const inherited = `Made from ${base.name}; its limits: ${base.limits}`;
  assert.deepEqual(status.base, { name: base.name, limits: base.limits, license: base.license, inherited });
  const end = await runToEnd(ask);
  assert.equal(end.base.inherited, inherited);
  const { limits, license } = await made();
  assert.deepEqual([limits, license], [inherited, base.license]);
  await good(ask('begin', { options: { ...short, net: 'small', trainable: 'all' }, about: ABOUT }));
  await runToEnd(ask);
  assert.equal((await made()).limits, null);
});

test('closed between the two parts, the second begins on the next visit', async () => {
  const files = memoryFiles();
  const opened = await files.open();
  let full = false;
  // Nothing of the second part can be written, as if the tab had been closed before.
  const limited = { stored: files.stored, open: async () => ({ ...opened, write: (...args) => (full ? Promise.reject(new Error('no room')) : opened.write(...args)) }) };
  const { ask } = await withShapes({ files: limited });
  await good(ask('begin', { options: { ...HEAD, epochs: 2 }, about: ABOUT, base: SHIPPED, then: LAST }));
  for (let next = null; !next; ) {
    const slice = await good(ask('run', { ms: 0 }));
    next = slice.next;
    full ||= slice.status.history.length === 2;
  }
  full = false;
  const names = [...files.stored.keys()];
  assert.equal(names.filter((name) => /base/.test(name)).length, names.some((name) => /base-0+[2-9]/.test(name)) ? 2 : 1);
  for (const name of names) if (/base-0+[2-9]/.test(name)) files.stored.delete(name);
  const later = await startTraining({ files });
  const { options, status, then, before } = await good(later.ask('restore'));
  assert.equal(before.history.length, 2);
  assert.deepEqual([options, then, status.history.length], [LAST, null, 0]);
  const end = await runToEnd(later.ask);
  assert.equal(end.history.length, LAST.epochs);
});

test('a model that does not fit is refused with the reason', async () => {
  const { ask } = await withShapes({ count: 12, data: { ...DATA, channels: 3 } });
  const channels = await ask('begin', { options: HEAD, about: ABOUT, base: SHIPPED });
  assert.match(channels.error.message, /1 channels.*3/);
  const { ask: fresh } = await withShapes({ count: 12 });
  assert.match((await fresh('begin', { options: HEAD, about: ABOUT })).error.message, /no model to start from/);
  // Its head has one output, three labels want three.
  const head = await fresh('begin', { options: LAST, about: ABOUT, base: SHIPPED });
  assert.match(head.error.message, /1 outputs.*3 labels/);
  assert.equal((await fresh('begin', { options: HEAD, about: ABOUT, base: new Blob(['no model']) })).ok, false);
});

test('a model from elsewhere, without metadata: a network to start from and to compare with', async () => {
  const { ask } = await withShapes();
  const foreign = new Blob([tinyModel({ metadata: {} })]);
  assert.deepEqual((await good(ask('describe', { file: foreign }))).inputs[0].shape[1], 1);
  await good(ask('begin', { options: { ...HEAD, trainable: 'all', epochs: 2 }, about: ABOUT, base: foreign }));
  assert.equal((await runToEnd(ask)).history.length, 2);
  await good(ask('look', { base: foreign }));
  assert.equal((await good(ask('neighbours', { picture: { file: new Blob([shape(2, 9)]) }, k: 4 }))).nearest.length, 4);
});

test('five pictures a class answer without training', async () => {
  const { ask } = await withShapes({ count: 15, how: { validation: 0, test: 0, seed: 1 } });
  const picture = { file: new Blob([shape(1, 77)]) };
  assert.equal((await ask('neighbours', { picture, k: 3 })).error.code, -3);
  await good(ask('look', { base: SHIPPED }));
  const { scores, nearest } = await good(ask('neighbours', { picture, k: 3 }));
  assert.equal(scores.length, 3);
  assert.equal(scores.indexOf(Math.max(...scores)), 1);
  assert.equal(nearest.length, 3);
  assert.ok(nearest.every(([sample, similarity], at) => sample < 15 && similarity <= 1 && (at === 0 || similarity <= nearest[at - 1][1])));
  // A picture is not its own neighbour where training pictures are judged, but is where it comes as a file.
  assert.ok((await accuracy(ask, { split: 'train', neighbours: 3 })) > 0.8);
  const [same] = (await good(ask('neighbours', { picture: { file: new Blob([shape(0, 0)]) }, k: 1 }))).nearest;
  assert.ok(same[0] === 0 && same[1] > 0.999, JSON.stringify(same));
  assert.equal((await ask('neighbours', { picture: { file: new Blob(['no picture']) }, k: 3 })).ok, false);
  // Other data are not compared with these.
  await good(ask('split', { how: { validation: 0.2, seed: 1 } }));
  assert.equal((await ask('neighbours', { picture, k: 3 })).error.name, 'REQUEST');
});

test('of two classes, neighbours are judged at one half', async () => {
  const { ask } = await withShapes({ count: 24, data: { ...DATA, labels: ['disc', 'stripes'] } });
  await good(ask('look', { base: SHIPPED }));
  const { threshold, temperature, cases } = await good(ask('evaluate', { how: { split: 'validation', neighbours: 5 } }));
  assert.deepEqual([threshold, temperature], [0.5, null]);
  assert.ok(cases.every(([, , called, , score]) => called === Number(score >= 0.5)));
});

test('looking at a model leaves a training as it is', async () => {
  const options = { ...HEAD, net: 'small', trainable: 'all', epochs: 2 };
  const quiet = await withShapes();
  await good(quiet.ask('begin', { options, about: ABOUT }));
  await runToEnd(quiet.ask);
  const watched = await withShapes({ variant: 'simd-threads', threads: 2 });
  await good(watched.ask('begin', { options, about: ABOUT }));
  await good(watched.ask('run', { ms: 0 }));
  await good(watched.ask('look', { base: SHIPPED }));
  await good(watched.ask('evaluate', { how: { split: 'validation', neighbours: 3 } }));
  const end = await runToEnd(watched.ask);
  assert.equal(end.net, 'small');
  assert.equal(end.history.length, 2);
});

test('models and comparisons leave the heap as it was', async () => {
  const { ask } = await startTraining();
  const round = async () => {
    await good(ask('create', { data: DATA }));
    await good(ask('add', { samples: samplesOf(12) }));
    await good(ask('split', { how: { validation: 0.3, seed: 1 } }));
    await good(ask('begin', { options: { ...HEAD, epochs: 1 }, about: ABOUT, base: SHIPPED, then: { ...LAST, epochs: 1 } }));
    await runToEnd(ask);
    await good(ask('look', { base: SHIPPED }));
    await good(ask('neighbours', { picture: { file: new Blob([shape(1, 5)]) }, k: 2 }));
    await ask('look', { base: new Blob(['no model']) });
    await ask('neighbours', { picture: { file: new Blob(['no picture']) }, k: 2 });
    await good(ask('create', { data: DATA }));
    return (await good(ask('memory'))).used;
  };
  await round();
  const before = await round();
  for (let index = 0; index < 3; index++) assert.equal(await round(), before);
});
