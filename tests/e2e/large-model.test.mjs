/** A model of many MB, whose file stays outside of the core's memory: classified, explained, saved in 8 bits and reported from its file. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFile, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { buildNetwork } from '../networks/zoo.mjs';
import { greyPng } from '../node/fixtures.mjs';
import { newPage, openFiles, openSite, unavailable, useSite } from './harness.mjs';

const MB = 1e6;

describe('a large model', { skip: unavailable }, () => {
  const shared = useSite();

  async function start(t) {
    const path = join(shared.workshop.folder, 'large.onnx');
    const input = { width: 64, height: 64, channels: 3, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
    const labels = Array.from({ length: 1000 }, (_, i) => `label ${i}`);
    const metadata = { 'nsc.version': '1', 'nsc.name': 'large', 'nsc.output': 'logits', 'nsc.labels': labels, 'nsc.input': input };
    await writeFile(path, buildNetwork('resnet18', { size: 64, metadata }).bytes);
    const given = await newPage(t, shared.browser, {});
    const { page } = given;
    await openSite(page, shared.site.url);
    await openFiles(page, ['a.png', 'b.png'].map((name, i) => ({
      name, mimeType: 'image/png', buffer: Buffer.from(greyPng(96, 96, (x, y) => (x * (i + 2) + y) % 256)),
    })));
    await page.setInputFiles('#pick-model', path);
    await page.waitForFunction(() => {
      const { current, model } = globalThis.negatoscope.desk;
      return model?.parameters > 11e6 && current?.finding?.model === model && current.finding.result;
    });
    return { ...given, path };
  }

  const saved = async (page, click) => {
    const saving = page.waitForEvent('download');
    await click();
    return readFile(await (await saving).path());
  };

  test('its file is read from where it is, and not held', async (t) => {
    const { page, path, problems } = await start(t);
    const { size } = await stat(path);
    assert.ok(size > 40 * MB);
    const { memory } = await page.evaluate(() => globalThis.negatoscope.desk.model);
    assert.ok(memory.fileMB < 1, `${memory.fileMB} MB of the file in memory`);
    assert.ok(memory.peakMB * MB < 1.5 * size, `${memory.peakMB} MB for a file of ${size / MB} MB`);

    await page.click('#explain-toggle');
    await page.waitForSelector('#explain-words');
    await page.click('#explain-toggle');

    if (await page.locator('#show-score').count()) await page.click('#show-score');
    await page.click('#report-forms summary');
    const report = await saved(page, () => page.click('[data-form=json]'));
    assert.equal(JSON.parse(report).model.sha256, createHash('sha256').update(await readFile(path)).digest('hex'));

    await page.click('.model-facts summary');
    const small = await saved(page, () => page.click('#save-int8'));
    assert.ok(small.length < size / 3.5 && small.length > size / 4.5, `${small.length} bytes`);
    assert.deepEqual(problems, []);
  });

  test('a file that changed is said to have changed, and the page goes on', async (t) => {
    const { page, path } = await start(t);
    await appendFile(path, 'more');
    if (await page.locator('#show-score').count()) await page.click('#show-score');
    await page.click('#report-forms summary');
    await page.click('[data-form=json]');
    await page.waitForFunction(() => /The file could not be read the model's file was changed/.test(document.body.innerText.replace(/\s+/g, ' ')));
    // What is ready stays ready.
    const before = await page.evaluate(() => globalThis.negatoscope.desk.current.key);
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction((old) => {
      const { current } = globalThis.negatoscope.desk;
      return current.key !== old && current.finding?.result;
    }, before);
  });
});
