/** `negatoscope quantize`, and what it writes against onnxruntime-web: the same QDQ model, computed by another engine. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as ort from 'onnxruntime-web';

import { buildNetwork, describeNetwork } from '../networks/zoo.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const COMMAND = join(ROOT, 'build/native/negatoscope');
const RUN_MODEL = join(ROOT, 'build/native/tests/c/run_model');
const SKIP = !existsSync(COMMAND) && 'the native command is not built';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';
const folder = mkdtempSync(join(tmpdir(), 'negatoscope-quantize-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const at = (...names) => join(folder, ...names);

function bytes(count, seed) {
  const values = new Uint8Array(count);
  let state = seed;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state >>> 24;
  }
  return values;
}

/** Two labels with six coarse random pictures each. */
function makeData() {
  for (const label of ['a', 'b']) {
    mkdirSync(at('data', label), { recursive: true });
    for (let i = 0; i < 6; i++) {
      writeFileSync(at('data', label, `${i}.pgm`), Buffer.concat([Buffer.from('P5 16 16 255\n'), bytes(256, i * 77 + label.charCodeAt(0))]));
    }
  }
  return at('data');
}

function picture(channels, size) {
  const values = new Float32Array(channels * size * size);
  const grey = bytes(values.length, 5);
  for (let i = 0; i < values.length; i++) {
    const [x, y, c] = [i % size, Math.floor(i / size) % size, Math.floor(i / size / size)];
    values[i] = (grey[((c * size + y) >> 2) * size + (x >> 2)] / 255 - 0.5) * 4;
  }
  return values;
}

async function oracle(model, dims, x, level) {
  const session = await ort.InferenceSession.create(readFileSync(model), { executionProviders: ['wasm'], graphOptimizationLevel: level });
  const outputs = await session.run({ image: new ort.Tensor('float32', x, dims) });
  const scores = Float32Array.from(Object.values(outputs)[0].data);
  await session.release();
  return scores;
}

function ours(model, dims, x) {
  writeFileSync(at('input.bin'), Buffer.from(x.buffer));
  execFileSync(RUN_MODEL, [model, at('input.bin'), at('output.bin'), '1', ...dims.map(String)]);
  const output = readFileSync(at('output.bin'));
  return new Float32Array(output.buffer.slice(output.byteOffset, output.byteOffset + output.length));
}

function distance(a, b) {
  assert.equal(a.length, b.length);
  const size = Math.max(...b.map(Math.abs));
  return Math.max(...a.map((v, i) => Math.abs(v - b[i]))) / size;
}

/*
 * Where a sum lies next to half a step, two engines that round their sums differently are one step apart, and deep
 * networks with random weights make much of it: onnxruntime with and without its own fusion is up to 0.05 apart on the
 * same models. Shallow ones are equal to rounding; layer by layer tests/c/test_nn_quant.c is strict.
 */
const NETWORKS = { 'resnet18': 0.05, 'mobilenetv2': 0.1, 'mobilenetv3': 0.05, 'densenet121': 0.05, 'squeezenet': 0.01, 'cnn-28': 1e-3 };

describe('quantised networks equal onnxruntime', { concurrency: false, skip: SKIP }, () => {
  for (const [name, tolerance] of Object.entries(NETWORKS)) {
    test(name, async (t) => {
      const { channels, size: published } = describeNetwork(name);
      const size = published === 224 ? 64 : published;
      writeFileSync(at('float.onnx'), buildNetwork(name, { size, classes: 10 }).bytes);
      const recipe = { width: size, height: size, channels, scale: 1, mean: [0.5, 0.5, 0.5].slice(0, channels), std: [0.25, 0.25, 0.25].slice(0, channels) };
      execFileSync(COMMAND, ['quantize', '--recipe', JSON.stringify(recipe), '--images', '8', '-o', at('int8.onnx'), at('float.onnx'), makeData()]);
      assert.ok(statSync(at('int8.onnx')).size < 0.35 * statSync(at('float.onnx')).size);
      const dims = [1, channels, size, size];
      const x = picture(channels, size);
      const got = ours(at('int8.onnx'), dims, x);
      const want = await oracle(at('int8.onnx'), dims, x, 'all');
      const plain = await oracle(at('int8.onnx'), dims, x, 'disabled');
      const error = Math.min(distance(got, want), distance(got, plain));
      t.diagnostic(`${error.toExponential(1)}; onnxruntime with and without fusion: ${distance(want, plain).toExponential(1)}`);
      assert.ok(error <= tolerance, `${error}`);
    });
  }
});

test('a shipped model, its words and its report', { skip: SKIP }, () => {
  const model = join(ROOT, 'models/liver-phantom/model.onnx');
  execFileSync(COMMAND, ['phantom', '--out', at('phantom'), '--count', '60', '--seed', '3']);
  const text = execFileSync(COMMAND, ['quantize', '--method', 'percentile', '--percentile', '99.9', '--images', '20', '--test', '0.3',
    '--labels', 'normal,lesion', '--report', at('report.json'), '--out', at('small.onnx'), model, at('phantom')], { encoding: 'utf8' });
  assert.match(text, /same verdict on \d+/);
  const report = JSON.parse(readFileSync(at('report.json'), 'utf8'));
  assert.equal(report.quantization.method, 'percentile');
  assert.equal(report.quantization.percentile, 99.9);
  assert.equal(report.quantization.pictures, 20);
  assert.equal(report.bytesAfter, statSync(at('small.onnx')).size);
  assert.ok(report.compared > 5 && report.agreement > 0.8 && report.largestChange < 0.3, JSON.stringify(report));
  const [before, after_] = [model, at('small.onnx')].map((file) => JSON.parse(execFileSync(COMMAND, ['info', file], { encoding: 'utf8' })));
  for (const key of ['name', 'labels', 'task', 'recipe', 'threshold', 'temperature', 'limits']) assert.deepEqual((after_[0] ?? after_)[key], (before[0] ?? before)[key], key);
});

test('weights alone', { skip: SKIP }, async () => {
  writeFileSync(at('float.onnx'), buildNetwork('cnn-28', { classes: 10 }).bytes);
  const { channels, size } = describeNetwork('cnn-28');
  const dims = [1, channels, size, size];
  const x = picture(channels, size);
  const want = await oracle(at('float.onnx'), dims, x, 'all');
  for (const [storage, share, tolerance] of [['f16', 0.52, 2e-3], ['int8', 0.28, 0.06]]) {
    execFileSync(COMMAND, ['quantize', '--weights-only', storage, '-o', at('small.onnx'), at('float.onnx')]);
    assert.ok(statSync(at('small.onnx')).size < share * statSync(at('float.onnx')).size, storage);
    const got = ours(at('small.onnx'), dims, x);
    assert.ok(distance(got, want) < tolerance, `${storage}: ${distance(got, want)}`);
    assert.ok(distance(got, await oracle(at('small.onnx'), dims, x, 'all')) < 1e-5, storage);
  }
});

test('what cannot be done is said', { skip: SKIP }, () => {
  const fail = (...args) => spawnSync(COMMAND, ['quantize', ...args], { encoding: 'utf8' });
  assert.equal(fail('a.onnx').status, 2);
  assert.match(fail('--method', 'best', 'a.onnx', 'b', '-o', 'c').stderr, /not "best"/);
  assert.match(fail('--weights-only', 'int4', 'a.onnx', '-o', 'c').stderr, /not "int4"/);
  assert.match(fail(at('none.onnx'), at('data'), '-o', at('c')).stderr, /no model file/);
});
