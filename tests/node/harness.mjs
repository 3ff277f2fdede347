/** Starts the built core in Node, and the worker's protocol without a worker. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Core } from '../../web/worker/core.js';
import { modelSource } from '../../web/worker/file-bytes.js';
import { serve } from '../../web/worker/serve.js';
import { probeFeatures, runnableVariants } from '../../web/shared/variants.js';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const WASM = process.env.NSC_WASM ?? join(ROOT, 'build/wasm/emscripten');
export const NATIVE = process.env.NSC_NATIVE ?? join(ROOT, 'build/native/negatoscope');

export function loadFactory(variant) {
  return import(`file://${join(WASM, variant, 'negatoscope.mjs')}`).then(({ default: factory }) => factory);
}

/** The factory of the codecs' module. */
export function loadCodec() {
  return import(`file://${join(WASM, 'codec', 'codec.mjs')}`).then(({ default: factory }) => factory);
}

/** Built variants that this Node can run: relaxed SIMD is behind a flag in some. */
export function variantsHere() {
  return runnableVariants(probeFeatures()).filter((variant) => existsSync(join(WASM, variant, 'negatoscope.wasm')));
}

export async function createCore(variant = 'simd', threads = 1) {
  return Core.create(await loadFactory(variant), { threads, loadCodec: async () => (await loadCodec())() });
}

export const blobOf = (bytes) => new Blob([bytes]);

/** The picture of `bytes`, opened; the caller frees it. */
export async function openImage(core, bytes) {
  const image = core.openImage(await core.source(blobOf(bytes)));
  await core.readyToDecode(image);
  return image;
}

/** A model and its classifier, with one call that ends both. */
export async function openClassifier(core, bytes, options = { recipe: null, labels: null, output: null }, threads = 1) {
  const model = core.openModel((await modelSource(core, blobOf(bytes))).source);
  try {
    const classifier = core.createClassifier(model, threads, options);
    return {
      model,
      classifier,
      free: () => {
        core.freeClassifier(classifier);
        core.freeModel(model);
      },
    };
  } catch (error) {
    core.freeModel(model);
    throw error;
  }
}

/** The worker's side of the protocol on a pair of arrays. `ask` resolves to the whole answer. */
export async function startService(variant = 'simd', { test = false, threads = 1, service, files } = {}) {
  const waiting = new Map();
  const progress = [];
  let listener = () => {};
  serve(
    {
      postMessage: (message) => {
        if (message.op === 'progress') progress.push(message);
        else waiting.get(message.id)?.(message);
      },
      addEventListener: (_, given) => (listener = given),
    },
    loadFactory,
    { files, loadCodec },
  );
  let nextId = 1;
  const ask = (op, args = {}) =>
    new Promise((resolve) => {
      const id = nextId++;
      waiting.set(id, resolve);
      listener({ data: { id, op, args } });
    });
  const ready = await ask('init', { variant, threads, module: null, test, service });
  return { ask, progress, ready };
}
