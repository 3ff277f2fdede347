/** Old machines and old browsers: no SIMD, no relaxed SIMD, no threads, little memory. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chromium } from 'playwright-core';

import { CHROMIUM_FLAGS } from '../chromium-flags.mjs';
import { CHROMIUM, newPage, openFiles, openSite, screenshot, unavailable, useSite } from './harness.mjs';

describe('old machines', { skip: unavailable }, () => {
  const shared = useSite();

  test('a processor without SSE4.1, and so no SIMD: the page says so before anything is loaded', async (t) => {
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: [...CHROMIUM_FLAGS, '--js-flags=--no-enable-sse4-1'] });
    t.after(() => browser.close());
    const { page, problems, requests } = await newPage(t, browser);
    await page.goto(shared.site.url);
    await page.waitForSelector('#too-old', { state: 'visible' });
    assert.match(await page.innerText('#too-old'), /has no WebAssembly SIMD[\s\S]*不支持/);
    await page.waitForLoadState('networkidle');
    assert.deepEqual(requests.filter((url) => /\.(wasm|onnx|mjs)|worker\.js/.test(url)), []);
    assert.equal(await page.isVisible('[data-opens=open-files] >> nth=0'), false, 'nothing to press that would do nothing');
    await screenshot(page, 'no-simd');
    await page.setViewportSize({ width: 360, height: 740 });
    await screenshot(page, 'no-simd-phone');
    assert.deepEqual(problems, []);
  });
});
