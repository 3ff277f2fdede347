/** Reports from the page in Chromium: the page to print in a tab of its own, files of every form, hidden names, the command's verdict on them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { ctDicom } from '../node/fixtures.mjs';
import { NATIVE } from '../node/harness.mjs';
import { newPage, openFiles, openSite, screenshot, unavailable, useSite } from './harness.mjs';

const LIVER = fileURLToPath(new URL('../../models/liver-phantom/model.onnx', import.meta.url));
const NAMES = { 0x00080018: ['UI', '2.25.4711'], 0x0020000d: ['UI', '2.25.7'], 0x0020000e: ['UI', '2.25.8'], 0x00100010: ['PN', 'Doe^Jane'], 0x00100020: ['LO', 'ID-77'] };
const stored = (x, y) => (Math.hypot(x - 40, y - 30) < 20 ? 1224 : 24);

describe('reports', { skip: unavailable }, () => {
  const shared = useSite();

  /** A CT slice that is classified, with its score shown and a length drawn on it. */
  async function start(t) {
    const path = join(shared.workshop.folder, 'Doe-Jane.dcm');
    await writeFile(path, ctDicom({ width: 80, height: 64, stored, more: NAMES }));
    const given = await newPage(t, shared.browser, {});
    const { page } = given;
    await openSite(page, shared.site.url);
    await openFiles(page, [path]);
    const before = await page.evaluate(() => globalThis.negatoscope.desk.model?.parameters ?? 0);
    await page.setInputFiles('#pick-model', LIVER);
    await page.waitForFunction((old) => globalThis.negatoscope.desk.model?.parameters !== old, before);
    await page.waitForFunction(() => {
      const { current, model } = globalThis.negatoscope.desk;
      return current?.finding?.model === model && current.finding.result;
    });
    if (await page.locator('#show-score').count()) await page.click('#show-score');
    await page.evaluate(() => {
      const { desk, measuring } = globalThis.negatoscope;
      measuring.marks.add({ key: desk.current.key, frame: 0, kind: 'length', points: [[10, 10], [40, 50]], text: 'across' });
    });
    return { ...given, path };
  }

  async function save(page, form) {
    if (!(await page.locator('#report-forms').evaluate((node) => node.open))) await page.click('#report-forms summary');
    const saving = page.waitForEvent('download');
    await page.click(`[data-form=${form}]`);
    return readFile(await (await saving).path());
  }

  test('the page opens in a tab, styled and without a script, with what was drawn', async (t) => {
    const { page, context, problems } = await start(t);
    const opening = context.waitForEvent('page');
    await page.click('#report-open');
    const tab = await opening;
    await tab.waitForSelector('.verdict');
    assert.match(tab.url(), /^blob:/);
    assert.match(await tab.innerText('main'), /Not for diagnosis[\s\S]*Doe\^Jane[\s\S]*not a lesion/);
    assert.match(await tab.innerText('.marks'), /across/);
    assert.equal(await tab.locator('script').count(), 0);
    // Its own style holds under the page's policy.
    assert.equal(await tab.locator('.film').first().evaluate((node) => getComputedStyle(node).position), 'relative');
    const loaded = await tab.locator('image').evaluateAll((images) => Promise.all(images.map((image) => new Promise((done) => {
      const probe = new Image();
      probe.onload = () => done(probe.width);
      probe.onerror = () => done(0);
      probe.src = image.getAttribute('href');
    }))));
    assert.deepEqual(loaded, [80, 80]);
    await screenshot(tab, 'report');
    assert.deepEqual(problems, []);
  });

  test('every form is saved, and the command repeats the run', async (t) => {
    const { page, path, problems } = await start(t);
    const manifest = JSON.parse(await save(page, 'json'));
    assert.equal(manifest.image.name, 'Doe-Jane.dcm');
    assert.match(manifest.software.build, /simd|relaxed/);
    assert.equal(manifest.stability.kinds.length, 8);
    assert.equal(JSON.parse(await save(page, 'fhir')).resourceType, 'DiagnosticReport');
    for (const [form, uid] of [['sr', '1.2.840.10008.5.1.4.1.1.88.33'], ['sc', '1.2.840.10008.5.1.4.1.1.7'], ['seg', '1.2.840.10008.5.1.4.1.1.66.4']]) {
      const bytes = await save(page, form);
      assert.equal(bytes.subarray(128, 132).toString(), 'DICM');
      assert.ok(bytes.includes(uid), form);
    }
    if (existsSync(NATIVE)) {
      const report = join(shared.workshop.folder, 'run.json');
      await writeFile(report, JSON.stringify(manifest));
      assert.match(execFileSync(NATIVE, ['verify', report, path, LIVER], { encoding: 'utf8' }), /^equal: another build/m);
    }
    assert.deepEqual(problems, []);
  });

  test('names that are hidden are in none of them', async (t) => {
    const { page } = await start(t);
    await page.click('#privacy');
    for (const form of ['json', 'html', 'fhir', 'sr', 'seg']) assert.doesNotMatch((await save(page, form)).toString('latin1'), /Doe|ID-77/, form);
  });
});
