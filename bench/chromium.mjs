/** Chromium as a place to measure in: a page with nothing on it, cross-origin isolated, and a worker for each job. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';

import { listen } from '../scripts/serve.mjs';
import { CHROMIUM_FLAGS as FLAGS } from '../tests/chromium-flags.mjs';
import { BENCH, LITERT, ORT, SCRATCH, TFJS, WASM } from './paths.mjs';

export { FLAGS };

const TYPES = { '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };
const FOLDERS = { bench: join(SCRATCH, 'worker'), core: WASM, ort: ORT, tfjs: TFJS, litert: LITERT, models: join(SCRATCH, 'models') };

/**
 * Files of several folders, each under a name of its own. The product's server is not used for this: its policy forbids
 * what other engines do (workers from blobs, evaluated code).
 */
function createBenchServer() {
  return createServer(async (request, response) => {
    const headers = {
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
      'Cross-Origin-Resource-Policy': 'same-origin',
      'Cache-Control': 'max-age=3600', // second visits are measured as of a page whose files the browser has kept
    };
    const [, name, ...rest] = new URL(request.url, 'http://localhost').pathname.split('/');
    if (name === '') {
      response.writeHead(200, { ...headers, 'Content-Type': 'text/html' }).end('<!doctype html><title>bench</title>');
      return;
    }
    const folder = FOLDERS[name];
    const path = folder && normalize(join(folder, ...rest));
    const size = path?.startsWith(folder + sep) ? await stat(path).then((s) => s.size, () => null) : null;
    if (size === null) {
      response.writeHead(404, headers).end();
      return;
    }
    const type = TYPES[extname(path)] ?? 'application/octet-stream';
    response.writeHead(200, { ...headers, 'Content-Type': type, 'Content-Length': size });
    createReadStream(path).pipe(response);
  });
}

async function bundleWorkers() {
  await build({
    entryPoints: [join(BENCH, 'worker.mjs'), join(BENCH, 'train-worker.mjs')],
    outdir: FOLDERS.bench,
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    legalComments: 'none',
    logLevel: 'error',
  });
}

/** Until the browser has kept what it compiled. */
const COMPILED_MS = 2000;

/** Runs in the page. */
function measureInWorker({ script, message }) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(`/bench/${script}.js`, { type: 'module' });
    worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data.result));
    worker.onerror = (event) => reject(new Error(event.message || 'the worker did not start'));
    worker.postMessage(message);
  });
}

/**
 * A place to measure in: `measure(job, file)`, a file among the models, and `train(job)` start, measure and end one process.
 * @param {string[]} [flags]  for the browser, beside the usual ones
 */
export async function openChromium(flags = []) {
  await bundleWorkers();
  const server = createBenchServer();
  const address = await listen(server, 0);
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: [...FLAGS, ...flags] });
  const work = async (script, message, limitMs = 0) => {
    // A context of its own: the page and its engine get a fresh process, and nothing compiled is left from before.
    const context = await browser.newContext();
    try {
      let { job } = message;
      if (job?.again) {
        const before = await context.newPage();
        await before.goto(address);
        const { decisions } = await before.evaluate(measureInWorker, { script, message });
        job = { ...job, decisions };
        await new Promise((resolve) => setTimeout(resolve, COMPILED_MS));
        await before.close();
      }
      const page = await context.newPage();
      await page.goto(address);
      const result = page.evaluate(measureInWorker, { script, message: { ...message, job } });
      if (!limitMs) return await result;
      result.catch(() => {}); // ends with the context
      return await Promise.race([result, new Promise((resolve) => setTimeout(resolve, limitMs, null))]);
    } finally {
      await context.close();
    }
  };
  return {
    version: browser.version(),
    measure(job, file) {
      const urls = {
        core: `${address}core/${job.variant}/negatoscope.mjs`,
        onnxruntime: `${address}ort/ort.wasm.min.mjs`,
        onnxruntimeWasm: `${address}ort/`,
        tfjsWasm: `${address}tfjs/`,
        litertWasm: `${address}litert/`,
      };
      return work('worker', { job: { ...job, urls }, model: `/models/${file}` });
    },
    /** Null when it takes longer than the limit. */
    train(job, limitMs) {
      return work('train-worker', { ...job, core: `${address}core/${job.variant}/negatoscope.mjs` }, limitMs);
    },
    async close() {
      await browser.close();
      server.close();
    },
  };
}
