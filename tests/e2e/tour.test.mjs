/** The guided tour: offered on the first visit, at the real controls, by keyboard, beside the picture and never over it. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';

import { newPage, openSite, screenshot, settled, unavailable, useSite } from './harness.mjs';

const STEPS = 6;
const texts = async (code) => JSON.parse(await readFile(new URL(`../../web/i18n/${code}.json`, import.meta.url), 'utf8'));

/** Whether two boxes of the page have an area in common. */
const overlap = (a, b) => Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x) > 0.5 && Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y) > 0.5;

/** The ring is at what `selector` names. */
const ringAt = (page, selector) => page.waitForFunction((wanted) => document.querySelector('.tour-ring')?.matches(wanted), selector);

/** Tab as often as it takes to reach a control. */
async function tabTo(page, selector) {
  for (let index = 0; index < 60; index++) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
    await page.keyboard.press('Tab');
  }
  assert.fail(`Tab does not lead to ${selector}`);
}

describe('the guided tour', { skip: unavailable }, () => {
  const shared = useSite({ shipped: true });

  test('by keyboard from the first visit to the end; it is remembered, and deleted with everything', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await settled(page);
    assert.ok(await page.isVisible('#welcome-new'), 'a first visit is told of it');
    assert.ok(await page.isVisible('#try-example'));
    assert.equal(await page.isVisible('#tour'), false, 'nothing begins by itself');
    await page.selectOption('#model-select', { label: await page.locator('#model-select option', { hasText: /X-ray/ }).innerText() });
    await page.waitForFunction(() => /X-ray/.test(globalThis.negatoscope.desk.model?.title ?? ''));

    await tabTo(page, '#tour-start');
    await page.keyboard.press('Enter');
    await ringAt(page, '#try-example');
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'tour-next');
    await tabTo(page, '#tour-to');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'try-example');
    await page.keyboard.press('Enter');
    // The picture is there: the tour goes on by itself.
    await ringAt(page, '#presets');
    assert.match(await page.innerText('#corner-top-right'), /13 \/ 24/, 'the phantom opens where there is something to see');
    const box = async (selector) => page.locator(selector).first().boundingBox();
    for (const selector of ['#canvas', '#tools', '#side', '.top']) {
      assert.equal(overlap(await box('#tour'), await box(selector)), false, `the tour lies over ${selector}`);
    }
    await page.keyboard.press('Enter');
    await ringAt(page, '#result .note .button');
    await page.click('#tour-to');
    await page.keyboard.press('Enter');
    await ringAt(page, '#show-score');
    assert.match(await page.innerText('#result'), /Outside of what the model knows/);
    await page.click('#tour-next');
    await page.click('#tour-to');
    await page.keyboard.press('Enter');
    await ringAt(page, '#explain-toggle');
    await page.click('#tour-to');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#explain-words');
    await screenshot(page, 'tour-wide');
    await page.click('#tour-next');
    await ringAt(page, '[data-tool=length]');
    await page.click('#tour-next');
    await ringAt(page, 'button[data-workspace=train]');
    assert.match(await page.innerText('#tour'), new RegExp(`${STEPS} of ${STEPS}`));
    await page.click('#tour-to');
    await page.keyboard.press('Enter');
    await ringAt(page, '#train-example');
    await page.click('#tour-next');
    assert.equal(await page.isVisible('#tour'), false);
    assert.equal(await page.locator('.tour-ring').count(), 0);

    await page.click('button[data-workspace=view]');
    await page.reload();
    await page.waitForSelector('body[data-model=loaded]');
    assert.equal(await page.isVisible('#welcome-new'), false, 'done is remembered');
    assert.ok(await page.isVisible('#tour-start'));
    await page.click('#help');
    await page.click('#help-tour');
    await ringAt(page, '#try-example');
    await page.keyboard.press('Escape');
    assert.equal(await page.isVisible('#tour'), false);

    await page.click('#about-open');
    await page.click('#delete-all');
    await page.click('#delete-yes');
    await page.waitForSelector('#gone-dialog[data-done=all]');
    await page.click('#gone-again');
    await page.waitForSelector('body[data-model=loaded]');
    assert.ok(await page.isVisible('#welcome-new'), 'deleted with everything else');
    assert.deepEqual(problems, []);
  });

  test('Escape closes a dialog and ends a drawing before it ends the tour', async (t) => {
    const { page } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await page.click('#try-example');
    await page.waitForSelector('body.looking');
    await page.click('#help');
    await page.click('#help-tour');
    await ringAt(page, '#presets');
    await page.click('#help');
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('#help-dialog[open]').count(), 0);
    assert.ok(await page.isVisible('#tour'));
    await page.keyboard.press('c');
    const { x, y, width, height } = await page.locator('#canvas').boundingBox();
    await page.mouse.move(x + width / 3, y + height / 3);
    await page.mouse.down();
    await page.mouse.move(x + width / 2, y + height / 2, { steps: 4 });
    await page.mouse.up();
    await page.keyboard.press('Escape');
    assert.ok(await page.isVisible('#tour'), 'the drawing was left');
    await page.keyboard.press('Escape');
    assert.equal(await page.isVisible('#tour'), false);
  });

  test('360 pixels wide, in Chinese: all steps fit, the picture keeps its room', async (t) => {
    const { page, problems } = await newPage(t, shared.browser, { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true, locale: 'zh-CN' });
    await openSite(page, shared.site.url);
    assert.ok(await page.isVisible('#try-example'));
    await page.click('#about-open');
    await page.click('#about-help');
    await page.click('#help-tour');
    await page.click('#try-example');
    const zh = await texts('zh-CN');
    for (const name of ['window', 'result', 'explain', 'measure', 'train']) {
      await page.waitForFunction((text) => document.getElementById('tour').textContent.includes(text), zh[`tour.${name}.title`]);
      await page.waitForSelector('.tour-ring');
      const [strip, ring] = [await page.locator('#tour').boundingBox(), await page.locator('.tour-ring').boundingBox()];
      assert.ok(strip.height < 160, `${name}: ${strip.height} pixels high`);
      assert.ok(ring.x >= 0 && ring.x + ring.width <= 361, `${name}: the ring is out of sight, ${JSON.stringify(ring)}`);
      if (name !== 'train') assert.ok((await page.locator('#canvas').boundingBox()).height > 300, name);
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0);
      if (name === 'window') await screenshot(page, 'tour-phone');
      await page.click('#tour-next');
    }
    assert.equal(await page.isVisible('#tour'), false);
    assert.deepEqual(problems, []);
  });

  test('controls that the tour names are called so', async () => {
    for (const code of ['en', 'zh-CN']) {
      const all = await texts(code);
      const names = new Set(Object.entries(all).flatMap(([key, text]) => (key.startsWith('tour.') ? [] : [text])));
      const quoted = Object.entries(all).flatMap(([key, text]) => (/^tour\.\w+\.text$/.test(key) ? [...text.matchAll(/“([^”]+)”/g)].map(([, name]) => name) : []));
      assert.ok(quoted.length > 8);
      for (const name of quoted) assert.ok(names.has(name), `${code}: nothing is called “${name}”`);
    }
  });

  test('lessons are a click away where they came with the page, and named where not', async (t) => {
    const { page, context } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await page.click('#help');
    const [lessons] = await Promise.all([context.waitForEvent('page'), page.click('#help-lessons a')]);
    await lessons.waitForLoadState();
    assert.match(await lessons.title(), /Lessons with Negatoscope/);
    assert.equal(await lessons.locator('section.handout').count(), 5);
    assert.equal(await lessons.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(255, 255, 255)', 'its style is there');
    await page.keyboard.press('Escape');
    await page.selectOption('#language', 'zh-CN');
    assert.equal(await page.getAttribute('#help-lessons a', 'href'), 'lessons/zh-CN.html');
    const single = await newPage(t, shared.browser);
    await openSite(single.page, shared.workshop.single);
    await single.page.click('#help');
    assert.match(await single.page.innerText('#help-lessons'), /docs\/lessons/);
    assert.equal(await single.page.locator('#help-lessons a').count(), 0);
  });
});
