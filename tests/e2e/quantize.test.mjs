/** A model in 8 bits, made in the page from the pictures that are open, opened there again, and run by the command. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { buildNetwork } from '../networks/zoo.mjs';
import { greyPng } from '../node/fixtures.mjs';
import { NATIVE } from '../node/harness.mjs';
import { newPage, openFiles, openSite, unavailable, useSite } from './harness.mjs';

const SKIP = unavailable || (!existsSync(NATIVE) && 'the native command is not built');
const PICTURES = 5;
const CHEST = fileURLToPath(new URL('../../models/cxr-pneumonia/model.onnx', import.meta.url));

/** Chooses a model and waits for what it says of the picture that is up. */
async function classifyWith(page, file) {
  const before = await page.evaluate(() => globalThis.negatoscope.desk.model?.fileBytes ?? 0);
  await page.setInputFiles('#pick-model', file);
  await page.waitForFunction((old) => globalThis.negatoscope.desk.model?.fileBytes !== old, before);
  await page.waitForFunction(() => {
    const { current, model } = globalThis.negatoscope.desk;
    return current?.finding?.model === model && current.finding.result;
  });
  return page.evaluate(() => globalThis.negatoscope.desk.current.finding.result.scores);
}

/** Of nsc_decisions. */
const INTEGERS_COST = 8;

describe('a model in 8 bits', { skip: SKIP }, () => {
  const shared = useSite({});

  test('saved, opened again, and the same to the command', async (t) => {
    const { page, problems } = await newPage(t, shared.browser, {});
    await openSite(page, shared.site.url);
    const files = Array.from({ length: PICTURES }, (_, i) => ({
      name: `${i}.png`,
      mimeType: 'image/png',
      buffer: Buffer.from(greyPng(160, 160, (x, y) => Math.round(127 + 90 * Math.sin((x * (i + 1)) / 23) * Math.cos(y / (9 + i))))),
    }));
    await openFiles(page, files);
    const before = await classifyWith(page, CHEST);
    await page.click('.model-facts summary');
    assert.match(await page.innerText('#save-int8-note'), new RegExp(`${PICTURES} pictures`));
    const saving = page.waitForEvent('download');
    await page.click('#save-int8');
    const download = await saving;
    assert.match(download.suggestedFilename(), /-int8\.onnx$/);
    const model = join(shared.workshop.folder, 'small.onnx');
    await download.saveAs(model);

    const after = await classifyWith(page, model);
    for (const [label, score] of Object.entries(before)) assert.ok(Math.abs(after[label] - score) < 0.2, `${label}: ${score}, then ${after[label]}`);
    const name = await page.evaluate(() => globalThis.negatoscope.desk.current.name);
    const path = join(shared.workshop.folder, name);
    await writeFile(path, files.find((file) => file.name === name).buffer);
    const [row] = JSON.parse(execFileSync(NATIVE, ['classify', '--json', '--model', model, path], { encoding: 'utf8' }));
    // Where bytes are not multiplied fast in the browser, but are natively, the page computes in float32 and the command does not.
    const { decisions } = await page.evaluate(() => JSON.parse(localStorage.getItem('negatoscope-decisions') ?? '{}'));
    const within = decisions & INTEGERS_COST ? 0.01 : 1e-4;
    for (const [label, score] of Object.entries(after)) {
      assert.ok(Math.abs(score - row.scores[label]) < within, `${label}: ${score} in the page, ${row.scores[label]} by the command`);
    }
    assert.deepEqual(problems, []);
  });

  test('stopped while pictures go through the model, and the model stays', async (t) => {
    const { page, problems } = await newPage(t, shared.browser, {});
    await openSite(page, shared.site.url);
    const count = 60;
    await openFiles(page, Array.from({ length: count }, (_, i) => ({ name: `${i}.png`, mimeType: 'image/png', buffer: Buffer.from(greyPng(64, 64, (x, y) => (x * (i + 1) + y) % 256)) })));
    // Large enough to take a second or more for all of them.
    const input = { width: 224, height: 224, channels: 3, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
    const metadata = { 'nsc.version': '1', 'nsc.name': 'squeeze', 'nsc.output': 'logits', 'nsc.input': input };
    const path = join(shared.workshop.folder, 'squeeze.onnx');
    await writeFile(path, buildNetwork('squeezenet', { metadata }).bytes);
    await classifyWith(page, path);
    await page.click('.model-facts summary');
    await page.click('#save-int8');
    await page.waitForFunction(() => document.querySelector('#save-int8-progress')?.value > 0);
    assert.match(await page.innerText('#save-int8-note'), /^\d+ of \d+ pictures through the model$/);
    await page.click('#save-int8-stop');
    await page.waitForFunction(() => document.querySelector('#save-int8-note')?.textContent === 'Stopped; nothing was saved.');
    assert.ok(await page.isVisible('#save-int8'));
    await page.selectOption('#model-select', { label: 'Tiny test model' });
    await page.waitForFunction(() => globalThis.negatoscope.desk.current.finding?.model?.title === 'Tiny test model' && globalThis.negatoscope.desk.current.finding.result);
    assert.deepEqual(problems, []);
  });
});
