/** A volume in Chromium: its slices are a stack that begins in the middle, with axes and spacing told. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { nifti } from '../node/fixtures.mjs';
import { newPage, openFiles, openSite, screenshot, unavailable, useSite } from './harness.mjs';

describe('volumes', { skip: unavailable }, () => {
  const shared = useSite();

  test('a .nii.gz is shown with its slices', async (t) => {
    // A block that is brightest at the patient's right in front, and no air around.
    const size = [48, 40, 9];
    const file = join(shared.workshop.folder, 'head.nii.gz');
    await writeFile(file, gzipSync(nifti({ size, value: (i, j, k) => i * 8 + j * 4 + k * 50 })));
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    await openFiles(page, [file]);
    assert.match(await page.locator('.row-fact').first().innerText(), /NIfTI · 48 × 40 · 9/);
    const frame = () => page.evaluate(() => globalThis.negatoscope.desk.current.view.frame);
    assert.equal(await frame(), 4);
    await page.keyboard.press('ArrowDown');
    await page.waitForFunction(() => globalThis.negatoscope.desk.current.view.frame !== 4);
    await page.keyboard.press('End');
    await page.waitForFunction(() => globalThis.negatoscope.desk.current.view.frame === 8);
    await page.click('#tab-details');
    await page.waitForFunction(() => document.querySelector('.facts')?.textContent.includes('RAS'));
    const facts = await page.locator('.facts').innerText();
    assert.match(facts, /1 × 2 mm/);
    assert.match(facts, /RAS → LPS/);
    await page.waitForFunction(() => document.body.innerText.includes('srow_x'));
    await screenshot(page, 'volume');
    assert.deepEqual(problems, []);
  });
});
