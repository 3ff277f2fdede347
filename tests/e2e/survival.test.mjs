/** A model of times to an event in the page: a curve for each picture, what it was told of the patient, and no class. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { ctDicom, greyPng, survivalExpected, survivalModel } from '../node/fixtures.mjs';
import { newPage, openFiles, openSite, screenshot, unavailable, useSite } from './harness.mjs';

const GREY = 102; // 0.4 of white
const AGED = { 0x00101010: ['AS', '078Y'], 0x00100040: ['CS', 'M'] };

const files = () => [
  { name: 'plain.png', mimeType: 'image/png', buffer: Buffer.from(greyPng(16, 16, () => GREY)) },
  { name: 'known.dcm', mimeType: 'application/dicom', buffer: Buffer.from(ctDicom({ width: 16, height: 16, stored: () => 1064, more: AGED })) },
];

/** The curve's numbers, from the table that is folded away. */
async function numbersOf(page) {
  await page.waitForSelector('#survival-chart');
  return page.$$eval('.survival-numbers td', (cells) => cells.map(({ textContent }) => parseFloat(textContent) / 100));
}

async function choose(page, shared) {
  const path = join(shared.workshop.folder, 'survival.onnx');
  await writeFile(path, survivalModel());
  await page.setInputFiles('#pick-model', path);
  await page.waitForFunction(() => globalThis.negatoscope.desk.survival);
}

describe('curves of survival', { skip: unavailable }, () => {
  const shared = useSite({});

  test('a picture has a curve, and age and sex can be entered', async (t) => {
    const { page, problems } = await newPage(t, shared.browser, {});
    await openSite(page, shared.site.url);
    await openFiles(page, files());
    await choose(page, shared);
    await page.click('.file-list >> text=plain.png').catch(() => {});
    await page.evaluate(() => {
      const { desk } = globalThis.negatoscope;
      desk.select(desk.items.find(({ name }) => name === 'plain.png'));
    });
    await page.waitForFunction(() => globalThis.negatoscope.desk.current.name === 'plain.png' && document.querySelector('#survival-age-from')?.textContent.includes('not known'));
    const near = (numbers, age, sex) => survivalExpected(0.4, age, sex).slice(1).forEach((s, k) => assert.ok(Math.abs(s - numbers[k]) < 0.006, `${numbers[k]} is not ${s}`));
    near(await numbersOf(page), 60, 0.5);
    assert.match(await page.innerText('#survival-sex-from'), /mean of the training cases/);

    await page.fill('#survival-age', '82');
    await page.press('#survival-age', 'Enter');
    await page.waitForFunction(() => document.querySelector('#survival-age-from')?.textContent === 'as entered here');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'survival-age');
    await page.selectOption('#survival-sex', 'M');
    await page.waitForFunction(() => document.querySelector('#survival-sex-from')?.textContent === 'as entered here');
    near(await numbersOf(page), 82, 1);
    assert.match(await page.innerText('#notice'), /Not for diagnosis/);
    await screenshot(page, 'survival');

    await page.fill('#survival-age', 'old');
    await page.press('#survival-age', 'Enter');
    await page.waitForSelector('#result [role=alert]');
    assert.match(await page.innerText('#result [role=alert]'), /not readable/);
    await page.fill('#survival-age', '');
    await page.press('#survival-age', 'Enter');
    await page.waitForSelector('#survival-chart');

    // Nothing of labels is offered.
    assert.equal(await page.isVisible('#batch'), false);
    assert.equal(await page.$('.verdict, .bars, #explain'), null);
    assert.deepEqual(problems, []);
  });

  test('what a file says of the patient is used, and hidden with the names', async (t) => {
    const { page, problems } = await newPage(t, shared.browser, { viewport: { width: 360, height: 780 }, locale: 'zh-CN' });
    await openSite(page, shared.site.url, '?test&lang=en');
    await openFiles(page, files().slice(1));
    await choose(page, shared);
    await page.waitForFunction(() => document.querySelector('#survival-age-from')?.textContent.includes('78'));
    assert.match(await page.textContent('#survival-sex-from'), /male/);
    const curve = await page.evaluate(() => globalThis.negatoscope.client.request('curve', { key: globalThis.negatoscope.desk.current.key, frame: 0, fields: {} }));
    assert.deepEqual(curve.fields.map(({ from }) => from), ['file', 'file']);
    await page.click('#privacy');
    await page.waitForFunction(() => !document.querySelector('#survival-age-from')?.textContent.includes('78'));
    assert.deepEqual(problems, []);
  });

  test('a model with labels takes its place again', async (t) => {
    const { page, problems } = await newPage(t, shared.browser, {});
    await openSite(page, shared.site.url);
    await openFiles(page, files().slice(0, 1));
    await choose(page, shared);
    await page.waitForSelector('#survival-chart');
    await page.selectOption('#model-select', '0');
    await page.waitForSelector('#result .verdict');
    assert.equal(await page.$('#survival-chart'), null);
    const refused = await page.evaluate(() => globalThis.negatoscope.client.request('curve', { key: globalThis.negatoscope.desk.current.key, frame: 0, fields: {} }).catch(({ message }) => message));
    assert.match(refused, /no model of times to an event/);
    assert.deepEqual(problems, []);
  });
});
