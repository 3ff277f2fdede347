#!/usr/bin/env node
/**
 * A folder of generated CT slices of 512 × 512 in Chromium: files looked through a second, the first picture, scrolling
 * through all of them, memory.
 *
 *   node bench/series.mjs [SLICES...]
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { launch, makeWorkshop, openSite } from '../tests/e2e/harness.mjs';
import { ctSeries } from '../tests/node/fixtures.mjs';

/** Runs in the page: times from the choice of the folder on. */
function watch() {
  document.querySelector('#pick-folder').addEventListener(
    'change',
    () => {
      const start = performance.now();
      const poll = () => {
        const now = performance.now() - start;
        if (document.getElementById('canvas').dataset.rendered) globalThis.firstMs ??= now;
        if (globalThis.firstMs && document.getElementById('index-progress').hidden) globalThis.allMs = now;
        else requestAnimationFrame(poll);
      };
      poll();
    },
    { capture: true, once: true },
  );
}

/** Runs in the page: from slice to slice, each waited for. */
async function scroll() {
  const { desk } = globalThis.negatoscope;
  const shown = () => !desk.wanted && document.getElementById('canvas').dataset.rendered === `${desk.current.key}:0`;
  const times = [];
  for (let at = 0; at < desk.place.count; at++) {
    const start = performance.now();
    desk.goTo(at);
    while (!shown()) await new Promise((resolve) => setTimeout(resolve, 0));
    if (at) times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return { median: times[times.length >> 1], p95: times[Math.floor(times.length * 0.95)], worst: times.at(-1) };
}

async function measure(workshop, url, count) {
  const browser = await launch();
  try {
    const folder = join(workshop.folder, `ct-${count}`);
    await mkdir(folder, { recursive: true });
    for (const { name, bytes, n } of ctSeries({ count, size: 512 })) await writeFile(join(folder, `${name}-${n}`), bytes);
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await openSite(page, url);
    await page.evaluate(watch);
    await page.setInputFiles('#pick-folder', folder);
    await page.waitForFunction(() => globalThis.allMs, null, { timeout: 300_000 });
    const { firstMs, allMs } = await page.evaluate(() => ({ firstMs: globalThis.firstMs, allMs: globalThis.allMs }));
    const steps = await page.evaluate(scroll);
    const { total, images } = await page.evaluate(() => globalThis.negatoscope.client.request('memory', {}));
    const tab = await page.evaluate(() => performance.measureUserAgentSpecificMemory().then(({ bytes }) => bytes));
    const mb = (bytes) => `${Math.round(bytes / 1e6)} MB`;
    const ms = (value) => `${value.toFixed(0)} ms`;
    console.log(`${count} slices: ${Math.round((count / allMs) * 1000)} files/s, first picture ${ms(firstMs)}, all sorted ${ms(allMs)}`);
    console.log(`  step median ${ms(steps.median)}, 95 % ${ms(steps.p95)}, worst ${ms(steps.worst)}`);
    console.log(`  wasm heap ${mb(total)} with ${images} slices decoded, tab ${mb(tab)}`);
  } finally {
    await browser.close();
  }
}

const workshop = await makeWorkshop();
const site = await workshop.serve(null);
for (const count of process.argv.slice(2).map(Number)) await measure(workshop, site.url, count);
await site.stop();
await workshop.end();
