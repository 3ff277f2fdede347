/**
 * Several panes and planes through a stack, on a phantom whose ball lies at a known place: what lies where, what follows
 * what, and what is measured there.
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { ctSeries, greyPng } from '../node/fixtures.mjs';
import { BALL, chestSeries, coronalPicture, huAt } from '../node/phantoms.mjs';
import { newPage, openSite, screenshot, unavailable, useSite } from './harness.mjs';

const SIZE = 96;

/** Opens files as a folder and waits until they are looked through. */
async function openAll(page, shared, name, files) {
  const folder = join(shared.workshop.folder, name);
  await mkdir(folder, { recursive: true });
  for (const { name: file, bytes } of files) await writeFile(join(folder, file), bytes);
  await page.setInputFiles('#pick-folder', folder);
  await page.waitForSelector('body.looking');
  await page.waitForSelector('#index-progress', { state: 'hidden' });
}

const rows = (page, count) => page.waitForFunction((n) => document.querySelectorAll('.row.shown').length === n, count);

/** What each pane shows: by its file's series or plane, where in it, and its window. */
const state = (page) =>
  page.evaluate(() =>
    globalThis.negatoscope.desk.panes.map(({ current, view, place }) => ({
      of: current?.plane?.kind ?? current?.pile?.stack.uid ?? current?.name ?? null,
      at: place.at,
      frame: view?.frame,
      center: view?.center,
    })),
  );

/** Nothing is on its way any more. */
const quiet = (page) =>
  page.waitForFunction(() => {
    const { desk, panes, crosshair } = globalThis.negatoscope;
    return !crosshair.asking && desk.panes.every(({ wanted }) => !wanted) && panes.views.every(({ viewer }) => !viewer.rendering);
  });

async function drag(page, from, to) {
  await page.locator(from).dragTo(page.locator(to));
  await quiet(page);
}

/** Four panes, the first ones with the list's rows in their order; the first is active. */
async function fillPanes(page, count) {
  await page.keyboard.press('Shift+Digit4');
  for (let at = 0; at < count; at++) {
    await page.evaluate((number) => globalThis.negatoscope.desk.activate(globalThis.negatoscope.desk.panes[number]), at);
    await page.locator('.row').nth(at).click();
    await quiet(page);
  }
  await page.focus('#canvas');
}

const twoSeries = () => [
  ...chestSeries({ size: SIZE }).map((file) => ({ ...file, name: `a-${file.name}` })),
  // Every second slice, in the same frame of reference: 6 mm apart, beginning at the same height.
  ...chestSeries({ size: SIZE, series: '2.25.7.2', number: 4, missing: Array.from({ length: 20 }, (_, i) => 2 * i + 2), more: { 0x0008103e: ['LO', 'Thick'] } }).map((file) => ({ ...file, name: `b-${file.name}` })),
];

describe('panes', { skip: unavailable }, () => {
  const shared = useSite();

  test('layouts by menu and keys; series are dropped into panes and chosen for the active one', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await openAll(page, shared, 'two', twoSeries());
    await rows(page, 2);
    assert.equal(await page.locator('.pane:visible').count(), 1);
    await page.click('#panes');
    await page.click('#layout-1x2');
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('.pane:visible').count(), 2);
    await drag(page, '.row:nth-child(2)', '.pane:nth-of-type(2)');
    assert.deepEqual((await state(page)).slice(0, 2).map(({ of }) => of), ['2.25.7.1', '2.25.7.2']);
    assert.equal(await page.evaluate(() => globalThis.negatoscope.desk.active.number), 1, 'the pane that was dropped on');
    await drag(page, '.row:nth-child(2)', '.pane:nth-of-type(1)');
    assert.equal((await state(page))[0].of, '2.25.7.2');
    // A click on a pane makes it the one that the list fills.
    await page.locator('.pane:nth-of-type(2) canvas[tabindex]').click({ position: { x: 200, y: 60 } });
    await page.locator('.row').first().click();
    await quiet(page);
    assert.deepEqual((await state(page)).slice(0, 2).map(({ of }) => of), ['2.25.7.2', '2.25.7.1']);
    // Each has its window, zoom and texts.
    await page.evaluate(() => globalThis.negatoscope.desk.setView({ center: 200 }));
    await page.keyboard.press('+');
    const texts = await page.locator('.pane:visible .corner-bottom-left').allInnerTexts();
    assert.match(texts[0], /C 40 /);
    assert.match(texts[1], /C 200 /);
    assert.notEqual(texts[0].split('\n')[1], texts[1].split('\n')[1]);
    await page.keyboard.press('Shift+Digit4');
    assert.equal(await page.locator('.pane:visible').count(), 4);
    await page.keyboard.press('Shift+Digit3');
    assert.equal(await page.locator('.pane:visible').count(), 2);
    await page.keyboard.press('Shift+Digit1');
    assert.equal(await page.locator('.pane:visible').count(), 1);
    assert.match(await page.locator('.pane:visible .corner-bottom-left').innerText(), /C 200 /, 'the active one stays');
    // One file in two panes, each at a frame and window of its own.
    await page.keyboard.press('Shift+Digit2');
    await page.locator('.row').nth(1).click();
    await quiet(page);
    await page.keyboard.press('.');
    await page.locator('.row').nth(1).click();
    await quiet(page);
    await page.evaluate(() => globalThis.negatoscope.desk.setView({ center: -500 }));
    const [left, right] = await state(page);
    assert.equal(left.of, right.of);
    assert.notEqual(left.center, right.center);
    // Files that go are gone from every pane.
    await page.locator('.row').nth(1).hover();
    await page.locator('.row').nth(1).locator('.row-remove').click();
    await rows(page, 1);
    const after = await state(page);
    assert.ok(after.every(({ of }) => of !== left.of));
    assert.deepEqual(problems, []);
  });

  test('a narrow page has one pane', async (t) => {
    const { page, problems } = await newPage(t, shared.browser, { viewport: { width: 390, height: 844 } });
    await openSite(page, shared.site.url);
    await openAll(page, shared, 'narrow', chestSeries({ size: SIZE }));
    await rows(page, 1);
    await page.keyboard.press('Shift+Digit4');
    assert.equal(await page.locator('.pane:visible').count(), 1);
    await page.evaluate(() => globalThis.negatoscope.reformatting.start());
    await page.waitForFunction(() => globalThis.negatoscope.desk.current?.plane);
    await quiet(page);
    await page.locator('[data-plane=coronal]').scrollIntoViewIfNeeded();
    await page.click('[data-plane=coronal]');
    await quiet(page);
    assert.equal(await page.evaluate(() => globalThis.negatoscope.desk.current.plane.kind), 'coronal');
    assert.equal(await page.locator('.pane:visible').count(), 1);
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0);
    await screenshot(page, 'planes-phone');
    assert.deepEqual(problems, []);
  });

  test('linked scrolling goes by millimetres in one frame of reference, else by the part of the stack', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await openAll(page, shared, 'linked', [
      ...twoSeries(),
      ...ctSeries({ count: 11, size: 32, series: '2.25.7.3', number: 5, space: '2.25.99' }).map((file) => ({ ...file, name: `c-${file.name}` })),
    ]);
    await rows(page, 3);
    await fillPanes(page, 3);
    await page.keyboard.press('Home');
    await quiet(page);
    await page.keyboard.press('y');
    for (let i = 0; i < 22; i++) await page.keyboard.press('ArrowDown');
    await quiet(page);
    // Slice 23 of 41 is at 6 mm, as slice 12 of 21 in the second series; in the third, 22 / 40 of 10 steps.
    assert.deepEqual((await state(page)).slice(0, 3).map(({ at }) => at), [22, 11, 6]);
    assert.match(await page.locator('.pane:nth-of-type(2) .corner-top-right').innerText(), /12 \/ 21\s+6 mm/);
    // From the second pane: the first follows to the same height.
    await page.evaluate(() => globalThis.negatoscope.panes.next(1));
    await page.keyboard.press('End');
    await quiet(page);
    assert.deepEqual((await state(page)).slice(0, 3).map(({ at }) => at), [40, 20, 10]);
    await page.keyboard.press('y');
    await page.keyboard.press('Home');
    await quiet(page);
    assert.deepEqual((await state(page)).slice(0, 3).map(({ at }) => at), [40, 0, 10]);
    // Window and zoom, when they are linked.
    await page.evaluate(() => {
      const { links, desk, viewer } = globalThis.negatoscope;
      links.set('window', true);
      links.set('zoom', true);
      desk.setView({ center: -321, width: 555 });
      viewer.zoom(1.5);
    });
    await quiet(page);
    assert.deepEqual((await state(page)).slice(0, 3).map(({ center }) => center), [-321, -321, -321]);
    const scales = await page.evaluate(() => globalThis.negatoscope.panes.views.slice(0, 3).map(({ viewer }) => viewer.scale));
    assert.ok(scales.every((scale) => Math.abs(scale - scales[1]) < 1e-9), String(scales));
    assert.deepEqual(problems, []);
  });

  test('a reference line lies where the slice cuts, to one pixel of the screen', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await openAll(page, shared, 'lines', [...chestSeries({ size: SIZE }), ...coronalPicture({ size: SIZE }), { name: 'photo.png', bytes: greyPng(30, 20, (x, y) => x * y) }]);
    await rows(page, 3);
    // Rows: the axial series, the coronal picture, the photograph.
    await fillPanes(page, 3);
    await page.keyboard.press('End');
    await quiet(page);
    /** Of the line in the coronal picture, on the canvas. */
    const lineY = async (z) => {
      await page.waitForFunction(() => document.querySelectorAll('.reference').length === 1);
      await page.waitForFunction(() => !globalThis.negatoscope.desk.wanted);
      const { path, top } = await page.evaluate((mm) => {
        const { viewer } = globalThis.negatoscope.panes.views[1];
        // The middle of the row of the picture at this height: rows of 0.5 mm from z = 60 down.
        const row = (60 - mm) / 0.5 + 0.5;
        const y = viewer.canvas.clientHeight / 2 + viewer.centre.y + (row - viewer.item.info.height / 2) * viewer.scale;
        return { path: document.querySelector('.pane:nth-of-type(2) .reference').getAttribute('d'), top: y };
      }, z);
      const [, y0, y1] = /^M[\d.-]+ ([\d.-]+)L[\d.-]+ ([\d.-]+)$/.exec(path).map(Number);
      assert.equal(y0, y1, 'level');
      assert.ok(Math.abs(y0 - top) <= 1, `${y0} and not ${top}`);
    };
    await lineY(60);
    for (const [key, z] of [['ArrowUp', 57], ['ArrowUp', 54]]) {
      await page.keyboard.press(key);
      await page.waitForFunction((mm) => document.getElementById('corner-top-right').innerText.includes(`${mm} mm`), z);
      await quiet(page);
      await page.waitForTimeout(60);
      await lineY(z);
    }
    await screenshot(page, 'reference-lines');
    await page.keyboard.press('j');
    await page.waitForFunction(() => document.querySelectorAll('.reference').length === 0);
    assert.deepEqual(problems, []);
  });

  test('three planes of a series: values, crosshair, slab and lengths', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await openAll(page, shared, 'planes', chestSeries({ size: SIZE }));
    await rows(page, 1);
    await page.focus('#canvas');
    await page.keyboard.press('u');
    await page.waitForFunction(() => globalThis.negatoscope.desk.panes[3].current && globalThis.negatoscope.crosshair.spots.size === 3);
    await quiet(page);
    assert.deepEqual((await state(page)).map(({ of }) => of), ['axial', 'coronal', 'sagittal', '2.25.7.1']);
    assert.equal(await page.locator('.row').count(), 4);
    assert.equal(await page.innerText('#file-count'), '41 shown', 'planes are no files');

    /** HU at a place of the patient in a plane's pane, and the frame it shows. */
    const probe = (number, x, y) =>
      page.evaluate(
        async ([at, u, v]) => {
          const { desk, client } = globalThis.negatoscope;
          const { current, view } = desk.panes[at];
          const [value] = await client.request('probe', { key: current.key, frame: view.frame, x: u, y: v });
          return { value, frame: view.frame };
        },
        [number, x, y],
      );
    // The ball's middle in pixels: columns and rows of 0.5 mm from -100 on, 41 slices from -60 mm to 60 mm.
    const column = (BALL.x + 100) / 0.5;
    const row = (BALL.y + 100) / 0.5;
    const down = (60 - BALL.z) / 0.5;
    // The crosshair's middle is dragged onto the ball in the axial plane, which shows it at once.
    const box = await page.locator('#canvas').boundingBox();
    const at = (x, y) => page.evaluate(([u, v]) => globalThis.negatoscope.panes.views[0].viewer.placeOf({ x: u, y: v }), [x, y]);
    const from = await page.evaluate(() => globalThis.negatoscope.crosshair.middleOf(globalThis.negatoscope.panes.views[0]));
    const to = await at(column + 0.5, row + 0.5);
    await page.mouse.move(box.x + from.x, box.y + from.y);
    await page.mouse.down();
    await page.mouse.move(box.x + (from.x + to.x) / 2, box.y + (from.y + to.y) / 2);
    await page.mouse.move(box.x + to.x, box.y + to.y);
    await page.mouse.up();
    await quiet(page);
    assert.deepEqual(await probe(0, column, row), { value: BALL.hu, frame: 20 });
    assert.deepEqual(await probe(1, column, down), { value: BALL.hu, frame: row });
    assert.deepEqual(await probe(2, row, down), { value: BALL.hu, frame: SIZE - 1 - column });
    await screenshot(page, 'planes');
    // Beside it, everything is what the phantom has there.
    for (const [x, y] of [[0, 0], [40, 48], [60, 20], [20, 60]]) {
      assert.equal((await probe(0, x, y)).value, huAt(-100 + x * 0.5, -100 + y * 0.5, 0, SIZE), `${x} ${y}`);
      const z = 60 - (x - (x % 6)) * 0.5;
      assert.equal((await probe(1, y, x - (x % 6))).value, huAt(-100 + y * 0.5, BALL.y, z, SIZE), `coronal ${y} ${x}`);
    }
    // Going through the axial slices takes the crosshair's lines along in the other planes, and not their slices.
    const crossY = () => page.evaluate(() => globalThis.negatoscope.crosshair.spots.get(globalThis.negatoscope.desk.panes[1].current.key).y);
    const before = await crossY();
    await page.evaluate(() => globalThis.negatoscope.desk.goTo(23));
    await quiet(page);
    assert.ok(Math.abs((await crossY()) - (before - 18)) < 1e-6, 'three slices of 3 mm up are 18 pixels');
    assert.equal((await state(page))[1].frame, row);

    // A slab: from 9 mm above the ball's middle nothing of it is seen in a thin plane, and its HU in a slab of 14 mm.
    assert.equal((await probe(0, column, row)).value === BALL.hu, false);
    await page.selectOption('#slab-projection', '0');
    await page.fill('#slab-thickness', '14');
    await page.press('#slab-thickness', 'Enter');
    await page.waitForFunction(() => /Maximum \(MIP\) 14 mm/.test(document.getElementById('corner-bottom-left').innerText));
    await quiet(page);
    assert.equal((await probe(0, column, row)).value, BALL.hu);
    assert.equal((await probe(0, 0, 0)).value, huAt(-100, -100, 0, SIZE));
    await page.selectOption('#slab-projection', '1');
    await page.waitForFunction(() => /Minimum 14 mm/.test(document.getElementById('corner-bottom-left').innerText));
    assert.notEqual((await probe(0, column, row)).value, BALL.hu);
    await page.selectOption('#slab-projection', '');
    await page.waitForFunction(() => !/14 mm/.test(document.getElementById('corner-bottom-left').innerText));

    // A length across the ball in the coronal plane, drawn by hand: 12 mm from slice to slice.
    await page.evaluate(() => globalThis.negatoscope.desk.activate(globalThis.negatoscope.desk.panes[1]));
    await page.keyboard.press('l');
    const canvas = await page.locator('.pane:nth-of-type(2) canvas[tabindex]').boundingBox();
    const spot = (x, y) => page.evaluate(([u, v]) => globalThis.negatoscope.panes.views[1].viewer.placeOf({ x: u, y: v }), [x, y]);
    const top = await spot(column + 40, down - 12);
    const bottom = await spot(column + 40, down + 12);
    await page.mouse.move(canvas.x + top.x, canvas.y + top.y);
    await page.mouse.down();
    await page.mouse.move(canvas.x + bottom.x, canvas.y + bottom.y, { steps: 3 });
    await page.mouse.up();
    const length = await page.evaluate(async () => {
      const { marks } = globalThis.negatoscope.measuring;
      return (await marks.measured(marks.all[0])).length;
    });
    assert.ok(Math.abs(length - 12) < 0.1, `${length} mm`);
    // A model sees files: a plane is not offered to it, whatever slab it is seen through.
    assert.match(await page.innerText('#result'), /A plane through a stack/);
    assert.equal(await page.locator('#result button').count(), 0);
    await page.keyboard.press('j');
    await page.waitForFunction(() => document.querySelectorAll('.cross').length === 0);
    // A plane that is closed leaves the list and its pane.
    await page.locator('.row').nth(1).hover();
    await page.locator('.row').nth(1).locator('.row-remove').click();
    await page.waitForFunction(() => document.querySelectorAll('.row').length === 3);
    assert.deepEqual(problems, []);
  });

  test('what cannot be reformatted says why; gathering can be stopped; a trap takes the planes away', async (t) => {
    const { page } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await openAll(page, shared, 'refused', [{ name: 'photo.png', bytes: greyPng(30, 20, (x, y) => x * y) }, ...chestSeries({ size: SIZE })]);
    await rows(page, 2);
    await page.locator('.row', { hasText: 'photo' }).click();
    await quiet(page);
    await page.focus('#canvas');
    await page.keyboard.press('u');
    await page.waitForSelector('.toast');
    assert.match(await page.innerText('.toast'), /photo\.png cannot be shown in other planes/);
    assert.match(await page.innerText('.toast'), /does not say where it lies/);
    await page.locator('.row.series').click();
    await quiet(page);
    await page.evaluate(() => {
      const { reformatting } = globalThis.negatoscope;
      void reformatting.start();
      setTimeout(() => reformatting.stop(), 0);
    });
    await page.waitForTimeout(300);
    assert.equal(await page.evaluate(() => globalThis.negatoscope.desk.items.some(({ plane }) => plane)), false);
    await page.keyboard.press('u');
    await page.waitForFunction(() => globalThis.negatoscope.desk.current?.plane);
    await page.evaluate(() => globalThis.negatoscope.client.request('trap', {}).catch(() => {}));
    await page.waitForFunction(() => !globalThis.negatoscope.desk.items.some(({ plane }) => plane));
    await page.locator('.toast', { hasText: 'The planes are gone' }).waitFor();
    await page.locator('.row.series').click();
    await page.keyboard.press('u');
    await page.waitForFunction(() => globalThis.negatoscope.desk.current?.plane);
  });
});
