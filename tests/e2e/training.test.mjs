/** Training in the page in Chromium: from pictures to a model in the viewer, and on after the tab was closed. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';

import { newPage, openFiles, openTraining, screenshot, settled, unavailable, useSite } from './harness.mjs';
import { drop, folder, half } from './labelled.mjs';

const TRAINED_MS = 240_000;

const finished = (page) =>
  page.waitForFunction(() => globalThis.negatoscope.training.lab.status?.state === 'finished', null, { timeout: TRAINED_MS });

/** Files in which trainings at hand have their best weights. */
const scratches = (page) =>
  page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const names = [];
    for await (const name of (await root.getDirectoryHandle('negatoscope-trainings')).keys()) names.push(name);
    return names.filter((name) => name.endsWith('.scratch.part')).length;
  });

describe('training in the page', { skip: unavailable }, () => {
  const shared = useSite();

  test('example data, curves, evaluation, a cell of the matrix, the model in the viewer', async (t) => {
    const { page, problems, requests } = await newPage(t, shared.browser);
    await openTraining(page, shared.site.url);
    await settled(page);
    requests.length = 0;
    await screenshot(page, 'train-empty');
    await page.click('#train-example');
    await page.waitForSelector('.class-sheet canvas');
    assert.match(await page.innerText('#lab-data'), /Synthetic: shows no patient/);
    await page.click('#show-augmented');
    await page.waitForSelector('#samples-sheet canvas');
    await page.keyboard.press('Escape');
    assert.equal(await page.inputValue('#train-settings [name=epochs]'), '20');
    assert.equal(await page.inputValue('#train-settings [name=rate]'), '0.003');
    await screenshot(page, 'train-data');
    await page.click('#train-start');
    await page.waitForSelector('.chart .uplot canvas');
    await finished(page);
    assert.match(await page.innerText('#train-state'), /Finished: 20 of 20/);
    assert.equal(await page.locator('#train-history tbody tr').count(), 20);
    assert.equal(await page.locator('#train-history tbody tr.best').count(), 1);
    await screenshot(page, 'train-progress');

    await page.click('#lab-tab-evaluation');
    await page.waitForSelector('.matrix');
    await page.selectOption('.eval-head [name=split]', 'test');
    await page.waitForFunction(() => /honest/.test(document.querySelector('.eval-notes').innerText));
    await page.waitForSelector('.matrix');
    const counts = () => page.locator('.matrix b').allInnerTexts();
    const sum = (list) => list.reduce((all, text) => all + Number(text), 0);
    assert.equal(sum(await counts()), 80);
    const share = () => page.innerText('[data-share=sensitivity]');
    await page.locator('#threshold').evaluate((slider) => {
      slider.value = '0';
      slider.dispatchEvent(new Event('input', { bubbles: true }));
    });
    assert.deepEqual(await counts(), ['0', '48', '0', '32']);
    assert.match(await share(), /100\.0%\s+32 \/ 32/);
    await page.click('.eval-block h3 .button');
    assert.equal(sum(await counts()), 80);
    await screenshot(page, 'train-evaluation');
    const biggest = (await counts()).map(Number).reduce((best, count, index, all) => (count > all[best] ? index : best), 0);
    const cells = page.locator('.matrix button');
    const count = Number((await counts())[biggest]);
    await cells.nth(biggest).click();
    await page.waitForFunction((all) => document.querySelectorAll('#samples-sheet .card').length === all, count);
    await page.locator('#samples-sheet .card').first().click();
    assert.match(await page.innerText('#sample-body'), /synthetic: lesion\s+[\d.]+%/);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');

    const saved = page.waitForEvent('download');
    await page.click('#save-cases');
    const csv = await readFile(await (await saved).path(), 'utf8');
    assert.equal(csv.trim().split('\r\n').length, 81);
    const report = page.waitForEvent('download');
    await page.click('#save-report');
    assert.equal(JSON.parse(await readFile(await (await report).path(), 'utf8')).report.count, 80);

    await page.click('#lab-tab-progress');
    const onnx = page.waitForEvent('download');
    await page.click('#save-model');
    assert.match((await onnx).suggestedFilename(), /\.onnx$/);
    await page.click('#use-model');
    await page.waitForSelector('button[data-workspace=view][aria-pressed=true]');
    assert.match(await page.inputValue('#model-select').then(() => page.innerText('#model-select option:checked')), /Synthetic CT slices/);
    await openFiles(page, [shared.workshop.file('eight-bit.png')]);
    await page.waitForSelector('#saw');
    // The model knows what its own pictures were like, and a chequered one is none of them.
    assert.equal(await page.getAttribute('#applies', 'data-verdict'), 'out');
    await page.click('#show-score');
    assert.match(await page.innerText('#result'), /synthetic: lesion/);
    assert.deepEqual(requests.filter((url) => !url.startsWith('blob:')), []);
    assert.deepEqual(problems, []);
  });

  test('while example data are computed their number is shown, and Stop ends it', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openTraining(page, shared.site.url);
    await page.click('#train-example');
    await page.waitForFunction(() => /^[1-9]\d* of 400/.test(document.getElementById('load-count')?.textContent ?? ''));
    await page.click('.lab-loading .button');
    await page.waitForSelector('#train-example');
    assert.equal(await page.evaluate(() => globalThis.negatoscope.training.lab.loaded), null);
    assert.equal(await page.locator('.toast').count(), 0);
    assert.deepEqual(problems, []);
  });

  test('pause, close, come back: the training is offered and goes on', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openTraining(page, shared.site.url);
    await page.click('#train-example');
    await page.waitForSelector('#train-start');
    await page.fill('#train-settings [name=epochs]', '6');
    await page.waitForFunction(() => /about [\d.]+ MB of memory/.test(document.getElementById('train-need').textContent));
    const said = await page.innerText('#train-need');
    await page.fill('#train-settings [name=batch]', '64');
    await page.waitForFunction((before) => /MB/.test(document.getElementById('train-need').textContent) && document.getElementById('train-need').textContent !== before, said);
    await page.fill('#train-settings [name=batch]', '32');
    await page.click('#train-start');
    await page.waitForFunction(() => globalThis.negatoscope.training.lab.status?.history.length >= 2, null, { timeout: TRAINED_MS });
    assert.equal(await scratches(page), 1, 'the best weights are in a file');
    await page.click('#train-pause');
    await page.waitForSelector('#train-continue');
    await page.waitForFunction(() => !globalThis.negatoscope.training.lab.running);
    const before = await page.evaluate(async () => {
      await globalThis.negatoscope.training.lab.looping;
      return globalThis.negatoscope.training.lab.status;
    });
    await page.reload();
    await page.waitForSelector('#kept-offer');
    assert.match(await page.innerText('#kept-offer'), new RegExp(`epoch ${before.history.length} of 6`));
    await screenshot(page, 'train-kept');
    await page.click('#kept-continue');
    await page.waitForSelector('#train-continue');
    const restored = await page.evaluate(() => globalThis.negatoscope.training.lab.status);
    assert.deepEqual([restored.epoch, restored.batch], [before.epoch, before.batch]);
    assert.deepEqual(restored.history.map(({ trainLoss }) => trainLoss), before.history.map(({ trainLoss }) => trainLoss));
    await page.click('#train-continue');
    // Without a pause this time: at most the epoch under way is lost.
    await page.waitForFunction(() => globalThis.negatoscope.training.lab.keptEpoch >= 4, null, { timeout: TRAINED_MS });
    await page.reload();
    await page.waitForSelector('#kept-offer');
    assert.match(await page.innerText('#kept-offer'), /epoch [45] of 6/);
    await page.click('#kept-continue');
    await page.click('#train-continue');
    await finished(page);
    assert.equal(await scratches(page), 1, 'those of workers that are gone are removed');
    assert.match(await page.innerText('#train-state'), /Finished: 6 of 6/);

    await page.reload();
    await page.waitForSelector('#kept-forget');
    await page.click('#kept-forget');
    await page.waitForSelector('#kept-offer', { state: 'detached' });
    await page.reload();
    await page.waitForSelector('#train-example');
    await page.waitForTimeout(500);
    assert.equal(await page.locator('#kept-offer').count(), 0);
    assert.deepEqual(problems, []);
  });

  test('a full disk is told, training goes on, and the last checkpoint stays', async (t) => {
    const { page, context } = await newPage(t, shared.browser);
    await openTraining(page, shared.site.url);
    const devtools = await context.newCDPSession(page);
    const quota = (bytes) => devtools.send('Storage.overrideQuotaForOrigin', { origin: new URL(shared.site.url).origin, quotaSize: bytes });
    await page.click('#train-example');
    await page.waitForSelector('#train-start');
    await page.fill('#train-settings [name=epochs]', '60');
    await page.click('#train-start');
    const kept = () => page.evaluate(() => globalThis.negatoscope.training.lab.keptEpoch);
    await page.waitForFunction(() => globalThis.negatoscope.training.lab.keptEpoch >= 1, null, { timeout: TRAINED_MS });
    await quota(1_000_000);
    await page.waitForSelector('#lab-progress .notice', { timeout: TRAINED_MS });
    assert.match(await page.innerText('#lab-progress .notice'), /cannot be kept.*storage is full/s);
    const [last, done] = [await kept(), await page.evaluate(() => globalThis.negatoscope.training.lab.status.history.length)];
    await page.waitForFunction((had) => globalThis.negatoscope.training.lab.status.history.length > had, done, { timeout: TRAINED_MS });
    assert.equal(await kept(), last);
    await page.reload();
    await page.waitForSelector('#kept-offer');
    assert.match(await page.innerText('#kept-offer'), new RegExp(`epoch ${last} of 60`));
  });

  test('a folder: what cannot be read is listed, patients stay together, classes are counted', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openTraining(page, shared.site.url);
    const text = [...Buffer.from('not a picture')];
    await drop(page, folder({ extra: [{ path: 'set/left/broken.png', bytes: text }, { path: 'set/readme.txt', bytes: text }, { path: 'set/.DS_Store', bytes: text }] }));
    await page.waitForSelector('#train-plan');
    assert.match(await page.innerText('#train-plan'), /2 classes, 25 pictures/);
    assert.match(await page.innerText('#train-plan'), /readme\.txt lies in no class folder/);
    await page.fill('#train-plan [name=patient]', 'p(\\d+)_');
    assert.match(await page.innerText('#patient-hint'), /Patients: 6\. The pattern fits 24 of 25/);
    await page.fill('#train-plan [name=patient]', '(');
    assert.equal(await page.isDisabled('#train-load'), true);
    await page.fill('#train-plan [name=patient]', 'p(\\d+)_');
    await page.fill('#train-plan [name=size]', '32');
    await screenshot(page, 'train-plan');
    await page.click('#train-load');
    await page.waitForSelector('#refusals');
    assert.match(await page.innerText('#refusals'), /broken\.png\s+Not an image/);
    assert.match(await page.innerText('#lab-data'), /24 pictures/);
    const samples = await page.evaluate(() => {
      const { data, names } = globalThis.negatoscope.training.lab.loaded;
      return data.samples.map(([, split], index) => [names[index].match(/p(\d+)_/)[1], split]);
    });
    const splits = new Map();
    for (const [patient, split] of samples) splits.set(patient, new Set([...(splits.get(patient) ?? []), split]));
    for (const [patient, held] of splits) assert.equal(held.size, 1, `patient ${patient} is in ${held.size} splits`);

    // An autoencoder is trained where it is asked for, when the network has ended.
    const box = page.locator('#train-settings [name=autoencoder]');
    assert.equal(await box.isChecked(), false);
    await box.check();
    await page.fill('#train-settings [name=epochs]', '1');
    await page.click('#train-start');
    await page.waitForFunction(() => /Autoencoder: epoch \d+ of \d+/.test(document.getElementById('train-state')?.textContent ?? ''), null, { timeout: TRAINED_MS });
    await screenshot(page, 'train-autoencoder');
    await finished(page);
    const { epoch, epochs, validationLoss } = await page.evaluate(() => globalThis.negatoscope.training.lab.status.autoencoder);
    assert.equal(epoch, epochs);
    assert.ok(validationLoss < 0.05, `${validationLoss}`);
    assert.match(await page.innerText('#train-state'), /Finished: 1 of 1/);
    assert.deepEqual(problems, []);
  });

  test('a table with its pictures; rows without label or file are named', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openTraining(page, shared.site.url);
    const rows = ['file;label;split'];
    const files = [];
    for (let index = 0; index < 16; index++) {
      rows.push(`images/${index}.png;${index % 2 ? 'b' : 'a'};${index < 8 ? 'train' : index < 12 ? 'val' : 'test'}`);
      files.push({ path: `set/images/${index}.png`, bytes: [...half(index % 2, index)] });
    }
    rows.push('images/0.png;;train', 'images/missing.png;a;train');
    await drop(page, [{ path: 'set/labels.csv', bytes: [...Buffer.from(rows.join('\r\n'))] }, ...files]);
    await page.waitForSelector('#train-plan');
    const plan = await page.innerText('#train-plan');
    assert.match(plan, /has no label \(line 18\)/);
    assert.match(plan, /missing\.png is not among the files \(line 19\)/);
    await page.click('#train-load');
    await page.waitForSelector('.class-list');
    assert.match(await page.innerText('#lab-data'), /4 training, 2 validation, 2 test/);
    assert.match(await page.innerText('#lab-data'), /Fewer than 10 pictures: a, b/);
    assert.deepEqual(problems, []);
  });

  test('what cannot be trained on is said clearly', async (t) => {
    const { page } = await newPage(t, shared.browser);
    await openTraining(page, shared.site.url);
    await drop(page, folder().filter(({ path }) => path.includes('left')));
    await page.waitForFunction(() => /one subfolder for each class/.test(document.getElementById('lab-pictures').innerText));
    await drop(page, [{ path: 'labels.csv', bytes: [...Buffer.from('picture,kind\na,b\n')] }]);
    await page.waitForFunction(() => /no column “file”/.test(document.getElementById('lab-pictures').innerText));
  });

  test('while training, the page answers and the viewer works', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openTraining(page, shared.site.url);
    await page.click('#train-example');
    await page.waitForSelector('#train-start');
    await page.fill('#train-settings [name=epochs]', '200');
    await page.click('#train-start');
    await page.waitForFunction(() => globalThis.negatoscope.training.lab.status?.history.length >= 1, null, { timeout: TRAINED_MS });
    // From a key's own time stamp to its handler, and on to the next frame.
    await page.evaluate(() => {
      globalThis.delays = { handled: [], shown: [] };
      addEventListener('keydown', ({ timeStamp }) => {
        globalThis.delays.handled.push(performance.now() - timeStamp);
        requestAnimationFrame(() => globalThis.delays.shown.push(performance.now() - timeStamp));
      });
    });
    for (let index = 0; index < 60; index++) {
      await page.keyboard.press('Shift');
      await page.waitForTimeout(37);
    }
    const delays = await page.evaluate(() => globalThis.delays);
    for (const [name, list] of Object.entries(delays)) {
      const sorted = list.sort((a, b) => a - b);
      const [median, most] = [sorted[Math.floor(sorted.length * 0.5)], sorted[Math.floor(sorted.length * 0.95)]];
      t.diagnostic(`a key is ${name}: median ${median.toFixed(1)} ms, 95 % ${most.toFixed(1)} ms of ${sorted.length}`);
      // Half of them, far from what a busy machine does to some: a page that trains itself would answer between batches.
      assert.ok(sorted.length >= 50 && median < 100, `${name}: median ${median}`);
    }
    await page.click('button[data-workspace=view]');
    await openFiles(page, [shared.workshop.file('eight-bit.png')]);
    await page.waitForSelector('#saw');
    const epochs = () => page.evaluate(() => globalThis.negatoscope.training.lab.status.history.length);
    const before = await epochs();
    await page.waitForFunction((had) => globalThis.negatoscope.training.lab.status.history.length > had, before, { timeout: TRAINED_MS });
    await page.click('button[data-workspace=train]');
    await page.click('#train-stop');
    await page.waitForFunction(() => /Stopped after/.test(document.getElementById('train-state').textContent));
    assert.deepEqual(problems, []);
  });

  test('a trap in the training core is told, offers what was kept, and leaves the viewer alone', async (t) => {
    const { page } = await newPage(t, shared.browser);
    await openTraining(page, shared.site.url);
    await page.click('#train-example');
    await page.waitForSelector('#train-start');
    await page.fill('#train-settings [name=epochs]', '50');
    await page.click('#train-start');
    await page.waitForFunction(() => globalThis.negatoscope.training.lab.keptEpoch >= 1, null, { timeout: TRAINED_MS });
    await page.evaluate(() => globalThis.negatoscope.training.lab.client.request('trap').catch(() => {}));
    await page.waitForSelector('.toast.problem');
    assert.match(await page.innerText('.toast.problem'), /The viewer is not affected/);
    await page.waitForSelector('#kept-offer');
    await page.click('.toast.problem .button');
    await page.waitForSelector('#train-continue');
    assert.ok((await page.evaluate(() => globalThis.negatoscope.training.lab.status.history.length)) >= 1);
    assert.equal(await page.evaluate(() => globalThis.negatoscope.client.restarts), 0);
  });

  test('the single file trains and keeps, from file://', async (t) => {
    const { page, problems, requests } = await newPage(t, shared.browser);
    await openTraining(page, shared.workshop.single);
    await page.click('#train-example');
    await page.waitForSelector('#train-start');
    await page.fill('#train-settings [name=epochs]', '2');
    await page.click('#train-start');
    await finished(page);
    assert.equal(await page.evaluate(() => globalThis.negatoscope.training.lab.keptEpoch), 2);
    await page.reload();
    await page.waitForSelector('#kept-offer');
    const foreign = requests.filter((url) => !url.startsWith(shared.workshop.single) && !/^(blob|data):/.test(url));
    assert.deepEqual(foreign, []);
    assert.deepEqual(problems, []);
  });

  for (const [name, options] of [
    ['360 pixels wide', { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true }],
    ['in Chinese', { viewport: { width: 1400, height: 900 }, locale: 'zh-CN' }],
  ]) {
    test(`${name}: nothing runs over, no text is missing`, async (t) => {
      const { page, problems } = await newPage(t, shared.browser, options);
      await openTraining(page, shared.site.url);
      await screenshot(page, `train-${options.locale ?? 'phone'}-empty`);
      await page.click('#train-example');
      await page.waitForSelector('#train-start', { state: 'attached' });
      const phone = options.viewport.width < 820;
      const go = (place) => page.click(phone ? `#lab-tabs [data-lab=${place}]` : `#lab-tab-${place}`);
      if (phone) await go('settings');
      await page.fill('#train-settings [name=epochs]', '2');
      await page.click('#train-start');
      await finished(page);
      await screenshot(page, `train-${options.locale ?? 'phone'}-progress`);
      await go('evaluation');
      await page.waitForSelector('.matrix');
      await screenshot(page, `train-${options.locale ?? 'phone'}-evaluation`);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `${overflow} pixels too wide`);
      assert.doesNotMatch(await page.innerText('#lab'), /train\.[a-z]/);
      assert.deepEqual(problems, []);
    });
  }
});
