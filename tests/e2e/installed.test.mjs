/** The page as a program: what its manifest says, files from outside, what it keeps and deletes, two versions at a time, damaged parts. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { tinyModel } from '../node/fixtures.mjs';
import { newPage, openFiles, openSite, screenshot, settled, unavailable, useSite } from './harness.mjs';

const chosenModel = (page) => page.innerText('#model-select option:checked');
const optionsOf = (page) => page.locator('#model-select option').allInnerTexts();

/** Everything of this origin that a browser keeps. */
const keptByBrowser = (page) =>
  page.evaluate(async () => {
    const folders = [];
    for await (const name of (await navigator.storage.getDirectory()).keys()) folders.push(name);
    const databases = (await indexedDB.databases()).map(({ name }) => name);
    return { caches: await caches.keys(), databases, folders, local: Object.keys(localStorage), session: Object.keys(sessionStorage) };
  });

/** Opens a model of the user's own and waits until it is loaded. */
async function openModel(page, path) {
  const before = (await optionsOf(page)).length;
  await page.setInputFiles('#pick-model', path);
  await page.waitForFunction((count) => document.querySelectorAll('#model-select option').length > count, before);
  await page.waitForFunction(() => !document.getElementById('model-select').hasAttribute('aria-busy'));
}

describe('installed', { skip: unavailable }, () => {
  const shared = useSite();
  const ownModel = async () => {
    const path = join(shared.workshop.folder, 'own.onnx');
    await writeFile(path, tinyModel());
    return path;
  };

  test('the manifest is complete, and the browser would install the page', async (t) => {
    const { page, context } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await settled(page);
    const session = await context.newCDPSession(page);
    const { errors, data } = await session.send('Page.getAppManifest');
    assert.deepEqual(errors, []);
    const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
    // A window without a trace, as tests have, installs nothing; that is all that may stand here.
    assert.deepEqual(installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== 'in-incognito'), []);
    const manifest = JSON.parse(data);
    // Where an open window is only focused, browsers drop what was shared.
    assert.equal(manifest.launch_handler.client_mode, 'navigate-new');
    for (const member of ['id', 'scope', 'start_url', 'lang', 'share_target', 'launch_handler']) assert.ok(manifest[member], member);
    assert.deepEqual(Object.values(manifest.file_handlers[0].accept).flat().sort(), ['.dcm', '.nii', '.nii.gz', '.onnx']);
    const sizes = await page.evaluate((icons) => Promise.all(icons.map(async ({ src, sizes: said }) => {
      const image = new Image();
      image.src = src;
      await image.decode();
      return [src, said, `${image.naturalWidth}x${image.naturalHeight}`];
    })), manifest.icons.filter(({ type }) => type === 'image/png'));
    assert.equal(sizes.length, 4);
    for (const [src, said, is] of sizes) assert.equal(is, said, src);
    assert.deepEqual(manifest.icons.filter(({ purpose }) => purpose === 'maskable').map(({ sizes: said }) => said), ['192x192', '512x512']);
  });

  test('installing is offered where the browser can, and asked once', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    assert.equal(await page.isVisible('#install'), false);
    await page.evaluate(() => {
      globalThis.asked = 0;
      dispatchEvent(Object.assign(new Event('beforeinstallprompt', { cancelable: true }), { prompt: async () => globalThis.asked++ }));
    });
    assert.equal(await page.isVisible('#install'), true);
    await page.click('#about-open');
    await page.click('#about-install');
    assert.equal(await page.evaluate(() => globalThis.asked), 1);
    assert.equal(await page.isVisible('#about-install-line'), false);
    await page.keyboard.press('Escape');
    assert.equal(await page.isVisible('#install'), false);
    assert.deepEqual(problems, []);
  });

  test('files that the system hands over are opened', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    // The browser calls this only for an installed page.
    await page.addInitScript(() => {
      Object.defineProperty(globalThis, 'launchQueue', { value: { setConsumer: (consumer) => (globalThis.launch = consumer) } });
    });
    await openSite(page, shared.site.url);
    const bytes = [...(await readFile(shared.workshop.file('lossless.dcm')))];
    await page.waitForFunction(() => 'launch' in globalThis);
    await page.evaluate((content) => globalThis.launch({ files: [{ getFile: async () => new File([new Uint8Array(content)], 'handed-over.dcm') }] }), bytes);
    await page.waitForSelector('body.looking');
    assert.match(await page.innerText('#file-list'), /handed-over\.dcm/);
    assert.deepEqual(problems, []);
  });

  test('files that another program shares are opened, never reach the host, and are not kept', async (t) => {
    const posts = [];
    const site = await shared.workshop.serve(t, { onRequest: (path, method) => method === 'POST' && posts.push(path) });
    // As the system does it: a form, sent to the address in the manifest. The page's own policy would not let it.
    const { page } = await newPage(t, shared.browser, { bypassCSP: true });
    await openSite(page, site.url);
    await settled(page);
    const bytes = [...(await readFile(shared.workshop.file('eight-bit.png')))];
    await page.evaluate((content) => {
      const form = Object.assign(document.createElement('form'), { action: 'share', method: 'post', enctype: 'multipart/form-data' });
      const input = Object.assign(document.createElement('input'), { type: 'file', name: 'files', multiple: true });
      const transfer = new DataTransfer();
      for (const name of ['first.png', 'second.png']) transfer.items.add(new File([new Uint8Array(content)], name, { type: 'image/png' }));
      input.files = transfer.files;
      form.append(input);
      document.body.append(form);
      form.submit();
    }, bytes);
    await page.waitForFunction(() => document.querySelectorAll('.row.shown').length === 2);
    assert.match(await page.innerText('#file-list'), /first\.png[\s\S]*second\.png/);
    assert.equal(new URL(page.url()).search, '', 'the number of what was shared is not left in the address');
    assert.deepEqual(posts, []);
    const cached = await page.evaluate(async () => {
      const names = await caches.keys();
      return (await Promise.all(names.map(async (name) => (await (await caches.open(name)).keys()).map(({ url }) => url)))).flat();
    });
    assert.ok(cached.length > 5 && cached.every((url) => !/share|first/.test(url)));
    // Once only.
    await page.goto(`${site.url}?shared=gone`);
    await page.waitForSelector('.toast');
    assert.match(await page.innerText('.toast'), /Share it once more/);
  });

  test('layout, smoothing, an own window and the chosen model come back', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await openFiles(page, [shared.workshop.file('ct-stack.dcm')]);
    await page.evaluate(() => globalThis.negatoscope.desk.setView({ voiLut: -1, function: 0, center: 123, width: 456 }));
    await page.waitForFunction(() => document.getElementById('presets').value === 'own');
    await page.selectOption('#presets', 'keep');
    assert.equal(await page.inputValue('#presets'), 'kept:0');
    await page.selectOption('#smoothing', { index: 2 });
    const smoothing = await page.inputValue('#smoothing');
    await page.focus('#canvas');
    await page.keyboard.press('Shift+Digit2');
    await page.selectOption('#model-select', '1');
    await page.waitForFunction(() => !document.getElementById('model-select').hasAttribute('aria-busy'));
    const model = await chosenModel(page);
    assert.match(model, /Slow/);

    await openSite(page, shared.site.url, '?test=again');
    assert.equal(await chosenModel(page), model);
    assert.equal(await page.getAttribute('#viewport', 'data-layout'), '1x2');
    await openFiles(page, [shared.workshop.file('ct-stack.dcm')]);
    assert.equal(await page.inputValue('#smoothing'), smoothing);
    await page.selectOption('#presets', 'kept:0');
    assert.deepEqual(await page.evaluate(() => [globalThis.negatoscope.desk.current.view.center, globalThis.negatoscope.desk.current.view.width]), [123, 456]);
    await page.selectOption('#presets', 'forget');
    assert.equal(await page.locator('#presets option[value^=kept]').count(), 0);
    assert.deepEqual(problems, []);
  });

  test('a model of one\'s own is kept only when somebody says so, is listed with its size, and can be deleted', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    const path = await ownModel();
    await openSite(page, shared.site.url);
    const shipped = (await optionsOf(page)).length;
    await openModel(page, path);
    assert.match(await page.innerText('.toast.news'), /Keep .* for later visits\?/);
    await screenshot(page, 'keep-model');
    await openSite(page, shared.site.url, '?test=again');
    assert.equal((await optionsOf(page)).length, shipped, 'nothing was kept without a word');

    await openModel(page, path);
    await page.click('.toast.news .button');
    await page.waitForFunction(() => !document.querySelector('.toast'));
    await page.click('#about-open');
    await page.waitForSelector('.kept-list .icon-button');
    assert.match(await page.innerText('#kept-usage'), /^Uses [\d.]+ [KMG]?B of [\d.]+ [KMG]B/);
    assert.match(await page.innerText('.kept-list li:has(.icon-button)'), /Model: [\s\S]*\d+ B|KB/);
    await screenshot(page, 'about-kept');

    await openSite(page, shared.site.url);
    assert.equal((await optionsOf(page)).length, shipped + 1);
    assert.equal(await page.inputValue('#model-select'), String(shipped - 1), 'it was chosen last');
    await openFiles(page, [shared.workshop.file('eight-bit.png')]);
    await page.waitForSelector('#saw');

    await page.click('#about-open');
    await page.click('.kept-list .icon-button');
    await page.waitForFunction(() => !document.querySelector('.kept-list .icon-button'));
    assert.match(await page.innerText('.kept-offer'), /of this visit only/);
    await openSite(page, shared.site.url, '?test=again');
    assert.equal((await optionsOf(page)).length, shipped);
    assert.deepEqual(problems, []);
  });

  test('"Delete everything" leaves nothing, and says so', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    const path = await ownModel();
    await openSite(page, shared.site.url);
    await settled(page);
    await openModel(page, path);
    await page.click('.toast.news .button');
    await openFiles(page, [shared.workshop.file('ct-stack.dcm')]);
    await page.evaluate(() => {
      const { desk, measuring } = globalThis.negatoscope;
      measuring.marks.add({ key: desk.current.key, frame: 0, kind: 'length', points: [[1, 1], [5, 5]], text: '' });
      localStorage.setItem('of-another-page', 'stays');
    });
    await page.click('button[data-workspace=train]');
    await page.click('#train-example');
    await page.waitForSelector('#train-start');
    await page.fill('#train-settings [name=epochs]', '3');
    await page.click('#train-start');
    await page.waitForFunction(() => globalThis.negatoscope.training.lab.status?.history.length >= 1, null, { timeout: 120_000 });
    const before = await keptByBrowser(page);
    assert.ok(before.caches.length && before.databases.length >= 2 && before.folders.length && before.local.length > 1 && before.session.length, JSON.stringify(before));

    await page.click('#about-open');
    await page.waitForSelector('.kept-list');
    assert.match(await page.innerText('.kept-list'), /Trainings[\s\S]*Measurements[\s\S]*Settings[\s\S]*The page itself/);
    await page.click('#delete-all');
    await screenshot(page, 'delete-ask');
    await page.click('#delete-yes');
    await page.waitForSelector('#gone-dialog[data-done]');
    assert.equal(await page.getAttribute('#gone-dialog', 'data-done'), 'all');
    assert.match(await page.innerText('#gone-dialog'), /Everything is deleted/);
    await screenshot(page, 'delete-done');
    assert.deepEqual(await keptByBrowser(page), { caches: [], databases: [], folders: [], local: ['of-another-page'], session: [] });
    // Escape does not lead back to a page that would keep again.
    await page.keyboard.press('Escape');
    assert.ok(await page.isVisible('#gone-dialog'));
    await page.click('#gone-again');
    await page.waitForSelector('body[data-model=loaded]');
    assert.equal(await page.locator('#model-select option').count(), 3);
    assert.deepEqual(problems, []);
  });

  test('one tab goes on with the old version while another has the new one', async (t) => {
    const site = await shared.workshop.serve(t);
    const { page: old, context, problems } = await newPage(t, shared.browser);
    await openSite(old, site.url);
    await settled(old);
    await openFiles(old, [shared.workshop.file('eight-bit.png')]);
    const asking = await context.newPage();
    await openSite(asking, site.url);
    await shared.workshop.rebuild({ models: ['a-tiny'] });
    t.after(() => shared.workshop.rebuild());
    await asking.evaluate(() => navigator.serviceWorker.getRegistration().then((found) => found.update()));
    await asking.click('.toast.news .button');
    await asking.waitForFunction(() => document.body.dataset.model === 'loaded' && !document.getElementById('model-select').textContent.includes('Slow'));
    await settled(asking);
    assert.equal(await asking.evaluate(() => caches.keys().then((names) => names.length)), 2, 'the old version is there as long as a tab has it');

    // What the old one has not loaded yet comes from the old version: a worker with its threads, decoders, another model.
    const failed = [];
    old.on('response', (response) => response.status() >= 400 && failed.push(response.url()));
    await openFiles(old, [shared.workshop.file('lossless.dcm')]);
    await old.waitForFunction(() => document.querySelectorAll('.row.shown').length === 2);
    await old.selectOption('#model-select', '1');
    await old.waitForFunction(() => !document.getElementById('model-select').hasAttribute('aria-busy'));
    assert.match(await chosenModel(old), /Slow/);
    await old.click('button[data-workspace=train]');
    await old.click('#train-example');
    await old.waitForSelector('.class-sheet canvas');
    assert.deepEqual(failed, []);
    assert.deepEqual(problems.filter((text) => !/^Failed to load resource/.test(text)), []);

    await old.close();
    await asking.reload();
    await asking.waitForSelector('body[data-model=loaded]');
    await settled(asking);
    await asking.waitForFunction(() => caches.keys().then((names) => names.length === 1));
  });

  test('parts that are not what the build made are neither run nor kept', async (t) => {
    const folder = join(shared.workshop.folder, 'site');
    t.after(() => shared.workshop.rebuild());
    const damage = async (file) => {
      const bytes = await readFile(join(folder, file));
      await writeFile(join(folder, file), Buffer.concat([bytes, Buffer.from('\n')]));
    };
    await damage('wasm/relaxed-threads/negatoscope.wasm');
    const site = await shared.workshop.serve(t);
    const { page } = await newPage(t, shared.browser);
    await openSite(page, site.url);
    assert.equal(await page.getAttribute('#status-core', 'data-variant'), 'simd-threads');
    await page.waitForTimeout(1000);
    assert.equal(await page.innerText('#status-offline'), '', 'a page that is not whole is not called ready offline');
    const kept = await page.evaluate(async () => (await Promise.all((await caches.keys()).map(async (name) => (await (await caches.open(name)).keys()).map(({ url }) => url)))).flat());
    assert.deepEqual(kept.filter((url) => url.includes('relaxed-threads/negatoscope.wasm')), []);

    assert.match(await page.innerText('#request-count'), /: 0$/);
    await page.evaluate(() => fetch('not-there').then((response) => response.text()));
    await page.waitForFunction(() => document.getElementById('request-count').textContent.endsWith(': 1'), null, { timeout: 5000 });

    await damage('app.js');
    const { page: broken } = await newPage(t, shared.browser);
    await broken.goto(site.url);
    await broken.waitForSelector('#too-old-part');
    assert.match(await broken.innerText('#too-old'), /did not arrive as it should[\s\S]*未能正确加载/);
    await screenshot(broken, 'damaged-page');
  });
});
