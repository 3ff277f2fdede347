/** The page itself: what is downloaded, and how long it takes from navigation to the first result, with its server, without it, and as one file. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { chromium } from 'playwright-core';

import { buildSingle } from '../scripts/build-single.mjs';
import { MODELS, buildSite } from '../scripts/build-web.mjs';
import { createSiteServer, listen } from '../scripts/serve.mjs';
import { greyPng } from '../tests/node/fixtures.mjs';
import { VARIANTS } from '../web/shared/variants.js';
import { FLAGS } from './chromium.mjs';
import { ORT, SCRATCH, TFJS, WASM } from './paths.mjs';

const SITE = join(SCRATCH, 'site');
const SINGLE = join(SCRATCH, 'negatoscope.html');
/** The shipped model that is measured. */
const MODEL = 'cxr-pneumonia';

/** A picture of the size of a small chest film: smooth, with some grain, so that it does not compress to nothing. */
function film(side = 1024) {
  let state = 1;
  return greyPng(side, side, (x, y) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const lung = Math.cos((x / side - 0.5) * 9) * Math.cos((y / side - 0.5) * 4);
    return Math.round(120 + 90 * lung + (state >>> 29));
  });
}

/** Runs in the page before its own scripts: hands over the picture as soon as it takes files, notes when things happen. */
function watchPage(png) {
  const marks = {};
  Object.assign(globalThis, { benchMarks: marks });
  const open = () => {
    const bytes = Uint8Array.from(atob(png), (c) => c.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], 'film.png'));
    const input = document.getElementById('pick-files');
    input.files = transfer.files;
    input.dispatchEvent(new Event('change', { bubbles: true }));
  };
  const observer = new MutationObserver(() => {
    const now = performance.now();
    if (document.body?.dataset.ready && !marks.ready) {
      marks.ready = now;
      open();
    }
    if (document.body?.dataset.model && !marks.model) marks.model = now;
    if (!document.getElementById('saw')) return;
    observer.disconnect();
    // Until the frame with the result has been drawn.
    requestAnimationFrame(() => setTimeout(() => (marks.result = performance.now())));
  });
  const attributeFilter = ['data-ready', 'data-model'];
  observer.observe(document, { subtree: true, childList: true, attributes: true, attributeFilter });
}

async function visit(context, url) {
  const page = await context.newPage();
  await page.goto(url);
  await page.waitForFunction(() => globalThis.benchMarks.result, null, { polling: 100 });
  const marks = await page.evaluate(() => globalThis.benchMarks);
  const core = await page.innerText('#status-core');
  return { page, marks, core };
}

/** Browsers that are started one after the other with one profile. @template T @param {string} png @param {(open: () => Promise<import('playwright-core').BrowserContext>) => Promise<T>} work */
async function withProfile(png, work) {
  const profile = await mkdtemp(join(tmpdir(), 'negatoscope-bench-'));
  /** @type {import('playwright-core').BrowserContext | null} */
  let context = null;
  const open = async () => {
    await context?.close();
    context = await chromium.launchPersistentContext(profile, { executablePath: process.env.CHROMIUM, args: FLAGS });
    await context.addInitScript(watchPage, png);
    // The browser itself is still starting; that is not the page's time.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    return context;
  };
  try {
    return await work(open);
  } finally {
    await /** @type {import('playwright-core').BrowserContext | null} */ (context)?.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Visits with one profile: the first of all, one in the same browser, one after the browser was started again, one more without the server. */
async function visits(png, onRequest) {
  const server = createSiteServer(SITE, { onRequest });
  const url = await listen(server, 0);
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return withProfile(png, async (open) => {
    const first = await open();
    const cold = await visit(first, url);
    await cold.page.waitForFunction(() => document.getElementById('status-offline').textContent !== '');
    await cold.page.waitForLoadState('networkidle');
    await cold.page.close();
    const warm = await visit(first, url);
    const restarted = await visit(await open(), url);
    const last = await open();
    stop();
    const offline = await visit(last, url);
    return { cold: cold.marks, warm: warm.marks, restarted: restarted.marks, offline: offline.marks, core: cold.core };
  }).finally(stop);
}

/** The file, opened by a browser that has never seen it. */
const openSingle = (png) => withProfile(png, async (open) => (await visit(await open(), pathToFileURL(SINGLE).href)).marks);

async function sizes(path, name) {
  const bytes = await readFile(path);
  const packed = existsSync(`${path}.br`) ? (await readFile(`${path}.br`)).length : brotliCompressSync(bytes).length;
  return { name, raw: bytes.length, brotli: packed };
}

const sum = (name, parts) => ({
  name,
  raw: parts.reduce((total, { raw }) => total + raw, 0),
  brotli: parts.reduce((total, { brotli }) => total + brotli, 0),
});

async function downloads() {
  const files = (await readdir(SITE, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && !/\.(br|gz)$/.test(entry.name))
    .map((entry) => relative(SITE, join(entry.parentPath ?? entry.path, entry.name)));
  const inSite = (names) => Promise.all(names.map((name) => sizes(join(SITE, name), name)));
  const core = (variant) => inSite(['mjs', 'wasm'].map((ending) => `wasm/${variant}/negatoscope.${ending}`));
  const page = sum('page', await inSite(files.filter((name) => !/^(wasm|models|lessons)\//.test(name))));
  const threads = sum('core, relaxed SIMD, threads', await core('relaxed-threads'));
  const model = sum(`model ${MODEL}`, await inSite([`models/${MODEL}.onnx`]));
  const wasm = await inSite(VARIANTS.map((variant) => `wasm/${variant}/negatoscope.wasm`));
  const other = async (name, folder, ...names) =>
    sum(name, await Promise.all(names.map((n) => sizes(join(folder, n), n))));
  const firstView = sum('first view: page + core (relaxed SIMD, threads) + model', [page, threads, model]);
  return {
    firstView,
    parts: [
      page,
      threads,
      sum('core, relaxed SIMD, one thread', await core('relaxed')),
      sum('core, SIMD, one thread', await core('simd')),
      model,
      firstView,
      await other('the whole in one file', SCRATCH, 'negatoscope.html'),
    ],
    wasm: Math.max(...wasm.map(({ raw }) => raw)),
    others: [
      await other('onnxruntime-web', ORT, 'ort.wasm.min.mjs', ...['mjs', 'wasm'].map((e) => `ort-wasm-simd-threaded.${e}`)),
      await other('tfjs-backend-wasm, wasm only', TFJS, 'tfjs-backend-wasm-threaded-simd.wasm'),
    ],
  };
}

/**
 * @param {number} repeats
 * @param {(text: string) => void} say
 */
export async function measurePage(repeats, say) {
  await buildSite({ wasm: WASM, out: SITE });
  await buildSingle({ wasm: WASM, out: SINGLE });
  const asked = new Set();
  const onRequest = (path) => asked.add(new URL(path, 'http://localhost').pathname);
  const png = film();
  const text = png.toString('base64');
  const starts = [];
  for (let i = 0; i < repeats; i++) {
    starts.push({ ...(await visits(text, onRequest)), single: await openSingle(text) });
    const { cold, warm, restarted, offline, single } = starts.at(-1);
    const times = [cold, warm, restarted, offline, single].map(({ result }) => `${result.toFixed(0)} ms`);
    say(`page ${i + 1} of ${repeats}: ${times.join(', ')} (cold, warm, restarted, offline, one file)`);
  }
  const requested = new Set([...asked].map((path) => (path.endsWith('/') ? 'index.html' : path.slice(1))));
  const found = [...requested].filter((name) => existsSync(join(SITE, name)));
  const first = sum('all that the first visit asks for, with what the service worker keeps for use offline', await Promise.all(found.map((name) => sizes(join(SITE, name), name))));
  const { parts, ...sizesOf } = await downloads();
  return { model: MODEL, imageBytes: png.length, core: starts[0].core, starts, downloads: [...parts, first], ...sizesOf, site: SITE };
}
