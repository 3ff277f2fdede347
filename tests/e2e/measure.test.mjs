/** Measuring in Chromium: every tool is drawn with the mouse once, and says what is known of the picture. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { ctDicom } from '../node/fixtures.mjs';
import { newPage, openFiles, openSite, screenshot, unavailable, useSite } from './harness.mjs';

/** Stored values of a CT of 64 × 64 pixels of 0.5 mm; in HU 1024 less. */
const stored = (x, y) => 1024 + x * 3 + y * 7;

/** Where a point of the picture is on the screen. */
const onScreen = (page, x, y) =>
  page.evaluate(
    ([px, py]) => {
      const { viewer } = globalThis.negatoscope;
      const box = viewer.canvas.getBoundingClientRect();
      const at = viewer.placeOf({ x: px, y: py });
      return { x: box.left + at.x, y: box.top + at.y };
    },
    [x, y],
  );

async function drag(page, points) {
  const places = [];
  for (const [x, y] of points) places.push(await onScreen(page, x, y));
  await page.mouse.move(places[0].x, places[0].y);
  await page.mouse.down();
  for (const { x, y } of places.slice(1)) await page.mouse.move(x, y, { steps: 4 });
  await page.mouse.up();
}

async function click(page, x, y) {
  const at = await onScreen(page, x, y);
  await page.mouse.move(at.x, at.y, { steps: 3 });
  await page.mouse.down();
  await page.mouse.up();
}

/** What the list says of the newest measurement, once the core has answered. */
async function newest(page, pattern) {
  const row = page.locator('.measure-list li').last().locator('.measure-values');
  await page.waitForFunction((source) => {
    const rows = document.querySelectorAll('.measure-list li .measure-values');
    return new RegExp(source).test(rows[rows.length - 1]?.innerText ?? '');
  }, pattern.source);
  return row.innerText();
}

/** Size of the PNG that X saves, and how many of its pixels have the colour of marks. */
async function savedPicture(page) {
  const saving = page.waitForEvent('download');
  await page.keyboard.press('x');
  const bytes = [...(await readFile(await (await saving).path()))];
  return page.evaluate(async (png) => {
    const bitmap = await createImageBitmap(new Blob([new Uint8Array(png)], { type: 'image/png' }));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    let yellow = 0;
    for (let i = 0; i < data.length; i += 4) yellow += data[i] > 150 && data[i + 2] < data[i] - 60;
    return { width: bitmap.width, height: bitmap.height, yellow };
  }, bytes);
}

/** Mean and population deviation of HU over pixels whose centres `inside` says yes to. */
function statistics(inside) {
  const values = [];
  for (let y = 0; y < 64; y++) for (let x = 0; x < 64; x++) if (inside(x + 0.5, y + 0.5)) values.push(stored(x, y) - 1024);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return { count: values.length, mean, sd, low: Math.min(...values), high: Math.max(...values) };
}

const short = (value) => Number(value.toPrecision(5));

describe('measuring', { skip: unavailable }, () => {
  const shared = useSite();
  const open = async (t) => {
    const file = join(shared.workshop.folder, 'measure.dcm');
    await writeFile(file, ctDicom({ width: 64, height: 64, stored }));
    const given = await newPage(t, shared.browser);
    await openSite(given.page, shared.site.url);
    await openFiles(given.page, [file]);
    await given.page.click('#tab-measure');
    return given;
  };

  test('length, angle and Cobb angle, by dragging and by clicking', async (t) => {
    const { page, problems } = await open(t);
    await page.click('[data-tool=length]');
    await drag(page, [[10, 10], [40, 50]]);
    assert.match(await newest(page, /mm/), /^25\.0 mm$/);
    await page.keyboard.press('g');
    await drag(page, [[50, 10], [30, 10]]);
    await click(page, 30, 30);
    assert.match(await newest(page, /°/), /^90\.0°$/);
    await page.keyboard.press('c');
    for (const [x, y] of [[5, 60], [25, 60], [5, 40], [25, 60]]) await click(page, x, y);
    assert.match(await newest(page, /°/), /^45\.0°$/);
    assert.equal(await page.locator('#marks .mark').count(), 3);
    await screenshot(page, 'measure-lines');
    assert.deepEqual(problems, []);
  });

  test('regions: mean, deviation, range and area as computed here', async (t) => {
    const { page, problems } = await open(t);
    const shapes = [
      ['b', [[8, 12], [24, 30]], (x, y) => x > 8 && x < 24 && y > 12 && y < 30],
      ['e', [[30, 8], [56, 28]], (x, y) => ((x - 43) / 13) ** 2 + ((y - 18) / 10) ** 2 < 1],
      ['d', [[10, 40], [50, 40], [50, 60], [10, 40]], (x, y) => x < 50 && y > 40 && (x - 10) / 40 > (y - 40) / 20],
    ];
    for (const [index, [key, points, inside]] of shapes.entries()) {
      await page.keyboard.press(key);
      await drag(page, points);
      await page.waitForFunction((count) => document.querySelectorAll('.measure-list li').length === count, index + 1);
      const text = await newest(page, /±[^]*mm²/);
      const [mean, sd, low, high, area] = text.match(/[\d.]+(?=\D)/g).map(Number);
      const wanted = statistics(inside);
      // A hand drawn by a mouse lies on whole pixels of the screen; some pixels at its border may fall to either side.
      const slack = key === 'd' ? 0.03 : 0;
      for (const [got, is] of [[mean, wanted.mean], [sd, wanted.sd], [area, wanted.count * 0.25]]) {
        assert.ok(Math.abs(got - is) <= slack * is + Math.abs(is - short(is)) + 0.051, `${key}: ${text} for ${JSON.stringify(wanted)}`);
      }
      if (key !== 'd') assert.deepEqual([low, high], [wanted.low, wanted.high]);
    }
    await screenshot(page, 'measure-regions');
    assert.deepEqual(problems, []);
  });

  test('turned and mirrored: the same places of the picture, the same lengths', async (t) => {
    const { page, problems } = await open(t);
    const values = async (x, y) => {
      const at = await onScreen(page, x + 0.5, y + 0.5);
      await page.mouse.move(at.x, at.y);
      await page.waitForFunction((wanted) => document.getElementById('corner-bottom-right').innerText.includes(wanted), `x ${x}  y ${y}`);
      return page.innerText('#corner-bottom-right');
    };
    const pixel = async (x, y) => {
      const at = await onScreen(page, x + 0.5, y + 0.5);
      return page.evaluate(([px, py]) => {
        const canvas = document.getElementById('canvas');
        const box = canvas.getBoundingClientRect();
        const ratio = canvas.width / canvas.clientWidth;
        return canvas.getContext('2d').getImageData((px - box.left) * ratio, (py - box.top) * ratio, 1, 1).data[0];
      }, [at.x, at.y]);
    };
    const places = [[3, 5], [60, 5], [10, 40], [33, 20]];
    const upright = [];
    for (const [x, y] of places) upright.push([await values(x, y), await pixel(x, y)]);
    for (const keys of [[']'], ['m'], ['[', '['], ['m', ']'], ['m', '[']]) {
      for (const key of keys) await page.keyboard.press(key);
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      for (const [index, [x, y]] of places.entries()) assert.deepEqual([await values(x, y), await pixel(x, y)], upright[index], `${keys} ${x} ${y}`);
    }
    assert.match(await page.innerText('#corner-bottom-left'), /turned|mirrored/);
    await page.keyboard.press('l');
    await drag(page, [[10, 10], [40, 50]]);
    await newest(page, /25\.0 mm/);
    await screenshot(page, 'measure-turned');
    await page.keyboard.press('r');
    assert.doesNotMatch(await page.innerText('#corner-bottom-left'), /turned|mirrored/);
    // Chromium's own advice on reading a canvas, which only this test does.
    assert.deepEqual(problems.filter((text) => !text.startsWith('Canvas2D')), []);
  });

  test('moved by its end, labelled, undone, redone, removed, saved; hidden by a key', async (t) => {
    const { page, problems } = await open(t);
    await page.keyboard.press('l');
    await drag(page, [[10, 10], [30, 10]]);
    await newest(page, /10\.0 mm/);
    await page.keyboard.press('w');
    await drag(page, [[30, 10], [50, 10]]);
    await newest(page, /20\.0 mm/);
    await drag(page, [[20, 10], [20, 30]]);
    await newest(page, /20\.0 mm/);
    assert.deepEqual(await page.evaluate(() => globalThis.negatoscope.measuring.marks.all[0].points.map((point) => point.map(Math.round))), [[10, 30], [50, 30]]);
    await page.fill('.measure-list input', 'nodule, "left"');
    await page.keyboard.press('Enter');
    await page.focus('#canvas');
    await page.waitForFunction(() => /nodule/.test(document.getElementById('marks').textContent));
    const saving = page.waitForEvent('download');
    await page.click('#measures-csv');
    const saved = await readFile(await (await saving).path(), 'utf8');
    assert.match(saved, /^file,frame,kind,text,length,.*\r\nmeasure\.dcm,1,length,"nodule, ""left""",(20|19\.99\d*|20\.0\d*),/);
    await page.focus('#canvas');
    for (let i = 0; i < 3; i++) await page.keyboard.press('Control+z');
    await newest(page, /10\.0 mm/);
    await page.keyboard.press('Control+z');
    assert.equal(await page.locator('.measure-list li').count(), 0);
    for (let i = 0; i < 2; i++) await page.keyboard.press('Control+y');
    await newest(page, /20\.0 mm/);
    const withMark = await savedPicture(page);
    await page.keyboard.press('h');
    await page.waitForFunction(() => document.querySelectorAll('#marks .mark').length === 0);
    const without = await savedPicture(page);
    assert.ok(withMark.yellow > 300 && without.yellow === 0, JSON.stringify([withMark, without]));
    assert.deepEqual([withMark.width, withMark.height], await page.evaluate(() => [document.getElementById('canvas').width, document.getElementById('canvas').height]));
    await page.keyboard.press('h');
    await page.waitForFunction(() => document.querySelectorAll('#marks .mark').length === 1);
    await click(page, 30, 10);
    await page.keyboard.press('Delete');
    assert.equal(await page.locator('.measure-list li').count(), 0);
    assert.equal(await page.locator('.row.shown').count(), 1, 'the file stays');
    await page.keyboard.press('t');
    await click(page, 20, 20);
    await page.keyboard.type('look here');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector('#marks text')?.textContent === 'look here');
    await page.keyboard.press('k');
    assert.deepEqual(problems, []);
  });
});
