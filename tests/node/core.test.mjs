/** The wasm core in Node: values, errors, memory. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { modelSource } from '../../web/worker/file-bytes.js';
import { WASM, createCore, openClassifier, openImage, variantsHere } from './harness.mjs';
import {
  TINY,
  ctDicom,
  greyPng,
  mixedFiles,
  slowModel,
  tinyExpected,
  tinyModel,
  unknownOperatorModel,
  wrongShapeModel,
} from './fixtures.mjs';

const value = (x, y) => (x * 29 + y * 7) % 256;
const picture = greyPng(8, 8, value);

/** Every status that a call below ended with. */
const reached = new Set();

/** Runs `use` and gives the name of the status it failed with. */
async function statusOf(use) {
  let name = 'NSC_OK';
  try {
    await use();
  } catch (error) {
    name = error.name;
  }
  reached.add(name);
  return name;
}

test('no build of the core is larger than 1.5 MB', () => {
  for (const variant of variantsHere()) {
    const { size } = statSync(join(WASM, variant, 'negatoscope.wasm'));
    assert.ok(size <= 1.5e6, `${variant}: ${size} bytes`);
  }
});

test('constants come from the core', async () => {
  const core = await createCore();
  const constants = core.constants();
  assert.match(constants.version, /^\d+\.\d+\.\d+$/);
  assert.equal(constants.statuses.NSC_ERROR_TRUNCATED, 4);
  assert.deepEqual(constants.voiFunctions, ['LINEAR', 'LINEAR_EXACT', 'SIGMOID']);
  assert.ok(constants.windowPresets.every(({ width }) => width > 0));
  assert.ok(constants.recipePresets.includes('imagenet'));
});

test('a DICOM stack is described, rendered and probed', async () => {
  const core = await createCore();
  const image = await openImage(core, ctDicom({ frames: 3, stored: (x, y, f) => 1024 + x * 10 + y + f * 200 }));
  const info = core.imageInfo(image);
  assert.equal(info.format, 'DICOM');
  assert.deepEqual([info.width, info.height, info.frames, info.channels], [16, 12, 3, 1]);
  assert.deepEqual(info.spacing, [0.5, 0.5]);
  assert.equal(info.modality, 'CT');
  assert.deepEqual(core.probe(image, 2, 5, 7), [5 * 10 + 7 + 400]);

  const view = core.view(image, 'default', 0, 0);
  assert.equal(view.center, 40);
  assert.equal(view.width, 400);
  const { rgba } = core.render(image, view, info.width, info.height);
  // PS3.3 C.11.2.1.2: ((x - (c - 0.5)) / (w - 1) + 0.5) * 255
  const expected = Math.round(((50 + 7 - 39.5) / 399 + 0.5) * 255);
  const at = (7 * 16 + 5) * 4;
  assert.ok(Math.abs(rgba[at] - expected) <= 1, `${rgba[at]} is not ${expected}`);
  assert.deepEqual([rgba[at], rgba[at + 3]], [rgba[at + 1], 255]);

  const inverted = core.render(image, { ...view, invert: true }, info.width, info.height);
  assert.equal(inverted.rgba[at], 255 - rgba[at]);
  core.freeImage(image);
});

test('each bad file is refused with its status', async () => {
  const core = await createCore();
  for (const { name, bytes, status } of mixedFiles()) {
    const got = await statusOf(async () => core.freeImage(await openImage(core, bytes)));
    assert.equal(got, status ?? 'NSC_OK', name);
  }
});

test('a file that begins like nothing readable is not read to its end', async () => {
  const core = await createCore();
  const chunk = new Uint8Array(65536).fill(0x41);
  let sent = 0;
  const endless = {
    size: 2 ** 31,
    stream: () =>
      new ReadableStream({
        pull: (controller) => {
          sent++;
          controller.enqueue(chunk);
        },
      }),
  };
  // The announced size is more than there is memory for at first; only what arrives may count.
  const got = await statusOf(async () => core.openImage(await core.source(endless, { sniff: true })));
  assert.ok(['NSC_ERROR_UNKNOWN_FORMAT', 'NSC_ERROR_MEMORY'].includes(got), got);
  assert.ok(sent < 4, `${sent} chunks were asked for`);
});

test('a model gives what plain loops give, in every variant', async (t) => {
  const expected = tinyExpected((x, y) => value(x, y) / 255);
  for (const variant of variantsHere()) {
    await t.test(variant, async () => {
      const core = await createCore(variant, variant.endsWith('threads') ? 2 : 1);
      const image = await openImage(core, picture);
      const model = await openClassifier(core, tinyModel());
      const result = core.classify(model.classifier, image, 0);
      assert.ok(Math.abs(result.scores.present - expected) < 1e-5, `${result.scores.present} is not ${expected}`);
      assert.ok(Math.abs(result.scores.absent + result.scores.present - 1) < 1e-6);
      assert.equal(result.threshold, TINY.threshold);
      assert.equal(result.verdict, expected >= TINY.threshold ? 'present' : 'absent');
      assert.equal(result.advice, `Advice for ${result.verdict}.`);
      const { rgba, width, height } = core.preview(model.classifier, image, 0);
      assert.deepEqual([width, height], [8, 8]);
      assert.equal(rgba[4 * (3 * 8 + 5)], value(5, 3));
      model.free();
      core.freeImage(image);
    });
  }
});

test('windows on the screen do not reach the model', async () => {
  const core = await createCore();
  const image = await openImage(core, ctDicom({ width: 8, height: 8, stored: (x, y) => 1000 + x * 20 + y }));
  const model = await openClassifier(core, tinyModel());
  const before = core.classify(model.classifier, image, 0).scores.present;
  core.render(image, { frame: 0, voiLut: -1, function: 0, center: -500, width: 10, invert: true }, 8, 8);
  core.view(image, 'auto', 0, 0);
  assert.equal(core.classify(model.classifier, image, 0).scores.present, before);
  model.free();
  core.freeImage(image);
});

test('a foreign model takes its recipe and labels from the caller', async () => {
  const core = await createCore();
  const bare = tinyModel({ metadata: {} });
  assert.equal(await statusOf(() => openClassifier(core, bare)), 'NSC_ERROR_RECIPE');
  const recipe = core.recipe('0-1', 8, 8, 1);
  const options = { recipe: JSON.stringify(recipe), labels: JSON.stringify(['a', '陽性']), output: 'logits' };
  const model = await openClassifier(core, bare, options);
  const image = await openImage(core, picture);
  const result = core.classify(model.classifier, image, 0);
  assert.deepEqual(Object.keys(result.scores), ['a', '陽性']);
  const expected = tinyExpected((x, y) => value(x, y) / 255);
  assert.ok(Math.abs(result.scores['陽性'] - expected) < 1e-5);
  model.free();
  core.freeImage(image);
});

test('presets are recipes that the core accepts', async () => {
  const core = await createCore();
  for (const preset of core.constants().recipePresets) {
    const recipe = core.recipe(preset, 8, 8, 1);
    const model = await openClassifier(core, tinyModel({ metadata: {} }), {
      recipe: JSON.stringify(recipe),
      labels: null,
      output: null,
    });
    model.free();
  }
  assert.equal(await statusOf(() => core.recipe('nonsense', 8, 8, 1)), 'NSC_ERROR_RECIPE');
});

test('hostile models are refused by name', async () => {
  const core = await createCore();
  const failure = async (bytes) => {
    let failed = null;
    await statusOf(async () => {
      try {
        (await openClassifier(core, bytes)).free();
      } catch (error) {
        failed = error;
        throw error;
      }
    });
    return failed;
  };
  const operator = await failure(unknownOperatorModel());
  assert.equal(operator?.name, 'NSC_ERROR_OPERATOR');
  assert.match(operator.message, /Teleport/);
  assert.equal((await failure(wrongShapeModel()))?.name, 'NSC_ERROR_SHAPE');
  assert.equal((await failure(Buffer.from('no protobuf at all, sorry')))?.name.startsWith('NSC_ERROR_'), true);
  const broken = tinyModel({ metadata: { 'nsc.input': '{"width": "eight"}' } });
  assert.equal((await failure(broken))?.name, 'NSC_ERROR_RECIPE');
});

test('sizes that no memory can hold are refused and do not wrap around', async () => {
  const core = await createCore();
  const { module } = core;
  assert.equal(await statusOf(() => core.source({ size: 2 ** 32 + 16 })), 'NSC_ERROR_LIMIT');
  assert.equal(await statusOf(() => core.source({ size: 2 ** 32 - 64 })), 'NSC_ERROR_MEMORY');
  assert.equal(await statusOf(() => modelSource(core, { size: 2 ** 32 + 16 })), 'NSC_ERROR_LIMIT');
  assert.equal(module.stores.size, 0);
  assert.equal(module._bridge_source_create(-1), 3);
  assert.equal(module._bridge_source_create(Number.NaN), 3);
  assert.equal(module._bridge_result(0), 0);
  assert.equal(module._bridge_result(9), 0);
});

test('misuse is an error and no crash', async () => {
  const core = await createCore();
  const image = await openImage(core, picture);
  const view = core.view(image, 'default', 0, 0);
  assert.equal(await statusOf(() => core.render(image, { ...view, frame: 7 }, 8, 8)), 'NSC_ERROR_ARGUMENT');
  assert.equal(await statusOf(() => core.render(image, { ...view, width: 0 }, 8, 8)), 'NSC_ERROR_ARGUMENT');
  assert.equal(await statusOf(() => core.render(image, { ...view, function: 9 }, 8, 8)), 'NSC_ERROR_ARGUMENT');
  assert.equal(await statusOf(() => core.probe(image, 0, 8, 0)), 'NSC_ERROR_ARGUMENT');
  assert.equal(await statusOf(() => core.view(image, 'window', 0, 3)), 'NSC_ERROR_ARGUMENT');
  const source = await core.source(new Blob([picture]));
  assert.equal(core.module._bridge_source_commit(source, 1), 1);
  core.module._nsc_source_free(source);
  core.freeImage(image);
});

test('the cancel flag stops a run', async () => {
  const core = await createCore();
  const image = await openImage(core, greyPng(16, 16, () => 90));
  const model = await openClassifier(core, slowModel({ size: 32, channels: 4, layers: 3 }));
  const flag = core.module._bridge_cancel_flag() >>> 2;
  new Int32Array(core.module.wasmMemory.buffer)[flag] = 1;
  assert.equal(await statusOf(() => core.classify(model.classifier, image, 0)), 'NSC_ERROR_CANCELLED');
  core.clearCancel();
  assert.equal(await statusOf(() => core.classify(model.classifier, image, 0)), 'NSC_OK');
  model.free();
  core.freeImage(image);
});

test('200 rounds leave the heap as it was', async () => {
  const core = await createCore();
  const files = mixedFiles();
  const model = tinyModel();
  const round = async (index) => {
    const { bytes } = files[index % files.length];
    const loaded = await openClassifier(core, model);
    try {
      const image = await openImage(core, bytes);
      const info = core.imageInfo(image);
      core.render(image, core.view(image, 'auto', 0, 0), info.width, info.height);
      core.classify(loaded.classifier, image, 0);
      core.preview(loaded.classifier, image, 0);
      core.freeImage(image);
    } catch (error) {
      assert.match(error.name, /^NSC_ERROR_/);
    }
    loaded.free();
    await statusOf(() => openClassifier(core, unknownOperatorModel()));
  };
  // What is made once, on the first use, is not a leak.
  for (let index = 0; index < files.length; index++) await round(index);
  const before = core.memory();
  assert.ok(before.total > 0);
  for (let index = 0; index < 200; index++) await round(index);
  const after = core.memory();
  assert.equal(after.used, before.used);
  assert.equal(after.total, before.total);
});

test('truncation at every byte is an error, no trap and no leak', async () => {
  const core = await createCore();
  const dicom = ctDicom({ width: 4, height: 4 });
  const model = tinyModel();
  const opens = [
    [dicom, async (bytes) => core.freeImage(await openImage(core, bytes))],
    [greyPng(4, 4, (x) => x), async (bytes) => core.freeImage(await openImage(core, bytes))],
    [model, async (bytes) => (await openClassifier(core, bytes)).free()],
  ];
  for (const [whole, open] of opens) {
    await statusOf(() => open(whole));
    const before = core.memory().used;
    for (let size = 0; size < whole.length; size++) {
      const got = await statusOf(() => open(whole.subarray(0, size)));
      assert.match(got, /^NSC_/, `at ${size} of ${whole.length}`);
    }
    assert.equal(core.memory().used, before);
  }
});

test('every status that a browser can meet was met above', async () => {
  const core = await createCore();
  const { statuses } = core.constants();
  // Files are read by the browser, and faults of our own have no known way to be made.
  const elsewhere = ['NSC_ERROR_IO', 'NSC_ERROR_INTERNAL'];
  assert.deepEqual(Object.keys(statuses).filter((name) => !reached.has(name)), elsewhere);
});
