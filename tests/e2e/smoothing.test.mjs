/** Between pixels: what the viewer shows is what the core makes of the chosen way, at the pixels of the display. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { greyPng } from '../node/fixtures.mjs';
import { newPage, openFiles, openSite, screenshot, unavailable, useSite } from './harness.mjs';

/** Runs in the page: the grey values of the canvas's middle row, when nothing is under way. */
const middleRow = async () => {
  const { viewer } = globalThis.negatoscope;
  const next = () => new Promise((done) => requestAnimationFrame(done));
  while (viewer.rendering) await next();
  await next();
  const { canvas } = viewer;
  const copy = new OffscreenCanvas(canvas.width, 1).getContext('2d');
  copy.drawImage(canvas, 0, -Math.floor(canvas.height / 2));
  return [...copy.getImageData(0, 0, canvas.width, 1).data].filter((_, at) => at % 4 === 0);
};

describe('between pixels', { skip: unavailable }, () => {
  const shared = useSite();

  test('pixels, bilinear, Lanczos: an edge has two values, a ramp, or overshoots', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    const edge = greyPng(16, 16, (x) => (x < 8 ? 60 : 180));
    await openFiles(page, [{ name: 'edge.png', mimeType: 'image/png', buffer: Buffer.from(edge) }]);
    /** @param {string} label */
    const values = async (label) => {
      await page.selectOption('#smoothing', { label });
      const row = await page.evaluate(middleRow);
      return { row, distinct: new Set(row.filter((value) => value !== 0)) };
    };
    const pixels = await values('Pixels');
    assert.deepEqual([...pixels.distinct].sort((a, b) => a - b), [60, 180]);
    const { row, distinct } = await values('Bilinear');
    assert.ok(distinct.size > 20, `${distinct.size} values`);
    const inside = row.filter((value) => value !== 0);
    assert.ok(inside.every((value, at) => at === 0 || value >= inside[at - 1]), 'a ramp rises');
    // Between 60 and 180 the frame has nothing, so that overshoot is cut there.
    const sharp = await values('Lanczos');
    assert.ok(Math.min(...sharp.distinct) >= 60 && Math.max(...sharp.distinct) <= 180);
    assert.ok(sharp.distinct.size > 20);
    await screenshot(page, 'smoothing');
    assert.deepEqual(problems, []);
  });

  test('at its own size a picture is shown as it is, also when it has been moved', async (t) => {
    const { page } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    const value = (x, y) => 1 + ((x * 29 + y * 7) % 250);
    await openFiles(page, [{ name: 'noise.png', mimeType: 'image/png', buffer: Buffer.from(greyPng(101, 67, value)) }]);
    await page.click('[data-do=actual]');
    for (let moves = 0; moves < 2; moves++) {
      const row = (await page.evaluate(middleRow)).filter((each) => each !== 0);
      const lines = Array.from({ length: 67 }, (_, y) => Array.from({ length: 101 }, (_, x) => value(x, y)).join());
      assert.ok(lines.includes(row.join()), 'a row of the file');
      await page.evaluate(() => globalThis.negatoscope.viewer.pan(13.4, 5.7));
    }
  });

  test('while a picture is moved the one before moves with it', async (t) => {
    const { page } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await openFiles(page, [{ name: 'grey.png', mimeType: 'image/png', buffer: Buffer.from(greyPng(64, 64, () => 200)) }]);
    const { moved, edge } = await page.evaluate(async () => {
      const { viewer, client } = globalThis.negatoscope;
      const next = () => new Promise((done) => requestAnimationFrame(done));
      while (viewer.rendering) await next();
      // The core is given no time to answer.
      const { request } = client;
      client.request = (op, ...rest) => (op === 'render' ? new Promise(() => {}) : request.call(client, op, ...rest));
      viewer.zoom(0.5);
      viewer.pan(100, 0);
      await next();
      await next();
      const { canvas, context } = viewer;
      const { data } = context.getImageData(0, Math.floor(canvas.height / 2), canvas.width, 1);
      const lit = Array.from({ length: canvas.width }, (_, x) => data[4 * x]).map((value, x) => (value > 100 ? x : -1)).filter((x) => x >= 0);
      return { moved: [lit[0], lit.at(-1) + 1], edge: [viewer.placeOf({ x: 0, y: 0 }).x, viewer.placeOf({ x: 64, y: 0 }).x] };
    });
    assert.ok(Math.abs(moved[0] - edge[0]) <= 1 && Math.abs(moved[1] - edge[1]) <= 1, `${moved} for ${edge}`);
  });
});
