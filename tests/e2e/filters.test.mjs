/** Filters in Chromium: in the form over data that are dropped, and over what the viewer shows. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { greyPng } from '../node/fixtures.mjs';
import { newPage, openFiles, openSite, openTraining, screenshot, unavailable, useSite } from './harness.mjs';
import { drop, folder } from './labelled.mjs';

const LONG = { timeout: 120_000 };
const FORM = '#plan-steps';
const PANEL = '#filter-panel';

/** Grey values of a canvas, each once. */
const greys = (page, selector) =>
  page.locator(selector).evaluate((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return [...new Set(data.filter((_, at) => at % 4 === 0))].sort((a, b) => a - b);
  });

/** How many grey values the viewer's picture has. */
const shownGreys = () => {
  const { canvas: picture } = globalThis.negatoscope.viewer;
  const copy = new OffscreenCanvas(picture.width, picture.height).getContext('2d', { willReadFrequently: true });
  copy.drawImage(picture, 0, 0);
  const { data } = copy.getImageData(0, 0, picture.width, picture.height);
  return new Set(data.filter((_, at) => at % 4 === 0)).size;
};

/** Until the viewer's picture has as many grey values as it should. */
async function untilShown(page, should) {
  let count = 0;
  for (let waited = 0; waited < 10_000; waited += 50) {
    count = await page.evaluate(shownGreys);
    if (should(count)) return;
    await page.waitForTimeout(50);
  }
  assert.fail(`the picture has ${count} grey values`);
}

async function add(page, place, step) {
  await page.selectOption(`${place} .steps-add select`, step);
  await page.click(`${place} .steps-add button`);
}

const names = (page, place) => page.locator(`${place} .step`).evaluateAll((rows) => rows.map((row) => row.dataset.step));

describe('filters', { skip: unavailable }, () => {
  const shared = useSite();

  test('steps in the form: put together, seen at once, in the data and in the model', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openTraining(page, shared.site.url);
    await drop(page, folder());
    await page.waitForSelector(`${FORM} figure[data-kind=plain] canvas`);
    assert.equal(await page.locator(`${FORM} figure`).count(), 1);
    assert.ok((await greys(page, `${FORM} figure[data-kind=plain] canvas`)).length > 20);
    const filters = await page.locator(`${FORM} .steps-add option`).evaluateAll((options) => options.map(({ value }) => value));
    assert.equal(filters.length, 13);

    await add(page, FORM, 'binarise');
    await page.waitForSelector(`${FORM} figure[data-kind=filtered] canvas`);
    assert.deepEqual(await greys(page, `${FORM} figure[data-kind=filtered] canvas`), [0, 255]);
    assert.ok((await greys(page, `${FORM} figure[data-kind=plain] canvas`)).length > 20);
    const threshold = `${FORM} [data-parameter=threshold]`;
    assert.deepEqual(await page.locator(threshold).evaluate(({ value, min, max }) => [value, min, max]), ['0.5', '0', '1']);
    await page.fill(threshold, '2');
    assert.equal(await page.isDisabled('#train-load'), true);
    await page.fill(threshold, '0.39');
    await page.press(threshold, 'ArrowUp');
    assert.equal(await page.inputValue(threshold), '0.4');
    assert.equal(await page.isDisabled('#train-load'), false);

    // Its order, by keys alone: the button stays under the finger as long as it has something to do.
    await add(page, FORM, 'median');
    await add(page, FORM, 'invert');
    await page.focus(`${FORM} .step[data-step=invert] [data-act=up]`);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    assert.deepEqual(await names(page, FORM), ['invert', 'binarise', 'median']);
    assert.equal(await page.evaluate(() => document.activeElement.closest('.step').dataset.step + document.activeElement.dataset.act), 'invertdown');
    await page.click(`${FORM} .step[data-step=binarise] [data-act=down]`);
    await page.click(`${FORM} .step[data-step=invert] [data-act=remove]`);
    assert.deepEqual(await names(page, FORM), ['median', 'binarise']);

    // What only the core can judge is said by it.
    await add(page, FORM, 'canny');
    await page.fill(`${FORM} [data-parameter=low]`, '0.9');
    await page.waitForFunction(() => /canny.*"low" is above "high"/.test(document.querySelector('#plan-steps .preview .bad')?.textContent ?? ''));
    await page.click(`${FORM} .step[data-step=canny] [data-act=remove]`);
    for (let more = 0; more < 6; more++) await add(page, FORM, 'grey');
    assert.equal(await page.isDisabled(`${FORM} .steps-add button`), true);
    await screenshot(page, 'filters-form-full');
    for (let more = 0; more < 6; more++) await page.locator(`${FORM} .step[data-step=grey] [data-act=remove]`).last().click();

    const first = await page.innerText(`${FORM} .preview-foot p`);
    await page.click('#preview-another');
    await page.waitForFunction((name) => document.querySelector('#plan-steps .preview-foot p').textContent !== name, first);
    await page.waitForSelector(`${FORM} figure[data-kind=filtered] canvas`);
    await screenshot(page, 'filters-form');
    await page.click('#train-load');
    await page.waitForSelector('.class-sheet canvas', LONG);
    assert.equal(await page.innerText('#data-steps'), 'Filter steps: Median (size 3) → Binarise (threshold 0.4)');
    assert.deepEqual(await greys(page, '.class-sheet canvas >> nth=0'), [0, 255]);
    await screenshot(page, 'filters-data');
    await page.fill('#train-settings [name=epochs]', '1');
    await page.click('#train-start');
    await page.waitForFunction(() => globalThis.negatoscope.training.lab.status?.state === 'finished', null, LONG);
    const { recipe } = await page.evaluate(async () => {
      const { lab } = globalThis.negatoscope.training;
      return lab.describe(new Blob([await lab.model({ name: 'halves' })]));
    });
    assert.deepEqual(recipe.steps, [{ step: 'median', size: 3 }, { step: 'binarise', threshold: 0.4 }]);
    assert.equal(await page.evaluate(() => globalThis.negatoscope.client.files.size), 0, 'the picture of the preview is closed');

    await page.reload();
    await page.click('#kept-continue');
    await page.waitForSelector('#data-steps');
    assert.match(await page.innerText('#data-steps'), /Median/);
    assert.deepEqual(problems, []);
  });

  test('over the picture: seen at once, off and on with one key, and no score changes', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    const large = greyPng(2048, 2048, (x, y) => ((x * 3 + y * 5) >> 6) % 200 + ((x ^ y) % 56));
    await openFiles(page, [{ name: 'large.png', mimeType: 'image/png', buffer: Buffer.from(large) }]);
    await page.waitForSelector('#saw');
    // Between the two values of a binarised picture there are others, unless pixels stay pixels.
    await page.selectOption('#smoothing', { label: 'Pixels' });
    const figures = () => page.innerText('#result');
    const score = await page.evaluate(() => globalThis.negatoscope.desk.current.finding.result.scores);
    const told = await figures();
    assert.ok((await page.evaluate(shownGreys)) > 100);

    await page.focus('#canvas');
    await page.keyboard.press('f');
    await page.waitForSelector(`${PANEL}:not([hidden])`);
    assert.match(await page.innerText(PANEL), /The model sees the file as it is/);
    await add(page, PANEL, 'binarise');
    await untilShown(page, (count) => count === 2);
    assert.match(await page.innerText('#corner-bottom-left'), /filtered/);
    assert.equal(await page.getAttribute('#filters', 'aria-pressed'), 'true');
    await screenshot(page, 'filters-viewer');
    await page.keyboard.press('Escape');
    assert.equal(await page.isHidden(PANEL), true);
    await page.keyboard.press('f');
    await untilShown(page, (count) => count > 100);
    assert.doesNotMatch(await page.innerText('#corner-bottom-left'), /filtered/);
    await page.keyboard.press('f');
    await untilShown(page, (count) => count === 2);

    const again = await page.evaluate(async () => {
      const { client, desk } = globalThis.negatoscope;
      return client.request('classify', { key: desk.current.key, frame: 0 });
    });
    assert.deepEqual(again.scores, score);
    assert.equal(await figures(), told);

    // What the core refuses leaves the picture as it is, with the reason in the panel.
    await page.click('#filters');
    await add(page, PANEL, 'canny');
    await page.fill(`${PANEL} [data-parameter=low]`, '0.9');
    await page.waitForFunction(() => /"low" is above "high"/.test(document.querySelector('#filter-panel .bad').textContent));
    await untilShown(page, (count) => count > 100);
    await page.click(`${PANEL} .step[data-step=canny] [data-act=remove]`);
    await untilShown(page, (count) => count === 2);
    assert.equal(await page.innerText(`${PANEL} .bad`), '');
    assert.deepEqual(problems, []);
  });

  test('filters and a window that is dragged: one rendering at a time, the newest wins', async (t) => {
    const { page } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    const film = greyPng(1024, 1024, (x, y) => (x * 7 + y * 11) % 256);
    await openFiles(page, [{ name: 'film.png', mimeType: 'image/png', buffer: Buffer.from(film) }]);
    for (const steps of [[{ step: 'median', size: 3 }], [{ step: 'gaussian', sigma: 2 }], [{ step: 'clahe', clip: 2, tiles: 8 }], [{ step: 'median', size: 7 }]]) {
      const { rendered, ms, same } = await page.evaluate(async (given) => {
        const { client, viewer, desk } = globalThis.negatoscope;
        const times = [];
        const note = ({ detail }) => times.push(detail.ms);
        viewer.addEventListener('rendered', note);
        viewer.filter(given);
        for (let center = 1; center <= 40; center++) {
          desk.setView({ center: 100 + center });
          await new Promise((done) => setTimeout(done, 4));
        }
        while (viewer.rendering) await new Promise((done) => setTimeout(done, 5));
        viewer.removeEventListener('rendered', note);
        const { key, view } = desk.current;
        const { pixels } = await client.request('render', { key, view, buffer: null, steps: given, place: viewer.shown.place, pane: 'again' });
        const shown = viewer.shown.pixels.data;
        return { rendered: times.length, ms: Math.min(...times), same: pixels.rgba.every((value, at) => value === shown[at]) };
      }, steps);
      t.diagnostic(`${steps[0].step} ${steps[0].size ?? ''}: ${ms.toFixed(0)} ms for 1024 x 1024, ${rendered} renderings of 41 wishes`);
      assert.ok(same, 'the last wish is what is shown');
      // 40 wishes within a fifth of a second: a filter of a quarter of a second has no time for a tenth of them.
      if (steps[0].size === 7) assert.ok(rendered <= 20, `${rendered} renderings`);
    }
  });

  for (const [name, options] of [
    ['360 pixels wide', { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true }],
    ['in Chinese', { viewport: { width: 1400, height: 900 }, locale: 'zh-CN' }],
  ]) {
    test(`${name}: nothing runs over, no text is missing`, async (t) => {
      const { page, problems } = await newPage(t, shared.browser, options);
      const kind = options.locale ?? 'phone';
      const fits = async (place) => {
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${overflow} pixels too wide`);
        const inside = await page.locator(place).evaluate((node) => node.scrollWidth - node.clientWidth);
        assert.ok(inside <= 0, `${place}: ${inside} pixels too wide`);
        assert.doesNotMatch(await page.innerText(place), /(steps|filters?)\.[a-z]/);
      };
      await openSite(page, shared.site.url);
      await openFiles(page, [shared.workshop.file('no-ending')]);
      await page.click('#filters');
      for (const step of ['canny', 'clahe', 'median']) await add(page, PANEL, step);
      await fits(PANEL);
      await screenshot(page, `filters-${kind}-viewer`);
      await page.click('button[data-workspace=train]');
      await page.waitForSelector('#train-example');
      await drop(page, folder());
      for (const step of ['sharpen', 'canny']) await add(page, FORM, step);
      await page.waitForSelector(`${FORM} figure[data-kind=filtered] canvas`);
      await page.locator(FORM).scrollIntoViewIfNeeded();
      await fits(FORM);
      await screenshot(page, `filters-${kind}-form`);
      assert.deepEqual(problems, []);
    });
  }
});
