/** The main flow in browsers with other engines: open, classify, train, and all of it again with the server gone. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { makeWorkshop, unavailable } from '../e2e/harness.mjs';
import { blobOf, startService, variantsHere } from '../node/harness.mjs';
import { ENGINES } from './browsers.mjs';

const WAIT_MS = 180_000;

/** Until an expression of the page is true. @param {import('./browsers.mjs').Driver} page @param {string} expression */
async function waitFor(page, expression) {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    // Between two pages there is nothing to ask.
    if (await page.evaluate(`Boolean(${expression})`).catch(() => false)) return;
    if (Date.now() > end) throw new Error(`never true: ${expression}\n${await page.evaluate('document.body.innerText.slice(0, 600)').catch(() => '')}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const click = (page, selector) => page.evaluate(`document.querySelector(${JSON.stringify(selector)}).click()`);
const LOADED = "document.body?.dataset.model === 'loaded'";
const RESULT = 'globalThis.negatoscope.desk.current?.finding?.result';

async function classify(page, path) {
  await page.choose('#pick-files', path);
  await waitFor(page, RESULT);
  return JSON.parse(await page.evaluate(`JSON.stringify(${RESULT}.scores)`));
}

/** What the core says in Node. */
async function expectedScores(workshop) {
  const [variant] = variantsHere();
  const { ask } = await startService(variant);
  const said = async (op, args) => {
    const answer = await ask(op, args);
    assert.ok(answer.ok, answer.error?.message);
    return answer.result;
  };
  await said('init', { variant, threads: 1 });
  await said('open', { key: 'a', file: blobOf(readFileSync(workshop.file('eight-bit.png'))), thumb: 0 });
  await said('model', { file: blobOf(readFileSync(join(workshop.folder, 'models/a-tiny/model.onnx'))), options: { recipe: null, labels: null, output: null } });
  return (await said('classify', { key: 'a', frame: 0 })).scores;
}

function assertScores(got, want) {
  assert.deepEqual(Object.keys(got), Object.keys(want));
  for (const [label, score] of Object.entries(want)) assert.ok(Math.abs(got[label] - score) < 1e-5, `${label}: ${got[label]}, in Node ${score}`);
}

for (const { name, missing, launch } of ENGINES) {
  describe(name, { skip: unavailable || missing }, () => {
    let workshop, site, page, want;
    before(async () => {
      workshop = await makeWorkshop();
      site = await workshop.serve(null);
      want = await expectedScores(workshop);
      page = await launch();
    });
    after(async () => {
      await page?.close();
      await site?.stop();
      await workshop?.end();
    });

    test('opens a picture and classifies it', async (t) => {
      await page.open(`${site.url}?test&lang=en`);
      await waitFor(page, LOADED);
      t.diagnostic(await page.evaluate("document.getElementById('status-core').textContent"));
      assertScores(await classify(page, workshop.file('eight-bit.png')), want);
      assert.match(await page.evaluate("document.getElementById('result').innerText"), /present/);
    });

    test('trains', async (t) => {
      await click(page, 'button[data-workspace=train]');
      await waitFor(page, "document.getElementById('train-example')?.checkVisibility()");
      await click(page, '#train-example');
      await waitFor(page, "document.getElementById('train-start')");
      await page.evaluate(`(() => {
        const field = document.querySelector('#train-settings [name=epochs]');
        field.value = '2';
        for (const type of ['input', 'change']) field.dispatchEvent(new Event(type, { bubbles: true }));
      })()`);
      await click(page, '#train-start');
      await waitFor(page, 'globalThis.negatoscope.training.lab.status?.history.length >= 2');
      const [first, second] = JSON.parse(await page.evaluate('JSON.stringify(globalThis.negatoscope.training.lab.status.history)'));
      t.diagnostic(`loss ${first.trainLoss}, then ${second.trainLoss}`);
      assert.ok(second.trainLoss < first.trainLoss);
    });

    test('does the same again with the server gone', async () => {
      await waitFor(page, "document.getElementById('status-offline').textContent !== ''");
      await site.stop();
      await page.evaluate('void (globalThis.before = true)');
      await page.reload();
      await waitFor(page, `!globalThis.before && ${LOADED}`);
      assertScores(await classify(page, workshop.file('eight-bit.png')), want);
    });
  });
}
