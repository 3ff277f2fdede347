/** The worker's protocol, without a worker: every message has its answer, faults have codes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { buildNetwork, describeNetwork } from '../networks/zoo.mjs';
import { FAULT } from '../../web/shared/protocol.js';
import { Images } from '../../web/worker/images.js';
import { createCore, startService } from './harness.mjs';
import { ctDicom, greyPng, tinyModel, unknownOperatorModel } from './fixtures.mjs';

const file = (bytes) => new Blob([bytes]);
const NO_OPTIONS = { recipe: null, labels: null, output: null };

test('open, look, classify, close', async () => {
  const { ask, ready, progress } = await startService();
  assert.equal(ready.ok, true);
  assert.equal(ready.result.variant, 'simd');
  assert.equal(ready.result.cancel, null);

  const opened = await ask('open', { key: 'a', file: file(ctDicom({ frames: 2 })), thumb: 0 });
  assert.equal(opened.ok, true);
  assert.equal(opened.result.info.frames, 2);
  assert.equal('tags' in opened.result.info, false);
  assert.ok(progress.some(({ id, phase, done, total }) => id === opened.id && phase === 'read' && done === total));

  const tags = await ask('tags', { key: 'a' });
  assert.ok(tags.result.some(({ name, value }) => name === 'Modality' && value === 'CT'));
  const buffer = new ArrayBuffer(16 * 12 * 4);
  const rendered = await ask('render', { key: 'a', view: { ...opened.result.view, frame: 1 }, buffer });
  assert.equal(rendered.result.pixels.width, 16);
  assert.equal(rendered.result.pixels.rgba.buffer, buffer);
  assert.deepEqual((await ask('probe', { key: 'a', frame: 0, x: 3, y: 2 })).result, [3 - 1024]);

  assert.equal((await ask('classify', { key: 'a', frame: 0 })).error.code, FAULT.REQUEST);
  const model = await ask('model', { file: file(tinyModel()), options: NO_OPTIONS });
  assert.equal(model.result.name, 'tiny');
  const result = await ask('classify', { key: 'a', frame: 1 });
  assert.equal(result.ok, true);
  assert.ok(result.result.totalMs >= 0);
  assert.equal((await ask('preview', { key: 'a', frame: 0 })).result.pixels.width, 8);

  assert.equal((await ask('close', { key: 'a' })).ok, true);
  assert.equal((await ask('probe', { key: 'a', frame: 0, x: 0, y: 0 })).error.code, FAULT.REQUEST);
  assert.equal((await ask('memory')).result.images, 0);
});

test('what a file takes of memory: its bytes, and unpacked once more where all of it is gzip', async () => {
  const { ask } = await startService();
  const weigh = async (bytes) => (await ask('weigh', { file: file(bytes) })).result;
  const plain = ctDicom();
  assert.equal(await weigh(plain), plain.length);
  const packed = gzipSync(Buffer.alloc(5_000_000));
  assert.equal(await weigh(packed), packed.length + 5_000_000);
  // Cut off, it ends with any four bytes; never less than what it is packed.
  assert.ok((await weigh(packed.subarray(0, 100))) >= 200);
  assert.equal(await weigh(packed.subarray(0, 10)), 10);
  assert.equal(await weigh(Buffer.alloc(0)), 0);
});

/** Models that leave their batch open: one that says which pictures it may judge, and one that does not. */
const MANY_MODELS = {
  'with applicability': () => readFileSync(new URL('../../models/cxr-pneumonia/model.onnx', import.meta.url)),
  'without': () => {
    const input = { width: 64, height: 64, channels: 3, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
    const metadata = { 'nsc.version': '1', 'nsc.name': 'squeeze', 'nsc.output': 'logits', 'nsc.input': input };
    return buildNetwork('squeezenet', { size: 64, classes: 3, batch: 'batch', metadata }).bytes;
  },
};

for (const [kind, bytesOf] of Object.entries(MANY_MODELS)) {
  test(`many pictures, ${kind}: as they are classified singly, in order, each with its own error`, async () => {
    const { ask } = await startService();
    const pictures = Array.from({ length: 160 }, (_, i) => ({ key: `p${i}`, frame: 0 }));
    const files = pictures.map(({ key }, i) => {
      const bytes = greyPng(40, 40, (x, y) => (x * (3 + (i % 20)) + y * 7) % 256);
      return { key, path: key, file: file(i === 50 ? bytes.subarray(0, bytes.length - 20) : bytes), facts: null };
    });
    await ask('adopt', { files });
    const model = (await ask('model', { file: file(bytesOf()), options: NO_OPTIONS })).result;
    assert.equal(model.inputs[0].shape[0], 'batch');
    const { used } = (await ask('memory')).result;

    const answers = [];
    // The first portion one by one, the second in batches where the model lets it, the last in the faster way; its end is no whole batch.
    for (const [from, to] of [[0, 20], [20, 60], [60, 157]]) {
      const { result } = await ask('classifyMany', { pictures: pictures.slice(from, to), more: 157 - to });
      assert.equal(result.length, to - from);
      answers.push(...result);
    }
    for (const [i, { result, error }] of answers.entries()) {
      assert.equal(error === null, i !== 50, `${i}: ${error?.message}`);
      if (error) assert.equal(error.name, 'NSC_ERROR_TRUNCATED');
    }
    // Twenty different pictures; the damaged one has no identity.
    assert.equal(new Set(answers.map(({ identity }) => identity)).size, 20 + 1);
    assert.equal(answers[50].identity, null);
    const { result: identified } = await ask('identify', { keys: ['p3', 'p50', 'p23', 'nobody'] });
    assert.deepEqual(identified, [answers[3].identity, null, answers[3].identity, null]);
    for (const i of [0, 19, 25, 49, 51, 156]) {
      const { scores, applies } = (await ask('classify', pictures[i])).result;
      assert.equal(answers[i].result.applies?.verdict, applies?.verdict);
      assert.ok(!applies || Math.abs(answers[i].result.applies.features - applies.features) < 1e-4);
      for (const [label, score] of Object.entries(answers[i].result.scores)) {
        assert.ok(Math.abs(score - scores[label]) < 1e-5, `${i} ${label}: ${score} of many, ${scores[label]} alone`);
      }
    }
    for (const { key } of pictures) await ask('close', { key });
    // One classifier of one picture is left, as before.
    assert.ok(Math.abs((await ask('memory')).result.used - used) < 100_000);
  });
}

test('filters: of what is shown only, and through a recipe that no model has yet', async () => {
  const { ask, ready } = await startService();
  const { filters, limits } = ready.result.constants;
  assert.equal(limits.steps, 8);
  assert.deepEqual(filters.find(({ step }) => step === 'median').parameters, [{ name: 'size', least: 3, most: 7, by: 2, default: 3 }]);
  const { view } = (await ask('open', { key: 'a', file: file(greyPng(40, 30, (x, y) => x * 5 + y)), thumb: 0 })).result;
  await ask('model', { file: file(tinyModel()), options: NO_OPTIONS });
  const { scores } = (await ask('classify', { key: 'a', frame: 0 })).result;
  const shown = async (steps) => (await ask('render', { key: 'a', view, buffer: null, steps })).result.pixels.rgba;

  const plain = await shown(null);
  const steps = [{ step: 'binarise', threshold: 0.5 }];
  const two = await shown(steps);
  for (let at = 0; at < plain.length; at += 4) assert.equal(two[at], plain[at] >= 127.5 ? 255 : 0);
  assert.ok(two.every((value, at) => at % 4 < 3 || value === 255));
  assert.deepEqual(await shown([]), plain);
  assert.deepEqual((await ask('classify', { key: 'a', frame: 0 })).result.scores, scores);
  const wrong = await ask('render', { key: 'a', view, buffer: null, steps: [{ step: 'canny', low: 0.9, high: 0.1 }] });
  assert.equal(wrong.error.name, 'NSC_ERROR_ARGUMENT');
  assert.match(wrong.error.message, /canny.*low/);

  const recipe = { width: 20, height: 10, channels: 1, fit: 'stretch', range: { kind: 'voi' }, invert: false };
  const read = async (more) => (await ask('prepare', { key: 'a', frame: 0, recipe: { ...recipe, ...more } })).result.pixels;
  const [as, inverted] = [await read({}), await read({ steps: [{ step: 'invert' }] })];
  assert.deepEqual([as.width, as.height, as.rgba.length], [20, 10, 800]);
  for (let at = 0; at < as.rgba.length; at += 4) assert.ok(Math.abs(as.rgba[at] + inverted.rgba[at] - 255) <= 1);
  assert.deepEqual([...new Set((await read({ steps })).rgba)].sort(), [0, 255]);
  const refused = await ask('prepare', { key: 'a', frame: 0, recipe: { ...recipe, steps: [{ step: 'median', size: 4 }] } });
  assert.equal(refused.error.name, 'NSC_ERROR_RECIPE');
  assert.match(refused.error.message, /median/);
  const { used } = (await ask('memory')).result;
  for (let round = 0; round < 4; round++) {
    await shown(steps);
    await read({ steps });
    await ask('prepare', { key: 'a', frame: 9, recipe });
  }
  assert.equal((await ask('memory')).result.used, used);
});

test('what is wrong is answered, with the id of the question', async () => {
  const { ask } = await startService();
  const unknown = await ask('fly');
  assert.equal(unknown.ok, false);
  assert.equal(unknown.error.code, FAULT.REQUEST);
  assert.equal((await ask('constructor')).error.code, FAULT.REQUEST);
  const bad = await ask('open', { key: 'b', file: file(Buffer.from('hello hello')), thumb: 0 });
  assert.deepEqual([bad.error.code, bad.error.name], [6, 'NSC_ERROR_UNKNOWN_FORMAT']);
  assert.equal((await ask('trap')).error.code, FAULT.REQUEST);
  assert.equal((await ask('memory')).ok, true);
});

test('a model that fails leaves the one before in place', async () => {
  const { ask } = await startService();
  await ask('open', { key: 'a', file: file(greyPng(8, 8, (x) => x * 9)), thumb: 0 });
  await ask('model', { file: file(tinyModel()), options: NO_OPTIONS });
  const failed = await ask('model', { file: file(Buffer.from('nonsense')), options: NO_OPTIONS });
  assert.equal(failed.ok, false);
  assert.equal((await ask('classify', { key: 'a', frame: 0 })).ok, true);
});

test('models follow each other without running out of threads', async () => {
  const { ask, ready } = await startService('simd-threads', { threads: 3 });
  assert.ok(ready.result.cancel.buffer instanceof SharedArrayBuffer);
  await ask('open', { key: 'a', file: file(greyPng(8, 8, (x) => x * 9)), thumb: 0 });
  const answers = [];
  for (let round = 0; round < 6; round++) {
    const bytes = round % 3 === 1 ? unknownOperatorModel() : tinyModel();
    answers.push(ask('model', { file: file(bytes), options: NO_OPTIONS }));
    answers.push(ask('classify', { key: 'a', frame: 0 }));
  }
  const done = (await Promise.all(answers)).map(({ ok }) => ok);
  assert.deepEqual(done, [true, true, false, true, true, true, true, true, false, true, true, true]);
});

test('the loaded model in int8, from the pictures that are open', async () => {
  const { ask } = await startService();
  const { bytes } = buildNetwork('cnn-28', { classes: 3 });
  const { channels, size } = describeNetwork('cnn-28');
  const options = { ...NO_OPTIONS, recipe: JSON.stringify({ width: size, height: size, channels, mean: Array(channels).fill(0.5), std: Array(channels).fill(0.5) }) };
  assert.equal((await ask('quantize', { keys: [], method: 'minmax' })).error.code, FAULT.REQUEST);
  await ask('model', { file: file(bytes), options });
  const keys = ['a', 'b', 'c', 'd'];
  for (const [i, key] of keys.entries()) {
    await ask('open', { key, file: file(greyPng(40, 40, (x, y) => (x * (i + 2) + y * y * (i + 1)) % 256)), thumb: 0 });
  }
  const before = await ask('classify', { key: 'a', frame: 0 });
  assert.match((await ask('quantize', { keys: [], method: 'minmax' })).error.message, /no picture was seen/);
  const { result: small } = await ask('quantize', { keys, method: 'minmax' });
  assert.ok(small.length < 0.3 * bytes.length);
  const { result: info } = await ask('model', { file: file(Buffer.from(small)), options });
  assert.ok(info.operators.QuantizeLinear > 3);
  const after = await ask('classify', { key: 'a', frame: 0 });
  for (const [label, score] of Object.entries(before.result.scores)) {
    assert.ok(Math.abs(after.result.scores[label] - score) < 0.2, `${label}: ${score} became ${after.result.scores[label]}`);
  }
});

test('a trap is told as one', async () => {
  const { ask } = await startService('simd', { test: true });
  const trapped = await ask('trap');
  assert.deepEqual([trapped.ok, trapped.error.code, trapped.error.name], [false, FAULT.TRAP, 'TRAP']);
});

test('a variant that cannot be loaded is told as one', async () => {
  const { ready } = await startService('no-such-variant');
  assert.equal(ready.error.code, FAULT.LOAD);
});

test('a file that the browser cannot read any more is told as one', async () => {
  const { ask } = await startService();
  const gone = {
    size: 100,
    stream: () =>
      new ReadableStream({
        pull: () => Promise.reject(new DOMException('moved', 'NotReadableError')),
      }),
  };
  const answer = await ask('open', { key: 'a', file: gone, thumb: 0 });
  assert.deepEqual([answer.error.code, answer.error.name], [FAULT.READ, 'READ']);
});

test('images beyond the budget are let go and read again when asked for', async () => {
  const core = await createCore();
  const images = new Images(core, 4096);
  for (let index = 0; index < 20; index++) {
    await images.open(`k${index}`, file(greyPng(32, 32, (x, y) => (x + y + index) % 256)));
  }
  assert.ok(images.held.size < 6, `${images.held.size} are held`);
  const { handle } = await images.get('k0');
  assert.deepEqual(core.probe(handle, 0, 1, 2), [3]);
});
