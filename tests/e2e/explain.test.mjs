/** What influenced the model: maps over the picture, their regions as the command finds them, stopping, and refusals. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { greyPng, severalModel, slowModel, tinyModel } from '../node/fixtures.mjs';
import { NATIVE } from '../node/harness.mjs';
import { newPage, openFiles, openSite, unavailable, useSite } from './harness.mjs';

const CHEST = fileURLToPath(new URL('../../models/cxr-pneumonia/model.onnx', import.meta.url));
const PICTURE = greyPng(320, 240, (x, y) => Math.round(127 + 90 * Math.sin(x / 46) * Math.cos(y / 34)));

async function chooseModel(page, file) {
  const before = await page.evaluate(() => globalThis.negatoscope.desk.model?.parameters ?? 0);
  await page.setInputFiles('#pick-model', file);
  await page.waitForFunction((old) => globalThis.negatoscope.desk.model?.parameters !== old, before);
}

const classified = (page) =>
  page.waitForFunction(() => {
    const { current, model } = globalThis.negatoscope.desk;
    return current?.finding?.model === model && current.finding.result;
  });

const openPicture = (page, name = 'a.png', buffer = PICTURE) => openFiles(page, [{ name, mimeType: 'image/png', buffer: Buffer.from(buffer) }]);
const heat = (page) => page.locator('.pane.active .heat, #pane .heat').first();

describe('what influenced the model', { skip: unavailable }, () => {
  const shared = useSite({});

  test('a map over the picture, with the regions that the command finds', { skip: !existsSync(NATIVE) && 'the native command is not built' }, async (t) => {
    const { page, problems } = await newPage(t, shared.browser, {});
    await openSite(page, shared.site.url);
    await openPicture(page);
    await chooseModel(page, CHEST);
    await classified(page);
    assert.equal(await heat(page).isHidden(), true);

    // It is no film: its score is hidden until somebody asks for it.
    assert.equal(await page.getAttribute('#applies', 'data-verdict'), 'out');
    assert.equal(await page.locator('.verdict-score').count(), 0);
    assert.match(await page.innerText('#files'), /out of range/);
    await page.click('#show-score');
    await page.waitForSelector('.verdict-score');
    await page.click('#explain-toggle');
    await page.waitForSelector('#explain-words');
    assert.match(await page.innerText('#explain-words'), /pneumonia/);
    assert.match(await page.innerText('#explain'), /not a finding/);
    assert.equal(await heat(page).isVisible(), true);

    const path = join(shared.workshop.folder, 'a.png');
    await writeFile(path, PICTURE);
    const { explanation } = JSON.parse(execFileSync(NATIVE, ['explain', '--model', CHEST, '--threshold', '0.35', path], { encoding: 'utf8' }));
    const rows = await page.locator('.explain-regions li').allInnerTexts();
    assert.equal(rows.length, explanation.regions.length);
    const [x, y] = explanation.regions[0].centre.map(Math.round);
    assert.match(rows[0], new RegExp(`around (${x - 1}|${x}|${x + 1}), (${y - 1}|${y}|${y + 1})`));

    // Colours lie where the map is highest, and nowhere where it is low.
    const [u, v] = explanation.regions[0].centre;
    const alpha = (px, py) =>
      page.evaluate(
        ([ix, iy]) => {
          const canvas = document.querySelector('.heat:not([hidden])');
          const at = globalThis.negatoscope.viewer.placeOf({ x: ix, y: iy });
          return canvas.getContext('2d').getImageData(Math.round(at.x * devicePixelRatio), Math.round(at.y * devicePixelRatio), 1, 1).data[3];
        },
        [px, py],
      );
    assert.ok((await alpha(u + 9, v + 9)) > 60);
    const before = rows.join();
    await page.fill('#explain-threshold', '90');
    await page.waitForFunction((old) => [...document.querySelectorAll('.explain-regions li')].map((row) => row.innerText).join() !== old, before);

    await page.click('#explain-check');
    await page.waitForSelector('#explain-checked');
    assert.match(await page.innerText('#explain-checked'), /Rank correlation −?-?\d/);
    await page.click('#explain-curves');
    await page.waitForSelector('#explain-curved');
    assert.match(await page.innerText('#explain-curved'), /Area 0?[.,]?\d/);
    await page.click('#explain-toggle');
    await page.waitForFunction(() => !document.querySelector('.heat:not([hidden])'));
    assert.deepEqual(problems, []);
  });

  test('follows from picture to picture, with one run for both', async (t) => {
    const { page, problems } = await newPage(t, shared.browser, {});
    await openSite(page, shared.site.url);
    await openFiles(page, ['a.png', 'b.png'].map((name, i) => ({
      name, mimeType: 'image/png', buffer: Buffer.from(greyPng(160, 160, (x, y) => (x * (i + 1) + y) % 256)),
    })));
    await classified(page);
    assert.equal(await page.getAttribute('#applies', 'data-verdict'), 'unknown');
    await page.click('#explain-toggle');
    await page.waitForSelector('#explain-words');
    const first = await heat(page).getAttribute('data-shown');
    await page.evaluate(() => {
      globalThis.asked = [];
      const { client } = globalThis.negatoscope;
      const { request } = client;
      client.request = (op, ...rest) => (globalThis.asked.push(op), request.call(client, op, ...rest));
    });
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction((old) => {
      const shown = document.querySelector('.heat:not([hidden])')?.dataset.shown;
      return shown && shown !== old;
    }, first);
    const asked = await page.evaluate(() => globalThis.asked.filter((op) => ['classify', 'explain'].includes(op)));
    assert.deepEqual(asked, ['explain']);
    assert.deepEqual(problems, []);
  });

  test('slow maps show their progress and can be stopped', async (t) => {
    const { page, problems } = await newPage(t, shared.browser, {});
    await openSite(page, shared.site.url);
    await openPicture(page);
    await chooseModel(page, { name: 'slow.onnx', mimeType: 'application/octet-stream', buffer: slowModel({ size: 128, channels: 16, layers: 16 }) });
    await classified(page);
    await page.click('#explain-toggle');
    await page.selectOption('#explain-method', 'rise');
    await page.waitForFunction(() => /Step \d+ of 1,?000/.test(document.querySelector('#explain').innerText));
    await page.click('#explain-stop');
    await page.waitForSelector('#explain-make');
    // The page goes on: the same model classifies and explains.
    await page.selectOption('#explain-method', 'occlusion');
    await page.waitForSelector('#explain-words', { timeout: 60_000 });
    assert.deepEqual(problems, []);
  });

  test('how steady a verdict is', async (t) => {
    const { page, problems } = await newPage(t, shared.browser, {});
    await openSite(page, shared.site.url);
    await openPicture(page);
    await classified(page);
    await page.click('#stability-test');
    await page.waitForSelector('#stability-words');
    assert.match(await page.innerText('#stability-words'), /64 small changes/);
    assert.equal(await page.locator('.stability-table tr').count(), 8);
    assert.match(await page.innerText('#stability-window'), /the score is the same/);
    assert.deepEqual(problems, []);
  });

  test('other models that know the same labels are asked, one by one or by vote', async (t) => {
    const { page, problems } = await newPage(t, shared.browser, {});
    await openSite(page, shared.site.url);
    await openPicture(page);
    await classified(page);
    assert.equal(await page.locator('#opinions').isVisible(), false);
    // The model that is there, again as a file of the user's.
    const opened = (count) => page.waitForFunction((n) => document.querySelectorAll('#model-select option').length === n, count);
    const choices = await page.locator('#model-select option').count();
    await page.setInputFiles('#pick-model', [{ name: 'again.onnx', mimeType: 'application/octet-stream', buffer: tinyModel() }]);
    await opened(choices + 1);
    await classified(page);
    await page.waitForSelector('#opinions-ask');
    assert.equal(await page.locator('#opinions input[type=checkbox]').count(), 1);
    await page.click('#opinions-ask');
    await page.waitForSelector('#opinions-words');
    const rows = await page.locator('.opinions-table tr').allInnerTexts();
    assert.equal(rows.length, 3);
    assert.equal(rows[0].split('\t').at(-1), rows[1].split('\t').at(-1));
    assert.match(await page.innerText('#opinions'), /deviation 0 points/);
    await page.selectOption('#opinions-way', 'vote');
    await page.click('#opinions-ask');
    await page.waitForFunction(() => /Votes/.test(document.querySelector('.opinions-table tfoot').innerText));
    assert.match(await page.innerText('#opinions-words'), /2 of 2 models|no label/);
    await page.uncheck('#opinions input[type=checkbox]');
    assert.equal(await page.locator('#opinions-ask').isDisabled(), true);
    assert.deepEqual(problems, []);
  });

  test('a method that does not fit the model says so', async (t) => {
    const { page, problems } = await newPage(t, shared.browser, {});
    await openSite(page, shared.site.url);
    await openPicture(page);
    await chooseModel(page, { name: 'flat.onnx', mimeType: 'application/octet-stream', buffer: severalModel() });
    await classified(page);
    await page.click('#explain-toggle');
    await page.waitForSelector('.explain-problem');
    assert.match(await page.innerText('.explain-problem'), /occlusion and RISE work with any model/);
    await page.selectOption('#explain-method', 'occlusion');
    await page.waitForSelector('#explain-words');
    assert.deepEqual(problems, []);
  });
});
