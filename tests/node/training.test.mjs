/** The training worker's protocol on the wasm core: data in, slices, evaluation, a model, and a state that goes on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FAULT } from '../../web/shared/protocol.js';
import { EXAMPLE_SETTINGS, exampleSamples } from '../../web/ui/training/example.js';
import { greyPng } from './fixtures.mjs';
import { createCore, openClassifier, openImage, variantsHere } from './harness.mjs';
import { npz } from './npz.mjs';
import { good, memoryFiles, runToEnd, startTraining } from './training-harness.mjs';

const SIZE = 16;

/** Bright on the left, or on the right: one glance tells them apart. */
const half = (label, seed) => greyPng(SIZE, SIZE, (x, y) => ((x < SIZE / 2) === (label === 0) ? 190 : 60) + ((x * 7 + y * 13 + seed * 29) % 40));

const samplesOf = (count) =>
  Array.from({ length: count }, (_, index) => ({
    file: new Blob([half(index % 2, index)]),
    name: `${index % 2 ? 'right' : 'left'}-${index}.png`,
    label: index % 2,
    patient: null,
    split: -1,
  }));

const DATA = { labels: ['left', 'right'], width: SIZE, height: SIZE, channels: 1 };
const OPTIONS = { net: 'small', epochs: 4, batch: 8, rate: 0.003, average: 0, augment: 'none', seed: 5 };
const ABOUT = { title: 'halves', synthetic: true };

async function withData(options) {
  const service = await startTraining(options);
  await good(service.ask('create', { data: DATA }));
  await good(service.ask('add', { samples: samplesOf(60) }));
  await good(service.ask('split', { how: { validation: 0.2, test: 0.2, seed: 1 } }));
  return service;
}

const modelOf = async (ask) => Buffer.from(await good(ask('model', { facts: { name: 'halves', title: 'Halves' } })));

test('pictures in, a model out that tells the classes apart, in every variant', async (t) => {
  const image = await createCore().then(async (core) => ({ core, left: await openImage(core, half(0, 99)), right: await openImage(core, half(1, 98)) }));
  for (const variant of variantsHere()) {
    await t.test(variant, async () => {
      const { ask } = await withData({ variant, threads: variant.endsWith('threads') ? 2 : 1 });
      const { data, names } = await good(ask('data'));
      assert.equal(data.samples.length, 60);
      assert.equal(names[3], 'right-3.png');
      assert.deepEqual(data.labels.map(({ train, validation, test: held }) => train + validation + held), [30, 30]);
      const { status } = await good(ask('begin', { options: { ...OPTIONS, epochs: 8 }, about: ABOUT }));
      assert.equal(status.state, 'ready');
      const end = await runToEnd(ask);
      assert.equal(end.state, 'finished');
      assert.equal(end.history.length, 8);
      const { report, cases, threshold } = await good(ask('evaluate', { how: { split: 'test' } }));
      assert.equal(cases.length, 12);
      assert.ok(threshold > 0 && threshold < 1);
      assert.ok(report.overall.accuracy.value > 0.9, `accuracy ${report.overall.accuracy.value}`);
      const { core, left, right } = image;
      const model = await openClassifier(core, await modelOf(ask));
      assert.equal(core.classify(model.classifier, left, 0).verdict, 'left');
      assert.equal(core.classify(model.classifier, right, 0).verdict, 'right');
      model.free();
    });
  }
});

test('an autoencoder learns after the network, and knows its pictures from noise', async () => {
  const { ask } = await withData();
  const options = { ...OPTIONS, epochs: 2, autoencoder: true };
  const { bytes: least } = await good(ask('need', { options: [{ ...options, autoencoder: false }] }));
  const { bytes, autoencoder } = await good(ask('need', { options: [options] }));
  assert.ok(bytes >= least && autoencoder > 0);
  await good(ask('begin', { options, about: ABOUT }));
  const states = new Set();
  let finished = false;
  let status;
  while (!finished) {
    ({ finished, status } = await good(ask('run', { ms: 20 })));
    states.add(status.state);
  }
  assert.ok(states.has('autoencoder'), [...states].join());
  assert.equal(status.state, 'finished');
  assert.equal(status.autoencoder.epoch, status.autoencoder.epochs);
  assert.ok(status.autoencoder.validationLoss < 0.03, `${status.autoencoder.validationLoss}`);

  const core = await createCore();
  const facts = { name: 'halves', title: 'Halves' };
  const model = await openClassifier(core, Buffer.from(await good(ask('model', { facts, studied: true }))));
  const noise = greyPng(SIZE, SIZE, (x, y) => ((x * 7919 + y * 104729) * 2654435761) % 256);
  const appliesTo = async (png) => {
    const image = await openImage(core, png);
    const { applies } = core.classify(model.classifier, image, 0);
    core.freeImage(image);
    return applies;
  };
  const own = await appliesTo(half(0, 7));
  assert.ok(!own.reasons.includes('reconstruction'), JSON.stringify(own));
  const other = await appliesTo(noise);
  assert.equal(other.verdict, 'out of range');
  assert.ok(other.reasons.includes('reconstruction') && other.reconstruction > 1.4, JSON.stringify(other));
  model.free();
});

test('begin after begin, and data after data, do not run out of threads', async () => {
  const { ask } = await withData({ variant: 'simd-threads', threads: 3 });
  for (let round = 0; round < 3; round++) {
    await good(ask('begin', { options: OPTIONS, about: ABOUT }));
    await good(ask('run', { ms: 5 }));
    await ask('begin', { options: { ...OPTIONS, net: 'nonsense' }, about: ABOUT });
  }
  await good(ask('create', { data: DATA }));
  await good(ask('add', { samples: samplesOf(20) }));
  await good(ask('begin', { options: OPTIONS, about: ABOUT }));
  await good(ask('run', { ms: 5 }));
});

test('the best weights wait where the browser has room, and the model is the same', async () => {
  const models = [];
  const lasting = [];
  for (const scratch of [false, true]) {
    const files = memoryFiles({ scratch });
    const { ask } = await withData({ files });
    await good(ask('begin', { options: { ...OPTIONS, average: 0.9 }, about: ABOUT }));
    await good(ask('run', { ms: 60 }));
    const early = await good(ask('evaluate', { how: { split: 'validation' } }));
    await runToEnd(ask);
    const late = await good(ask('evaluate', { how: { split: 'test' } }));
    models.push(await modelOf(ask));
    lasting.push(late.cases);
    assert.ok(early.cases.length > 0);
    assert.equal(files.scratches.length, scratch ? 1 : 0);
    // What is there at the beginning, the best epoch, and what is trained while the best weights are looked at.
    if (scratch) assert.ok(files.scratches[0].written > 3 * 4 * 300_000, `${files.scratches[0].written} bytes`);
    // Another visit finds the best weights in the checkpoint.
    const again = await startTraining({ files });
    await good(again.ask('restore'));
    assert.deepEqual(await modelOf(again.ask), models.at(-1));
  }
  assert.deepEqual(models[1], models[0]);
  assert.deepEqual(lasting[1], lasting[0]);
});

test('a full disk under the best weights costs memory and nothing else', async () => {
  const [whole, full] = [memoryFiles({ scratch: true }), memoryFiles({ scratch: true })];
  const models = [];
  for (const files of [whole, full]) {
    const { ask } = await withData({ files });
    await good(ask('begin', { options: OPTIONS, about: ABOUT }));
    if (files === full) files.scratches[0].write = () => assert.fail('full');
    await runToEnd(ask);
    models.push(await modelOf(ask));
  }
  assert.deepEqual(models[1], models[0]);
});

test('a training takes the memory that was said, and no more with every epoch', async (t) => {
  const MB = 1e6;
  for (const [net, clip, most] of [['resnet18', 5, 6], ['resnet18', 0, 5]]) {
    await t.test(`${net}, clip ${clip}`, async () => {
      const { ask } = await withData({ files: memoryFiles({ scratch: true }) });
      const options = { ...OPTIONS, net, clip, epochs: 3, batch: 4, average: 0.99 };
      const { total: empty } = await good(ask('memory'));
      const need = await good(ask('need', { options: [{ ...options, batch: 1 }, options] }));
      const { status } = await good(ask('begin', { options, about: ABOUT }));
      const weights = 4 * status.parameters;
      const epochs = [];
      for (let finished = false; !finished; ) {
        const slice = await good(ask('run', { ms: 1 }));
        finished = slice.finished;
        if (slice.status.history.length > epochs.length) epochs.push((await good(ask('memory'))).total);
      }
      const taken = epochs[0];
      t.diagnostic(`said ${(need.bytes / MB).toFixed(0)}, taken ${(taken / MB).toFixed(0)} of an empty core's ${(empty / MB).toFixed(0)}, weights ${(weights / MB).toFixed(1)} MB`);
      assert.ok(Math.abs(taken - need.bytes) < 0.15 * need.bytes, `${taken} bytes, said ${need.bytes}`);
      assert.ok(taken < most * weights + need.activations + need.work, `${taken / weights} times the weights`);
      assert.equal(epochs.at(-1), taken);
    });
  }
});

test('another visit goes on where the last one ended, to the same model', async () => {
  const whole = await withData();
  await good(whole.ask('begin', { options: OPTIONS, about: ABOUT }));
  await runToEnd(whole.ask);
  const expected = await modelOf(whole.ask);

  const first = await withData();
  await good(first.ask('begin', { options: OPTIONS, about: ABOUT }));
  for (let batches = 0; batches < 7; batches++) await good(first.ask('run', { ms: 0 }));
  const kept = await good(first.ask('keep'));
  assert.ok(kept.bytes > 0, JSON.stringify(kept));

  const next = await startTraining({ files: first.files });
  const offer = await good(next.ask('kept'));
  assert.deepEqual([offer.about, offer.epochs], [ABOUT, 4]);
  const { data, names, options, status } = await good(next.ask('restore'));
  assert.equal(data.samples.length, 60);
  assert.equal(names[0], 'left-0.png');
  assert.deepEqual(options, OPTIONS);
  assert.ok(status.history.length < 4);
  await runToEnd(next.ask);
  assert.ok((await modelOf(next.ask)).equals(expected));

  await good(next.ask('forget'));
  assert.equal(await good(next.ask('kept')), null);
  assert.equal(first.files.stored.size, 0);
});

test('looking at the model and evaluating it do not change the training', async () => {
  const quiet = await withData();
  await good(quiet.ask('begin', { options: OPTIONS, about: ABOUT }));
  await runToEnd(quiet.ask);
  const watched = await withData();
  await good(watched.ask('begin', { options: OPTIONS, about: ABOUT }));
  for (let finished = false; !finished; ) {
    const slice = await good(watched.ask('run', { ms: 0 }));
    finished = slice.finished;
    if (!slice.status.history.length) continue;
    await good(watched.ask('evaluate', { how: { split: 'validation' } }));
    await modelOf(watched.ask);
  }
  assert.ok((await modelOf(watched.ask)).equals(await modelOf(quiet.ask)));
});

test('a checkpoint is kept after every epoch, two at a time, and a damaged one makes room for the one before', async () => {
  const { ask, files } = await withData();
  await good(ask('begin', { options: OPTIONS, about: ABOUT }));
  const epochs = [];
  for (let finished = false; !finished; ) {
    const slice = await good(ask('run', { ms: 0 }));
    finished = slice.finished;
    if (slice.keep) epochs.push(slice.keep.epoch);
  }
  assert.deepEqual(epochs, [1, 2, 3, 4]);
  const names = [...files.stored.keys()].sort();
  assert.equal(names.length, 3);
  const newest = names.filter((name) => !name.endsWith('data')).at(-1);
  const bytes = new Uint8Array(await files.stored.get(newest).arrayBuffer());
  bytes[bytes.length - 9] ^= 0x55;
  files.stored.set(newest, new Blob([bytes]));
  const next = await startTraining({ files });
  assert.equal((await good(next.ask('restore'))).status.history.length, 3);
  files.stored.set(names.find((name) => name.endsWith('data')), new Blob(['no data']));
  const refused = await startTraining({ files });
  assert.equal((await refused.ask('restore')).ok, false);
});

test('a full disk is told and training goes on', async () => {
  const files = memoryFiles();
  const opened = await files.open();
  let full = false;
  const limited = { open: async () => ({ ...opened, write: (...args) => (full ? Promise.reject(new Error('no room')) : opened.write(...args)) }) };
  const { ask } = await withData({ files: limited });
  await good(ask('begin', { options: OPTIONS, about: ABOUT }));
  full = true;
  const met = [];
  for (let finished = false; !finished; ) {
    const slice = await good(ask('run', { ms: 0 }));
    finished = slice.finished;
    if (slice.keep) met.push(slice.keep.error.message);
  }
  assert.deepEqual(met, ['no room', 'no room', 'no room', 'no room']);
});

test('what is wrong is refused by name', async () => {
  const { ask } = await withData();
  const refusal = async (options) => {
    const { ok, error } = await ask('begin', { options, about: ABOUT });
    assert.equal(ok, false);
    return `${error.name} ${error.message}`;
  };
  assert.match(await refusal({ epochs: 0 }), /ARGUMENT.*epochs/);
  assert.match(await refusal({ learningRate: 1 }), /ARGUMENT.*learningRate/);
  assert.match(await refusal({ net: 'nonsense' }), /ARGUMENT.*nonsense/);
  assert.equal((await ask('run', { ms: 10 })).error.name, 'NSC_ERROR_ARGUMENT');
  const fresh = await startTraining();
  assert.equal((await fresh.ask('run', { ms: 10 })).error.code, FAULT.REQUEST);
  assert.equal((await fresh.ask('create', { data: { ...DATA, labels: ['one'] } })).error.name, 'NSC_ERROR_ARGUMENT');
  assert.equal((await fresh.ask('restore')).error.name, 'STORAGE');
  const trapped = await fresh.ask('trap');
  assert.equal(trapped.error.code, FAULT.TRAP);
});

test('files that cannot be read are listed, the others serve', async () => {
  const { ask } = await startTraining();
  await good(ask('create', { data: DATA }));
  const samples = samplesOf(6);
  samples[2].file = new Blob(['this is no picture at all']);
  samples[4].file = samples[4].file.slice(0, 60);
  const { added, refused } = await good(ask('add', { samples }));
  assert.equal(added, 4);
  assert.deepEqual(refused.map(({ index }) => index), [2, 4]);
  assert.deepEqual(refused[0].error.name, 'NSC_ERROR_UNKNOWN_FORMAT');
  const { data } = await good(ask('data'));
  assert.equal(data.samples.length, 4);
});

test('a MedMNIST archive brings its classes, splits and pictures', async () => {
  const { ask } = await startTraining();
  const arrays = ['train', 'val', 'test'].flatMap((split, index) => {
    const count = [12, 6, 6][index];
    const images = Buffer.alloc(count * 28 * 28);
    for (let at = 0; at < images.length; at++) images[at] = (at * 31 + index) % 251;
    return [
      [`${split}_images.npy`, [count, 28, 28], images],
      [`${split}_labels.npy`, [count, 1], Buffer.from(Array.from({ length: count }, (_, at) => at % 3))],
    ];
  });
  await good(ask('create', { data: { width: 28, height: 28, channels: 1 } }));
  await good(ask('npz', { file: new Blob([npz(arrays)]), labels: null }));
  await good(ask('split', { how: { validation: 0.2, test: 0.2, seed: 1 } }));
  const { data } = await good(ask('data'));
  assert.deepEqual(data.labels.map(({ train, validation, test: held }) => [train, validation, held]), [[4, 2, 2], [4, 2, 2], [4, 2, 2]]);
  const [{ rgba }] = await good(ask('pictures', { wanted: [{ sample: 0, augment: null, draw: 0 }] }));
  assert.deepEqual([rgba[0], rgba[4], rgba[8]], [0, 31, 62]);
  const broken = await ask('npz', { file: new Blob([npz(arrays).subarray(0, 900)]), labels: null });
  assert.equal(broken.ok, false);
});

test('more pictures than the budget holds are an error of the request', async () => {
  const { ask } = await startTraining();
  await good(ask('create', { data: { ...DATA, budget: SIZE * SIZE * 5 } }));
  const { ok, error } = await ask('add', { samples: samplesOf(8) });
  assert.deepEqual([ok, error?.name], [false, 'NSC_ERROR_LIMIT']);
});

/** The page's example, smaller. */
const phantoms = (count) => exampleSamples('synthetic').slice(0, count);

test('synthetic slices: computed by the core, shown, and shown augmented', async () => {
  const { ask, progress } = await startTraining();
  await good(ask('create', { data: { ...DATA, width: 32, height: 32, range: EXAMPLE_SETTINGS.range } }));
  const { added, refused, known } = await good(ask('add', { samples: phantoms(20), fields: ['age'] }));
  assert.deepEqual([added, refused, known], [20, [], Array(20).fill([null])]); // of nobody
  assert.ok(progress.some(({ phase, done, total }) => phase === 'decode' && done === total && total === 20));
  const { data, names } = await good(ask('data'));
  assert.deepEqual(data.labels.map(({ train }) => train), [12, 8]);
  assert.ok(names.every((name) => name.startsWith('synthetic')));
  const { augments } = await good(ask('choices'));
  const wanted = [null, ...augments.map(({ name }) => name)].map((augment) => ({ sample: 1, augment, draw: 1 }));
  const pictures = await good(ask('pictures', { wanted }));
  assert.ok(pictures.every(({ rgba, width, height }) => width === 32 && height === 32 && rgba.length === 32 * 32 * 4));
  assert.notDeepEqual(pictures[0].rgba, pictures.at(-1).rgba);
});

test('a slice that cannot be computed is refused like a file, and a picture must be one of the two', async () => {
  const { ask } = await startTraining();
  await good(ask('create', { data: DATA }));
  const [slice] = phantoms(1);
  const wrong = { ...slice, phantom: { seed: 1, options: { size: 1 } } };
  const { added, refused } = await good(ask('add', { samples: [slice, wrong, { ...slice, phantom: undefined }] }));
  assert.equal(added, 1);
  assert.deepEqual(refused.map(({ index, error }) => [index, error.name]), [[1, 'NSC_ERROR_ARGUMENT'], [2, 'REQUEST']]);
});

test('a window and an inversion decide what the network sees', async () => {
  const seen = async (more) => {
    const { ask } = await startTraining();
    await good(ask('create', { data: { ...DATA, ...more } }));
    await good(ask('add', { samples: phantoms(1) }));
    const [{ rgba }] = await good(ask('pictures', { wanted: [{ sample: 0, augment: null, draw: 0 }] }));
    return rgba;
  };
  // Air, -1000 HU, lies in the corner: below any window of soft tissue.
  const soft = await seen({ range: { kind: 'window', low: -110, high: 190 } });
  assert.equal(soft[0], 0);
  assert.equal((await seen({ range: { kind: 'window', low: -110, high: 190 }, invert: true }))[0], 255);
  assert.equal((await seen({ range: { kind: 'window', low: -2000, high: 0 } }))[0], 128);
  const { ask } = await startTraining();
  assert.equal((await ask('create', { data: { ...DATA, range: { kind: 'window', low: 10, high: 10 } } })).ok, false);
});

test('filter steps: applied when pictures are read, kept with the data, and written into the model', async () => {
  const steps = [{ step: 'gaussian', sigma: 0.8 }, { step: 'binarise', threshold: 0.5 }];
  const { ask, files } = await startTraining();
  await good(ask('create', { data: { ...DATA, steps } }));
  await good(ask('add', { samples: samplesOf(20) }));
  await good(ask('split', { how: { validation: 0.2, test: 0, seed: 1 } }));
  const [{ rgba }] = await good(ask('pictures', { wanted: [{ sample: 0, augment: null, draw: 0 }] }));
  assert.deepEqual([...new Set(rgba)].sort(), [0, 255]);
  assert.equal(rgba[0], 255);
  assert.equal(rgba[4 * (SIZE - 1)], 0);
  assert.deepEqual((await good(ask('data'))).data.steps, steps);
  await good(ask('begin', { options: { ...OPTIONS, epochs: 1 }, about: ABOUT }));
  await runToEnd(ask);
  const { recipe } = await good(ask('describe', { file: new Blob([await modelOf(ask)]) }));
  assert.deepEqual(recipe.steps, steps);
  const next = await startTraining({ files });
  assert.deepEqual((await good(next.ask('restore'))).data.steps, steps);
  const wrong = await next.ask('create', { data: { ...DATA, steps: [{ step: 'median', size: 4 }] } });
  assert.match(wrong.error.message, /median/);
});

test('rounds of data and training leave the heap as it was', async () => {
  const { ask } = await startTraining();
  const round = async () => {
    await good(ask('create', { data: DATA }));
    await good(ask('add', { samples: samplesOf(20) }));
    await good(ask('split', { how: { validation: 0.3, seed: 1 } }));
    await good(ask('begin', { options: { ...OPTIONS, epochs: 1 }, about: ABOUT }));
    await runToEnd(ask);
    await good(ask('evaluate', { how: { split: 'validation' } }));
    await modelOf(ask);
    await good(ask('create', { data: DATA }));
    return (await good(ask('memory'))).used;
  };
  await round();
  const before = await round();
  for (let index = 0; index < 5; index++) assert.equal(await round(), before);
});
