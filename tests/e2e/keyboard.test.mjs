/**
 * The page without a mouse, without sight, without motion, with the system's colours, and by touch: every control is reached and
 * seen, nothing holds the keyboard, dialogs give it back, readers of the screen hear results once.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, test } from 'node:test';

import { ctDicom, mixedFiles } from '../node/fixtures.mjs';
import { newPage, openFiles, openSite, openTraining, screenshot, unavailable, useSite } from './harness.mjs';
import { drop, folder } from './labelled.mjs';
import { still } from './views.mjs';

const focused = (page) => page.evaluate(() => document.activeElement?.id || document.activeElement?.tagName);

/** Goes through the page by Tab from its beginning and marks what is reached. @returns {Promise<{unseen: string[], left: string[], order: number}>} */
async function tabThrough(page) {
  await page.evaluate(() => {
    /** @type {HTMLElement | null} */ (document.activeElement)?.blur();
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute('tabindex');
  });
  const unseen = [];
  for (let step = 0; step < 250; step++) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const node = document.activeElement;
      if (!(node instanceof HTMLElement) || node === document.body) return { end: true };
      if (node.dataset.reached) return { end: true };
      node.dataset.reached = 'yes';
      const { outlineStyle, outlineWidth } = getComputedStyle(node);
      const box = node.getBoundingClientRect();
      const seen = outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1 && box.width > 0 && box.bottom > 0 && box.top < innerHeight;
      return { end: false, seen, what: `${node.tagName.toLowerCase()}#${node.id}.${node.className}` };
    });
    if (at.end) break;
    if (!at.seen) unseen.push(at.what);
  }
  const left = await page.evaluate(() =>
    [...document.body.querySelectorAll('button, select, input, textarea, summary, a[href], [tabindex="0"]')]
      .filter((node) => node instanceof HTMLElement && node.checkVisibility({ visibilityProperty: true }) && !node.closest('[inert], dialog') && !node.matches(':disabled, [tabindex="-1"], [data-reached]'))
      .map((node) => `${node.tagName.toLowerCase()}#${node.id}.${node.className}`),
  );
  const order = await page.evaluate(() => {
    for (const node of document.querySelectorAll('[data-reached]')) node.removeAttribute('data-reached');
    return document.querySelectorAll('[tabindex]:not([tabindex="0"]):not([tabindex="-1"])').length;
  });
  return { unseen, left, order };
}
const ALL_REACHED = { unseen: [], left: [], order: 0 };

/** A file of the fixtures, beside one that is made here. */
const given = (name) => ({ name, mimeType: '', buffer: Buffer.from(mixedFiles().find((file) => file.name === name).bytes) });
const stack = () => ({ name: 'stack.dcm', mimeType: '', buffer: Buffer.from(ctDicom({ width: 64, height: 64, frames: 4, stored: (x, y, f) => 1024 + x * 3 + y * 7 + f * 100 })) });

describe('without a mouse', { skip: unavailable }, () => {
  const shared = useSite();

  test('every control of the viewer is reached by Tab, in the order of the page, and seen', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    assert.deepEqual(await tabThrough(page), ALL_REACHED, 'the empty page');
    await openFiles(page, [given('eight-bit.png'), stack()]);
    await page.waitForSelector('#saw');
    await page.evaluate(() => document.querySelectorAll('#result details').forEach((each) => (each.open = true)));
    await page.waitForSelector('#profile tbody tr');
    assert.deepEqual(await tabThrough(page), ALL_REACHED, 'a picture and its result');
    await page.click('#filters');
    await page.waitForSelector('#filter-panel:not([hidden])');
    assert.deepEqual(await tabThrough(page), ALL_REACHED, 'filters');
    await page.keyboard.press('Escape');
    await page.setViewportSize({ width: 360, height: 740 });
    await page.click('#sheet-tabs [data-panel=result]');
    await still(page);
    assert.deepEqual(await tabThrough(page), ALL_REACHED, 'a narrow page');
    assert.deepEqual(problems, []);
  });

  test('and of the training', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openTraining(page, shared.site.url);
    assert.deepEqual(await tabThrough(page), ALL_REACHED, 'the empty page');
    // What is kept of a training may be known late.
    await page.focus('#train-make');
    await page.evaluate(() => globalThis.negatoscope.training.lab.refreshKept());
    assert.equal(await focused(page), 'train-make');
    await drop(page, folder({ perClass: 4 }));
    await page.waitForSelector('#train-plan');
    assert.deepEqual(await tabThrough(page), ALL_REACHED, 'the plan');
    await page.fill('#train-plan [name=size]', '28');
    await page.click('#train-load');
    await page.waitForSelector('.class-sheet canvas');
    await page.evaluate(() => document.querySelectorAll('#lab details').forEach((each) => (each.open = true)));
    assert.deepEqual(await tabThrough(page), ALL_REACHED, 'data and settings');
    assert.deepEqual(problems, []);
  });

  test('dialogs hold the keyboard while they are open, and give it back', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    for (const [opener, dialog] of [['help', 'help-dialog'], ['about-open', 'about-dialog']]) {
      await page.focus(`#${opener}`);
      await page.keyboard.press('Enter');
      await page.waitForSelector(`#${dialog}[open]`);
      for (let step = 0; step < 12; step++) {
        await page.keyboard.press('Tab');
        assert.ok(await page.evaluate((id) => document.activeElement === document.body || document.getElementById(id).contains(document.activeElement), dialog), dialog);
      }
      await page.keyboard.press('Escape');
      await page.waitForSelector(`#${dialog}:not([open])`, { state: 'attached' });
      assert.equal(await focused(page), opener);
    }
    // The question within one: its answers are at hand, and the way back leads back.
    await page.focus('#about-open');
    await page.keyboard.press('Enter');
    await page.focus('#delete-all');
    await page.keyboard.press('Enter');
    assert.equal(await focused(page), 'delete-not');
    await page.keyboard.press('Enter');
    assert.equal(await focused(page), 'delete-all');
    await page.keyboard.press('Escape');

    await openTraining(page, shared.site.url);
    await drop(page, folder({ perClass: 4 }));
    await page.click('#train-load');
    await page.waitForSelector('.class-sheet .card');
    await page.locator('.card').nth(1).focus();
    await page.keyboard.press('Enter');
    await page.waitForSelector('#sample-dialog[open]');
    await page.keyboard.press('Escape');
    assert.ok(await page.evaluate(() => document.activeElement === document.querySelectorAll('.card')[1]));
    assert.deepEqual(problems, []);
  });

  test('tabs by arrows, a sheet put away by Escape, a closed file gives the keyboard to the next', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await openFiles(page, [given('eight-bit.png'), given('no-ending'), stack()]);
    await page.waitForFunction(() => document.querySelectorAll('.row.shown').length === 3);
    await page.focus('#tab-result');
    await page.keyboard.press('ArrowRight');
    assert.equal(await focused(page), 'tab-details');
    assert.equal(await page.getAttribute('#tab-details', 'aria-selected'), 'true');
    await page.keyboard.press('End');
    assert.equal(await focused(page), 'tab-measure');
    await page.keyboard.press('ArrowRight');
    assert.equal(await focused(page), 'tab-result');
    assert.deepEqual(await page.$$eval('#side [role=tab]', (tabs) => tabs.map(({ tabIndex }) => tabIndex)), [0, -1, -1]);

    await page.locator('.row[tabindex="0"]').focus();
    await page.keyboard.press('Delete');
    await page.waitForFunction(() => document.querySelectorAll('.row').length === 2);
    assert.ok(await page.evaluate(() => document.activeElement.matches('.row')), 'a row has the keyboard');

    await page.setViewportSize({ width: 360, height: 740 });
    await page.focus('#sheet-tabs [data-panel=files]');
    await page.keyboard.press('Enter');
    await page.waitForSelector('body[data-sheet=files]');
    await page.locator('.row[tabindex="0"]').focus();
    await page.keyboard.press('Escape');
    await page.waitForSelector('body[data-sheet=""]');
    assert.equal(await page.evaluate(() => document.activeElement.dataset.panel), 'files');
    assert.equal(await page.getAttribute('#sheet-tabs [data-panel=files]', 'aria-expanded'), 'false');
    assert.deepEqual(problems, []);
  });

  test('window, pan and a measurement by keyboard; letters can be switched off', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await openFiles(page, [stack()]);
    await page.focus('#canvas');
    const shown = () => page.innerText('#corner-bottom-left');
    const before = await shown();
    await page.keyboard.press('Shift+ArrowRight');
    await page.keyboard.press('Shift+ArrowUp');
    await page.waitForFunction((was) => document.getElementById('corner-bottom-left').innerText !== was, before);

    await page.keyboard.press('p');
    const centre = () => page.evaluate(() => ({ ...globalThis.negatoscope.viewer.centre }));
    const { x } = await centre();
    await page.keyboard.press('+');
    await page.keyboard.press('Shift+ArrowLeft');
    assert.equal((await centre()).x, x - 10);
    await page.keyboard.press('r');
    await page.keyboard.press('0');

    // From the middle 100 CSS pixels to the right, which are so many of the picture's of 0.5 mm.
    await page.keyboard.press('l');
    await page.keyboard.press('Enter');
    for (let step = 0; step < 10; step++) await page.keyboard.press('Shift+ArrowRight');
    assert.equal(await page.locator('.pane.active .key-pointer').evaluate(({ hidden }) => hidden), false);
    await screenshot(page, 'key-pointer');
    await page.keyboard.press('Enter');
    const [mark] = await page.evaluate(() => globalThis.negatoscope.measuring.marks.all.map(({ kind, points }) => ({ kind, points })));
    const scale = await page.evaluate(() => globalThis.negatoscope.viewer.scale);
    assert.equal(mark.kind, 'length');
    assert.ok(Math.abs(mark.points[1][0] - mark.points[0][0] - 100 / scale) < 1e-6, JSON.stringify(mark));
    assert.equal(mark.points[0][1], mark.points[1][1]);
    // Its end is taken up where the cross stands, moved and put down.
    await page.keyboard.press('Enter');
    for (let step = 0; step < 5; step++) await page.keyboard.press('Shift+ArrowDown');
    await page.keyboard.press('Enter');
    const [moved] = await page.evaluate(() => globalThis.negatoscope.measuring.marks.all.map(({ points }) => ({ points })));
    assert.ok(Math.abs(moved.points[1][1] - mark.points[1][1] - 50 / scale) < 1e-6, JSON.stringify(moved));
    // A region by hand follows between two presses.
    for (let step = 0; step < 3; step++) await page.keyboard.press('Shift+ArrowDown');
    await page.keyboard.press('d');
    await page.keyboard.press('Enter');
    for (const way of ['Right', 'Down', 'Left']) for (let step = 0; step < 3; step++) await page.keyboard.press(`Shift+Arrow${way}`);
    await page.keyboard.press('Enter');
    assert.deepEqual(await page.evaluate(() => globalThis.negatoscope.measuring.marks.all.map(({ kind }) => kind)), ['length', 'polygon']);

    const inverted = () => page.evaluate(() => globalThis.negatoscope.desk.current.view.invert);
    await page.click('#help');
    await page.uncheck('#letter-keys');
    await page.keyboard.press('Escape');
    await page.focus('#canvas');
    await page.keyboard.press('i');
    await page.keyboard.press('ArrowDown');
    assert.equal(await inverted(), false);
    assert.equal(await page.evaluate(() => globalThis.negatoscope.desk.place.at), 1);
    await page.reload();
    await page.waitForSelector('body[data-model=loaded]');
    assert.equal(await page.isChecked('#letter-keys'), false);
    assert.deepEqual(problems, []);
  });

  test('the keyboard stays where it is when a panel is made anew', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await openFiles(page, [shared.workshop.file('eight-bit.png')]);
    await page.waitForSelector('#saw');
    await page.focus('#explain-toggle');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#explain-words, #explain .explain-problem');
    assert.equal(await focused(page), 'explain-toggle');
    await page.focus('#stability-test');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#stability-words');
    assert.ok(await page.evaluate(() => document.getElementById('stability').contains(document.activeElement)));
    assert.deepEqual(problems, []);
  });
});

describe('without sight', { skip: unavailable }, () => {
  const shared = useSite();

  test('a result is heard once, a slice when one stands still, and the picture has a name', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await page.evaluate(() => {
      globalThis.heard = [];
      new MutationObserver(() => globalThis.heard.push(document.getElementById('live').textContent)).observe(document.getElementById('live'), { childList: true, characterData: true, subtree: true });
    });
    await openFiles(page, [stack()]);
    await page.waitForSelector('#saw');
    const heard = () => page.evaluate(() => globalThis.heard);
    assert.equal((await heard()).length, 1);
    assert.match((await heard())[0], /^(absent|present)\. .*Not for diagnosis/);
    assert.match(await page.getAttribute('#canvas', 'aria-label'), /^stack\.dcm\. Image/);
    await page.click('#privacy');
    assert.doesNotMatch(await page.getAttribute('#canvas', 'aria-label'), /stack/);
    await page.click('#privacy');

    await page.focus('#canvas');
    for (let step = 0; step < 3; step++) await page.keyboard.press('ArrowDown');
    await page.waitForFunction(() => globalThis.heard.length === 2);
    assert.equal((await heard())[1], 'Slice 4 of 4');
    // The value under the pointer of the keyboard.
    await page.keyboard.press('l');
    await page.keyboard.press('Shift+ArrowRight');
    await page.waitForFunction(() => globalThis.heard.length === 3);
    assert.match((await heard())[2], /^x \d+\s+y \d+, [\d,.]+ HU$/);
    assert.deepEqual(problems, []);
  });

  test('landmarks, one heading of the first rank in either workspace, names of live regions', async (t) => {
    const { page } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    assert.match(await page.title(), /Negatoscope/);
    assert.ok((await page.getAttribute('meta[name=description]', 'content')).length > 40);
    for (const workspace of ['view', 'train']) {
      await page.click(`button[data-workspace=${workspace}]`);
      assert.equal(await page.getByRole('heading', { level: 1 }).count(), 1);
      assert.equal(await page.getByRole('main').count(), 1);
    }
    assert.equal(await page.getAttribute('#live', 'aria-live'), 'polite');
    for (const id of ['index-progress', 'gathering', 'triage-count']) assert.equal(await page.getAttribute(`#${id}`, 'role'), 'status', id);
  });
});

describe('as the system wishes', { skip: unavailable }, () => {
  const shared = useSite();

  test('less motion: nothing moves, neither sheets nor what waits', async (t) => {
    const { page } = await newPage(t, shared.browser, { reducedMotion: 'reduce', viewport: { width: 360, height: 740 } });
    await openSite(page, shared.site.url);
    await openFiles(page, [shared.workshop.file('eight-bit.png')]);
    await page.waitForSelector('#saw', { state: 'attached' });
    const moving = () => page.evaluate(() => document.getAnimations().length);
    await page.click('#sheet-tabs [data-panel=result]');
    assert.equal(await moving(), 0);
    await page.selectOption('#model-select', { label: 'Slow test model' });
    await page.waitForSelector('.spinner', { state: 'attached' });
    assert.equal(await moving(), 0);
    await page.click('#stop-classify');
  });

  test('the system’s colours: what is chosen, how much a bar has and where the keyboard is are seen', async (t) => {
    const { page, problems } = await newPage(t, shared.browser, { forcedColors: 'active' });
    await openSite(page, shared.site.url);
    await openFiles(page, [given('eight-bit.png'), stack()]);
    await page.waitForSelector('#saw');
    const style = (selector, ...names) => page.locator(selector).first().evaluate((node, wanted) => wanted.map((name) => getComputedStyle(node)[name]), names);
    const [outline] = await style('.tool[data-tool=window]', 'outlineStyle');
    assert.equal(outline, 'solid', 'the chosen tool');
    assert.deepEqual(await style('.tool[data-tool=pan]', 'outlineStyle'), ['none']);
    assert.deepEqual(await style('.row[aria-selected=true]', 'outlineStyle'), ['solid']);
    assert.deepEqual(await style('#tab-result', 'outlineStyle'), ['solid']);
    assert.deepEqual(await style('#tab-details', 'outlineStyle'), ['none']);
    const [fill] = await style('.bar-fill', 'backgroundColor');
    const [track, edge] = await style('.bar-track', 'backgroundColor', 'borderTopStyle');
    assert.notEqual(fill, track);
    assert.equal(edge, 'solid');
    await page.keyboard.press('Tab');
    const [ring, width] = await style(':focus', 'outlineStyle', 'outlineWidth');
    assert.ok(ring !== 'none' && parseFloat(width) >= 2);
    await screenshot(page, 'forced-colors');
    await page.click('button[data-workspace=train]');
    await drop(page, folder({ perClass: 4 }));
    await page.fill('#train-plan [name=size]', '28');
    await page.click('#train-load');
    await page.waitForSelector('.class-sheet canvas');
    const parts = await page.$$eval('.split-bar i', (all) => all.slice(0, 2).map((part) => getComputedStyle(part).backgroundColor));
    assert.notEqual(parts[0], parts[1], 'training and validation are told apart');
    await screenshot(page, 'forced-colors-train');
    assert.deepEqual(problems, []);
  });
});

describe('by touch', { skip: unavailable }, () => {
  const shared = useSite();

  test('one finger sets the window, two zoom and move; tools and tabs are 40 pixels and more', async (t) => {
    const { page, context, problems } = await newPage(t, shared.browser, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
    await openSite(page, shared.site.url);
    await openFiles(page, [stack()]);
    const session = await context.newCDPSession(page);
    const touch = (type, ...points) => session.send('Input.dispatchTouchEvent', { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });
    const box = await page.locator('#canvas').boundingBox();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const state = () => page.evaluate(() => ({ scale: globalThis.negatoscope.viewer.scale, x: globalThis.negatoscope.viewer.centre.x, width: globalThis.negatoscope.desk.current.view.width }));
    const before = await state();
    await touch('touchStart', [x, y]);
    await touch('touchMove', [x + 40, y]);
    await touch('touchMove', [x + 80, y]);
    await touch('touchEnd');
    const windowed = await state();
    assert.ok(windowed.width > before.width * 1.2, JSON.stringify([before, windowed]));
    assert.equal(windowed.scale, before.scale);

    await touch('touchStart', [x - 40, y], [x + 40, y]);
    await touch('touchMove', [x - 60, y], [x + 60, y]);
    await touch('touchMove', [x - 80, y], [x + 80, y]);
    await touch('touchEnd');
    const zoomed = await state();
    assert.ok(Math.abs(zoomed.scale / before.scale - 2) < 0.1, JSON.stringify(zoomed));
    assert.equal(zoomed.width, windowed.width);
    // The page itself did not zoom with it.
    assert.equal(await page.evaluate(() => visualViewport.scale), 1);
    for (const selector of ['.tool', '#sheet-tabs button', '#privacy']) {
      const sizes = await page.locator(selector).evaluateAll((all) => all.filter((each) => each.checkVisibility()).map((each) => each.getBoundingClientRect()).map(({ width, height }) => Math.min(width, height)));
      assert.ok(sizes.length && sizes.every((side) => side >= 40), `${selector}: ${sizes}`);
    }
    assert.deepEqual(problems, []);
  });
});
