/** Compressed frames in Node: the core's module and that of the codecs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { blobOf, createCore, loadCodec, openImage, startService, variantsHere } from './harness.mjs';
import { JPEG_LOSSLESS, ctDicom } from './fixtures.mjs';

const stored = (x, y, frame) => (x * 97 + y * 331 + frame * 1000) % 4096;
const plain = ctDicom({ frames: 3, stored });
const compressed = ctDicom({ frames: 3, stored, syntax: JPEG_LOSSLESS });

/** Every frame through a window that tells most values apart. */
function rendered(core, image) {
  const { width, height, frames } = core.imageInfo(image);
  const view = { ...core.view(image, 'default', 0, 0), center: 1024, width: 4096 };
  return Array.from({ length: frames }, (_, frame) => core.render(image, { ...view, frame }, width, height).rgba);
}

test('compressed frames are the plain ones, in every variant', async () => {
  for (const variant of variantsHere()) {
    const core = await createCore(variant, 2);
    const [a, b] = [await openImage(core, plain), await openImage(core, compressed)];
    assert.deepEqual(rendered(core, b), rendered(core, a), variant);
    assert.deepEqual(core.probe(b, 2, 5, 3), [stored(5, 3, 2) - 1024]);
    core.module.PThread?.terminateAllThreads();
  }
});

test('the codecs are loaded when an image needs them, once', async () => {
  const core = await createCore();
  let loads = 0;
  core.loadCodec = async () => {
    loads++;
    return (await loadCodec())();
  };
  core.freeImage(await openImage(core, plain));
  assert.equal(loads, 0);
  core.freeImage(await openImage(core, compressed));
  core.freeImage(await openImage(core, compressed));
  assert.equal(loads, 1);
});

test('without the codecs a compressed frame is refused, not the file', async () => {
  const core = await createCore();
  core.loadCodec = null;
  const image = await openImage(core, compressed);
  assert.equal(core.imageInfo(image).frames, 3);
  assert.throws(() => rendered(core, image), /the module that decodes compressed frames is not loaded/);
});

test('codecs that cannot be loaded are an error of that file', async () => {
  const core = await createCore();
  core.loadCodec = () => Promise.reject(new Error('offline'));
  const image = core.openImage(await core.source(blobOf(compressed)));
  await assert.rejects(core.readyToDecode(image), { name: 'CODEC', message: 'offline' });
});

test('a trap in the codecs costs the frame and nothing else', async () => {
  const core = await createCore();
  const image = await openImage(core, compressed);
  const expected = rendered(core, image);
  const other = await openImage(core, ctDicom({ stored: (x) => x + 1, syntax: JPEG_LOSSLESS }));
  core.module.codec._codec_decode = () => {
    throw new WebAssembly.RuntimeError('unreachable');
  };
  assert.throws(() => rendered(core, other), /broke down over this one/);
  assert.equal(core.module.codec, null);
  await core.readyToDecode(image);
  assert.deepEqual(rendered(core, image), expected);
});

test('damage in a codestream is an error of the request; the heaps do not grow by repeating it', async () => {
  const core = await createCore();
  const cut = Buffer.from(compressed);
  cut.fill(Buffer.from([0xff, 0xd9]), cut.length - 300, cut.length - 40);
  const codec = () => core.module.codec.wasmMemory.buffer.byteLength;
  let before = 0;
  for (let i = 0; i < 50; i++) {
    const image = await openImage(core, cut);
    assert.throws(() => rendered(core, image), { name: /NSC_ERROR_(CORRUPT|TRUNCATED)/ });
    core.freeImage(image);
    if (i === 1) before = core.memory().used + codec();
  }
  assert.equal(core.memory().used + codec(), before);
});

test('the worker opens compressed files by itself', async () => {
  const { ask } = await startService();
  const { ok, result } = await ask('open', { key: 'a', file: blobOf(compressed), thumb: 0 });
  assert.ok(ok);
  assert.equal(result.info.frames, 3);
  const probed = await ask('probe', { key: 'a', frame: 1, x: 2, y: 2 });
  assert.deepEqual(probed.result, [stored(2, 2, 1) - 1024]);
});
