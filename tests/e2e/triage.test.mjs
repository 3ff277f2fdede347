/** Batch triage in Chromium: a long table, its order and filters, reviews by keyboard that come back, resuming, what is saved. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { contraryModel, ctSeries, greyPng, tinyExpected } from '../node/fixtures.mjs';
import { newPage, openSite, screenshot, unavailable, useSite } from './harness.mjs';

const COUNT = 300;
/** The grey of picture i; no two of them are alike. */
const value = (i) => (x, y) => (x * (i % 17) + y * (i % 23) + i) % 256;
const score = (i) => tinyExpected((x, y) => value(i)(x, y) / 255);
const nameOf = (i) => `film-${String(i).padStart(3, '0')}.png`;

/** Classified, and nothing is on its way. */
const classified = (page, count) =>
  page.waitForFunction(
    (wanted) => globalThis.negatoscope.desk.items.filter(({ finding }) => finding?.result).length === wanted && document.getElementById('batch-running').hidden,
    count,
  );
/** The lines of the table that are in the page, from top to bottom. */
const lines = (page) => page.$$eval('#triage-table .triage-body .triage-line', (all) => all.map((line) => [...line.children].map((cell) => cell.innerText.trim())));
const active = (page) => page.$eval('#triage-table [aria-selected=true]', (line) => [...line.children].map((cell) => cell.innerText.trim()));
const saved = async (page, button) => {
  const saving = page.waitForEvent('download');
  await page.click(button);
  return readFile(await (await saving).path(), 'utf8');
};

describe('triage', { skip: unavailable }, () => {
  const shared = useSite();
  const writeFilms = async (count, name = `films-${count}`) => {
    const folder = join(shared.workshop.folder, name);
    await mkdir(folder, { recursive: true });
    for (let i = 0; i < count; i++) await writeFile(join(folder, nameOf(i)), greyPng(8, 8, value(i)));
    return folder;
  };
  const open = async (page, folder, count) => {
    await openSite(page, shared.site.url);
    await page.setInputFiles('#pick-folder', folder);
    await page.waitForFunction(
      (wanted) => globalThis.negatoscope.desk.items.filter(({ state }) => state === 'shown').length === wanted && document.getElementById('index-progress').hidden,
      count,
    );
  };
  const up = async (page) => {
    await page.click('#triage-open');
    await page.waitForSelector('#triage-table .triage-body .triage-line');
  };

  test('a table of all files by score, of which only those in sight are in the page; filters and sorting', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await open(page, await writeFilms(COUNT), COUNT);
    await page.click('#classify-all');
    await classified(page, COUNT);
    await up(page);
    const drawn = await lines(page);
    assert.ok(drawn.length < 60, `${drawn.length} lines`);
    assert.equal(await page.getAttribute('#triage-table', 'aria-rowcount'), String(COUNT + 1));
    const expected = Array.from({ length: COUNT }, (_, i) => i).sort((a, b) => score(b) - score(a));
    const percent = (i) => `${(100 * score(i)).toFixed(1)}%`;
    assert.deepEqual(drawn.slice(0, 5).map((cells) => cells[3]), expected.slice(0, 5).map(percent));
    assert.equal(drawn[0][1], nameOf(expected[0]));
    assert.equal(drawn[0][4], score(expected[0]) >= 0.25 ? 'above' : 'below');
    assert.equal(drawn[0][5], 'not known');

    await page.click('.triage-head .triage-score button');
    assert.equal(await page.getAttribute('.triage-head .triage-score', 'aria-sort'), 'ascending');
    assert.equal((await lines(page))[0][3], percent(expected.at(-1)));
    await page.click('.triage-head .triage-name button');
    assert.equal((await lines(page))[0][1], nameOf(0));

    // A page down and to the end: the lines there are made then, and the picture is in the viewer.
    await page.focus('#triage-table');
    await page.keyboard.press('End');
    assert.equal((await active(page))[1], nameOf(COUNT - 1));
    assert.ok((await lines(page)).length < 60);
    await page.waitForFunction((name) => globalThis.negatoscope.desk.current.name === name, nameOf(COUNT - 1));
    const id = await page.getAttribute('#triage-table', 'aria-activedescendant');
    assert.ok(await page.isVisible(`#${id}`));

    await page.fill('#triage-filters [name=text]', 'film-01');
    assert.match(await page.innerText('#triage-count'), /^10 of 300 files/);
    await page.fill('#triage-filters [name=text]', '');
    const [least, most] = [30, 60];
    await page.fill('#triage-filters [name=least]', String(least));
    await page.fill('#triage-filters [name=most]', String(most));
    const within = expected.filter((i) => 100 * score(i) >= least && 100 * score(i) <= most).length;
    assert.match(await page.innerText('#triage-count'), new RegExp(`^${within} of 300`));
    await page.click('#triage-all');
    assert.match(await page.innerText('#triage-count'), /^300 of 300/);
    await screenshot(page, 'triage');
    assert.deepEqual(problems, []);
  });

  test('how much each of two models counts is learnt from reviews, saved, and opened again', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await open(page, await writeFilms(40), 40);
    await page.setInputFiles('#pick-model', [{ name: 'contrary.onnx', mimeType: 'application/octet-stream', buffer: contraryModel() }]);
    await page.waitForFunction(() => globalThis.negatoscope.desk.model.name === 'contrary');
    await page.selectOption('#model-select', { index: 0 });
    await page.waitForFunction(() => globalThis.negatoscope.desk.model.name !== 'contrary');
    await page.click('#classify-all');
    await classified(page, 40);
    await up(page);
    await page.focus('#triage-table');
    await page.keyboard.press('Home');
    await page.click('#opinions summary');
    await page.click('#opinions-learn');
    await page.waitForSelector('#opinions .explain-problem');
    assert.match(await page.innerText('#opinions .explain-problem'), /30 pictures or more/);
    await page.focus('#triage-table');
    // The upper half of the list is what the first model says, the lower half is not.
    for (let i = 0; i < 40; i++) await page.keyboard.press(i < 20 ? 'a' : 'd');
    assert.match(await page.innerText('#triage-count'), /20 agreed, 20 disagreed/);
    await page.click('#opinions-learn');
    await page.waitForSelector('#opinions-stack');
    const [, first, second] = /Learnt from 40 pictures: .* (-?[\d.]+), contrary (-?[\d.]+)\./.exec(await page.innerText('#opinions-stack'));
    assert.ok(Number(first) > Number(second), `${first}, ${second}`);
    assert.equal(await page.inputValue('#opinions-way'), 'stack');
    await page.click('#opinions-ask');
    await page.waitForSelector('#opinions-words');
    assert.match(await page.innerText('.opinions-table tfoot'), /Learnt weights/);
    await screenshot(page, 'learnt-weights');

    const weights = JSON.parse(await saved(page, '#opinions-save'));
    assert.deepEqual([weights.format, weights.pictures, weights.members[1]], ['negatoscope-stack', 40, 'contrary']);
    const pick = (content) => page.setInputFiles('#pick-weights', [{ name: 'w.json', mimeType: 'application/json', buffer: Buffer.from(content) }]);
    const said = await page.innerText('#opinions-stack');
    for (const wrong of ['no JSON', '{}', { ...weights, logLoss: null }, { ...weights, members: [1, 2] }, { ...weights, weights: ['a', 'b'] }, { ...weights, weights: [1] }]) {
      await pick(typeof wrong === 'string' ? wrong : JSON.stringify(wrong));
      await page.waitForSelector('#opinions .explain-problem');
      assert.match(await page.innerText('#opinions .explain-problem'), /w\.json: no weights/);
      await page.evaluate(() => document.querySelector('#opinions .explain-problem').remove());
    }
    assert.equal(await page.innerText('#opinions-stack'), said, 'the weights that were at hand stay');
    await pick(JSON.stringify({ ...weights, members: ['somebody', 'else'] }));
    await page.waitForFunction(() => /belong to other models: somebody, else/.test(document.getElementById('opinions-stack').textContent));
    assert.equal(await page.locator('#opinions-way option').count(), 2);
    // In another order the models speak in that order.
    await pick(JSON.stringify({ ...weights, members: weights.members.toReversed(), weights: weights.weights.toReversed() }));
    await page.waitForFunction(() => /contrary -?[\d.]+, /.test(document.getElementById('opinions-stack').textContent));
    const before = await page.innerText('.opinions-table tfoot td:last-child');
    await page.click('#opinions-ask');
    await page.waitForFunction(() => /contrary/i.test(document.querySelector('.opinions-table tbody tr').textContent));
    assert.equal(await page.innerText('.opinions-table tfoot td:last-child'), before);
    assert.deepEqual(problems, []);
  });

  test('reviews by keyboard, and after the tab was closed; what was classified is not classified again', async (t) => {
    const { context, page, problems } = await newPage(t, shared.browser);
    const folder = await writeFilms(24);
    await open(page, folder, 24);
    await page.click('#classify-all');
    await classified(page, 24);
    await up(page);
    await page.click('.triage-head .triage-name button');
    await page.focus('#triage-table');
    await page.keyboard.press('Home');
    await page.keyboard.press('a');
    assert.equal((await active(page))[1], nameOf(1));
    await page.keyboard.press('d');
    await page.keyboard.press('u');
    await page.keyboard.press('n');
    await page.keyboard.type('rib, or a shadow?');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'triage-table');
    const reviews = async () => (await lines(page)).slice(0, 4).map((cells) => cells.slice(6).join('|'));
    assert.deepEqual(await reviews(), ['Agree|', 'Disagree|', 'Unsure|', '|rib, or a shadow?']);
    assert.match(await page.innerText('#triage-count'), /1 agreed, 1 disagreed, 1 unsure/);
    // The same key again takes it back; the viewer's keys (A: automatic window) did nothing.
    await page.keyboard.press('Home');
    await page.keyboard.press('a');
    assert.equal((await active(page))[6], '');
    await page.keyboard.press('a');
    assert.equal(await page.evaluate(() => globalThis.negatoscope.desk.items.every(({ view, firstView }) => view.width === firstView.width)), true);
    await page.selectOption('#triage-filters [name=review]', 'none');
    assert.match(await page.innerText('#triage-count'), /^21 of 24/);
    await page.selectOption('#triage-filters [name=review]', '');

    const rows = JSON.parse(await saved(page, '#save-json'));
    assert.deepEqual(rows.slice(0, 4).map(({ review, note }) => [review, note]), [['agree', null], ['disagree', null], ['unsure', null], [null, 'rib, or a shadow?']]);
    const csv = (await saved(page, '#save-csv')).split('\r\n');
    assert.match(csv[0], /^file,model,verdict,threshold,applies,error,review,note,/);
    assert.match(csv[4], /film-003\.png,tiny,.*,,"rib, or a shadow\?",/);
    const { store } = await page.evaluate(() => ({ store: globalThis.negatoscope.triage.keeping.works }));
    assert.equal(store, true);
    await page.evaluate(() => globalThis.negatoscope.triage.keeping.flush());
    await page.close();

    const again = await context.newPage();
    // Under other names, and with more of them: a picture is known by its content.
    await open(again, await writeFilms(30, 'renamed'), 30);
    await again.evaluate(() => {
      const { client } = globalThis.negatoscope;
      const request = client.request.bind(client);
      globalThis.asked = 0;
      client.request = (op, args, options) => {
        if (op === 'classifyMany') globalThis.asked += args.pictures.length;
        return request(op, args, options);
      };
    });
    await again.click('#classify-all');
    await classified(again, 30);
    assert.ok((await again.evaluate(() => globalThis.asked)) <= 6);
    await up(again);
    await again.click('.triage-head .triage-name button');
    assert.deepEqual((await lines(again)).slice(0, 4).map((cells) => cells.slice(6).join('|')), ['Agree|', 'Disagree|', 'Unsure|', '|rib, or a shadow?']);
    const kept = await again.evaluate(async () => {
      const { store } = globalThis.negatoscope.triage.keeping;
      const database = await store.opened;
      const all = (name) => new Promise((done) => (database.transaction(name).objectStore(name).getAll().onsuccess = ({ target }) => done(target.result)));
      return JSON.stringify([await all('results'), await all('reviews')]);
    });
    assert.match(kept, /rib, or a shadow/);
    assert.doesNotMatch(kept, /film-|renamed|\.png/);
    // Labels for training, as a file and in the page's own training.
    assert.match(await again.innerText('#triage-labels-text'), /^2 reviewed files/);
    const verdicts = [0, 1].map((i) => (score(i) >= 0.25 ? 'present' : 'absent'));
    const other = verdicts[1] === 'present' ? 'absent' : 'present';
    assert.equal(await saved(again, '#triage-save-labels'), `file,label\r\nrenamed/${nameOf(0)},${verdicts[0]}\r\nrenamed/${nameOf(1)},${other}\r\n`);
    await again.click('#triage-train');
    await again.waitForSelector('.plan-classes li');
    assert.deepEqual(await again.$$eval('.plan-classes li', (all) => all.map((line) => line.innerText.replace(/\s+/g, ' '))), ['absent 1', 'present 1']);
    await again.click('button[data-workspace=view]');
    again.once('dialog', (dialog) => dialog.accept());
    await again.click('#triage-forget');
    await again.waitForFunction(() => /0 agreed, 0 disagreed/.test(document.getElementById('triage-count').textContent));
    const left = await again.evaluate(async () => {
      const { store } = globalThis.negatoscope.triage.keeping;
      const records = (await store.opened).transaction('reviews').objectStore('reviews').count();
      return new Promise((done) => (records.onsuccess = () => done(records.result)));
    });
    assert.equal(left, 0);
    assert.deepEqual(problems, []);
  });

  test('a series of slices that were never opened goes on where it stopped', async (t) => {
    const { context, page, problems } = await newPage(t, shared.browser);
    const folder = join(shared.workshop.folder, 'slices');
    await mkdir(folder, { recursive: true });
    for (const { name, bytes } of ctSeries({ count: 40 })) await writeFile(join(folder, name.split('/').pop()), bytes);
    const start = async (tab) => {
      await openSite(tab, shared.site.url);
      await tab.setInputFiles('#pick-folder', folder);
      await tab.waitForFunction(() => globalThis.negatoscope.desk.shown.length === 40 && document.getElementById('index-progress').hidden);
    };
    await start(page);
    await page.click('#classify-all');
    await classified(page, 40);
    await page.evaluate(() => globalThis.negatoscope.triage.keeping.flush());
    await page.close();
    const again = await context.newPage();
    await start(again);
    await again.evaluate(() => {
      const { client } = globalThis.negatoscope;
      const request = client.request.bind(client);
      globalThis.asked = [];
      client.request = (op, args, options) => (globalThis.asked.push(op), request(op, args, options));
    });
    await again.click('#classify-all');
    await classified(again, 40);
    const asked = await again.evaluate(() => globalThis.asked);
    assert.ok(asked.includes('identify'));
    assert.ok(!asked.includes('classifyMany'));
    assert.deepEqual(problems, []);
  });

  test('with names hidden neither the table nor what it saves has any; Chinese; a phone', async (t) => {
    const phone = { viewport: { width: 360, height: 740 } };
    const { page, problems } = await newPage(t, shared.browser, phone);
    await open(page, await writeFilms(24), 24);
    await page.evaluate(() => document.getElementById('privacy').click());
    await page.click('#sheet-tabs [data-panel=files]');
    await page.click('#classify-all');
    await classified(page, 24);
    await up(page);
    await page.selectOption('#language', 'zh-CN');
    await page.waitForFunction(() => document.getElementById('triage-open').textContent === '分诊');
    assert.doesNotMatch(await page.innerText('#triage'), /film-/);
    assert.ok(await page.isDisabled('#triage-note'));
    const wide = await page.evaluate(() => [...document.querySelectorAll('#files, #triage, #triage-filters, #triage-table, .triage-say')].filter((node) => node.getBoundingClientRect().right > innerWidth + 0.5).map(({ id }) => id));
    assert.deepEqual(wide, []);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
    await screenshot(page, 'triage-phone');
    // A touch on a line, a touch on a button; Enter leaves the sheet for the picture.
    await page.click('#triage-table .triage-body .triage-line >> nth=1');
    await page.click('#triage-disagree');
    assert.match(await page.innerText('#triage-count'), /不同意 1/);
    assert.doesNotMatch(await saved(page, '#save-csv'), /film-/);
    await page.focus('#triage-table');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.body.dataset.sheet), '');
    assert.deepEqual(problems, []);
  });
});
