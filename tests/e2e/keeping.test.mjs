/** Measurements that come back, the histogram of a region, structured reports, and hidden names, in Chromium. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { ctDicom, ctSeries, greyPng } from '../node/fixtures.mjs';
import { newPage, openFiles, openSite, screenshot, unavailable, useSite } from './harness.mjs';

const UIDS = { 0x00080018: ['UI', '2.25.4711'], 0x0020000d: ['UI', '2.25.7'], 0x0020000e: ['UI', '2.25.8'], 0x00100020: ['LO', 'ID-77'] };
const stored = (x, y) => 1024 + x * 3 + y * 7;

async function drag(page, points) {
  const places = await page.evaluate((list) => {
    const { viewer } = globalThis.negatoscope;
    const box = viewer.canvas.getBoundingClientRect();
    return list.map(([x, y]) => {
      const at = viewer.placeOf({ x, y });
      return [box.left + at.x, box.top + at.y];
    });
  }, points);
  await page.mouse.move(...places[0]);
  await page.mouse.down();
  for (const place of places.slice(1)) await page.mouse.move(...place, { steps: 4 });
  await page.mouse.up();
}

const rows = (page) => page.locator('.measure-list li').count();
const kept = (page, count) => page.waitForFunction((wanted) => globalThis.negatoscope.measuring.keeping.count === wanted, count);

describe('what stays and what is hidden', { skip: unavailable }, () => {
  const shared = useSite();
  const file = async (name, bytes) => {
    const path = join(shared.workshop.folder, name);
    await writeFile(path, bytes);
    return path;
  };
  const start = async (t, files, options = {}) => {
    const given = await newPage(t, shared.browser, options);
    await openSite(given.page, shared.site.url);
    await openFiles(given.page, files);
    await given.page.waitForSelector('#canvas[data-rendered]');
    return given;
  };
  const again = async (page, files) => {
    await openSite(page, shared.site.url);
    await openFiles(page, files);
    await page.waitForSelector('#canvas[data-rendered]');
  };

  test('measurements come back with their picture, under another name too, until they are deleted', async (t) => {
    const bytes = ctDicom({ width: 64, height: 64, stored, more: UIDS });
    const first = await file('Smith-John.dcm', bytes);
    const renamed = await file('other.dcm', bytes);
    const png = await file('film.png', greyPng(32, 32, (x, y) => x * 4 + y));
    const { page, problems } = await start(t, [first]);
    await page.click('#tab-measure');
    await page.keyboard.press('l');
    await drag(page, [[10, 10], [40, 50]]);
    await kept(page, 1);
    await again(page, [renamed]);
    await page.click('#tab-measure');
    await page.waitForFunction(() => /25\.0 mm/.test(document.querySelector('.measure-values')?.textContent ?? ''));
    // It was always there: there is nothing to undo.
    await page.keyboard.press('Control+z');
    assert.equal(await rows(page), 1);

    await again(page, [png]);
    await page.click('#tab-measure');
    assert.equal(await rows(page), 0);
    await page.keyboard.press('b');
    await drag(page, [[4, 4], [20, 20]]);
    await kept(page, 2);
    const records = await page.evaluate(async () => {
      const { store } = globalThis.negatoscope.measuring.keeping;
      const request = (await store.opened).transaction('pictures').objectStore('pictures').getAll();
      return new Promise((done) => (request.onsuccess = () => done(request.result)));
    });
    assert.deepEqual(records.map(({ identity }) => identity.replace(/[0-9a-f]{32}/, 'HASH')), ['file-HASH', 'uid-2.25.4711']);
    assert.doesNotMatch(JSON.stringify(records), /smith|secret|film|ID-77/i);

    await page.click('#measures-delete');
    assert.match(await page.innerText('#measures-delete'), /2 pictures/);
    await page.click('#measures-delete');
    await kept(page, 0);
    assert.equal(await rows(page), 0);
    await again(page, [first]);
    await page.click('#tab-measure');
    await page.waitForFunction(() => globalThis.negatoscope.measuring.keeping.known.size === 1);
    assert.equal(await rows(page), 0);
    assert.deepEqual(problems, []);
  });

  test('the histogram of a region follows the window', async (t) => {
    const { page, problems } = await start(t, [await file('region.dcm', ctDicom({ width: 64, height: 64, stored, more: UIDS }))]);
    await page.click('#tab-measure');
    await page.keyboard.press('b');
    await drag(page, [[8, 12], [24, 30]]);
    await page.waitForSelector('.histogram-bars');
    // Values from 3·8 + 7·12 to 3·23 + 7·29; window 40 ± 200 holds all below 240.
    const [low, high] = [3 * 8 + 7 * 12, 3 * 23 + 7 * 29];
    const range = () => page.evaluate(() => ['x', 'width'].map((name) => Number(document.querySelector('.histogram-window').getAttribute(name))));
    const expected = (from, to) => [from, to - from].map((value, index) => ((index ? value : value - low) / (high - low)) * 64);
    const near = async (from, to) => {
      const [x, width] = await range();
      const [wantX, wantWidth] = expected(Math.max(from, low), Math.min(to, high));
      assert.ok(Math.abs(x - wantX) < 0.02 && Math.abs(width - wantWidth) < 0.02, `${x} ${width}, expected ${wantX} ${wantWidth}`);
    };
    await near(-160, 240);
    await page.evaluate(() => globalThis.negatoscope.desk.setView({ center: 180, width: 40 }));
    await near(160, 200);
    await screenshot(page, 'histogram');
    assert.deepEqual(problems, []);
  });

  test('a structured report is saved', async (t) => {
    const { page, problems } = await start(t, [await file('report.dcm', ctDicom({ width: 64, height: 64, stored, more: UIDS }))]);
    await page.click('#tab-measure');
    await page.keyboard.press('t');
    await drag(page, [[5, 5], [6, 6]]);
    await page.keyboard.type('only a note');
    await page.keyboard.press('Enter');
    assert.equal(await page.locator('#measures-sr').count(), 0, 'a note has no value');
    await page.locator('#canvas').focus();
    await page.keyboard.press('l');
    await drag(page, [[10, 10], [40, 50]]);
    await page.waitForSelector('#measures-sr');
    const save = async () => {
      const saving = page.waitForEvent('download');
      await page.click('#measures-sr');
      return (await readFile(await (await saving).path())).toString('latin1');
    };
    const named = await save();
    assert.match(named, /Imaging Measurement Report/);
    assert.match(named, /Secret\^Patient/);
    await page.click('#privacy');
    const nameless = await save();
    assert.match(nameless, /Imaging Measurement Report/);
    assert.doesNotMatch(nameless, /Secret|ID-77/);
    assert.deepEqual(problems, []);
  });

  test('names are hidden everywhere, also after a reload, until they are shown again', async (t) => {
    const slices = ctSeries({ count: 3, more: { 0x0008103e: ['LO', 'Head of Jones'], 0x00100010: ['PN', 'Jones^Ann'], 0x00081030: ['LO', 'For Dr Miller'] } });
    const paths = [];
    for (const { name, bytes } of slices) paths.push(await file(`Jones-${name.replaceAll('/', '-')}`, bytes));
    paths.push(await file('Miller.dcm', ctDicom({ width: 64, height: 64, stored, more: UIDS })));
    const { page, problems } = await start(t, paths);
    const told = () => page.evaluate(() => document.body.innerText + [...document.querySelectorAll('[title], [aria-label]')].map((e) => e.title + e.ariaLabel).join(' '));
    const secrets = /jones|miller|secret|ID-77|2\.25\./i;
    await page.click('#tab-details');
    await page.waitForFunction(() => document.getElementById('tags').childElementCount > 10);
    await page.waitForFunction(() => /jones/i.test(document.getElementById('file-list').innerText));
    assert.match(await told(), secrets);
    await page.locator('#canvas').focus();
    await page.keyboard.press('n');
    assert.equal(await page.innerText('#privacy-sign'), 'Names hidden');
    assert.doesNotMatch(await told(), secrets);
    assert.match(await page.innerText('#tags'), /•••/);
    assert.match(await page.innerText('#tags'), /Rows\s*16/);
    await page.fill('#tag-search', 'jones');
    assert.match(await page.innerText('#tags'), /Nothing found/);
    await screenshot(page, 'names-hidden');

    await page.reload();
    await page.waitForSelector('body[data-model=loaded]');
    assert.ok(await page.isVisible('#privacy-sign'));
    await openFiles(page, paths.slice(-1));
    await page.waitForSelector('#canvas[data-rendered]');
    assert.doesNotMatch(await told(), secrets);
    await page.click('#tab-measure');
    await page.keyboard.press('l');
    await drag(page, [[10, 10], [40, 50]]);
    const saving = page.waitForEvent('download');
    await page.click('#measures-csv');
    assert.doesNotMatch(await readFile(await (await saving).path(), 'utf8'), secrets);
    await page.click('#privacy');
    assert.match(await told(), /Miller/);
    assert.equal(await page.isVisible('#privacy-sign'), false);
    assert.deepEqual(problems, []);
  });

  test('on a phone the sign stands over the picture', async (t) => {
    const phone = { viewport: { width: 390, height: 844 } };
    const { page } = await start(t, [await file('phone.dcm', ctDicom({ width: 64, height: 64, stored, more: UIDS }))], phone);
    await page.evaluate(() => document.getElementById('privacy').click());
    assert.ok(await page.isVisible('#privacy-sign'));
    await screenshot(page, 'names-hidden-phone');
  });
});
