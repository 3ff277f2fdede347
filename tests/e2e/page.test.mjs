/** The page in Chromium: open, look, classify, refuse, stop, recover. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';

import { VARIANTS } from '../../web/shared/variants.js';
import { greyPng, mixedFiles, slowModel, tinyExpected, tinyModel, tinyModelInTwoFiles, unknownOperatorModel } from '../node/fixtures.mjs';
import { newPage, openFiles, openSite, screenshot, settled, unavailable, useSite } from './harness.mjs';

const files = mixedFiles();
const good = files.filter(({ status }) => !status);
const bad = files.filter(({ status }) => status);

describe('the page', { skip: unavailable }, () => {
  const shared = useSite();

  test('an opened picture is shown, classified, and the notice stands beside the result', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await screenshot(page, 'empty');
    await openFiles(page, [shared.workshop.file('eight-bit.png')]);
    await page.waitForSelector('#saw');
    const panel = await page.innerText('#result');
    assert.match(panel, /Not for diagnosis/);
    assert.match(panel, /(above|below) threshold/);
    const expected = tinyExpected((x, y) => ((x * 29 + y * 7) % 256) / 255);
    assert.ok(panel.includes(`${(expected * 100).toFixed(1)}%`), panel);
    assert.match(await page.innerText('#status-core'), /relaxed SIMD · \d+ threads?/);
    assert.match(await page.innerText('#live'), /Not for diagnosis/);
    await screenshot(page, 'result');
    assert.deepEqual(problems, []);
  });

  test('where the time of a classification goes, layer by layer', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await openFiles(page, [shared.workshop.file('eight-bit.png')]);
    await page.waitForSelector('#saw');
    await page.click('#profile summary');
    await page.waitForSelector('#profile tbody tr');
    const layers = await page.$$eval('#profile tbody tr', (rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent)));
    assert.match(await page.innerText('#profile .profile > p'), new RegExp(`^${layers.length} layers in .* GFLOP/s`));
    assert.ok(layers.some(([kind]) => /Conv|Dense|Winograd|Stem/.test(kind)), JSON.stringify(layers));
    for (const [, time, , bytes] of layers) assert.match(`${time} ${bytes}`, /^[\d.]+ ms [\d.]+$/);
    // It stays open for the next picture.
    await page.selectOption('#language', 'zh-CN');
    await page.waitForFunction(() => document.querySelector('#profile[open] summary')?.textContent === '时间花在哪里');
    await page.waitForSelector('#profile tbody tr');
    assert.deepEqual(problems, []);
  });

  test('a DICOM stack: frames, window, inversion, value under the cursor, tags, no name in the title', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await openFiles(page, [shared.workshop.file('ct-stack.dcm')]);
    const canvas = page.locator('#canvas');
    const box = await canvas.boundingBox();
    assert.match(await page.innerText('#corner-top-left'), /CT\s+16 × 12/);
    assert.match(await page.innerText('#corner-top-right'), /1 \/ 4/);
    assert.match(await page.innerText('#corner-bottom-left'), /C 40\s+W 400/);
    assert.match(await page.innerText('#scale-bar-text'), /mm|cm/);

    await page.mouse.move(box.x + box.width / 2 + 2, box.y + box.height / 2 + 2);
    await page.waitForFunction(() => /x 8\s+y 6\s+64 HU/.test(document.getElementById('corner-bottom-right').innerText));
    await page.mouse.wheel(0, 120);
    await page.waitForFunction(() => document.getElementById('corner-top-right').textContent === '2 / 4');
    await page.waitForFunction(() => /164 HU/.test(document.getElementById('corner-bottom-right').innerText));

    const shown = () => page.evaluate(() => document.getElementById('corner-bottom-left').innerText);
    const asOpened = await shown();
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2 + 92, box.y + box.height / 2 - 60, { steps: 8 });
    await page.mouse.up();
    assert.notEqual(await shown(), asOpened);
    await page.keyboard.press('i');
    assert.match(await shown(), /inverted/);
    await page.keyboard.press('r');
    assert.equal(await shown(), asOpened);
    await page.selectOption('#presets', { label: 'Lung' });
    assert.match(await shown(), /C -600\s+W 1500/);
    await page.keyboard.press('1');
    assert.match(await shown(), /Zoom 100%/);
    await page.keyboard.press('0');

    await page.click('#tab-details');
    await page.waitForSelector('.tag');
    const saving = page.waitForEvent('download');
    await page.click('#save-without-names');
    const copy = await readFile(await (await saving).path());
    assert.ok(copy.includes('DICM') && copy.includes('HU') && copy.length > 2000, `${copy.length} bytes`);
    assert.ok(!copy.includes('Secret') && (await readFile(shared.workshop.file('ct-stack.dcm'))).includes('Secret'));
    await page.fill('#tag-search', 'window');
    assert.equal(await page.locator('.tag').count(), 2);
    assert.doesNotMatch(await page.title(), /Secret|Patient|ct-stack/);
    assert.doesNotMatch(page.url(), /Secret|Patient|ct-stack/);
    await screenshot(page, 'stack');
    assert.deepEqual(problems, []);
  });

  test('the codecs are fetched when a compressed file is opened, not before', async (t) => {
    // Without the service worker, which keeps them for a visit without a network.
    const { page, requests, problems } = await newPage(t, shared.browser, { serviceWorkers: 'block' });
    const fetched = () => requests.filter((url) => /codec\.wasm\?/.test(url)).length;
    await openSite(page, shared.site.url);
    await openFiles(page, [shared.workshop.file('ct-stack.dcm')]);
    assert.equal(fetched(), 0);
    await openFiles(page, [shared.workshop.file('lossless.dcm')]);
    await page.waitForFunction(() => document.querySelectorAll('.row.shown').length === 2);
    assert.equal(fetched(), 1);
    assert.deepEqual(problems.filter((text) => !/Service Worker registration blocked/.test(text)), []);
  });

  test('a folder of mixed files: each is shown or refused with its reason, all are classified and saved', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await openFiles(page, files.map(({ name }) => shared.workshop.file(name)));
    await page.waitForFunction((count) => document.querySelectorAll('.row.shown, .row.refused').length === count, files.length);
    for (const { name } of bad) {
      const row = page.locator('.row.refused', { hasText: name });
      assert.ok((await row.locator('.row-reason').textContent()).length > 5, name);
      assert.ok((await row.locator('.row-fact').textContent()).length > 5, name);
    }
    assert.equal(await page.locator('.row.shown').count(), good.length);

    await page.click('#classify-all');
    await page.waitForFunction((count) => document.querySelectorAll('.row-verdict').length === count, good.length);
    const saved = page.waitForEvent('download');
    await page.click('#save-json');
    const rows = JSON.parse(await readFile(await (await saved).path(), 'utf8'));
    assert.equal(rows.length, files.length);
    for (const { file, model, scores, verdict, error } of rows) {
      const refused = bad.some(({ name }) => file.endsWith(name));
      assert.equal(model, 'tiny');
      assert.equal(scores === null, refused, file);
      assert.equal(verdict === null, refused, file);
      assert.equal(error !== null, refused, file);
    }
    await screenshot(page, 'folder');
    assert.deepEqual(problems, []);
  });

  test('of a long list the rows in sight have pictures, and a result changes the text of a row alone', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await openFiles(page, Array.from({ length: 80 }, (_, i) => ({ name: `p${i}.png`, mimeType: 'image/png', buffer: Buffer.from(greyPng(16, 16, () => 2 * i)) })));
    const inSight = (end) =>
      page.waitForFunction((last) => {
        const box = document.getElementById('file-list').getBoundingClientRect();
        const rows = [...document.querySelectorAll('#file-list .row.shown')];
        const seen = rows.filter((row) => row.getBoundingClientRect().bottom > box.top && row.getBoundingClientRect().top < box.bottom);
        const painted = (row) => row.querySelector('canvas')?.width > 0;
        return rows.length === 80 && seen.includes(rows.at(last)) && seen.every(painted) && !painted(rows.at(last ? 0 : -1));
      }, end);
    await inSight(0);
    const canvas = await page.$('#file-list .row canvas');
    await page.click('#classify-all');
    await page.waitForFunction(() => document.querySelectorAll('#file-list .row-verdict').length === 80);
    assert.equal(await canvas.evaluate((node) => node.isConnected && node === document.querySelector('#file-list .row canvas')), true);
    await page.$eval('#file-list', (list) => list.scrollTo(0, list.scrollHeight));
    await inSight(-1);
    assert.deepEqual(problems, []);
  });

  test('nothing is asked of any server once the page has loaded', async (t) => {
    const { page, context, requests, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await settled(page);
    requests.length = 0;
    await context.setOffline(true); // so the codecs, which the worker asks for now, can only come from the page's own store
    await openFiles(page, files.map(({ name }) => shared.workshop.file(name)));
    await page.waitForSelector('#saw');
    await page.click('#tab-details');
    await page.selectOption('#language', 'zh-CN');
    await page.click('#classify-all');
    await page.waitForFunction((count) => document.querySelectorAll('.row-verdict').length === count, good.length);
    const others = requests.filter((url) => !url.startsWith(`${shared.site.url}wasm/codec/`));
    assert.deepEqual(others, []);
    assert.deepEqual(problems, []);
  });

  for (const variant of ['relaxed-threads', 'relaxed']) {
    test(`a long classification is stopped, ${variant}`, async (t) => {
      const { page } = await newPage(t, shared.browser);
      await openSite(page, shared.site.url, `?test&variant=${variant}`);
      await openFiles(page, [shared.workshop.file('eight-bit.png')]);
      await page.waitForSelector('#saw');
      await page.selectOption('#model-select', { label: 'Slow test model' });
      await page.click('#stop-classify');
      const start = Date.now();
      await page.waitForSelector('#stop-classify', { state: 'detached' });
      assert.ok(Date.now() - start < 2500, 'stopping took too long');
      // The picture is still there, and the page goes on with the other model.
      await page.selectOption('#model-select', { label: 'Tiny test model' });
      await page.waitForSelector('#saw');
      assert.equal(await page.locator('.row.shown').count(), 1);
      await page.keyboard.press('i');
      await page.waitForFunction(() => /inverted/.test(document.getElementById('corner-bottom-left').innerText));
      assert.equal(await page.locator('.toast.problem').count(), 0);
    });
  }

  test('after a trap the page says so, keeps what was opened, and goes on', async (t) => {
    const { page } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await openFiles(page, good.map(({ name }) => shared.workshop.file(name)));
    await page.waitForFunction((count) => document.querySelectorAll('.row.shown').length === count, good.length);
    const code = await page.evaluate(() => globalThis.negatoscope.client.request('trap', {}).catch(({ code }) => code));
    assert.equal(code, -1);
    await page.waitForSelector('.toast.problem');
    assert.match(await page.innerText('.toast.problem'), /stopped and was started again/);
    assert.equal(await page.locator('.row.shown').count(), good.length);
    await page.click(`.row:has-text("${good[1].name}")`);
    await page.waitForSelector('#saw');
    await page.click('#classify-all');
    await page.waitForFunction((count) => document.querySelectorAll('.row-verdict').length === count, good.length);
    await screenshot(page, 'after-a-trap');
  });

  test('all variants load and agree', async (t) => {
    const seen = new Map();
    for (const variant of VARIANTS) {
      const { page, problems } = await newPage(t, shared.browser);
      await openSite(page, shared.site.url, `?test&variant=${variant}`);
      assert.equal(await page.getAttribute('#status-core', 'data-variant'), variant);
      await openFiles(page, [shared.workshop.file('eight-bit.png')]);
      await page.waitForSelector('#saw');
      seen.set(variant, await page.evaluate(() => globalThis.negatoscope.desk.current.finding.result.scores));
      assert.deepEqual(problems, [], variant);
    }
    const [first] = seen.values();
    for (const [variant, scores] of seen) {
      for (const label of Object.keys(first)) {
        assert.ok(Math.abs(scores[label] - first[label]) < 1e-5, `${variant}: ${label}`);
      }
    }
  });

  test('a model without metadata is asked about', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await openFiles(page, [shared.workshop.file('eight-bit.png')]);
    await page.setInputFiles('#pick-model', {
      name: 'foreign.onnx',
      mimeType: '',
      buffer: tinyModel({ metadata: {} }),
    });
    await page.waitForSelector('#model-dialog[open]');
    assert.equal(await page.inputValue('#model-form [name=width]'), '8');
    await page.selectOption('#model-form [name=preset]', '0-1');
    await page.fill('#model-form [name=labels]', 'no\nyes');
    await screenshot(page, 'model-form');
    await page.click('#model-form button[type=submit]');
    await page.waitForFunction(() => /yes/.test(document.getElementById('result').innerText));
    assert.deepEqual(problems, []);
  });

  test('what a model takes of memory is said, and asked before it is much', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await openFiles(page, [shared.workshop.file('eight-bit.png')]);
    await page.click('.model-facts summary');
    assert.match(await page.innerText('.model-facts'), /Memory\s+1 MB at most/);
    const large = slowModel({ size: 1536, layers: 2 });
    await page.setInputFiles('#pick-model', { name: 'large.onnx', mimeType: '', buffer: large });
    await page.waitForSelector('#large-dialog[open]');
    const [, megabytes] = /about ([\d,]+) MB/.exec(await page.innerText('#large-dialog'));
    // Of each pixel: two layers of 32 channels, nine addresses of the first convolution, the picture as it came and as it goes in.
    const expected = (1536 * 1536 * (2 * 32 * 4 + 9 * 4 + 2 * 4)) / 1e6;
    assert.ok(Math.abs(Number(megabytes.replaceAll(',', '')) / expected - 1) < 0.15, megabytes);
    await screenshot(page, 'large-model');
    await page.click('#large-dialog button[value=cancel]');
    assert.equal(await page.evaluate(() => globalThis.negatoscope.desk.model.name), 'tiny');
    assert.equal(await page.locator('#model-select option').count(), 3);
    assert.deepEqual(problems, []);
  });

  test('a model that cannot be used leaves the one before, and says why', async (t) => {
    const { page } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await page.setInputFiles('#pick-model', { name: 'hostile.onnx', mimeType: '', buffer: unknownOperatorModel() });
    await page.waitForSelector('.toast.problem');
    assert.match(await page.innerText('.toast.problem'), /Teleport/);
    assert.equal(await page.evaluate(() => globalThis.negatoscope.desk.model.name), 'tiny');
  });

  test('a model in two files is opened with both, and asks for the second', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await openFiles(page, [shared.workshop.file('eight-bit.png')]);
    const scoreOf = () => page.evaluate(() => globalThis.negatoscope.desk.current?.finding?.result?.scores?.present ?? null);
    await page.waitForFunction(() => /absent|present/.test(document.getElementById('result').innerText));
    const whole = await scoreOf();
    assert.equal(typeof whole, 'number');
    const { model, weights } = tinyModelInTwoFiles('tiny.onnx.data');
    const files = [{ name: 'two.onnx', mimeType: '', buffer: model }, { name: 'tiny.onnx.data', mimeType: '', buffer: weights }];
    await page.setInputFiles('#pick-model', files.slice(0, 1));
    await page.waitForSelector('.toast.problem');
    assert.match(await page.innerText('.toast.problem'), /tiny\.onnx\.data/);
    await page.setInputFiles('#pick-model', files);
    await page.waitForFunction(() => document.querySelectorAll('#model-select option').length >= 3);
    await page.waitForFunction(() => /absent|present/.test(document.getElementById('result').innerText));
    assert.equal(await scoreOf(), whole);
    // Dropped together with a picture: the picture is opened, the weights are not taken for one.
    await page.evaluate(([first, second]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(first)], 'dropped.onnx'));
      transfer.items.add(new File([new Uint8Array(second)], 'tiny.onnx.data'));
      dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, cancelable: true, bubbles: true }));
    }, [[...model], [...weights]]);
    await page.waitForFunction(() => document.querySelectorAll('#model-select option').length >= 4);
    assert.equal(await page.evaluate(() => globalThis.negatoscope.desk.items.length), 1);
    assert.deepEqual(problems, []);
  });

  test('files dropped on the page are opened', async (t) => {
    const { page } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    const bytes = [...good[1].bytes];
    await page.evaluate((content) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(content)], 'dropped'));
      const options = { dataTransfer: transfer, bubbles: true, cancelable: true };
      document.body.dispatchEvent(new DragEvent('dragover', options));
      document.body.dispatchEvent(new DragEvent('drop', options));
    }, bytes);
    await page.waitForSelector('body.looking');
    assert.equal(await page.isVisible('#drop-veil'), false);
  });

  test('the phantom is shown, labelled, and not classified by itself', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await page.click('#try-example');
    await page.waitForSelector('body.looking');
    assert.match(await page.innerText('#corner-top-left'), /Synthetic phantom/);
    await page.waitForFunction(() => document.getElementById('status-time').textContent !== '');
    assert.match(await page.innerText('#result'), /Not classified/);
    assert.deepEqual(problems, []);
  });

  test('360 pixels wide: sheets instead of columns, nothing runs over', async (t) => {
    const { page, problems } = await newPage(t, shared.browser, {
      viewport: { width: 360, height: 740 },
      deviceScaleFactor: 2,
      hasTouch: true,
    });
    await openSite(page, shared.site.url);
    await screenshot(page, 'phone-empty');
    await openFiles(page, files.map(({ name }) => shared.workshop.file(name)));
    await page.click('#sheet-tabs [data-panel=result]');
    await page.waitForSelector('#notice', { state: 'visible' });
    await screenshot(page, 'phone-result');
    await page.click('#sheet-tabs [data-panel=files]');
    await page.waitForSelector('.row.refused', { state: 'visible' });
    await page.waitForFunction(() => document.getAnimations().length === 0);
    await screenshot(page, 'phone-files');
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${overflow} pixels too wide`);
    assert.equal(await page.evaluate(() => document.scrollingElement.scrollTop), 0);
    assert.deepEqual(problems, []);
  });
});
