/**
 * The lessons of docs/lessons, done as they say, with the names of controls that stand there in bold. Trainings are shorter than a class's; what a lesson
 * shows must show all the same.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { lessonData } from '../../scripts/lesson-data.mjs';
import { toHtml } from '../../scripts/lessons.mjs';
import { NATIVE } from '../node/harness.mjs';
import { newPage, openSite, unavailable, useSite } from './harness.mjs';

const LESSONS = fileURLToPath(new URL('../../docs/lessons', import.meta.url));
const NAMES = ['1-train', '2-overfit', '3-leak', '4-fool', '5-calibrate'];
const TRAINED_MS = 240_000;
const TEXTS = Object.fromEntries(['en', 'zh-CN'].map((code) => [code, JSON.parse(readFileSync(new URL(`../../web/i18n/${code}.json`, import.meta.url), 'utf8'))]));

const fileOf = (name, code) => join(LESSONS, `${name}${code === 'en' ? '' : `.${code}`}.md`);
/** What stands in bold: names of controls, and nothing else. */
const boldIn = (text) => [...text.matchAll(/\*\*([^*]+)\*\*/g)].map(([, name]) => name);
const written = (name, code) => new Set(boldIn(readFileSync(fileOf(name, code), 'utf8')));

/** Texts of the page, those with places for values as patterns. */
function knownNames(code) {
  const escape = (text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return Object.values(TEXTS[code]).map((text) => new RegExp(`^${escape(text).replaceAll(/\\\{\w+\\\}/g, '.+')}$`));
}

/** A reader of a lesson: presses only what the lesson names. @param {import('playwright-core').Page} page */
function reader(page, lesson, code = 'en') {
  const names = written(lesson, code);
  const nameOf = (key) => {
    const name = TEXTS[code][key];
    assert.ok(names.has(name), `${lesson}, ${code}: does not name “${name}”`);
    return name;
  };
  /** A field of the settings by what stands beside it. */
  const fieldOf = (key) => page.locator('label.field', { has: page.locator('span', { hasText: new RegExp(`^${nameOf(key)}$`) }) }).locator('input, select').first();
  return {
    nameOf,
    fieldOf,
    press: (key, role = 'button') => page.locator('body').getByRole(role, { name: nameOf(key), exact: true }).filter({ visible: true }).first().click(),
    choose: async (key, value) => fieldOf(key).selectOption({ label: nameOf(value) }),
    /** With what the lesson says, and as many epochs as a test has time for. @param {number} epochs @param {Record<string, number | string>} [changes] */
    async train(epochs, changes = {}) {
      await page.fill('#train-settings [name=epochs]', String(epochs));
      for (const [key, value] of Object.entries(changes)) {
        if (typeof value === 'string') await this.choose(key, value);
        else await fieldOf(key).fill(String(value));
      }
      await this.press('train.start');
      // Until then the state is that of the training before.
      await page.waitForFunction(() => globalThis.negatoscope.training.lab.running);
      await page.waitForFunction(() => globalThis.negatoscope.training.lab.status?.state === 'finished', null, { timeout: TRAINED_MS });
    },
    /** Figures of a split as the page shows them. */
    async figures(split) {
      await page.waitForSelector('.matrix');
      await fieldOf('train.eval.split').selectOption(split);
      await page.waitForFunction((wanted) => document.querySelector('.eval-notes')?.textContent.includes(wanted), TEXTS[code][`train.eval.note.${split}`], { timeout: TRAINED_MS });
      await page.waitForSelector('.matrix');
      const text = await page.innerText('#lab-evaluation');
      return { text, auc: Number(/AUC\s+([\d.]+)/.exec(text)[1]) };
    },
    history: () => page.evaluate(() => globalThis.negatoscope.training.lab.status.history),
  };
}

/** The page's example picture is none of those that the model learnt from: out of range, its score behind a button. */
async function refuseExample(page, does) {
  await does.press('open.example');
  await page.waitForSelector('body.looking');
  await does.press('result.classify');
  await page.waitForSelector('#show-score');
  assert.ok((await page.innerText('#result')).includes(does.nameOf('applies.out')));
}

describe('the names in the lessons', () => {
  for (const code of ['en', 'zh-CN']) {
    for (const name of NAMES) {
      test(`${name}, ${code}: what stands in bold is a control or a text of the page`, () => {
        const known = knownNames(code);
        assert.ok(!known.some((pattern) => pattern.test('Begin the lesson')), 'a pattern that fits anything proves nothing');
        for (const file of [fileOf(name, code), fileOf(`handouts/${name}`, code)]) {
          const names = boldIn(readFileSync(file, 'utf8'));
          assert.ok(names.length >= 3, file);
          for (const each of names) assert.ok(known.some((pattern) => pattern.test(each)), `${file}: nothing on the page is called “${each}”`);
        }
      });
    }
  }

  test('both languages name the same controls of each lesson', () => {
    const keysOf = (name, code) => new Set([...written(name, code)].flatMap((text) => Object.keys(TEXTS[code]).filter((key) => TEXTS[code][key] === text)));
    for (const name of NAMES) {
      const [en, zh] = ['en', 'zh-CN'].map((code) => keysOf(name, code));
      for (const text of written(name, 'en')) {
        const keys = Object.keys(TEXTS.en).filter((key) => TEXTS.en[key] === text);
        if (keys.length) assert.ok(keys.some((key) => zh.has(key)), `${name}: “${text}” is not in the Chinese lesson`);
      }
      assert.ok(en.size > 0);
    }
  });

  test('links of the lessons lead to files that are there, and each page has its parts', () => {
    for (const folder of [LESSONS, join(LESSONS, 'handouts')]) {
      for (const name of readdirSync(folder).filter((each) => each.endsWith('.md'))) {
        const text = readFileSync(join(folder, name), 'utf8');
        for (const [, target] of text.matchAll(/\]\(([^)#]+)[^)]*\)/g)) assert.ok(existsSync(join(folder, target)), `${name}: ${target}`);
        assert.doesNotMatch(toHtml(text), /\*\*|\]\(/, name);
      }
    }
  });
});

describe('the lessons, done', { skip: unavailable || (!existsSync(NATIVE) && 'the native command is not built') }, () => {
  const shared = useSite();
  let data = '';
  before(async () => {
    data = await mkdtemp(join(tmpdir(), 'negatoscope-lessons-'));
    await lessonData(data, { command: NATIVE });
  });
  after(() => rm(data, { recursive: true, force: true }));

  /** The page at its beginning, with a reader of the lesson. */
  async function open(t, lesson, code = 'en') {
    const { page, problems } = await newPage(t, shared.browser, { locale: code });
    await openSite(page, shared.site.url);
    const does = reader(page, lesson, code);
    await does.press('workspace.train');
    await page.waitForSelector('#train-example');
    /** A folder through the page's own picker, as after the press of its button. */
    const folder = async (name) => {
      does.nameOf('train.pick.folder');
      await page.setInputFiles('#pick-training-folder', join(data, name));
      await page.waitForSelector('#train-plan');
    };
    return { page, problems, does, folder };
  }

  for (const code of ['en', 'zh-CN']) {
    test(`1 train, ${code}`, async (t) => {
      const { page, problems, does } = await open(t, '1-train', code);
      await does.press('train.pick.example');
      await page.waitForSelector('.class-sheet canvas');
      await does.press('train.augment.show');
      await page.waitForSelector('#samples-sheet canvas');
      await page.keyboard.press('Escape');
      assert.equal(await does.fieldOf('train.option.epochs').inputValue(), '20');
      assert.equal(await does.fieldOf('train.option.rate').inputValue(), '0.003');
      assert.equal(await does.fieldOf('train.option.augment').locator('option:checked').innerText(), does.nameOf('train.augment.film'));
      await does.train(2);
      await does.press('train.outcome.evaluate');
      assert.match((await does.figures('validation')).text, /80/);
      const { text } = await does.figures('test');
      for (const key of ['train.metric.auc', 'train.metric.sensitivity', 'train.metric.specificity', 'train.eval.matrix']) assert.ok(text.includes(does.nameOf(key)), key);
      await does.press('train.tab.progress', 'tab');
      await does.press('train.outcome.use');
      await page.waitForSelector('button[data-workspace=view][aria-pressed=true]');
      await refuseExample(page, does);
      assert.deepEqual(problems, []);
    });
  }

  test('2 overfit: the curves drift apart, patience ends it, augmentation keeps them together', async (t) => {
    const { page, problems, does, folder } = await open(t, '2-overfit');
    await folder('few');
    await does.press('train.plan.load');
    await page.waitForSelector('#train-start');
    await page.locator('summary', { hasText: does.nameOf('train.settings.advanced') }).click();
    await does.train(20, { 'train.option.rate': 0.003, 'train.option.augment': 'train.augment.none', 'train.option.patience': 4 });
    const alone = (await does.history()).at(-1);
    assert.ok(alone.validationLoss > 5 * alone.trainLoss, `learnt by heart: ${alone.trainLoss}, ${alone.validationLoss}`);
    assert.match(await page.innerText('#train-state'), /Finished early/);
    await page.waitForSelector('#train-start:not([disabled])');
    await does.train(15, { 'train.option.augment': 'train.augment.film', 'train.option.patience': 0 });
    const varied = (await does.history()).at(-1);
    assert.ok(varied.validationLoss < 2 * varied.trainLoss, `together: ${varied.trainLoss}, ${varied.validationLoss}`);
    await page.waitForSelector('#train-start:not([disabled])');
    await does.train(8, { 'train.option.augment': 'train.augment.none', 'train.option.dropout': 0 });
    const whole = (await does.history()).at(-1);
    await page.waitForSelector('#train-start:not([disabled])');
    await does.train(8, { 'train.option.dropout': 0.8 });
    const dropped = (await does.history()).at(-1);
    assert.ok(dropped.trainLoss > 1.5 * whole.trainLoss, `dropout: ${dropped.trainLoss}, without ${whole.trainLoss}`);
    assert.deepEqual(problems, []);
  });

  test('3 leak: perfect figures without anything to see, chance with patients kept together', async (t) => {
    const { page, problems, does, folder } = await open(t, '3-leak');
    const run = async () => {
      await does.press('train.plan.load');
      await page.waitForSelector('#train-start');
      await does.train(10, { 'train.option.rate': 0.003, 'train.option.augment': 'train.augment.none' });
      await does.press('train.outcome.evaluate');
      return (await does.figures('test')).auc;
    };
    await folder('leak');
    assert.match(await page.innerText('#train-plan'), /2 classes, 400 pictures/);
    const open1 = await run();
    assert.match(await page.innerText('#lab-data'), /look the same: \d+\. In different splits: [1-9]/);
    assert.ok(open1 > 0.95, `dealt out singly: ${open1}`);
    await does.press('train.data.other');
    await folder('leak');
    await page.locator('label.field', { hasText: does.nameOf('train.plan.patient') }).locator('input').fill('p\\d+');
    assert.match(await page.innerText('#patient-hint'), /Patients: 100\. The pattern fits 400 of 400/);
    const together = await run();
    assert.match(await page.innerText('#lab-data'), /look the same: \d+\. In different splits: 0/);
    assert.ok(together < 0.75, `patients together: ${together}`);
    assert.deepEqual(problems, []);
  });

  test('4 fool: perfect here and upside down there; the map points at the letter, the range sees nothing', async (t) => {
    const { page, problems, does, folder } = await open(t, '4-fool');
    await folder('fool');
    await does.press('train.plan.load');
    await page.waitForSelector('#train-start');
    await does.train(8, { 'train.option.rate': 0.003 });
    await does.press('train.outcome.evaluate');
    const [validation, other] = [await does.figures('validation'), await does.figures('test')];
    assert.ok(validation.auc > 0.98 && other.auc < 0.1, `${validation.auc}, ${other.auc}`);
    await does.press('train.tab.progress', 'tab');
    await does.press('train.outcome.use');
    await page.waitForSelector('button[data-workspace=view][aria-pressed=true]');
    does.nameOf('open.files');
    await page.setInputFiles('#pick-files', join(data, 'fool/val/lesion/slice-0001.dcm'));
    await page.waitForSelector('#explain-toggle');
    assert.ok((await page.innerText('#result')).includes(does.nameOf('applies.in')));
    does.nameOf('explain.title');
    await does.press('explain.show');
    does.nameOf('explain.method.cam');
    await page.locator('.explain-fields label', { hasText: does.nameOf('explain.method') }).locator('select').selectOption({ label: does.nameOf('explain.method.occlusion') });
    await page.getByRole('button', { name: does.nameOf('explain.make') }).click({ timeout: 3000 }).catch(() => {});
    await page.waitForSelector('.explain-regions li');
    const [, x, y] = /around ([\d.]+), ([\d.]+) mm/.exec(await page.innerText('.explain-regions li')).map(Number);
    // The letter: from 4 to 19 and from 4 to 25 pixels of about 3 mm.
    assert.ok(x < 75 && y < 90, `the heaviest region lies around ${x}, ${y} mm`);
    await page.getByRole('button', { name: does.nameOf('explain.check') }).click();
    await page.waitForSelector('#explain-checked', { timeout: TRAINED_MS });
    const likeness = Number(/Rank correlation (-?[\d.]+)/.exec(await page.innerText('#explain-checked'))[1]);
    assert.ok(likeness < 0.7, `the map of shuffled weights is ${likeness} like this one`);
    does.nameOf('panel.files');
    await page.locator('#file-list .row').first().hover();
    await page.locator('#file-list .row-remove').first().click();
    await page.waitForSelector('#welcome', { state: 'visible' });
    await refuseExample(page, does);
    assert.deepEqual(problems, []);
  });

  test('5 calibrate: reliability, raw beside calibrated, and what a threshold trades', async (t) => {
    const { page, problems, does } = await open(t, '5-calibrate');
    await does.press('train.pick.example');
    await page.waitForSelector('#train-start');
    await page.locator('summary', { hasText: does.nameOf('train.settings.advanced') }).click();
    await does.train(12, { 'train.option.smoothing': 0.4 });
    await does.press('train.outcome.evaluate');
    const { text } = await does.figures('test');
    for (const key of ['train.curve.reliability', 'train.metric.ece', 'train.metric.brier', 'train.eval.threshold']) assert.ok(text.includes(does.nameOf(key)), key);
    const share = async (name) => Number(/([\d.]+)%/.exec(await page.innerText(`[data-share=${name}]`))[1]);
    const setThreshold = (value) =>
      page.locator('#threshold').evaluate((slider, to) => {
        slider.value = String(to);
        slider.dispatchEvent(new Event('input', { bubbles: true }));
      }, value);
    await setThreshold(0);
    assert.deepEqual([await share('sensitivity'), await share('specificity')], [100, 0]);
    await setThreshold(await page.getAttribute('#threshold', 'max'));
    assert.ok((await share('specificity')) > 95 && (await share('sensitivity')) < 20);
    await does.press('train.eval.found');
    await does.press('train.tab.progress', 'tab');
    await does.press('train.outcome.use');
    await page.waitForSelector('button[data-workspace=view][aria-pressed=true]');
    await page.setInputFiles('#pick-files', join(data, 'few/test/lesion/slice-0003.dcm'));
    await page.waitForSelector('#saw');
    if (await page.isVisible('#show-score')) await does.press('applies.showAnyway');
    assert.match(await page.innerText('#result .bars'), /raw [\d.]+%/);
    assert.deepEqual(problems, []);
  });
});
