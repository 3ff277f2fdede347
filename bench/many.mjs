#!/usr/bin/env node
/**
 * Many files classified in the page, beside what the engine alone would take: pictures a second with each, in Chromium.
 *
 *   node bench/many.mjs [--files N] [--side PIXELS] [--model FILE] [--triage]
 *
 * The pictures are grey PNG files, no two of them alike; the model is the chest X-ray model without another one. Memory is that of all
 * processes of the browser that hold pages (Linux): before the files, with them, after each run.
 * --triage has the triage table open meanwhile.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { launch, makeWorkshop, openSite, tabMemory } from '../tests/e2e/harness.mjs';
import { greyPng } from '../tests/node/fixtures.mjs';

const { values: options } = parseArgs({
  options: {
    files: { type: 'string', default: '1000' },
    side: { type: 'string', default: '256' },
    model: { type: 'string', default: new URL('../models/cxr-pneumonia/model.onnx', import.meta.url).pathname },
    runs: { type: 'string', default: '3' },
    triage: { type: 'boolean', default: false },
  },
});
const count = Number(options.files);
const side = Number(options.side);

/** Grey pictures with some grain, so that they do not compress to nothing. Twenty kinds; two pixels tell the files of one apart. */
async function writePictures(folder) {
  await mkdir(folder, { recursive: true });
  const kinds = Array.from({ length: 20 }, (_, kind) => {
    let state = kind + 1;
    return Uint8Array.from({ length: side * side }, (__, at) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.round(120 + 90 * Math.cos(((at % side) * (kind + 5)) / side) * Math.cos((Math.floor(at / side) * 4) / side) + (state >>> 29));
    });
  });
  for (let i = 0; i < count; i++) {
    const pixels = kinds[i % kinds.length];
    const value = (x, y) => (y > 0 || x > 1 ? pixels[y * side + x] : x ? i >> 8 : i & 255);
    await writeFile(join(folder, `${String(i).padStart(5, '0')}.png`), greyPng(side, side, value));
  }
}

/** Runs in the page: the network's own time on one picture, the least of many runs and their mean. */
async function bare(runs) {
  const { client, desk } = globalThis.negatoscope;
  const times = [];
  for (let i = 0; i < runs; i++) {
    const { ms } = await client.request('classify', { key: desk.current.key, frame: 0 });
    times.push(ms.inference);
  }
  return { best: Math.min(...times), mean: times.reduce((sum, ms) => sum + ms, 0) / runs };
}

/** Runs in the page: from the click to the last result. */
async function classifyAll() {
  const { desk, triage } = globalThis.negatoscope;
  // Kept results would come back.
  await triage.keeping.forgetAll();
  for (const item of desk.items) desk.learn(item, { finding: null });
  const start = performance.now();
  document.getElementById('classify-all').click();
  while (document.getElementById('batch-running').hidden) await new Promise((resolve) => setTimeout(resolve, 1));
  while (!document.getElementById('batch-running').hidden) await new Promise((resolve) => setTimeout(resolve, 5));
  const all = performance.now() - start;
  const results = desk.shown.map(({ finding }) => finding?.result).filter(Boolean);
  const mean = (name) => results.reduce((sum, { ms }) => sum + ms[name], 0) / results.length;
  return { all, done: results.length, decode: mean('decode'), preprocess: mean('preprocess'), inference: mean('inference') };
}

const workshop = await makeWorkshop();
const site = await workshop.serve(null);
const browser = await launch();
try {
  const folder = join(workshop.folder, 'many');
  await writePictures(folder);
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await openSite(page, site.url);
  await page.setInputFiles('#pick-model', options.model);
  await page.waitForFunction(() => document.querySelectorAll('#model-select option').length > 3);
  const empty = await tabMemory(browser);
  await page.setInputFiles('#pick-folder', folder);
  await page.waitForFunction((n) => globalThis.negatoscope.desk.shown.length === n && document.getElementById('index-progress').hidden, count, { timeout: 300_000 });
  const engine = await page.evaluate(bare, 200);
  console.log(`${count} pictures of ${side} x ${side}; ${await page.innerText('#status-core')}; the engine alone: ${engine.best.toFixed(2)} ms each at best, ${engine.mean.toFixed(2)} in the mean`);
  await page.waitForFunction((n) => globalThis.negatoscope.desk.items.filter(({ state }) => state === 'shown').length === n, count, { timeout: 300_000 });
  console.log(`memory of the tab: ${empty} MB before the files, ${await tabMemory(browser)} MB with them`);
  if (options.triage) await page.click('#triage-open');
  for (let run = 0; run < Number(options.runs); run++) {
    const { all, done, decode, preprocess, inference } = await page.evaluate(classifyAll);
    const each = all / done;
    console.log(
      `${done} classified in ${(all / 1000).toFixed(1)} s: ${each.toFixed(2)} ms each (decoding ${decode.toFixed(2)}, preparing ${preprocess.toFixed(2)}, ` +
        `network ${inference.toFixed(2)}), ${Math.round((100 * engine.best) / each)} % of the engine's best pace, ${Math.round((100 * inference) / each)} % of the time within the network; ${await tabMemory(browser)} MB`,
    );
  }
} finally {
  await browser.close();
  await site.stop();
  await workshop.end();
}
