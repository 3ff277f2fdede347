/** Without isolation headers, without a network, without a server. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { tinyModel } from '../node/fixtures.mjs';
import { launch, makeWorkshop, newPage, openFiles, openSite, screenshot, settled, unavailable } from './harness.mjs';

describe('hosting', { skip: unavailable }, () => {
  let workshop, browser;
  before(async () => {
    workshop = await makeWorkshop();
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await workshop?.end();
  });

  test('without isolation and without a service worker one thread does', async (t) => {
    const site = await workshop.serve(t, { isolation: false });
    const { page, problems } = await newPage(t, browser, { serviceWorkers: 'block' });
    await openSite(page, site.url);
    assert.equal(await page.evaluate(() => crossOriginIsolated), false);
    assert.equal(await page.getAttribute('#status-core', 'data-variant'), 'relaxed');
    await openFiles(page, [workshop.file('eight-bit.png')]);
    await page.waitForSelector('#saw');
    assert.match(await page.innerText('#status-core'), /1 thread$/);
    assert.deepEqual(problems.filter((text) => !/Service Worker registration blocked/.test(text)), []);
  });

  test('the service worker adds isolation where the host cannot, with one reload', async (t) => {
    const site = await workshop.serve(t, { isolation: false });
    const { page } = await newPage(t, browser);
    let loads = 0;
    page.on('load', () => loads++);
    await page.goto(`${site.url}?test`);
    await page.waitForFunction(() => crossOriginIsolated && document.body.dataset.model === 'loaded');
    await settled(page);
    assert.equal(await page.getAttribute('#status-core', 'data-variant'), 'relaxed-threads');
    await page.waitForTimeout(500);
    assert.equal(loads, 2);
  });

  test('files that are already open are not lost to that reload', async (t) => {
    const site = await workshop.serve(t, { isolation: false });
    const { page } = await newPage(t, browser);
    // The page is in use before the worker takes control.
    await page.addInitScript(() => {
      const register = navigator.serviceWorker.register.bind(navigator.serviceWorker);
      navigator.serviceWorker.register = async (...args) => {
        await new Promise((go) => (globalThis.letRegister = go));
        return register(...args);
      };
    });
    await openSite(page, site.url);
    await openFiles(page, [workshop.file('eight-bit.png')]);
    await page.waitForFunction(() => 'letRegister' in globalThis);
    await page.evaluate(() => globalThis.letRegister());
    await settled(page);
    await page.waitForTimeout(500);
    assert.equal(await page.locator('.row.shown').count(), 1);
  });

  test('after one visit the page works with the server gone', async (t) => {
    const site = await workshop.serve(t);
    const { page, context, problems } = await newPage(t, browser);
    await openSite(page, site.url);
    await settled(page);
    await site.stop();
    await context.setOffline(true);
    problems.length = 0;
    await page.goto(`${site.url}?test`);
    await page.waitForSelector('body[data-model=loaded]');
    assert.equal(await page.evaluate(() => crossOriginIsolated), true);
    await openFiles(page, [workshop.file('eight-bit.png'), workshop.file('lossless.dcm')]);
    await page.waitForFunction(() => document.querySelectorAll('.row.shown').length === 2);
    await page.waitForSelector('#saw');
    assert.match(await page.innerText('#result'), /Not for diagnosis/);
    assert.equal(await page.getAttribute('#status-core', 'data-variant'), 'relaxed-threads');
    // A worker that is replaced comes from the cache, too.
    await page.evaluate(() => globalThis.negatoscope.client.request('trap', {}).catch(() => {}));
    await page.waitForSelector('.toast.problem');
    await page.keyboard.press('i');
    assert.deepEqual(problems, []);
  });

  test('a new version waits until it is asked for', async (t) => {
    const site = await workshop.serve(t);
    const { page } = await newPage(t, browser);
    await openSite(page, site.url);
    await settled(page);
    await openFiles(page, [workshop.file('eight-bit.png')]);
    await workshop.rebuild({ models: ['a-tiny'] });
    t.after(() => workshop.rebuild());
    await page.evaluate(() => navigator.serviceWorker.getRegistration().then((found) => found.update()));
    await page.waitForSelector('.toast.news');
    // The open session goes on with what it has, other builds of the core included.
    assert.equal(await page.locator('.row.shown').count(), 1);
    assert.match(await page.innerText('#model-select'), /Slow/);
    await page.click('.toast.news .button');
    await page.waitForFunction(() => !document.querySelector('.row'));
    await page.waitForSelector('body[data-model=loaded]');
    assert.doesNotMatch(await page.innerText('#model-select'), /Slow/);
  });

  test('the single file works from file:// and makes no connection', async (t) => {
    const { page, problems, requests } = await newPage(t, browser);
    await openSite(page, workshop.single);
    await openFiles(page, [workshop.file('eight-bit.png'), workshop.file('ct-stack.dcm')]);
    await page.waitForSelector('#saw');
    assert.match(await page.innerText('#result'), /Not for diagnosis/);
    assert.equal(await page.getAttribute('#status-core', 'data-variant'), 'relaxed');
    const foreign = requests.filter((url) => !url.startsWith(workshop.single) && !/^(blob|data):/.test(url));
    assert.deepEqual(foreign, []);
    const policy = await page.getAttribute('meta[http-equiv=Content-Security-Policy]', 'content');
    assert.match(policy, /connect-src 'none'/);
    assert.doesNotMatch(policy, /unsafe-inline/);
    assert.deepEqual(problems, []);
    await screenshot(page, 'single-file');

    const refused = await page.evaluate(() => fetch('data:text/plain,x').then(() => 'allowed', () => 'refused'));
    assert.equal(refused, 'refused');
  });

  test('the single file with the network off: classifying, explaining, training, keeping a model, deleting everything', async (t) => {
    const { page, context, problems, requests } = await newPage(t, browser);
    await context.setOffline(true);
    await openSite(page, workshop.single);
    await openFiles(page, [workshop.file('lossless.dcm'), workshop.file('eight-bit.png')]);
    await page.waitForFunction(() => document.querySelectorAll('.row.shown').length === 2);
    await page.waitForSelector('#saw');
    await page.click('#explain-toggle');
    await page.waitForSelector('#explain-words');
    const own = join(workshop.folder, 'own.onnx');
    await writeFile(own, tinyModel());
    await page.setInputFiles('#pick-model', own);
    await page.waitForSelector('.toast.news');
    await page.click('.toast.news .button');
    await page.click('button[data-workspace=train]');
    await page.click('#train-example');
    await page.waitForSelector('#train-start');
    await page.fill('#train-settings [name=epochs]', '1');
    await page.click('#train-start');
    await page.waitForFunction(() => globalThis.negatoscope.training.lab.status?.state === 'finished', null, { timeout: 240_000 });

    await openSite(page, workshop.single, '?test=again');
    assert.equal(await page.locator('#model-select option').count(), 4, 'the model was kept, pages from a file have storage, too');
    await page.click('#about-open');
    await page.waitForSelector('.kept-list .icon-button');
    assert.equal(await page.innerText('#requests-sent'), 'Requests since load: 0');
    assert.match(await page.innerText('#about-facts'), /[\w+/]{43}=/);
    assert.match(await page.innerText('.kept-list'), /Trainings/);
    await screenshot(page, 'single-about');
    await page.click('#delete-all');
    await page.click('#delete-yes');
    await page.waitForSelector('#gone-dialog[data-done=all]');
    const left = await page.evaluate(async () => [(await indexedDB.databases()).length, Object.keys(localStorage).length]);
    assert.deepEqual(left, [0, 0]);
    const foreign = requests.filter((url) => !url.startsWith(workshop.single) && !/^(blob|data):/.test(url));
    assert.deepEqual(foreign, []);
    assert.deepEqual(problems, []);
  });

  test('the single file runs in plain SIMD, too', async (t) => {
    const { page } = await newPage(t, browser);
    await openSite(page, workshop.single, '?test&variant=simd');
    await openFiles(page, [workshop.file('eight-bit.png')]);
    await page.waitForSelector('#saw');
    assert.equal(await page.getAttribute('#status-core', 'data-variant'), 'simd');
  });
});
