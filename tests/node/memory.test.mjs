/** What the core says a model will take of memory, before it is loaded, against what it then takes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

import { modelSource } from '../../web/worker/file-bytes.js';
import { buildNetwork } from '../networks/zoo.mjs';
import { NATIVE, ROOT, blobOf, createCore, variantsHere } from './harness.mjs';

const NETWORKS = ['resnet18', 'mobilenetv2', 'densenet121', 'squeezenet', 'efficientnet-b0', 'vit-tiny', 'cnn-28'];
/** Of the truth: what is promised. */
const TOLERANCE = 0.15;
const AS_THE_MODEL_SAYS = { recipe: null, labels: null, output: null };
const folder = mkdtempSync(join(tmpdir(), 'negatoscope-memory-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const models = new Map();
function modelOf(name) {
  if (!models.has(name)) {
    const path = join(folder, `${name}.onnx`);
    writeFileSync(path, buildNetwork(name).bytes);
    models.set(name, path);
  }
  return models.get(name);
}

const near = (got, want, what) => assert.ok(Math.abs(got / want - 1) <= TOLERANCE, `${what}: ${got.toFixed(1)} MB, in truth ${want.toFixed(1)} MB`);

describe('memory, natively', () => {
  for (const name of NETWORKS) {
    test(name, () => {
      for (const threads of ['1', '2']) {
        const output = execFileSync(join(ROOT, 'build/native/tests/c/model_memory'), [modelOf(name), threads], { encoding: 'utf8' });
        const { estimate, peak, counted, countedPeak, held } = JSON.parse(output);
        near(estimate / 1e6, held / 1e6, `${threads} threads`);
        // Nothing of a plan is counted in one way before and in another while it is made.
        assert.deepEqual([estimate, peak], [counted, countedPeak]);
        assert.ok(peak >= estimate);
      }
    });
  }

  test('the command says it, and grows with the batch', () => {
    const path = join(folder, 'open.onnx');
    writeFileSync(path, buildNetwork('squeezenet', { size: 64, batch: 'batch' }).bytes);
    const info = (...options) => JSON.parse(execFileSync(NATIVE, ['info', ...options, path], { encoding: 'utf8' }))[0].memory;
    const one = info();
    const eight = info('--batch', '8', '--threads', '2');
    assert.deepEqual([eight.batch, eight.threads], [8, 2]);
    assert.ok(one.activationsMB > 0);
    assert.ok(eight.activationsMB > one.activationsMB);
    // The file stays outside; what is left of it is what is small.
    assert.ok(eight.fileMB < readFileSync(path).length / 4e6);
  });

  test('an open size is said to be open', () => {
    const path = join(folder, 'size.onnx');
    writeFileSync(path, buildNetwork('squeezenet', { open: true }).bytes);
    const [{ memory, memoryUnknown, error }] = JSON.parse(execFileSync(NATIVE, ['info', path], { encoding: 'utf8' }));
    assert.deepEqual([memory, error], [null, null]);
    assert.match(memoryUnknown, /is open: give a size/);
  });
});

for (const variant of variantsHere().filter((each) => !each.includes('threads'))) {
  describe(`memory, wasm ${variant}`, () => {
    for (const name of NETWORKS) {
      test(name, async (t) => {
        const core = await createCore(variant);
        const { used: usedBefore } = core.memory();
        const empty = 3e6; // stack and constants, which are there without a model
        const model = core.openModel((await modelSource(core, blobOf(readFileSync(modelOf(name))))).source);
        const { fileMB, weightsMB, activationsMB, otherMB, peakMB } = core.modelMemory(model, 1, AS_THE_MODEL_SAYS);
        core.call('bridge_session_create', model, 1, 0, 1);
        const { used, total } = core.memory();
        near(fileMB + weightsMB + activationsMB + otherMB, (used - usedBefore) / 1e6, 'what stays');
        t.diagnostic(`peak ${peakMB.toFixed(1)} MB, memory of ${(total / 1e6).toFixed(1)} MB`);
        near(Math.max(peakMB + empty / 1e6, 32 * 1.048576), total / 1e6, 'the memory');
      });
    }
  });
}
