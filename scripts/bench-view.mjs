#!/usr/bin/env node
/**
 * npm run bench:view: how fluid the viewer is in Chromium without a graphics card: windowing, zooming, going through a
 * stack, and opening a folder. Writes docs/BENCHMARKS-VIEWING.md.
 *
 *   npm run bench:view [-- --rounds N] [--out FILE]
 *
 * Each wish is made once for each picture of the display (60 a second here); what counts is how many of them were shown,
 * and how often the display itself came to draw, which tells whether the page had time left.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { median, summary } from '../bench/statistics.mjs';
import { ctDicom, ctSeries } from '../tests/node/fixtures.mjs';
import { ROOT, VARIANT_TARGETS, buildPreset, say, setUpChromium, setUpCompilers, setUpNode } from './setup.mjs';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, out: { type: 'string', default: join(ROOT, 'docs/BENCHMARKS-VIEWING.md') } },
});

const SIDE = 2048;
const WISHES = 180;
const SLICES = 300;
const LARGE = { width: SIDE + 640, height: SIDE + 160 };
const USUAL = { width: 1440, height: 900 };

/** Runs in the page: a wish for each picture of the display. `kind` says of what. */
async function drive({ kind, wishes, smoothing }) {
  const { viewer, desk } = globalThis.negatoscope;
  const next = () => new Promise((done) => requestAnimationFrame(done));
  const idle = async () => {
    while (viewer.rendering || desk.wanted) await next();
  };
  viewer.setSmoothing(smoothing);
  await idle();
  const shown = [];
  const note = ({ detail }) => shown.push({ at: performance.now(), ms: detail.ms });
  viewer.addEventListener('rendered', note);
  const start = performance.now();
  let before = start;
  const gaps = [];
  for (let i = 0; i < wishes; i++) {
    const wave = Math.sin(i / 20);
    if (kind === 'window') desk.setView({ center: 800 + 400 * wave, width: 1500 + 600 * wave });
    else if (kind === 'zoom') viewer.zoom(2 ** (wave / 25));
    else if (kind === 'pan') viewer.pan(6 * wave, 4 * wave);
    else desk.goTo(i % desk.place.count);
    await next();
    const now = performance.now();
    gaps.push(now - before);
    before = now;
  }
  const took = performance.now() - start;
  viewer.removeEventListener('rendered', note);
  await idle();
  const { width, height } = document.getElementById('canvas');
  return { rate: (1e3 * shown.length) / took, display: (1e3 * gaps.length) / took, ms: shown.map(({ ms }) => ms), gaps, canvas: `${width} × ${height}` };
}

/** Runs in the page before files are picked. */
function watchOpening() {
  document.querySelector('#pick-folder').addEventListener('change', () => {
    const start = performance.now();
    const poll = () => {
      if (document.getElementById('canvas').dataset.rendered) globalThis.firstMs ??= performance.now() - start;
      if (globalThis.negatoscope.desk.lines.some(({ items }) => items.length === globalThis.expected)) globalThis.listedMs ??= performance.now() - start;
      if (!globalThis.firstMs || !globalThis.listedMs) requestAnimationFrame(poll);
    };
    poll();
  }, { capture: true, once: true });
}

const film = () => ctDicom({ width: SIDE, height: SIDE, stored: (x, y) => (x * 3 + y * 5 + ((x * y) >> 6)) & 4095 });

const CASES = [
  { name: `windowing a film of ${SIDE} × ${SIDE}, its pixels on the display's`, kind: 'window', files: 'film', viewport: LARGE, actual: true, smoothing: 2 },
  { name: `windowing a film of ${SIDE} × ${SIDE}, fitted`, kind: 'window', files: 'film', viewport: USUAL, smoothing: 2 },
  { name: 'zooming it, Lanczos', kind: 'zoom', files: 'film', viewport: USUAL, smoothing: 2 },
  { name: 'zooming it, bilinear', kind: 'zoom', files: 'film', viewport: USUAL, smoothing: 1 },
  { name: 'zooming it, nearest pixel', kind: 'zoom', files: 'film', viewport: USUAL, smoothing: 0 },
  { name: 'moving it, Lanczos', kind: 'pan', files: 'film', viewport: USUAL, smoothing: 2 },
  { name: `going through ${SLICES} slices of 512 × 512, Lanczos`, kind: 'scroll', files: 'series', viewport: USUAL, smoothing: 2 },
];

async function runCase(browser, url, each, folders) {
  const context = await browser.newContext({ viewport: each.viewport, locale: 'en-GB' });
  try {
    const page = await context.newPage();
    await page.goto(`${url}?test`);
    await page.waitForSelector('body[data-model=loaded]');
    await page.evaluate((count) => (globalThis.expected = count), each.files === 'series' ? SLICES : 1);
    await page.evaluate(watchOpening);
    await page.setInputFiles('#pick-folder', folders[each.files]);
    await page.waitForFunction(() => globalThis.firstMs && globalThis.listedMs);
    const opening = await page.evaluate(() => ({ first: globalThis.firstMs, listed: globalThis.listedMs }));
    if (each.actual) await page.evaluate(() => globalThis.negatoscope.viewer.actualSize());
    // A stack is gone through once before, so that reading files is not what is measured.
    await page.evaluate(drive, { ...each, wishes: each.kind === 'scroll' ? 2 * SLICES : 30 });
    return { ...(await page.evaluate(drive, { ...each, wishes: WISHES })), opening };
  } finally {
    await context.close();
  }
}

function writeFolders(root) {
  const folders = { film: join(root, 'film'), series: join(root, 'series') };
  for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true });
  writeFileSync(join(folders.film, 'film.dcm'), film());
  for (const { name, bytes } of ctSeries({ count: SLICES, size: 512 })) writeFileSync(join(folders.series, name), bytes);
  return folders;
}

function report(found, facts) {
  const rows = CASES.map(({ name }) => {
    const runs = found.filter((each) => each.name === name);
    const ms = summary(runs.flatMap((each) => each.ms));
    const gaps = summary(runs.flatMap((each) => each.gaps));
    const rate = runs.map((each) => each.rate);
    return `| ${name} | ${runs[0].canvas} | ${median(rate).toFixed(1)} (${Math.min(...rate).toFixed(1)}–${Math.max(...rate).toFixed(1)}) | ${median(runs.map((each) => each.display)).toFixed(1)} | ${ms.median.toFixed(1)} (${ms.p10.toFixed(1)}–${ms.p90.toFixed(1)}) | ${gaps.p90.toFixed(1)} |`;
  });
  const series = found.filter((each) => each.files === 'series').map((each) => each.opening);
  const first = median(series.map((each) => each.first));
  const listed = median(series.map((each) => each.listed));
  return `# Viewing: pictures a second

Written by \`npm run bench:view\` on ${facts.date}. ${facts.cpu}, ${facts.cores} cores, no graphics card; Chromium ${facts.chromium}, headless, which
draws 60 times a second at most. Load before ${facts.before}, after ${facts.after}.

A wish for each picture of the display, ${WISHES} of them; medians of ${facts.rounds} rounds, in brackets the slowest and the fastest. \`core\` is what the
core needed for a picture in its worker, with copying it out, in brackets the 10th and 90th percentile.

| what | canvas | shown a second | display a second | core ms | 90th percentile between displays, ms |
|---|---|---|---|---|---|
${rows.join('\n')}

A folder with ${SLICES} files of 512 × 512: the first picture ${first.toFixed(0)} ms after it was picked (aim: under 500), all listed after ${listed.toFixed(0)} ms, which is
${((1e3 * SLICES) / listed).toFixed(0)} files a second (aim: 300).
`;
}

async function main() {
  await setUpCompilers();
  await setUpNode();
  await setUpChromium();
  await buildPreset('wasm', VARIANT_TARGETS);
  const { launch, makeWorkshop } = await import('../tests/e2e/harness.mjs');
  const root = join(tmpdir(), `negatoscope-view-${process.pid}`);
  const folders = writeFolders(root);
  const workshop = await makeWorkshop();
  const site = await workshop.serve(null);
  const browser = await launch();
  const before = loadavg()[0].toFixed(2);
  const rounds = Number(options.rounds);
  const found = [];
  try {
    for (let round = 0; round < rounds; round++) {
      for (const each of round % 2 ? [...CASES].reverse() : CASES) {
        const result = await runCase(browser, site.url, each, folders);
        found.push({ ...each, ...result });
        say(`round ${round + 1} of ${rounds}: ${each.name}: ${result.rate.toFixed(1)} a second, core ${median(result.ms).toFixed(1)} ms, display ${result.display.toFixed(1)}`);
      }
    }
    const facts = {
      date: new Date().toISOString().slice(0, 10), cpu: cpus()[0].model.trim(), cores: cpus().length, chromium: browser.version(), rounds, before,
      after: loadavg()[0].toFixed(2),
    };
    writeFileSync(options.out, report(found, facts));
    say(`written: ${options.out}`);
  } finally {
    await browser.close();
    await site.stop();
    await workshop.end();
    rmSync(root, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  console.error(`npm run bench:view: ${error.stack}`);
  process.exitCode = 1;
}
