/** Series in the page: a folder becomes a stack in order, with a DICOMDIR, from an archive, and played. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';

import { ctDicom, ctSeries, dicomdir, greyPng, zipOf } from '../node/fixtures.mjs';
import { newPage, openSite, screenshot, unavailable, useSite } from './harness.mjs';

const png = greyPng(12, 8, (x, y) => x * y);

/** Writes files into a folder of the workshop and gives its path. */
async function folderOf(shared, name, files) {
  const folder = join(shared.workshop.folder, name);
  for (const { name: file, bytes } of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), bytes);
  }
  return folder;
}

/** Opens a folder; resolves when its files have been looked through, to the milliseconds until the first picture was up. */
async function openFolder(page, folder, selector = '#pick-folder') {
  await page.evaluate((picker) => {
    document.querySelector(picker).addEventListener(
      'change',
      () => {
        const start = performance.now();
        const poll = () => {
          if (document.getElementById('canvas').dataset.rendered) globalThis.firstMs = performance.now() - start;
          else requestAnimationFrame(poll);
        };
        poll();
      },
      { capture: true, once: true },
    );
  }, selector);
  await page.setInputFiles(selector, folder);
  await page.waitForSelector('body.looking');
  await page.waitForSelector('#index-progress', { state: 'hidden' });
  await page.waitForFunction(() => globalThis.firstMs);
  return page.evaluate(() => globalThis.firstMs);
}

/** The picture of the file that is selected has been rendered; the HU of its pixel (1, 1). */
async function shownValue(page) {
  await page.waitForFunction(() => {
    const { desk } = globalThis.negatoscope;
    return !desk.wanted && document.getElementById('canvas').dataset.rendered === `${desk.current.key}:${desk.current.view.frame}`;
  });
  return page.evaluate(async () => {
    const { desk, client } = globalThis.negatoscope;
    const [value] = await client.request('probe', { key: desk.current.key, frame: desk.current.view.frame, x: 1, y: 1 });
    return value;
  });
}

const corner = (page) => page.innerText('#corner-top-right');
const settledRows = (page, count) => page.waitForFunction((rows) => document.querySelectorAll('.row').length === rows, count);

describe('series in the page', { skip: unavailable }, () => {
  const shared = useSite();

  test('a folder of slices in no order, two missing, is one series in order', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    const folder = await folderOf(shared, 'shuffled', ctSeries({ count: 60, missing: [20, 41], size: 64 }));
    t.diagnostic(`first picture after ${(await openFolder(page, folder)).toFixed(0)} ms`);
    await settledRows(page, 1);
    const row = page.locator('.row.series');
    assert.match(await row.textContent(), /Lung 3 mm/);
    assert.match(await row.textContent(), /CT · 64 × 64 · 58 pictures · 3 mm/);
    assert.match(await row.textContent(), /2 slices missing/);
    assert.equal(await page.innerText('#file-count'), '58 shown');

    await page.focus('#canvas');
    await page.keyboard.press('Home');
    assert.equal(await shownValue(page), 1);
    assert.match(await corner(page), /^1 \/ 58\s+-60 mm$/);
    await page.mouse.move(720, 450);
    for (let i = 0; i < 18; i++) await page.mouse.wheel(0, 100);
    await page.waitForFunction(() => /^19 \//.test(document.getElementById('corner-top-right').innerText));
    assert.equal(await shownValue(page), 19);
    await page.keyboard.press('ArrowDown');
    assert.equal(await shownValue(page), 21, 'the slice behind the gap');
    assert.match(await corner(page), /^20 \/ 58\s+0 mm$/);
    await page.keyboard.press('End');
    assert.equal(await shownValue(page), 60);
    await page.locator('#frame-slider').evaluate((slider) => {
      slider.value = '40';
      slider.dispatchEvent(new Event('input'));
    });
    assert.equal(await shownValue(page), 42, 'two are missing before it');
    await screenshot(page, 'series');
    assert.deepEqual(problems, []);
  });

  test('window, zoom and marks: what stays and what belongs to a slice', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await openFolder(page, await folderOf(shared, 'marks', ctSeries({ count: 12, size: 64 })));
    await page.focus('#canvas');
    await page.keyboard.press('Home');
    await shownValue(page);
    await page.evaluate(() => {
      const { desk, viewer, measuring } = globalThis.negatoscope;
      desk.setView({ center: 77, width: 333 });
      viewer.zoom(1.7);
      measuring.marks.add({ key: desk.current.key, frame: 0, kind: 'length', points: [[5, 5], [25, 5]], text: 'here' });
    });
    const zoom = await page.evaluate(() => globalThis.negatoscope.viewer.scale);
    await page.keyboard.press('ArrowDown');
    assert.equal(await shownValue(page), 2);
    assert.match(await page.innerText('#corner-bottom-left'), /C 77 {2}W 333/);
    assert.equal(await page.evaluate(() => globalThis.negatoscope.viewer.scale), zoom);
    await page.waitForFunction(() => document.querySelectorAll('#marks *').length === 0);
    await page.keyboard.press('Home');
    await shownValue(page);
    await page.waitForFunction(() => document.querySelectorAll('#marks *').length > 0);
    // More slices of the same series in front: the mark stays on its file.
    const files = ctSeries({ count: 14, size: 64 }).filter(({ n }) => n > 12);
    await openFolder(page, await folderOf(shared, 'later', [...files, { name: 'extra.png', bytes: png }]));
    await settledRows(page, 2);
    assert.match(await page.innerText('.row.series'), /14 pictures/);
    assert.equal(await page.evaluate(() => globalThis.negatoscope.measuring.marks.all[0].key === globalThis.negatoscope.desk.items[0].key), true);
    assert.deepEqual(problems, []);
  });

  test('all slices are classified, each file has its line', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await openFolder(page, await folderOf(shared, 'batch', ctSeries({ count: 8, size: 16 })));
    await settledRows(page, 1);
    await page.click('#classify-all');
    await page.waitForSelector('#batch-save', { state: 'visible' });
    assert.match(await page.innerText('.row-verdict'), /× \d/);
    const rows = await page.evaluate(() => globalThis.negatoscope.desk.items.map(({ finding }) => Boolean(finding?.result)));
    assert.deepEqual(rows, Array(8).fill(true));
    await page.hover('.row.series');
    await page.click('.row.series .row-remove');
    await settledRows(page, 0);
    assert.equal(await page.evaluate(() => globalThis.negatoscope.client.files.size), 0);
    assert.deepEqual(problems, []);
  });

  test('two studies, a scout and a picture: headings, stacks and rows', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    const under = (folder, files) => files.map((file) => ({ ...file, name: `${folder}/${file.name}` }));
    const scout = { 0x00080008: ['CS', 'ORIGINAL\\PRIMARY\\LOCALIZER'], 0x00200037: ['DS', '1\\0\\0\\0\\0\\-1'] };
    const folder = await folderOf(shared, 'two', [
      ...under('a', ctSeries({ count: 10, size: 64 })),
      ...under('b', ctSeries({ count: 6, size: 64, study: '2.25.8', series: '2.25.8.1', patient: 'P8' })),
      ...under('c', ctSeries({ count: 2, size: 64, study: '2.25.8', series: '2.25.8.2', patient: 'P8', number: 1, more: scout })),
      { name: 'photo.png', bytes: png },
      { name: 'broken.dcm', bytes: ctDicom().subarray(0, 300) },
      { name: 'readme.txt', bytes: Buffer.from('hello') },
    ]);
    await openFolder(page, folder);
    await page.waitForFunction(() => document.querySelectorAll('.row.shown, .row.refused').length === 6);
    assert.deepEqual(await page.locator('.study-title').allInnerTexts(), ['Test P7 · P7', 'Test P8 · P8', 'Other files']);
    // Rows out of sight are not laid out, so that only their text content can be relied on.
    assert.deepEqual(await page.locator('.row.series .row-name').allTextContents(), ['Lung 3 mm', 'Lung 3 mm · scout', 'Lung 3 mm']);
    assert.equal(await page.locator('.row.refused').count(), 2);
    // From row to row, and by keys within the list.
    await page.locator('.row.series').nth(2).click();
    await page.waitForFunction(() => /\/ 6/.test(document.getElementById('corner-top-right').innerText));
    assert.equal(await shownValue(page), 1);
    await page.waitForFunction(() => document.querySelectorAll('.row.series canvas').length === 3);
    await screenshot(page, 'studies');
    await page.selectOption('#language', 'zh-CN');
    await screenshot(page, 'studies-zh');
    await page.selectOption('#language', 'en');
    await page.setViewportSize({ width: 360, height: 740 });
    await screenshot(page, 'series-phone');
    await page.click('#sheet-tabs [data-panel=files]');
    await page.waitForFunction(() => document.getAnimations().length === 0);
    await screenshot(page, 'series-phone-files');
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0);
    assert.deepEqual(problems, []);
  });

  test('a DICOMDIR orders its folder; alone it says that the folder is needed', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    const slices = ctSeries({ count: 9, size: 32 });
    const here = slices.filter(({ n }) => n !== 4).map(({ name, ...rest }) => ({ ...rest, name: `DICOM/${name}` }));
    const folder = await folderOf(shared, 'disc', [...here, { name: 'DICOMDIR', bytes: dicomdir(slices) }]);
    await openFolder(page, folder);
    await settledRows(page, 1);
    assert.match(await page.innerText('.row.series'), /8 pictures/);
    assert.match(await page.innerText('.row.series'), /1 file missing/);
    assert.equal(await shownValue(page), 1);
    await page.keyboard.press('End');
    assert.equal(await shownValue(page), 9);

    await page.setInputFiles('#pick-files', join(folder, 'DICOMDIR'));
    const row = page.locator('.row.refused');
    await row.waitFor();
    assert.match(await row.textContent(), /Open the folder/);
    assert.deepEqual(problems, []);
  });

  test('an archive opens like a folder; encrypted and nested entries say so', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    const files = [
      ...ctSeries({ count: 7, size: 32 }).map((slice) => ({ ...slice, name: `ct/${slice.name}` })),
      { name: 'photo.png', bytes: png },
      { name: 'secret.png', bytes: png },
      { name: 'inner.zip', bytes: zipOf([{ name: 'x', bytes: png }]) },
    ];
    const folder = await folderOf(shared, 'packed', [
      { name: 'all.zip', bytes: zipOf(files, { encrypted: ['secret.png'] }) },
      { name: 'bomb.zip', bytes: zipOf([{ name: 'a', bytes: png }], { claim: 900 << 20 }) },
    ]);
    await openFolder(page, [join(folder, 'all.zip'), join(folder, 'bomb.zip')], '#pick-files');
    await page.waitForFunction(() => document.querySelectorAll('.row.shown, .row.refused').length === 5);
    assert.match(await page.innerText('.row.series'), /7 pictures/);
    const reasons = (await page.locator('.row.refused').allTextContents()).join('\n');
    assert.match(reasons, /encrypted/);
    assert.match(reasons, /inside an archive/);
    assert.match(reasons, /no pictures do/);
    await page.locator('.row.series').click();
    await page.focus('#canvas');
    await page.keyboard.press('End');
    assert.equal(await shownValue(page), 7);
    assert.deepEqual(problems, []);
  });

  test('a series is played, at its rate, and stands still for another file', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await openFolder(page, await folderOf(shared, 'cine', [...ctSeries({ count: 5, size: 32 }), { name: 'photo.png', bytes: png }]));
    await settledRows(page, 2);
    await page.selectOption('#cine-rate', '30');
    await page.focus('#canvas');
    await page.keyboard.press('s');
    const seen = await page.evaluate(async () => {
      const { desk } = globalThis.negatoscope;
      const places = new Set();
      const end = performance.now() + 1500;
      while (performance.now() < end && places.size < 5) {
        places.add(desk.current.at);
        await new Promise(requestAnimationFrame);
      }
      return places.size;
    });
    assert.equal(seen, 5);
    await page.keyboard.press('s');
    assert.equal(await page.getAttribute('#cine-play', 'aria-pressed'), 'false');
    await page.keyboard.press('s');
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(() => document.getElementById('frames').hidden);
    assert.equal(await page.getAttribute('#cine-play', 'aria-pressed'), 'false');
    assert.deepEqual(problems, []);
  });

  test('after a trap the series is still there, in order', async (t) => {
    const { page } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await openFolder(page, await folderOf(shared, 'trap', ctSeries({ count: 6, size: 32 })));
    await settledRows(page, 1);
    await page.evaluate(() => globalThis.negatoscope.client.request('trap', {}).catch(() => {}));
    await page.focus('#canvas');
    await page.keyboard.press('End');
    assert.equal(await shownValue(page), 6);
    const studies = await page.evaluate(() => globalThis.negatoscope.client.request('series', {}));
    assert.equal(studies[0].series[0].keys.length, 6);
  });
});
