/**
 * Whole networks with random weights: the core, natively and as wasm, against onnxruntime-web as an independent oracle.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as ort from 'onnxruntime-web';

import { NETWORKS, buildNetwork, describeNetwork } from '../networks/zoo.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TOLERANCE = 1e-4; // of the largest output; docs/NUMERICS.md

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';
const folder = mkdtempSync(join(tmpdir(), 'negatoscope-networks-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Programs that run a model file on raw floats: `run_model` of this machine and of two wasm variants. */
const PROGRAMS = {
  native: [join(ROOT, 'build/native/tests/c/run_model')],
  'wasm simd': [process.execPath, join(ROOT, 'build/wasm/tests/c/run_model-simd.cjs')],
  'wasm relaxed-threads': [process.execPath, ...process.execArgv.filter((a) => a.includes('relaxed')),
                           join(ROOT, 'build/wasm/tests/c/run_model-relaxed-threads.cjs')],
};

function picture(count) {
  const values = new Float32Array(count);
  let state = 1;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state / 2 ** 32 - 0.5;
  }
  return values;
}

async function oracle(bytes, dims, x) {
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  const outputs = await session.run({ image: new ort.Tensor('float32', x, dims) });
  const scores = Float32Array.from(Object.values(outputs)[0].data);
  await session.release();
  return scores;
}

function relativeError(got, want) {
  assert.equal(got.length, want.length);
  let error = 0;
  let size = 0;
  for (let i = 0; i < want.length; i++) {
    error = Math.max(error, Math.abs(got[i] - want[i]));
    size = Math.max(size, Math.abs(want[i]));
  }
  assert.ok(size > 0 && Number.isFinite(error), 'the outputs are zero or not numbers');
  return error / size;
}

describe('networks equal onnxruntime', { concurrency: false }, () => {
  for (const name of NETWORKS) {
    test(name, async (t) => {
      const { channels, size: published, parameters } = describeNetwork(name);
      if (parameters) assert.equal(buildNetwork(name).parameters, parameters, 'parameters of the published network');
      // Smaller pictures than the published ones, where the layers allow it: the same code in less time.
      const size = published < 224 ? published : published > 224 || name.startsWith('alexnet') ? 96 : 64;
      const { bytes } = buildNetwork(name, { size, classes: 100 });
      const dims = [1, channels, size, size];
      const x = picture(channels * size * size);
      const want = await oracle(bytes, dims, x);
      const paths = ['model.onnx', 'input.bin', 'output.bin'].map((f) => join(folder, f));
      writeFileSync(paths[0], bytes);
      writeFileSync(paths[1], Buffer.from(x.buffer));
      for (const [program, [command, ...args]] of Object.entries(PROGRAMS)) {
        execFileSync(command, [...args, ...paths, '2', ...dims.map(String)]);
        const output = readFileSync(paths[2]);
        const error = relativeError(new Float32Array(output.buffer, output.byteOffset, output.length / 4), want);
        t.diagnostic(`${program}: ${error.toExponential(1)}`);
        assert.ok(error <= TOLERANCE, `${program}: relative error ${error}`);
      }
    });
  }
});
