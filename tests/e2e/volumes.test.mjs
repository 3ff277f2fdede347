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
    assert.match(await page.locator('.row-fact').first().textContent(), /NIfTI · 48 × 40 · 9/);
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

  test('a pair of header and samples is one volume; a header alone says what is missing', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    const whole = nifti({ size: [8, 6, 3], value: (i, j, k) => i + 10 * j + 100 * k });
    const header = Buffer.from(whole.subarray(0, 352));
    header.write('ni1', 344, 'latin1');
    header.writeFloatLE(0, 108); // samples begin at the other file's beginning
    /** @param {string} name @param {Buffer} buffer */
    const file = (name, buffer) => ({ name, mimeType: '', buffer });
    await openFiles(page, [file('a.hdr', header), file('a.img', whole.subarray(352)), file('b.hdr.gz', gzipSync(header)), file('b.img.gz', gzipSync(whole.subarray(352))), file('c.hdr', header)]);
    await page.waitForFunction(() => globalThis.negatoscope.desk.items.filter(({ state }) => state === 'shown' || state === 'refused').length === 3);
    const items = await page.evaluate(async () => {
      const { desk, client } = globalThis.negatoscope;
      const value = (key) => client.request('probe', { key, frame: 2, x: 7, y: 5 }).catch(() => null);
      return Promise.all(desk.items.map(async ({ name, key, error }) => [name, error?.message ?? '', await value(key)]));
    });
    assert.deepEqual(items.map(([name]) => name), ['a.hdr', 'b.hdr.gz', 'c.hdr']);
    // Shown from the patient's feet, the front above: the last column and row are those of the smallest numbers.
    assert.deepEqual(items.slice(0, 2).map(([, , value]) => value), [[200], [200]]);
    assert.match(items[2][1], /header \(\.hdr\) of a pair.*\.img/);
    assert.deepEqual(problems, []);
  });
});
