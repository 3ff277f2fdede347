/** Old machines and old browsers: no SIMD, no relaxed SIMD, no threads, little memory. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';

import { CHROMIUM_FLAGS } from '../chromium-flags.mjs';
import { ctDicom, greyPng, nifti } from '../node/fixtures.mjs';
import { CHROMIUM, launch, newPage, openFiles, openSite, screenshot, tabMemory, unavailable, useSite } from './harness.mjs';

/** What the page may take in the flow that everybody goes through: half of what a tab on a computer with 2 GB can have. */
const MOST_MB = 500;
const stored = (x, y) => (Math.hypot(x - 256, y - 240) < 180 ? 1064 + ((x * y) % 40) : 24);

/** Opens a picture, waits for its score, asks what influenced it. */
async function classifyAndExplain(page) {
  await page.waitForFunction(() => globalThis.negatoscope.desk.current?.finding?.result);
  if (await page.locator('#show-score').count()) await page.click('#show-score');
  await page.click('#explain-toggle');
  await page.waitForSelector('#explain-words', { timeout: 120_000 });
}

/** As on a computer whose browser says so. @param {number} gigabytes */
const withMemory = (page, gigabytes) =>
  page.addInitScript((value) => Object.defineProperty(Navigator.prototype, 'deviceMemory', { get: () => value }), gigabytes);

describe('old machines', { skip: unavailable }, () => {
  const shared = useSite({ shipped: true });

  test('a processor without SSE4.1, and so no SIMD: the page says so before anything is loaded', async (t) => {
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: [...CHROMIUM_FLAGS, '--js-flags=--no-enable-sse4-1'] });
    t.after(() => browser.close());
    const { page, problems, requests } = await newPage(t, browser);
    await page.goto(shared.site.url);
    await page.waitForSelector('#too-old', { state: 'visible' });
    assert.match(await page.innerText('#too-old'), /has no WebAssembly SIMD[\s\S]*不支持/);
    await page.waitForLoadState('networkidle');
    assert.deepEqual(requests.filter((url) => /\.(wasm|onnx|mjs)|worker\.js/.test(url)), []);
    assert.equal(await page.isVisible('[data-opens=open-files] >> nth=0'), false, 'nothing to press that would do nothing');
    await screenshot(page, 'no-simd');
    await page.setViewportSize({ width: 360, height: 740 });
    await screenshot(page, 'no-simd-phone');
    assert.deepEqual(problems, []);
  });

  test('plain SIMD in one thread: opening, classifying, explaining, training, saving', async (t) => {
    const site = await shared.workshop.serve(t, { isolation: false });
    const { page, problems } = await newPage(t, shared.browser, { serviceWorkers: 'block' });
    await openSite(page, site.url, '?test&variant=simd');
    assert.match(await page.innerText('#status-core'), /SIMD · 1 thread$/);
    await openFiles(page, [shared.workshop.file('lossless.dcm'), shared.workshop.file('eight-bit.png')]);
    await page.waitForFunction(() => document.querySelectorAll('.row.shown').length === 2);
    await classifyAndExplain(page);
    await page.click('button[data-workspace=train]');
    await page.click('#train-example');
    await page.waitForSelector('#train-start');
    await page.fill('#train-settings [name=epochs]', '1');
    await page.click('#train-start');
    await page.waitForFunction(() => globalThis.negatoscope.training.lab.status?.state === 'finished', null, { timeout: 240_000 });
    const saving = page.waitForEvent('download');
    await page.click('#save-model');
    assert.match((await saving).suggestedFilename(), /\.onnx$/);
    assert.deepEqual(problems.filter((text) => !/Service Worker registration blocked/.test(text)), []);
  });

  test('a file larger than the device has room for is asked about, by what it is unpacked; left out, the rest goes on', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await withMemory(page, 0.25);
    await openSite(page, shared.site.url);
    const size = [512, 512, 280];
    const buffer = gzipSync(nifti({ size, value: (i, j) => (i ^ j) & 255 }), { level: 1 });
    assert.ok(buffer.length < 60e6, 'packed it would fit');
    const files = [{ name: 'volume.nii.gz', mimeType: 'application/gzip', buffer }, { name: 'small.png', mimeType: 'image/png', buffer: greyPng(16, 16, (x) => x) }];
    await page.setInputFiles('#pick-files', files);
    await page.waitForSelector('#large-dialog[open]');
    assert.match(await page.innerText('#large-dialog'), /volume\.nii\.gz takes about 1\d\d MB of memory\. About 125 MB can be used here/);
    await screenshot(page, 'large-file');
    await page.click('#large-dialog [value=cancel]');
    await page.waitForSelector('.row.refused');
    assert.match(await page.innerText('.row.refused'), /Left out/);
    await page.waitForSelector('body.looking');
    assert.equal(await page.evaluate(() => globalThis.negatoscope.desk.current.name), 'small.png');

    await page.setInputFiles('#pick-files', files.slice(0, 1));
    await page.waitForSelector('#large-dialog[open]');
    await page.click('#large-go');
    await page.waitForFunction(() => globalThis.negatoscope.desk.items.some(({ name, state }) => name === 'volume.nii.gz' && state === 'shown'), null, { timeout: 60_000 });
    // Planes of it are asked about in the same way.
    await page.evaluate(() => {
      const { desk } = globalThis.negatoscope;
      desk.select(desk.items.find(({ name, state }) => name === 'volume.nii.gz' && state === 'shown'));
    });
    await page.focus('#canvas');
    await page.keyboard.press('u');
    await page.waitForSelector('#large-dialog[open]');
    assert.match(await page.innerText('#large-dialog'), /planes[\s\S]*about 14\d MB|147 MB/i);
    await page.click('#large-dialog [value=cancel]');
    await page.waitForFunction(() => document.getElementById('gathering').hidden);
    assert.equal(await page.evaluate(() => globalThis.negatoscope.desk.items.filter(({ plane }) => plane).length), 0);
    assert.deepEqual(problems, []);
  });

  test('what fits is not asked about', async (t) => {
    const { page } = await newPage(t, shared.browser);
    await withMemory(page, 0.5);
    await openSite(page, shared.site.url);
    await openFiles(page, [{ name: 'film.dcm', mimeType: 'application/dicom', buffer: Buffer.from(ctDicom({ width: 1024, height: 1024, stored })) }]);
    assert.equal(await page.locator('#large-dialog[open]').count(), 0);
  });

  test(`opening, classifying and explaining take a tab less than ${MOST_MB} MB`, { skip: !existsSync('/proc/self/smaps_rollup') && 'no /proc' }, async (t) => {
    // A browser of its own: its pages are all that is measured.
    const browser = await launch();
    t.after(() => browser.close());
    const { page, problems } = await newPage(t, browser);
    await openSite(page, shared.site.url);
    await page.selectOption('#model-select', '2');
    await page.waitForFunction(() => !document.getElementById('model-select').hasAttribute('aria-busy'));
    const empty = await tabMemory(browser);
    // A film as radiography makes them, and a stack of CT slices.
    // From the disk, as people open them: what a test hands over by itself lies in the page's memory.
    const written = [
      ['film.png', greyPng(2048, 2048, (x, y) => 40000 + ((x * y) % 9999), 16)],
      ['stack.dcm', ctDicom({ width: 512, height: 512, frames: 40, stored })],
    ].map(([name, bytes]) => [join(shared.workshop.folder, name), bytes]);
    for (const [path, bytes] of written) await writeFile(path, bytes);
    await openFiles(page, written.map(([path]) => path));
    await page.waitForFunction(() => document.querySelectorAll('.row.shown').length === 2);
    const opened = await tabMemory(browser);
    await classifyAndExplain(page);
    const explained = await tabMemory(browser);
    t.diagnostic(`memory of the tab: ${empty} MB with the page and the chest X-ray model, ${opened} MB with a film and 40 slices, ${explained} MB after classifying and explaining`);
    for (const measured of [empty, opened, explained]) assert.ok(measured > 20 && measured < MOST_MB, `${measured} MB`);
    assert.deepEqual(problems, []);
  });
});
