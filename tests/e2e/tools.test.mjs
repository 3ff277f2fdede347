/** What lies over the picture in Chromium: letters at its edges, overlay planes, colours with their legend, the magnifier. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { ctDicom, nifti } from '../node/fixtures.mjs';
import { newPage, openFiles, openSite, screenshot, unavailable, useSite } from './harness.mjs';

const SIZE = 64;
const AXIAL = { 0x00200037: ['DS', '1\\0\\0\\0\\1\\0'] };

/** An overlay plane of the left half of a frame of SIZE × SIZE. */
function leftHalf() {
  const bits = Buffer.alloc((SIZE * SIZE) / 8);
  for (let i = 0; i < bits.length; i++) bits[i] = i % (SIZE / 8) < SIZE / 16 ? 255 : 0;
  return {
    0x60000010: ['US', SIZE],
    0x60000011: ['US', SIZE],
    0x60000040: ['CS', 'G'],
    0x60000050: ['SS', Buffer.from([1, 0, 1, 0])],
    0x60000100: ['US', 1],
    0x60000102: ['US', 0],
    0x60003000: ['OW', bits],
  };
}

const letters = (page) =>
  page.evaluate(() =>
    ['left', 'right', 'top', 'bottom'].map((edge) => {
      const letter = document.querySelector(`#pane .edge-letter[data-edge=${edge}]`);
      return letter.hidden ? null : letter.textContent;
    }),
  );

/** Colour of the canvas (or a layer over it) at a point of the picture. */
const colourAt = (page, selector, x, y) =>
  page.evaluate(
    ([which, px, py]) => {
      const { viewer } = globalThis.negatoscope;
      const canvas = document.querySelector(which);
      const at = viewer.placeOf({ x: px, y: py });
      const ratio = canvas.width / canvas.clientWidth;
      const one = new OffscreenCanvas(1, 1).getContext('2d');
      one.drawImage(canvas, -Math.round(at.x * ratio), -Math.round(at.y * ratio));
      return [...one.getImageData(0, 0, 1, 1).data];
    },
    [selector, x, y],
  );

/** What a person sees at a point of the picture: of the page as the browser puts it together, not of one canvas. */
async function seenAt(page, x, y) {
  const place = await page.evaluate(
    ([px, py]) => {
      const { viewer } = globalThis.negatoscope;
      const box = viewer.canvas.getBoundingClientRect();
      const at = viewer.placeOf({ x: px, y: py });
      return { x: Math.round(box.left + at.x), y: Math.round(box.top + at.y) };
    },
    [x, y],
  );
  const png = [...(await page.screenshot({ clip: { ...place, width: 1, height: 1 } }))];
  return page.evaluate(async (bytes) => {
    const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type: 'image/png' }));
    const context = new OffscreenCanvas(1, 1).getContext('2d');
    context.drawImage(bitmap, 0, 0);
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  }, png);
}

/**
 * Waits until the canvas has left grey. 150 HU in a window of -160 to 240 is shade 198, give or take what smoothing between
 * pixels adds; by definition of hot iron red is full there, green twice what is above 128, blue four times above 191.
 */
async function coloured(page) {
  for (let tries = 0; tries < 50; tries++) {
    const [red, green, blue] = await colourAt(page, '#canvas', 3.5, 30.5);
    const shade = 128 + green / 2;
    if (red === 255 && Math.abs(shade - 198) < 6 && Math.abs(blue - 4 * (shade - 191)) < 4) return;
    await page.waitForTimeout(100);
  }
  assert.fail(`the picture has the colour ${await colourAt(page, '#canvas', 3.5, 30.5)}`);
}

describe('over the picture', { skip: unavailable }, () => {
  const shared = useSite();
  const open = async (t, bytes, name = 'slice.dcm', options = {}) => {
    const file = join(shared.workshop.folder, name);
    await writeFile(file, bytes);
    const { page, problems } = await newPage(t, shared.browser, options);
    await openSite(page, shared.site.url);
    await openFiles(page, [file]);
    await page.waitForSelector('#canvas[data-rendered]');
    return { page, problems };
  };
  const square = (more = {}) => ctDicom({ width: SIZE, height: SIZE, stored: (x, y) => 1024 + 40 * x + y, more });

  test('letters follow turning and mirroring', async (t) => {
    const { page, problems } = await open(t, square(AXIAL));
    await page.waitForFunction(() => document.querySelector('#pane .edge-letter[data-edge=left]').textContent === 'R');
    assert.deepEqual(await letters(page), ['R', 'L', 'A', 'P']);
    await page.keyboard.press(']');
    assert.deepEqual(await letters(page), ['P', 'A', 'R', 'L']);
    await page.keyboard.press('m');
    assert.deepEqual(await letters(page), ['A', 'P', 'R', 'L']);
    await page.keyboard.press('r');
    assert.deepEqual(await letters(page), ['R', 'L', 'A', 'P']);
    assert.deepEqual(problems, []);
  });

  test('letters of a volume, and none where the file says nothing', async (t) => {
    const { page } = await open(t, nifti({ size: [20, 20, 4] }), 'volume.nii');
    await page.waitForFunction(() => document.querySelector('#pane .edge-letter[data-edge=left]').textContent === 'R');
    assert.deepEqual(await letters(page), ['R', 'L', 'A', 'P']);
    const plain = await open(t, square(), 'plain.dcm');
    assert.deepEqual(await letters(plain.page), [null, null, null, null]);
  });

  test('the planes of a volume have letters of their own', async (t) => {
    const { page, problems } = await open(t, nifti({ size: [20, 20, 20], value: (i, j, k) => i + 3 * j + 5 * k }), 'planes.nii');
    await page.keyboard.press('u');
    const all = () =>
      page.evaluate(() =>
        [...document.querySelectorAll('.pane')]
          .filter((pane) => pane.checkVisibility())
          .map((pane) => [...pane.querySelectorAll('.edge-letter:not([hidden])')].map((letter) => letter.textContent).join(''))
          .sort(),
      );
    await page.waitForFunction(() => [...document.querySelectorAll('.edge-letter:not([hidden])')].filter((each) => each.checkVisibility()).length >= 12);
    const shown = (await all()).filter(Boolean);
    // Axial, coronal and sagittal, as radiologists expect them: right is left, in front or the head above.
    for (const edges of ['RLAP', 'RLHF', 'APHF']) assert.ok(shown.includes(edges), `${edges} among ${shown}`);
    await screenshot(page, 'planes-letters');
    assert.deepEqual(problems, []);
  });

  test('overlay planes are switched by a key and change no pixel of the picture', async (t) => {
    const { page, problems } = await open(t, square({ ...leftHalf(), ...AXIAL }));
    await page.waitForSelector('#pane .layer:not(.heat)[data-shown]:not([data-shown=""])', { state: 'attached' });
    assert.deepEqual(await colourAt(page, '#pane .layer:not(.heat)', 10.5, 30.5), [0x4d, 0xf0, 0xa0, 255]);
    assert.equal((await colourAt(page, '#pane .layer:not(.heat)', 50.5, 30.5))[3], 0);
    const [red, green, blue] = await colourAt(page, '#canvas', 10.5, 30.5);
    assert.ok(red === green && green === blue, 'the picture below stays grey');
    assert.deepEqual(await seenAt(page, 10.5, 30.5), [0x4d, 0xf0, 0xa0]);
    assert.deepEqual(await seenAt(page, 50.5, 30.5), [255, 255, 255], 'beside the plane the picture is seen');
    await screenshot(page, 'overlay-planes');
    await page.keyboard.press('v');
    await page.waitForSelector('#pane .layer:not(.heat)[data-shown=""]', { state: 'attached' });
    assert.equal((await colourAt(page, '#pane .layer:not(.heat)', 10.5, 30.5))[3], 0);
    assert.equal(await page.getAttribute('[data-do=planes]', 'aria-pressed'), 'false');
    assert.deepEqual(problems, []);
  });

  test('colours have a legend with the values of the window', async (t) => {
    const { page, problems } = await open(t, square(AXIAL));
    assert.equal(await page.isVisible('[data-do=planes]'), false, 'no button where there are no planes');
    await page.selectOption('#color-maps', { label: 'Hot iron' });
    await page.waitForSelector('#pane .color-legend[data-map=hot-iron]');
    await coloured(page);
    const { center, width } = await page.evaluate(() => globalThis.negatoscope.desk.current.view);
    const texts = await page.locator('#pane .legend-values span').allInnerTexts();
    assert.deepEqual(texts.map(Number), [center + width / 2, center, center - width / 2]);
    await screenshot(page, 'colours');
    // The saved picture has the legend and the letters: its left margin is not all black, and yellow is in its middle.
    const saving = page.waitForEvent('download');
    await page.keyboard.press('x');
    const bytes = [...(await readFile(await (await saving).path()))];
    const { margin, letter } = await page.evaluate(async (png) => {
      const bitmap = await createImageBitmap(new Blob([new Uint8Array(png)], { type: 'image/png' }));
      const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d', { willReadFrequently: true });
      context.drawImage(bitmap, 0, 0);
      const box = (selector) => {
        const { left, top } = document.getElementById('canvas').getBoundingClientRect();
        const inner = document.querySelector(selector).getBoundingClientRect();
        return [inner.left - left, inner.top - top, inner.width, inner.height];
      };
      const most = (selector, of) => {
        const { data } = context.getImageData(...box(selector).map(Math.round));
        return Math.max(...Array.from({ length: data.length / 4 }, (_, i) => of(data[4 * i], data[4 * i + 1], data[4 * i + 2])));
      };
      return { margin: most('#pane .color-legend canvas', (red) => red), letter: most('#pane .edge-letter[data-edge=top]', (r, g, b) => Math.min(r, g) - b) };
    }, bytes);
    assert.equal(margin, 255);
    assert.ok(letter > 40, `the letter at the top is there: ${letter}`);
    for (let maps = 0; maps < 11; maps++) await page.keyboard.press(';');
    await page.waitForFunction(() => document.querySelector('#pane .color-legend').hidden);
    assert.deepEqual(problems, []);
  });

  test('the magnifier shows single pixels twice to four times as large', async (t) => {
    // A chessboard of single pixels, which the screen blends to grey.
    const board = ctDicom({ width: 2048, height: 2048, stored: (x, y) => ((x + y) % 2 ? 1400 : 700) });
    const { page, problems } = await open(t, board);
    const box = await page.locator('#canvas').boundingBox();
    const centre = [box.x + box.width / 2, box.y + box.height / 2];
    for (const power of ['2×', '3×', '4×']) {
      await page.keyboard.press('q');
      await page.mouse.move(centre[0] + 3, centre[1]);
      await page.mouse.move(...centre);
      await page.waitForFunction((text) => document.querySelector('#pane .magnifier:not([hidden]) span')?.textContent === text, power);
    }
    const glass = await page.locator('#pane .magnifier').boundingBox();
    assert.ok(Math.abs(glass.x + glass.width / 2 - centre[0]) < 3, 'the glass is where the pointer is');
    const contrast = await page.evaluate(() => {
      const canvas = document.querySelector('#pane .magnifier canvas');
      const { data } = canvas.getContext('2d').getImageData(canvas.width / 2 - 20, canvas.height / 2 - 20, 40, 40);
      const reds = data.filter((_, index) => index % 4 === 0);
      return Math.max(...reds) - Math.min(...reds);
    });
    assert.ok(contrast > 60, `dark and light pixels are apart by ${contrast}`);
    await screenshot(page, 'magnifier');
    await page.keyboard.press('q');
    await page.waitForSelector('#pane .magnifier[hidden]', { state: 'attached' });
    assert.deepEqual(problems, []);
  });

  test('a finger moves the glass and not the window', async (t) => {
    const { page } = await open(t, square(AXIAL), 'touch.dcm', { viewport: { width: 390, height: 844 }, hasTouch: true });
    const before = await page.evaluate(() => globalThis.negatoscope.desk.current.view);
    await page.evaluate(() => document.querySelector('[data-do=magnifier]').click());
    const box = await page.locator('#canvas').boundingBox();
    const touch = (type, dx) =>
      page.evaluate(
        ([kind, x, y]) => {
          const init = { pointerType: 'touch', pointerId: 7, bubbles: true, clientX: x, clientY: y, isPrimary: true };
          document.getElementById('canvas').setPointerCapture = () => {};
          document.getElementById('canvas').dispatchEvent(new PointerEvent(kind, init));
        },
        [type, box.x + box.width / 2 + dx, box.y + box.height / 2],
      );
    await touch('pointerdown', 0);
    await touch('pointermove', 40);
    await page.waitForSelector('#pane .magnifier:not([hidden])');
    const glass = await page.locator('#pane .magnifier').boundingBox();
    assert.ok(glass.y + glass.height < box.y + box.height / 2, 'the glass is above the finger');
    await screenshot(page, 'magnifier-phone');
    await touch('pointerup', 40);
    await page.waitForSelector('#pane .magnifier[hidden]', { state: 'attached' });
    assert.deepEqual(await page.evaluate(() => globalThis.negatoscope.desk.current.view), before);
  });
});
