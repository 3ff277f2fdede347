/**
 * A walk through every view of the page, for tests that look at all of them: accessibility, languages, widths. Nothing here
 * depends on the page's language.
 */
import { Buffer } from 'node:buffer';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { ctDicom, greyPng, mixedFiles, slowModel, survivalModel, tinyModel, unknownOperatorModel } from '../node/fixtures.mjs';
import { noise } from '../node/commands.mjs';
import { chestSeries } from '../node/phantoms.mjs';
import { openFiles, openSite } from './harness.mjs';
import { drop, folder } from './labelled.mjs';

const LIVER = fileURLToPath(new URL('../../models/liver-phantom/model.onnx', import.meta.url));
const LONG = { timeout: 240_000 };

/**
 * @typedef {import('playwright-core').Page} Page
 * @typedef {{sheet?: string, lab?: string}} Place  which panel of a narrow page a view is in
 * @typedef {(name: string, place: Place) => Promise<void>} Look
 */

/** Nothing moves any more, and the frame is drawn. @param {Page} page */
export const still = (page) =>
  page.evaluate(async () => {
    await Promise.all(document.getAnimations().filter((each) => each.effect?.getComputedTiming().iterations !== Infinity).map((each) => each.finished.catch(() => {})));
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  });

/** The page at a size, a narrow one with the view's panel up; a dialog over it stays. @param {Page} page @param {{width: number, height: number}} size @param {Place} place */
export async function atSize(page, size, place) {
  await page.setViewportSize(size);
  await page.evaluate(({ sheet = '', lab }) => {
    const press = (/** @type {string} */ selector) => /** @type {HTMLElement | null} */ (document.querySelector(selector))?.click();
    if (lab) return press(`#lab-tabs [data-lab=${lab}]`);
    if (!matchMedia('(max-width: 820px)').matches) return;
    const up = document.body.dataset.sheet ?? '';
    if (up !== sheet) press(`#sheet-tabs [data-panel=${sheet || up}]`);
  }, place);
  await still(page);
}

const png = (name, buffer) => ({ name, mimeType: 'image/png', buffer: Buffer.from(buffer) });
const closeDialogs = (page) => page.evaluate(() => document.querySelectorAll('dialog[open]').forEach((dialog) => dialog.close()));
const press = (page, selector) => page.locator(selector).first().evaluate((node) => node.click());

const classified = (page) =>
  page.waitForFunction(() => {
    const { current, model } = globalThis.negatoscope.desk;
    return current?.finding && current.finding.model === model;
  });

/** Pictures, results, series, panes and the dialogs around them. @param {Page} page @param {any} shared @param {{url: string, query: string}} at @param {Look} look */
export async function walkViewer(page, shared, { url, query }, look) {
  await page.setViewportSize({ width: 1440, height: 900 });
  await openSite(page, url, query);
  await look('empty', {});
  await page.click('#help');
  await look('help', {});
  await closeDialogs(page);
  await page.click('#about-open');
  await page.waitForSelector('#delete-all');
  await look('about', {});
  await press(page, '#delete-all');
  await look('about-delete', {});
  await closeDialogs(page);

  await openFiles(page, [shared.workshop.file('eight-bit.png')]);
  await page.waitForSelector('#saw');
  await look('result', { sheet: 'result' });
  await press(page, '#profile summary');
  await page.waitForSelector('#profile tbody tr');
  await press(page, '.model-facts summary');
  await look('result-facts', { sheet: 'result' });

  await openFiles(page, mixedFiles().map(({ name }) => shared.workshop.file(name)));
  await page.waitForFunction((count) => document.querySelectorAll('.row.shown, .row.refused').length >= count, mixedFiles().length);
  await look('files', { sheet: 'files' });
  await page.click('#privacy');
  await look('names-hidden', { sheet: 'files' });
  await page.click('#privacy');

  await walkModels(page, look);
  await walkMap(page, look);
  await walkMarks(page, look);
  await page.click('#classify-all');
  await page.waitForFunction(() => document.getElementById('batch-running').hidden && !document.getElementById('batch-save').hidden);
  await look('batch', { sheet: 'files' });
  await page.click('#triage-open');
  await page.waitForSelector('#triage-table .triage-body .triage-line');
  await page.focus('#triage-table');
  await page.keyboard.press('a');
  await page.waitForSelector('#triage-labels:not([hidden])');
  await look('triage', { sheet: 'files' });
  await page.click('#triage-open');
  await walkPlanes(page, shared, look);
}

/** Questions about models, and what is said of one that cannot be used. */
async function walkModels(page, look) {
  await page.setInputFiles('#pick-model', { name: 'foreign.onnx', mimeType: '', buffer: tinyModel({ metadata: {} }) });
  await page.waitForSelector('#model-dialog[open]');
  await page.selectOption('#model-form [name=range]', 'window');
  await look('model-form', {});
  await press(page, '#model-cancel');
  await page.setInputFiles('#pick-model', { name: 'large.onnx', mimeType: '', buffer: slowModel({ size: 1536, layers: 2 }) });
  await page.waitForSelector('#large-dialog[open]');
  await look('large-model', {});
  await press(page, '#large-dialog button[value=cancel]');
  await page.setInputFiles('#pick-model', { name: 'hostile.onnx', mimeType: '', buffer: unknownOperatorModel() });
  await page.waitForSelector('.toast.problem');
  await look('notice', {});
  for (const close of await page.locator('.toast .icon-button').all()) await close.click();
}

/** A model that may not judge the picture, its score all the same, a map with everything under it. */
async function walkMap(page, look) {
  const stored = (x, y) => (Math.hypot(x - 40, y - 30) < 20 ? 1224 : 24);
  await openFiles(page, [{ name: 'slice.dcm', mimeType: '', buffer: Buffer.from(ctDicom({ width: 80, height: 64, stored })) }]);
  await page.waitForFunction(() => globalThis.negatoscope.desk.current?.name === 'slice.dcm');
  const before = await page.evaluate(() => globalThis.negatoscope.desk.model?.parameters ?? 0);
  await page.setInputFiles('#pick-model', LIVER);
  await page.waitForFunction((old) => globalThis.negatoscope.desk.model?.parameters !== old, before);
  await classified(page);
  await look('out-of-range', { sheet: 'result' });
  if (await page.locator('#show-score').count()) await press(page, '#show-score');
  await page.waitForSelector('.verdict-score');
  await press(page, '#explain-toggle');
  await page.waitForSelector('#explain-words');
  await page.evaluate(() => document.querySelectorAll('#explain details').forEach((each) => (each.open = true)));
  await press(page, '#explain-check');
  await page.waitForSelector('#explain-checked', LONG);
  await press(page, '#explain-curves');
  await page.waitForSelector('#explain-curved', LONG);
  await press(page, '#report-forms summary');
  await page.waitForTimeout(200);
  await look('map', { sheet: 'result' });
  await press(page, '#stability-test');
  await page.waitForSelector('#stability-words', LONG);
  await look('steadiness', { sheet: 'result' });
  await press(page, '#tab-details');
  await page.waitForSelector('.tag');
  await look('details', { sheet: 'details' });
}

/** Marks of several kinds, with their list; filters over the picture. */
async function walkMarks(page, look) {
  await page.evaluate(() => {
    const { desk, measuring } = globalThis.negatoscope;
    const { key } = desk.current;
    for (const [kind, points, text] of [
      ['length', [[10, 10], [40, 50]], '1 2 3'],
      ['angle', [[10, 50], [30, 50], [30, 20]], ''],
      ['ellipse', [[30, 20], [60, 50]], ''],
      ['text', [[50, 10]], '4 5 6'],
    ]) measuring.marks.add({ key, frame: 0, kind, points, text });
  });
  await press(page, '#tab-measure');
  await page.waitForFunction(() => document.querySelectorAll('.measure-list li').length === 4);
  await page.locator('.measure-list li').nth(2).evaluate((node) => (node.querySelector('button') ?? node).click());
  await page.waitForTimeout(200);
  await look('measures', { sheet: 'measure' });
  await page.click('#filters');
  await page.waitForSelector('#filter-panel:not([hidden])');
  const kinds = page.locator('#filter-panel select').first();
  const kind = await kinds.locator('option').nth(1).getAttribute('value');
  await kinds.selectOption(kind);
  await still(page);
  await look('filters', {});
  await page.click('#filters');
  await press(page, '#tab-result');
}

/** A series, its planes in four panes, and a curve of survival. */
async function walkPlanes(page, shared, look) {
  const at = join(shared.workshop.folder, 'chest-series');
  await mkdir(at, { recursive: true });
  for (const { name, bytes } of chestSeries({ size: 64, count: 12 })) await writeFile(join(at, name), bytes);
  await page.setInputFiles('#pick-folder', at);
  await page.waitForFunction(() => globalThis.negatoscope.desk.current?.pile);
  await page.waitForSelector('#index-progress', { state: 'hidden' });
  await press(page, '#tools [data-do=reformat]');
  await page.waitForFunction(() => globalThis.negatoscope.desk.items.some(({ plane }) => plane) && document.getElementById('gathering').hidden);
  await page.click('#panes');
  await page.waitForSelector('#panes-panel:not([hidden])');
  await look('planes', {});
  await page.click('#panes');
  await page.keyboard.press('Shift+Digit1');

  const model = join(shared.workshop.folder, 'survival.onnx');
  await writeFile(model, survivalModel());
  await page.setInputFiles('#pick-model', model);
  await page.waitForFunction(() => globalThis.negatoscope.desk.survival);
  await openFiles(page, [png('plain.png', greyPng(16, 16, () => 102))]);
  await page.evaluate(() => {
    const { desk } = globalThis.negatoscope;
    desk.select(desk.items.find(({ name }) => name === 'plain.png'));
  });
  await page.waitForSelector('#survival-chart');
  await page.evaluate(() => document.querySelectorAll('#result details').forEach((each) => (each.open = true)));
  await look('survival', { sheet: 'result' });
}

/** Training from first sight to its figures. @param {Page} page @param {any} shared @param {{url: string, query: string}} at @param {Look} look */
export async function walkTraining(page, shared, { url, query }, look) {
  await page.setViewportSize({ width: 1440, height: 900 });
  await openSite(page, url, query);
  await page.click('button[data-workspace=train]');
  await page.waitForSelector('#train-example');
  await look('train-empty', { lab: 'pictures' });
  await page.click('#train-make');
  await page.waitForSelector('.made-class');
  await look('train-made', { lab: 'pictures' });
  await press(page, '#train-made .form-actions .button');

  // Two pairs that look the same, and a file that is no picture.
  const same = folder({ perClass: 2 })[0].bytes;
  await drop(page, folder({ extra: [{ path: 'set/left/copy.png', bytes: same }, { path: 'set/loose.png', bytes: same }, { path: 'set/right/broken.png', bytes: same.slice(0, 60) }] }));
  await page.waitForSelector('#train-plan');
  await page.evaluate(() => document.querySelectorAll('#lab details').forEach((each) => (each.open = true)));
  await look('train-plan', { lab: 'pictures' });
  await page.fill('#train-plan [name=size]', '28');
  await page.click('#train-load');
  await page.waitForSelector('.class-sheet canvas');
  await page.evaluate(() => document.querySelectorAll('#lab details').forEach((each) => (each.open = true)));
  await look('train-data', { lab: 'data' });
  await look('train-pictures', { lab: 'pictures' });
  await look('train-settings', { lab: 'settings' });
  await press(page, '#show-duplicates');
  await page.waitForSelector('#samples-dialog[open] canvas');
  await look('train-pairs', { lab: 'data' });
  await press(page, '#samples-sheet .card');
  await page.waitForSelector('#sample-dialog[open]');
  await look('train-sample', { lab: 'data' });
  await closeDialogs(page);
  await press(page, '#lab-tab-progress');
  await look('train-unstarted', { lab: 'progress' });
  await page.fill('#train-settings [name=epochs]', '3');
  await press(page, '#train-start');
  await page.waitForFunction(() => globalThis.negatoscope.training.lab.status?.state === 'finished', null, LONG);
  await page.waitForSelector('#outcome');
  await page.evaluate(() => document.querySelectorAll('#lab details').forEach((each) => (each.open = true)));
  await look('train-progress', { lab: 'progress' });
  await press(page, '#lab-tab-evaluation');
  await page.waitForSelector('.matrix');
  await page.evaluate(() => document.querySelectorAll('#lab details').forEach((each) => (each.open = true)));
  await look('train-evaluation', { lab: 'evaluation' });
  await press(page, '#lab-tab-neighbours');
  await page.waitForSelector('#lab-neighbours [name=base]');
  await page.setInputFiles('#pick-query', png('new.png', greyPng(32, 32, (x, y) => (x < 16 ? 190 : 60) + ((x * 7 + y * 13) % 40))));
  await page.waitForSelector('#look-answer .card canvas', LONG);
  await look('train-neighbours', { lab: 'neighbours' });
  await page.reload();
  await page.waitForSelector('#kept-offer');
  await look('train-kept', { lab: 'pictures' });
}

/** A training on times to an event, and its figures. @param {Page} page @param {any} shared @param {{url: string, query: string}} at @param {Look} look */
export async function walkSurvivalTraining(page, shared, { url, query }, look) {
  await page.setViewportSize({ width: 1440, height: 900 });
  await openSite(page, url, query);
  await page.click('button[data-workspace=train]');
  await page.waitForSelector('#train-example');
  const rows = ['file,time,event,age'];
  const pictures = Array.from({ length: 60 }, (_, i) => {
    rows.push(`c${i}.png,${(1 + 40 * noise(i + 0.37)).toFixed(2)},${i % 3 ? 1 : 0},${i % 9 ? Math.round(40 + 40 * noise(i + 0.23)) : ''}`);
    return png(`c${i}.png`, greyPng(28, 28, (x, y) => Math.round(40 + 120 * noise(i + 0.11) + 40 * noise(i + x * 0.37 + y * 7.1))));
  });
  await page.setInputFiles('#pick-training-files', [{ name: 'cases.csv', mimeType: 'text/csv', buffer: Buffer.from(rows.join('\n')) }, ...pictures]);
  await page.waitForSelector('#train-plan [name=fields]');
  await look('train-survival-plan', { lab: 'pictures' });
  await page.fill('#train-plan [name=size]', '28');
  await page.click('#train-load');
  await page.waitForSelector('#data-survival');
  await page.fill('#train-settings [name=epochs]', '2');
  await press(page, '#train-start');
  await page.waitForFunction(() => globalThis.negatoscope.training.lab.status?.state === 'finished', null, LONG);
  await press(page, '#lab-tab-evaluation');
  await page.waitForSelector('[data-figure=harrell]');
  await look('train-survival-evaluation', { lab: 'evaluation' });
}

/** The end of everything that the browser keeps. @param {Page} page @param {{url: string, query: string}} at @param {Look} look */
export async function walkEnd(page, { url, query }, look) {
  await page.setViewportSize({ width: 1440, height: 900 });
  await openSite(page, url, query);
  await page.click('#about-open');
  await press(page, '#delete-all');
  await press(page, '#delete-yes');
  await page.waitForSelector('#gone-dialog[data-done]');
  await look('gone', {});
}

export const WALKS = {
  viewer: walkViewer,
  training: walkTraining,
  'training on times': walkSurvivalTraining,
  end: (page, _shared, at, look) => walkEnd(page, at, look),
};
