/** A model of times to an event in the page: a curve for each picture, what it was told of the patient, and no class. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { ctDicom, greyPng, survivalExpected, survivalModel } from '../node/fixtures.mjs';
import { newPage, openFiles, openSite, openTraining, screenshot, unavailable, useSite } from './harness.mjs';
import { noise } from '../node/commands.mjs';

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

/** @param {object} [applicability]  what the model says of its own pictures */
async function choose(page, shared, applicability) {
  const title = applicability ? 'Survival by MR' : 'Survival test model';
  const path = join(shared.workshop.folder, applicability ? 'survival-mr.onnx' : 'survival.onnx');
  await writeFile(path, survivalModel(title, applicability));
  await page.setInputFiles('#pick-model', path);
  await page.waitForFunction((wanted) => globalThis.negatoscope.desk.survival?.title === wanted, title);
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
    await page.click('[data-panel=result]:visible').catch(() => {});
    await page.waitForFunction(() => document.getAnimations().length === 0);
    await screenshot(page, 'survival-phone');
    await page.click('#privacy');
    await page.waitForFunction(() => !document.querySelector('#survival-age-from')?.textContent.includes('78'));
    assert.deepEqual(problems, []);
  });

  test('the curve of a picture that the model may not judge is hidden until somebody asks for it', async (t) => {
    const { page, problems } = await newPage(t, shared.browser, {});
    await openSite(page, shared.site.url);
    await openFiles(page, files().slice(1));
    await choose(page, shared, { expects: { modality: ['MR'] } });
    await page.waitForSelector('#result #applies[data-verdict=out]');
    assert.match(await page.innerText('#applies'), /another modality/);
    assert.equal(await page.$('#survival-chart, .survival-numbers'), null);
    await screenshot(page, 'survival-out-of-range');

    // What is entered of the patient hides nothing that was asked for.
    await page.click('#show-score');
    await page.waitForSelector('#survival-chart');
    await page.fill('#survival-age', '70');
    await page.press('#survival-age', 'Enter');
    await page.waitForFunction(() => document.querySelector('#survival-age-from')?.textContent === 'as entered here');
    await page.waitForSelector('#survival-chart');
    assert.equal(await page.getAttribute('#applies', 'data-verdict'), 'out');

    // One that says nothing against it is shown at once; a model that says nothing of its pictures says that.
    await openFiles(page, files().slice(0, 1));
    await page.waitForSelector('#survival-chart');
    await page.waitForSelector('#applies[data-verdict=in]');
    await choose(page, shared);
    await page.waitForSelector('#applies[data-verdict=unknown]');
    await page.fill('#survival-age', '104');
    await page.press('#survival-age', 'Enter');
    await page.waitForSelector('#applies[data-verdict=doubtful]');
    assert.match(await page.innerText('#applies'), /said of the patient/);
    assert.deepEqual(problems, []);
  });

  test('a model with labels takes its place again', async (t) => {
    const { page, problems } = await newPage(t, shared.browser, {});
    await openSite(page, shared.site.url);
    await openFiles(page, files().slice(0, 1));
    await page.waitForSelector('#file-list .row-verdict');
    await choose(page, shared);
    await page.waitForSelector('#survival-chart');
    assert.equal(await page.$('#file-list .row-verdict'), null); // another model's
    await page.selectOption('#model-select', '0');
    await page.waitForSelector('#result .verdict');
    await page.waitForSelector('#file-list .row-verdict');
    assert.equal(await page.$('#survival-chart'), null);
    const refused = await page.evaluate(() => globalThis.negatoscope.client.request('curve', { key: globalThis.negatoscope.desk.current.key, frame: 0, fields: {} }).catch(({ message }) => message));
    assert.match(refused, /no model of times to an event/);
    assert.deepEqual(problems, []);
  });

  test('a table of times and events is learned in the page, kept, judged, and its model gives curves', async (t) => {
    const { page, problems } = await newPage(t, shared.browser, {});
    await openTraining(page, shared.site.url);
    const rows = ['file,time,event,age,ward'];
    const pictures = Array.from({ length: 160 }, (_, i) => {
      const [bright, age] = [noise(i + 0.11), Math.round(40 + 40 * noise(i + 0.23))];
      const until = 4 + 40 * noise(i + 0.37);
      const time = -Math.log(1 - noise(i + 0.53)) / (0.06 * Math.exp(4 * bright - 2 + 0.035 * (age - 60)));
      rows.push([`c${i}.png`, Math.min(time, until).toFixed(2), time <= until ? 1 : 0, i % 9 ? age : '', i % 4].join(','));
      return { name: `c${i}.png`, mimeType: 'image/png', buffer: Buffer.from(greyPng(28, 28, (x, y) => Math.round(40 + 120 * bright + 40 * noise(i + x * 0.37 + y * 7.1)))) };
    });
    rows.push('c0.png,5,2,50,1', 'broken.png,5,1,50,1');
    const broken = { name: 'broken.png', mimeType: 'image/png', buffer: pictures[0].buffer.subarray(0, 60) };
    const table = { name: 'cases.csv', mimeType: 'text/csv', buffer: Buffer.from(rows.join('\n')) };
    await page.setInputFiles('#pick-training-files', [table, broken, ...pictures]);
    await page.waitForSelector('#train-plan [name=fields]');
    assert.match(await page.innerText('#train-plan'), /the event is neither 0 nor 1/);
    assert.equal(await page.inputValue('#train-plan [name=fields]'), 'age');
    assert.equal(await page.$('#train-plan [name=finding]'), null);
    await page.fill('#train-plan [name=fields]', 'age, weight');
    assert.equal(await page.isDisabled('#train-load'), true);
    await page.fill('#train-plan [name=fields]', 'age');
    await page.fill('#train-plan [name=unit]', 'months');
    await page.fill('#train-plan [name=bins]', '6');
    await page.fill('#train-plan [name=size]', '28');
    await screenshot(page, 'survival-plan');
    await page.click('#train-load');
    await page.waitForSelector('#data-survival');
    assert.match(await page.innerText('#data-survival'), /6 bins up to .* months; of the patient age/);
    assert.equal(await page.isVisible('#lab-tab-neighbours'), false);
    assert.equal(await page.$('#train-settings [name=balance]'), null);
    await page.fill('#train-settings [name=epochs]', '6');
    await page.fill('#train-settings [name=rate]', '0.004');
    await page.click('#train-start');
    await page.waitForFunction(() => globalThis.negatoscope.training.lab.status?.state === 'finished', null, { timeout: 120_000 });
    assert.equal(await page.evaluate(() => globalThis.negatoscope.training.lab.status.task), 'survival');
    assert.equal(await page.locator('.chart:visible').count(), 1);

    await page.click('#lab-tab-evaluation');
    await page.waitForSelector('[data-figure=harrell]');
    await page.selectOption('.eval-head [name=split]', 'test');
    await page.waitForFunction(() => globalThis.document.querySelector('[data-figure=harrell]'));
    const judged = () => page.evaluate(() => globalThis.negatoscope.training.lab.evaluate({ split: 'test' }));
    const { survival } = await judged();
    assert.ok(survival.harrell.value > 0.55, `C is ${survival.harrell.value}`);
    assert.equal(await page.locator('#lab-evaluation .survival-seen').count(), 1);
    await screenshot(page, 'survival-evaluation');

    // It comes back after a reload, with its outcomes.
    await page.reload();
    await page.waitForSelector('#kept-continue');
    await page.click('#kept-continue');
    await page.waitForSelector('#data-survival');
    assert.deepEqual(await judged(), { survival });

    await page.click('#lab-tab-progress');
    await page.click('#use-model');
    await page.waitForFunction(() => globalThis.negatoscope.desk.survival);
    await openFiles(page, [pictures[1]]);
    await page.waitForSelector('#survival-chart');
    assert.match(await page.innerText('#survival-words'), /months/);
    assert.match(await page.innerText('#survival-age-from'), /not known/);
    assert.deepEqual(problems, []);
  });

  test('what a table does not say of the patient is read from DICOM files', async (t) => {
    const { page, problems } = await newPage(t, shared.browser, {});
    await openTraining(page, shared.site.url);
    const ages = Array.from({ length: 40 }, (_, i) => 30 + i);
    const pictures = ages.map((age, i) => {
      const more = { 0x00101010: ['AS', `0${age}Y`], ...(i % 4 && { 0x00100040: ['CS', i % 2 ? 'F' : 'M'] }) };
      return { name: `c${i}.dcm`, mimeType: 'application/dicom', buffer: Buffer.from(ctDicom({ width: 16, height: 16, stored: (x, y) => 1000 + 20 * i + x * y, more })) };
    });
    // The first case is older by the table than by its file; what is said there goes first.
    const rows = ages.map((_, i) => `c${i}.dcm,${40 - i},${i % 3 ? 1 : 0},${i ? '' : 90}`);
    const table = { name: 'cases.csv', mimeType: 'text/csv', buffer: Buffer.from(['file,time,event,age', ...rows].join('\n')) };
    await page.setInputFiles('#pick-training-files', [table, ...pictures]);
    await page.waitForSelector('#train-plan [name=fields]');
    await page.fill('#train-plan [name=fields]', 'age, sex');
    await page.fill('#train-plan [name=size]', '28');
    await page.click('#train-load');
    await page.waitForSelector('#data-survival');
    assert.match(await page.innerText('#data-survival'), /of the patient age, sex/);
    const { survival, samples } = await page.evaluate(() => globalThis.negatoscope.training.lab.loaded.data);
    const learnt = (values) => values.filter((value, i) => samples[i][1] === 0 && value !== null);
    const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
    assert.ok(Math.abs(survival.fields[0].mean - mean(learnt([90, ...ages.slice(1)]))) < 1e-3);
    assert.ok(Math.abs(survival.fields[1].mean - mean(learnt(ages.map((_, i) => (i % 4 ? (i % 2 ? 0 : 1) : null))))) < 1e-3);
    assert.deepEqual(problems, []);
  });
});
