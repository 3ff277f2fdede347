/** That nothing leaves the computer, as far as it can be looked at: requests, names of patients, what may become code, digests. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { ctDicom } from '../node/fixtures.mjs';
import { newPage, openFiles, openSite, screenshot, settled, unavailable, useSite, WASM_FOLDER } from './harness.mjs';

const MARKER = 'QZXMARKERQZX';
const stored = (x, y) => (Math.hypot(x - 40, y - 30) < 20 ? 1224 : 24);
const NAMED = {
  0x00080018: ['UI', '2.25.4711'],
  0x0020000d: ['UI', '2.25.7'],
  0x0020000e: ['UI', '2.25.8'],
  0x00100010: ['PN', `${MARKER}^Ann`],
  0x00100020: ['LO', `ID-${MARKER}`],
  0x00081030: ['LO', `Study of ${MARKER}`],
};

const classified = (page, count) =>
  page.waitForFunction((wanted) => globalThis.negatoscope.desk.items.filter(({ finding }) => finding?.result).length === wanted && document.getElementById('batch-running').hidden, count);

async function saved(page, button) {
  const saving = page.waitForEvent('download');
  await page.click(button);
  const download = await saving;
  return { name: download.suggestedFilename(), text: await readFile(await download.path(), 'latin1') };
}

/** Places of the page, by the nearest id, whose own texts, values or attributes hold the marker. */
const placesOf = (page, marker) =>
  page.evaluate((wanted) => {
    const places = new Set();
    for (const node of document.querySelectorAll('*')) {
      const own = [...node.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE).map(({ data }) => data);
      const attributes = [...node.attributes].map(({ value }) => value);
      if ([...own, ...attributes, node.value ?? ''].some((text) => String(text).includes(wanted))) places.add(node.closest('[id]')?.id ?? node.tagName);
    }
    return [...places].sort();
  }, marker);

/** Whatever this origin keeps, as one text. */
const keptText = (page) =>
  page.evaluate(async () => {
    const texts = [JSON.stringify(localStorage), JSON.stringify(sessionStorage)];
    for (const { name } of await indexedDB.databases()) {
      const database = await new Promise((done) => (indexedDB.open(name).onsuccess = ({ target }) => done(target.result)));
      for (const store of database.objectStoreNames) {
        texts.push(JSON.stringify(await new Promise((done) => (database.transaction(store).objectStore(store).getAll().onsuccess = ({ target }) => done(target.result)))));
      }
      database.close();
    }
    return texts.join('\n');
  });

describe('privacy', { skip: unavailable }, () => {
  const shared = useSite({ shipped: true });
  const write = async (name, content) => {
    const path = join(shared.workshop.folder, name);
    await writeFile(path, content);
    return path;
  };

  test('a whole session, from opening to export, asks for nothing', async (t) => {
    const asked = [];
    const site = await shared.workshop.serve(t, { onRequest: (path) => asked.push(path) });
    const { page, context, problems } = await newPage(t, shared.browser);
    const sent = [];
    context.on('requestfinished', async (request) => {
      if (/^(blob|data):/.test(request.url())) return;
      const response = await request.response();
      if (!response?.fromServiceWorker()) sent.push(request.url());
    });
    await openSite(page, site.url);
    await settled(page);
    await page.waitForFunction(() => /: 0$/.test(document.getElementById('request-count').textContent));
    asked.length = 0;
    sent.length = 0;

    // Opening, with decoders that were not loaded before; another model of those that came with the page.
    await openFiles(page, [shared.workshop.file('lossless.dcm'), await write('a-slice.dcm', ctDicom({ width: 80, height: 64, stored })), shared.workshop.file('eight-bit.png')]);
    await page.waitForFunction(() => document.querySelectorAll('.row.shown').length === 3);
    await page.selectOption('#model-select', '2');
    await page.waitForFunction(() => !document.getElementById('model-select').hasAttribute('aria-busy'));
    // Classifying and explaining.
    await page.waitForFunction(() => globalThis.negatoscope.desk.current?.finding?.result && globalThis.negatoscope.desk.model === globalThis.negatoscope.desk.current.finding.model);
    if (await page.locator('#show-score').count()) await page.click('#show-score');
    await page.click('#explain-toggle');
    await page.waitForSelector('#explain-words');
    // A report.
    const opening = context.waitForEvent('page');
    await page.click('#report-open');
    const tab = await opening;
    await tab.waitForSelector('.verdict');
    await tab.close();
    await page.click('#report-forms summary');
    await saved(page, '[data-form=json]');
    // Triage and export.
    await page.click('#classify-all');
    await classified(page, 3);
    await page.click('#triage-open');
    await page.focus('#triage-table');
    await page.keyboard.press('a');
    assert.match((await saved(page, '#save-csv')).text, /^file,model/);
    assert.ok(JSON.parse((await saved(page, '#save-json')).text).length === 3);
    // Some steps of a training.
    await page.click('button[data-workspace=train]');
    await page.click('#train-example');
    await page.waitForSelector('#train-start');
    await page.fill('#train-settings [name=epochs]', '1');
    await page.click('#train-start');
    await page.waitForFunction(() => globalThis.negatoscope.training.lab.status?.state === 'finished', null, { timeout: 120_000 });
    await saved(page, '#save-model');

    assert.deepEqual(asked, [], 'the host was asked for nothing');
    assert.deepEqual(sent, [], 'no request went past the copy in the browser');
    await page.click('#about-open');
    assert.equal(await page.innerText('#requests-sent'), 'Requests since load: 0');
    assert.match(await page.innerText('#requests-kept'), /: [1-9]\d*$/, 'decoders, a model and a worker came from the copy');
    assert.equal(await page.innerText('#requests-worker'), '');
    await screenshot(page, 'session-requests');
    assert.deepEqual(problems, []);
  });

  test('the counter counts: of the page, of its workers, of the service worker; not what the copy answered', async (t) => {
    const { page } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await settled(page);
    const said = (count) => page.waitForFunction((wanted) => document.getElementById('request-count').textContent.endsWith(`: ${wanted}`), count);
    await said(0);
    await page.evaluate(() => fetch('icon.svg').then((response) => response.text()));
    await page.waitForTimeout(300);
    await said(0);
    await page.evaluate(() => fetch('not-there-1').then((response) => response.text()));
    await said(1);
    await page.workers()[0].evaluate(() => fetch('not-there-2').then((response) => response.text()));
    await said(2);
    await page.click('#about-open');
    assert.match(await page.innerText('#requests-names'), /not-there-1[\s\S]*not-there-2/);
    assert.match(await page.innerText('#requests-kept'), /: 1$/);
    await screenshot(page, 'requests-counted');
    await page.keyboard.press('Escape');
    // A new version is fetched by the service worker; nobody else sees that.
    await shared.workshop.rebuild({ models: ['a-tiny'] });
    t.after(() => shared.workshop.rebuild());
    await page.evaluate(() => navigator.serviceWorker.getRegistration().then((found) => found.update()));
    await page.waitForSelector('.toast.news');
    await page.click('#about-open');
    await page.waitForFunction(() => /: [1-9]\d*$/.test(document.getElementById('requests-worker').textContent));
  });

  test('a patient\'s name stands where the picture is described and nowhere else: not in titles, addresses, logs or what is kept', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    const logged = [];
    page.on('console', (message) => logged.push(message.text()));
    await openSite(page, shared.site.url);
    await openFiles(page, [await write(`${MARKER}.dcm`, ctDicom({ width: 80, height: 64, stored, more: NAMED }))]);
    await page.waitForSelector('#saw');
    await page.click('#tab-details');
    await page.waitForSelector('#tags li');
    // The picture itself is named by its file, for those who do not see it.
    const allowed = ['canvas', 'facts', 'file-list', 'tags'];
    assert.deepEqual((await placesOf(page, MARKER)).filter((id) => !allowed.includes(id)), []);
    assert.ok((await placesOf(page, MARKER)).includes('tags'), 'it is shown at all');
    await page.evaluate(() => {
      const { desk, measuring } = globalThis.negatoscope;
      measuring.marks.add({ key: desk.current.key, frame: 0, kind: 'length', points: [[1, 1], [5, 5]], text: '' });
    });
    await classified(page, 1);
    // What damaged files and a fault of the core make the page say.
    const { 0x00100010: name, 0x00100020: number } = NAMED;
    const damaged = { 0x00100010: name, 0x00100020: number };
    await page.setInputFiles('#pick-files', [
      { name: 'cut.dcm', mimeType: 'application/dicom', buffer: Buffer.from(ctDicom({ stored, more: damaged }).subarray(0, 700)) },
      { name: 'odd.dcm', mimeType: 'application/dicom', buffer: Buffer.from(ctDicom({ stored, more: { ...damaged, 0x00280010: ['LO', MARKER] } })) },
    ]);
    await page.waitForFunction(() => document.querySelectorAll('.row.refused').length === 2);
    assert.doesNotMatch((await page.locator('.row.refused').allInnerTexts()).join('\n'), new RegExp(MARKER));
    await page.evaluate(() => globalThis.negatoscope.client.request('trap', {}).catch(() => {}));
    await page.waitForSelector('.toast.problem');
    assert.doesNotMatch(await page.innerText('#toasts'), new RegExp(MARKER));

    await page.waitForTimeout(500); // measurements and results are written a moment later
    const elsewhere = await page.evaluate(() => [document.title, location.href, ...performance.getEntries().map(({ name }) => name)].join('\n'));
    for (const text of [elsewhere, await keptText(page), logged.join('\n'), problems.join('\n')]) assert.doesNotMatch(text, new RegExp(MARKER));
    assert.match(await keptText(page), /2\.25\.4711/, 'something of it is kept, by its number');
  });

  test('with names hidden it stands nowhere: page, saved files and their names, report, notices', async (t) => {
    const { page, context } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await page.click('#privacy');
    await openFiles(page, [await write(`${MARKER}.dcm`, ctDicom({ width: 80, height: 64, stored, more: NAMED }))]);
    await page.waitForSelector('#saw');
    await page.click('#tab-details');
    await page.waitForSelector('#tags li');
    assert.deepEqual(await placesOf(page, MARKER), []);
    await page.click('#tab-result');
    await classified(page, 1);
    await page.setInputFiles('#pick-files', [{ name: `${MARKER}-broken.dcm`, mimeType: 'application/dicom', buffer: Buffer.from(ctDicom({ more: NAMED }).subarray(0, 700)) }]);
    await page.waitForSelector('.row.refused');
    await page.setInputFiles('#pick-model', [{ name: `${MARKER}.onnx`, mimeType: 'application/octet-stream', buffer: Buffer.from('no model') }]);
    await page.waitForSelector('.toast.problem');
    await page.evaluate(() => globalThis.negatoscope.client.request('trap', {}).catch(() => {}));
    await page.waitForFunction(() => document.querySelectorAll('.toast.problem').length === 2);
    await page.click('#triage-open');
    await page.waitForSelector('#triage-table .triage-line');
    assert.deepEqual(await placesOf(page, MARKER), []);
    assert.doesNotMatch(await page.evaluate(() => [document.title, location.href].join('\n')), new RegExp(MARKER));
    const opening = context.waitForEvent('page');
    await page.click('#report-open');
    const tab = await opening;
    await tab.waitForSelector('.verdict');
    assert.doesNotMatch(await tab.content(), new RegExp(MARKER));
    await tab.close();
    for (const button of ['#save-csv', '#save-json']) {
      const { name, text } = await saved(page, button);
      assert.doesNotMatch(`${name}\n${text}`, new RegExp(MARKER), button);
    }
  });

  test('no text becomes code, in the page or in its worker', async (t) => {
    const { page } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    const refused = (name) => assert.match(name, /TypeError|EvalError/);
    const tries = await page.evaluate(async () => {
      const attempt = async (work) => {
        try {
          await work();
          return 'allowed';
        } catch (error) {
          return error.name;
        }
      };
      return [
        await attempt(() => (document.createElement('div').innerHTML = '<b>x</b>')),
        await attempt(() => (document.createElement('iframe').srcdoc = '<b>x</b>')),
        await attempt(() => (document.createElement('script').src = 'app.js')),
        await attempt(() => new Worker('worker.js')),
        await attempt(() => navigator.serviceWorker.register('worker.js')),
        await attempt(() => globalThis.trustedTypes.createPolicy('negatoscope', { createScriptURL: (url) => url })),
        await attempt(() => globalThis.trustedTypes.createPolicy('another', { createScriptURL: (url) => url })),
        // Not at once: what a debugger evaluates may.
        await attempt(() => new Promise((done, failed) => setTimeout(() => {
          try {
            done(globalThis.Function('return 1')());
          } catch (error) {
            failed(error);
          }
        }))),
      ];
    });
    tries.forEach(refused);
    const inWorker = await page.workers()[0].evaluate(() => {
      const attempt = (work) => {
        try {
          work();
          return 'allowed';
        } catch (error) {
          return error.name;
        }
      };
      return [attempt(() => new Worker('app.js', { type: 'module' })), attempt(() => importScripts('app.js'))];
    });
    inWorker.forEach(refused);
  });

  test('page, styles, worker and core have the digests that the page lists, and the core\'s is shown', async (t) => {
    const { page } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    const digestOf = async (path) => `sha256-${createHash('sha256').update(await readFile(path)).digest('base64')}`;
    const folder = join(shared.workshop.folder, 'site');
    for (const [selector, file] of [['script[src^=app]', 'app.js'], ['script[src^=probe]', 'probe.js'], ['link[rel=stylesheet]', 'style.css']]) {
      assert.equal(await page.getAttribute(selector, 'integrity'), await digestOf(join(folder, file)));
    }
    const { digests } = JSON.parse(await page.textContent('#parts'));
    assert.equal(digests['worker.js'], await digestOf(join(folder, 'worker.js')));
    await page.click('#about-open');
    const core = await digestOf(join(WASM_FOLDER, 'relaxed-threads', 'negatoscope.wasm'));
    assert.ok((await page.innerText('#about-facts')).includes(core.replace('sha256-', '')));
  });
});
