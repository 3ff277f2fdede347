/**
 * One file more is one language more: the page is built with a language that is made here, accented and a third longer than English,
 * which is offered, used everywhere, and fits. And numbers and dates are those of the language.
 */
import assert from 'node:assert/strict';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { LANGUAGES } from '../../scripts/languages.mjs';
import { latinWords, overflows, unreachable } from './checks.mjs';
import { newPage, openFiles, openSite, openTraining, screenshot, unavailable, useSite } from './harness.mjs';
import { drop, folder } from './labelled.mjs';
import { WALKS, atSize } from './views.mjs';

/** By its region a language that nobody speaks (CLDR's pseudo-accents). */
const CODE = 'en-XA';
const NAME = '[Þšéûðö]';
const ACCENTS = { a: 'å', c: 'ç', e: 'é', g: 'ĝ', i: 'î', n: 'ñ', o: 'ö', s: 'š', u: 'û', y: 'ý', z: 'ž', A: 'Å', C: 'Ç', E: 'É', I: 'Î', N: 'Ñ', O: 'Ö', S: 'Š', U: 'Û' };
const LONGER = 1.3;

/** Each word accented, and so many letters longer that the text is by a third; placeholders stay. */
function pseudo(text) {
  let missing = 0;
  return text.replace(/\{\w+\}|\p{L}+/gu, (word) => {
    if (word.startsWith('{')) return word;
    missing += word.length * (LONGER - 1);
    const more = Math.round(missing);
    missing -= more;
    return [...word].map((letter) => ACCENTS[letter] ?? letter).join('') + [...word.toLowerCase()].map((letter) => ACCENTS[letter] ?? letter).join('').slice(-more).padStart(more, 'é').slice(0, more);
  });
}

async function withPseudo(workshop) {
  const at = join(workshop, 'i18n');
  await mkdir(at, { recursive: true });
  await cp(LANGUAGES, at, { recursive: true });
  const en = JSON.parse(await readFile(join(at, 'en.json'), 'utf8'));
  const texts = Object.fromEntries(Object.entries(en).map(([key, text]) => [key, pseudo(text)]));
  await writeFile(join(at, `${CODE}.json`), JSON.stringify({ ...texts, 'language.name': NAME }));
  return at;
}

describe('a language more', { skip: unavailable }, () => {
  const shared = useSite({ shipped: true, languages: withPseudo });

  test('before the page’s code runs there are English texts, for those who asked for no other', async (t) => {
    const states = [];
    // By the browser's wish, and by the choice of an earlier visit.
    for (const [locale, chosen] of [['en-GB', null], ['zh-CN', null], ['en-GB', 'zh-CN']]) {
      // A service worker would answer what is held back here.
      const { page } = await newPage(t, shared.browser, { locale, serviceWorkers: 'block' });
      await openSite(page, shared.site.url, '');
      if (chosen) await page.selectOption('#language', chosen);
      let go = () => {};
      const held = new Promise((resolve) => (go = resolve));
      await page.route('**/app.js*', async (route) => (await held, route.continue()));
      await page.reload({ waitUntil: 'commit' });
      await page.waitForSelector('.welcome-title', { state: 'attached' });
      const title = () => page.locator('.welcome-title');
      states.push([await title().textContent(), await title().isVisible()]);
      go();
      await title().waitFor({ state: 'visible' });
      states.push([await title().textContent(), true]);
    }
    const [en, zh] = await Promise.all(['en', 'zh-CN'].map(async (code) => JSON.parse(await readFile(join(LANGUAGES, `${code}.json`), 'utf8'))['welcome.title']));
    assert.deepEqual(states, [[en, true], [en, true], [en, false], [zh, true], [en, false], [zh, true]]);
  });

  test('a page whose code does not come says so in the reader’s language, too', async (t) => {
    const { page } = await newPage(t, shared.browser, { locale: 'zh-CN' });
    await page.route('**/app.js*', (route) => route.abort());
    await page.goto(shared.site.url);
    await page.waitForSelector('#too-old-part:visible');
    assert.match(await page.innerText('#too-old-part'), /\p{Script=Han}/u);
  });

  test('it is offered beside the others, chosen by the browser’s wish, and kept', async (t) => {
    const { page, problems } = await newPage(t, shared.browser, { locale: 'zh-TW' });
    await openSite(page, shared.site.url);
    // Nobody has texts for Taiwan; those of China are nearer than English ones.
    assert.equal(await page.getAttribute('html', 'lang'), 'zh-CN');
    assert.deepEqual(await page.$$eval('#language option', (options) => options.map(({ value, lang, textContent }) => [value, lang, textContent])), [
      ['en', 'en', 'English'],
      [CODE, CODE, NAME],
      ['zh-CN', 'zh-CN', '简体中文'],
    ]);
    await page.selectOption('#language', CODE);
    assert.equal(await page.getAttribute('html', 'lang'), CODE);
    assert.equal(await page.innerText('#files h2'), pseudo('Files'));
    await page.reload();
    await page.waitForSelector('body[data-model=loaded]');
    assert.equal(await page.innerText('#files h2'), pseudo('Files'));
    assert.equal(await page.getAttribute('meta[name=description]', 'content'), pseudo('Opens, shows and classifies medical images in the browser. Nothing leaves the computer.'));
    assert.deepEqual(problems, []);
  });

  for (const [name, walk] of Object.entries(WALKS)) {
    test(`a third longer it fits: ${name}`, { timeout: 300_000 }, async (t) => {
      const { page, problems } = await newPage(t, shared.browser);
      /** @type {Map<string, string[]>} */
      const faults = new Map();
      await walk(page, shared, { url: shared.site.url, query: `?test&lang=${CODE}` }, async (view, place) => {
        for (const size of [{ width: 1280, height: 720 }, { width: 360, height: 740 }]) {
          await atSize(page, size, place);
          for (const fault of [...(await overflows(page)), ...(await unreachable(page))]) faults.set(fault, [...(faults.get(fault) ?? []), `${view} at ${size.width}`]);
          await screenshot(page, `longer-${view}-${size.width}`);
        }
        await atSize(page, { width: 1440, height: 900 }, place);
      });
      assert.equal([...faults].map(([fault, views]) => `${fault} (${views.slice(0, 4).join(', ')})`).join('\n'), '');
      assert.deepEqual(problems, []);
    });
  }

  test('numbers and dates are those of the language', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openTraining(page, shared.site.url);
    await drop(page, folder({ perClass: 4 }));
    await page.waitForSelector('#train-plan');
    await page.fill('#train-plan [name=size]', '28');
    await page.click('#train-load');
    await page.waitForSelector('.class-sheet canvas');
    await page.fill('#train-settings [name=epochs]', '1');
    await page.click('#train-start');
    await page.waitForFunction(() => globalThis.negatoscope.training.lab.status?.state === 'finished' && globalThis.negatoscope.training.lab.keptEpoch === 1);
    await page.reload();
    await page.waitForSelector('#kept-offer');
    const told = async (language) => {
      await page.selectOption('#language', language);
      const { date } = await page.evaluate(() => globalThis.negatoscope.training.lab.kept);
      const expected = await page.evaluate(([code, at]) => new Intl.DateTimeFormat(code, { dateStyle: 'long', timeStyle: 'short' }).format(new Date(at)), [language, date]);
      assert.ok((await page.innerText('#kept-offer')).includes(expected), `${language}: ${expected}`);
      return expected;
    };
    assert.match(await told('en'), /^[A-Z][a-z]+ \d+, \d{4}/);
    assert.match(await told('zh-CN'), /^\d{4}年\d+月\d+日/);
    assert.deepEqual(problems, []);
  });

  test('the words of the model are marked as of no known language, those of the core as English', async (t) => {
    const { page } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url, '?test&lang=zh-CN');
    await openFiles(page, [shared.workshop.file('eight-bit.png'), shared.workshop.file('report.dcm')]);
    await page.waitForSelector('#saw');
    assert.equal(await page.getAttribute('.model-title', 'lang'), '');
    assert.equal(await page.getAttribute('.advice', 'lang'), '');
    await page.waitForSelector('.row.refused');
    assert.equal(await page.getAttribute('.row.refused .row-fact', 'lang'), 'en');
    const words = await latinWords(page);
    assert.ok(!words.some(({ text }) => /Advice for|has no pixel data/.test(text)), JSON.stringify(words.slice(0, 5)));
  });
});
