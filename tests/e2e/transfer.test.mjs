/** Starting from a model, answers without training and classes made by hand, in Chromium. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { greyPng } from '../node/fixtures.mjs';
import { newPage, openFiles, openSite, openTraining, screenshot, unavailable, useSite } from './harness.mjs';

const LONG = { timeout: 120_000 };
const CHEST = /chest/i;

const SHAPES = [(x, y) => Math.hypot(x - 24, y - 24) < 14, (x) => x % 12 < 6];
const shape = (label, seed) => greyPng(48, 48, (x, y) => (SHAPES[label](x, y) ? 180 : 60) + ((x * 7 + y * 13 + seed * 29) % 40));

/** The value of the option whose text fits. */
const optionOf = (page, select, text) =>
  page.locator(`${select} option`).evaluateAll((options, [source, flags]) => options.find(({ textContent }) => new RegExp(source, flags).test(textContent)).value, [text.source, text.flags]);

const labState = (page, wanted) => page.waitForFunction((state) => globalThis.negatoscope.training.lab.status?.state === state, wanted, LONG);

/** Makes two classes of so many pictures each. */
async function makeClasses(page, workshop, perClass) {
  await page.click('#train-make');
  const folder = join(workshop.folder, 'shapes');
  await mkdir(folder, { recursive: true });
  for (const label of [0, 1]) {
    const files = [];
    for (let index = 0; index < perClass; index++) {
      files.push(join(folder, `${['disc', 'stripes'][label]}-${index}.png`));
      await writeFile(files.at(-1), shape(label, index));
    }
    const card = page.locator('.made-class').nth(label);
    await card.locator('input').fill(['disc', 'stripes'][label]);
    const chooser = page.waitForEvent('filechooser');
    await card.locator('.made-actions .button').first().click();
    await (await chooser).setFiles(files);
    await page.waitForFunction(([at, count]) => document.querySelectorAll('.made-class')[at].querySelectorAll('.thumb').length === count, [label, perClass]);
  }
}

async function chooseBase(page, text) {
  await page.selectOption('#train-settings [name=net]', await optionOf(page, '#train-settings [name=net]', text));
}

describe('models to start from', { skip: unavailable }, () => {
  const shared = useSite({ shipped: true });

  test('the example on the chest X-ray model: its head, evaluated, then the last layers across a reload', async (t) => {
    const { page, problems } = await newPage(t, shared.browser, { viewport: { width: 1400, height: 900 } });
    await openTraining(page, shared.site.url);
    await page.click('#train-example');
    await page.waitForSelector('.class-sheet canvas', LONG);
    await chooseBase(page, CHEST);
    await page.waitForFunction(() => /128 × 128/.test(document.getElementById('network-what').textContent));
    assert.equal(await page.inputValue('#train-settings [name=rate]'), '0.01');
    assert.equal(await page.locator('#show-augmented').count(), 0);
    await screenshot(page, 'transfer-settings');
    await page.click('#train-start');
    await labState(page, 'finished');
    assert.equal(await page.evaluate(() => globalThis.negatoscope.training.lab.status.net), 'base');
    // What the model at the beginning says of itself goes on.
    assert.match(await page.inputValue('#outcome [name=limits]'), /^Made from cxr-pneumonia; its limits: .* Trained on synthetic pictures/);
    assert.match(await page.inputValue('#outcome [name=license]'), /CC BY 4\.0/);
    assert.equal(await page.locator('#train-history tr.part').count(), 0);
    await screenshot(page, 'transfer-progress');
    await page.click('#lab-tab-evaluation');
    await page.waitForSelector('.matrix', LONG);
    const counts = await page.locator('.matrix b').allInnerTexts();
    assert.equal(counts.reduce((sum, text) => sum + Number(text), 0), 80);

    await page.selectOption('#train-settings [name=what]', 'last');
    await page.fill('#train-settings [name=layers]', '3');
    await page.fill('#train-settings [name=epochs]', '6');
    await page.click('#train-start');
    await page.waitForFunction(() => /^Second part, the last layers/.test(document.getElementById('train-state')?.textContent ?? ''), null, LONG);
    await page.waitForFunction(() => globalThis.negatoscope.training.lab.keptEpoch >= 1, null, LONG);
    // The first part stays in table and curves, also on another visit.
    const rows = (part) => page.locator(`#train-history tr[data-part=${part}]`);
    const losses = () => rows('before').locator('td:nth-child(2)').allTextContents();
    assert.equal(await rows('before').count(), 6);
    const first = await losses();
    await page.reload();
    await page.waitForSelector('#kept-offer', LONG);
    await page.click('#kept-continue');
    await page.waitForSelector('#train-continue', LONG);
    assert.match(await page.innerText('#train-state'), /Second part, the last layers · Paused in epoch [2-6] of 6/);
    assert.deepEqual(await losses(), first);
    await page.click('#train-continue');
    await labState(page, 'finished');
    assert.deepEqual(await page.locator('#train-history tr.part').allTextContents(), ['First part, the head', 'Second part, the last layers']);
    assert.deepEqual(await losses(), first);
    assert.equal(await rows('present').count(), 6);
    await page.waitForFunction(() => [...document.querySelectorAll('#lab-progress .chart')].every(({ dataset }) => dataset.points === '12'));
    assert.match(await page.inputValue('#outcome [name=limits]'), /^Made from cxr-pneumonia; its limits: (?!Made from)/);
    await page.click('#lab-progress details.more summary');
    await screenshot(page, 'transfer-two-parts');
    assert.deepEqual(problems, []);
  });

  test('classes made by hand answer without training, and are trained on', async (t) => {
    const { page, problems } = await newPage(t, shared.browser, { viewport: { width: 1400, height: 900 } });
    await openSite(page, shared.site.url);
    await openFiles(page, [shared.workshop.file('eight-bit.png')]);
    await page.click('button[data-workspace=train]');
    await page.waitForSelector('#train-example');
    await makeClasses(page, shared.workshop, 6);
    // From the viewer, into a class of its own; a click on it takes it out again.
    await page.click('#made-add-class');
    await page.locator('.made-class').nth(2).locator('.made-actions .button').nth(1).click();
    await page.waitForFunction(() => document.querySelectorAll('.made-class')[2].querySelectorAll('.thumb').length === 1);
    await screenshot(page, 'made-classes');
    await page.locator('.made-class').nth(2).locator('.thumb').click();
    await page.locator('.made-class').nth(2).locator('.made-head .icon-button').click();
    await page.click('#made-go');
    await page.waitForSelector('#train-plan');
    assert.match(await page.innerText('#train-plan'), /2 classes, 12 pictures/);
    await page.selectOption('#train-plan [name=range]', 'window');
    await page.waitForSelector('#plan-window:not([hidden])');
    await page.selectOption('#train-plan [name=range]', 'voi');
    await page.fill('#train-plan [name=size]', '48');
    await screenshot(page, 'made-plan');
    await page.click('#train-load');
    await page.waitForSelector('.class-sheet canvas');

    await page.click('#lab-tab-neighbours');
    await page.selectOption('#lab-neighbours [name=base]', await optionOf(page, '#lab-neighbours [name=base]', CHEST));
    await page.fill('#lab-neighbours [name=k]', '3');
    await page.setInputFiles('#pick-query', { name: 'new.png', mimeType: 'image/png', buffer: Buffer.from(shape(1, 50)) });
    await page.waitForSelector('#look-answer .card canvas', LONG);
    assert.match(await page.innerText('.votes .most'), /stripes\s+100\.0%/);
    assert.equal(await page.locator('#look-answer .card').count(), 3);
    await screenshot(page, 'neighbours');
    await page.click('#look-open');
    await page.waitForFunction(() => /eight-bit/.test(document.querySelector('.look-query')?.textContent ?? ''));
    await page.click('#look-evaluate');
    await page.waitForSelector('.matrix');
    assert.match(await page.innerText('.eval-notes'), /By 3 neighbours/);
    await page.selectOption('.eval-head [name=split]', 'train');
    await page.waitForFunction(() => /but itself/.test(document.querySelector('.eval-notes')?.textContent ?? ''));
    await page.waitForSelector('.matrix');
    await screenshot(page, 'neighbours-evaluation');

    await chooseBase(page, CHEST);
    await page.click('#train-start');
    await labState(page, 'finished');
    assert.deepEqual(problems, []);
    await page.click('#train-other');
    await page.waitForSelector('#train-made');
    assert.equal(await page.locator('.made-class .thumb').count(), 12);
  });

  test('a model of other channels: the pictures are read again', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openTraining(page, shared.site.url);
    await makeClasses(page, shared.workshop, 5);
    await page.click('#made-go');
    await page.selectOption('#train-plan [name=channels]', '3');
    await page.click('#train-load');
    await page.waitForSelector('.class-sheet canvas');
    await chooseBase(page, CHEST);
    await page.waitForSelector('#reload-channels');
    assert.equal(await page.isDisabled('#train-start'), true);
    await page.click('#reload-channels');
    await page.waitForFunction(() => globalThis.negatoscope.training.lab.loaded?.data.channels === 1);
    await page.waitForFunction(() => !document.getElementById('train-start')?.disabled);
    assert.equal(await page.locator('#reload-channels').count(), 0);
    assert.deepEqual(problems, []);
  });

  for (const [name, options] of [
    ['360 pixels wide', { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true }],
    ['in Chinese', { viewport: { width: 1400, height: 900 }, locale: 'zh-CN' }],
  ]) {
    test(`${name}: nothing runs over, no text is missing`, async (t) => {
      const { page, problems } = await newPage(t, shared.browser, options);
      const phone = options.viewport.width < 820;
      const kind = phone ? 'phone' : 'zh-CN';
      const go = (place) => page.click(phone ? `#lab-tabs [data-lab=${place}]` : `#lab-tab-${place}`);
      const fits = async () => {
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${overflow} pixels too wide`);
        assert.doesNotMatch(await page.innerText('#lab'), /train\.[a-z]/);
      };
      await openTraining(page, shared.site.url);
      await makeClasses(page, shared.workshop, 5);
      await screenshot(page, `made-${kind}-classes`);
      await fits();
      await page.click('#made-go');
      await screenshot(page, `made-${kind}-plan`);
      await page.click('#train-load');
      await page.waitForSelector('.class-sheet canvas');
      await go('neighbours');
      await page.selectOption('#lab-neighbours [name=base]', await optionOf(page, '#lab-neighbours [name=base]', CHEST));
      await page.setInputFiles('#pick-query', { name: 'new.png', mimeType: 'image/png', buffer: Buffer.from(shape(0, 50)) });
      await page.waitForSelector('#look-answer .card canvas', LONG);
      await screenshot(page, `neighbours-${kind}`);
      await fits();
      if (phone) await go('settings');
      await chooseBase(page, CHEST);
      await page.selectOption('#train-settings [name=what]', 'last');
      await screenshot(page, `transfer-${kind}-settings`);
      await fits();
      await page.fill('#train-settings [name=epochs]', '2');
      await page.click('#train-start');
      await labState(page, 'finished');
      await page.click('#lab-progress details.more summary');
      assert.equal(await page.locator('#train-history tr[data-part]').count(), 4);
      await screenshot(page, `transfer-${kind}-two-parts`);
      await page.locator('#outcome').scrollIntoViewIfNeeded();
      await screenshot(page, `transfer-${kind}-outcome`);
      await fits();
      assert.deepEqual(problems, []);
    });
  }
});
