#!/usr/bin/env node
/**
 * Planes through generated CT series of 512 × 512 in Chromium: gathering, and from frame to frame in each plane, alone, as
 * slabs, and through slices that are turned against the patient's axes.
 *
 *   node bench/planes.mjs [SLICES...]
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { launch, makeWorkshop, openSite } from '../tests/e2e/harness.mjs';
import { ctSeries } from '../tests/node/fixtures.mjs';

const FRAMES = 20;

/** Runs in the page: frames of the active pane, each waited for; the page's own time and the worker's. */
async function scroll(count) {
  const { desk, panes } = globalThis.negatoscope;
  const { viewer } = panes;
  let worker = 0;
  const listen = ({ detail }) => (worker = detail.ms);
  viewer.addEventListener('rendered', listen);
  const shown = () => !viewer.rendering && viewer.canvas.dataset.rendered === `${desk.current.key}:${desk.active.view.frame}`;
  const [first] = [Math.floor((desk.place.count - count) / 2)];
  const page = [];
  const core = [];
  for (let at = 0; at < count; at++) {
    const start = performance.now();
    desk.setFrame(first + at);
    while (!shown()) await new Promise((resolve) => setTimeout(resolve, 0));
    if (at === 0) continue;
    page.push(performance.now() - start);
    core.push(worker);
  }
  viewer.removeEventListener('rendered', listen);
  const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];
  return { worst: Math.max(...page), page: median(page), core: median(core), size: `${viewer.item.info.width} × ${viewer.item.info.height}` };
}

/** Runs in the page: the planes of what is shown; milliseconds. */
async function reformat() {
  const { desk, reformatting, crosshair } = globalThis.negatoscope;
  const start = performance.now();
  await reformatting.start();
  const ms = performance.now() - start;
  while (crosshair.asking || !desk.current.plane) await new Promise((resolve) => setTimeout(resolve, 10));
  // One plane at a time is measured: the others do not follow.
  crosshair.spots.clear();
  return ms;
}

async function measure(workshop, url, count, { name, more }) {
  const browser = await launch();
  try {
    const folder = join(workshop.folder, `${name}-${count}`);
    await mkdir(folder, { recursive: true });
    const stored = (x, y, n) => ((x * 7 + y * 13 + n * 29) % 1500) + 500;
    for (const { name: file, bytes, n } of ctSeries({ count, size: 512, stored, more })) await writeFile(join(folder, `${file}-${n}`), bytes);
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await openSite(page, url);
    await page.setInputFiles('#pick-folder', folder);
    await page.waitForSelector('body.looking');
    await page.waitForSelector('#index-progress', { state: 'hidden' });
    const ms = (value) => `${value.toFixed(1)} ms`;
    console.log(`${count} slices, ${name}: gathered in ${ms(await page.evaluate(reformat))}`);
    for (const [thickness, projection] of [[0, 0], [20, 0], [20, 2]]) {
      await page.evaluate(([mm, kind]) => globalThis.negatoscope.reformatting.setSlab({ thickness: mm, projection: kind }), [thickness, projection]);
      for (const number of [0, 1, 2]) {
        await page.evaluate((at) => globalThis.negatoscope.desk.activate(globalThis.negatoscope.desk.panes[at]), number);
        const found = await page.evaluate(scroll, FRAMES);
        const kind = await page.evaluate(() => globalThis.negatoscope.desk.current.plane.kind);
        const slab = thickness ? `${['maximum', 'minimum', 'mean'][projection]} of ${thickness} mm` : 'thin';
        console.log(`  ${kind} (${found.size}), ${slab}: core ${ms(found.core)}, on the page ${ms(found.page)}, worst ${ms(found.worst)}`);
      }
    }
    const { total } = await page.evaluate(() => globalThis.negatoscope.client.request('memory', {}));
    console.log(`  wasm heap ${Math.round(total / 1e6)} MB`);
  } finally {
    await browser.close();
  }
}

const workshop = await makeWorkshop();
const site = await workshop.serve(null);
for (const count of process.argv.slice(2).map(Number)) {
  await measure(workshop, site.url, count, { name: 'along the axes', more: {} });
  // Ten degrees about the patient's axis: every pixel lies between eight voxels.
  await measure(workshop, site.url, count, { name: 'turned', more: { 0x00200037: ['DS', '0.984808\\0.173648\\0\\-0.173648\\0.984808\\0'] } });
}
await site.stop();
await workshop.end();
