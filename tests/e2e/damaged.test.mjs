/** Damaged files on the page: each is shown or refused with a reason, and a good file opens after them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { mutate } from '../fuzz/mutate.mjs';
import { JPEG_LOSSLESS, ctDicom, greyPng, nifti } from '../node/fixtures.mjs';
import { newPage, openSite, unavailable, useSite } from './harness.mjs';

const stored = (x, y, frame) => (x * 97 + y * 331 + frame * 1000) % 4096;
const good = {
  'slice.dcm': ctDicom({ frames: 2, stored }),
  'lossless.dcm': ctDicom({ frames: 2, stored, syntax: JPEG_LOSSLESS }),
  'volume.nii': nifti(),
  'grey.png': greyPng(24, 16, (x, y) => (x * y * 97) % 65536, 16),
};
const EACH = 25;

describe('damaged files', { skip: unavailable }, () => {
  const shared = useSite();

  test('a hundred of them: shown or refused, no trap, and a good one after them', async (t) => {
    const { page, problems } = await newPage(t, shared.browser);
    await openSite(page, shared.site.url);
    const files = Object.entries(good).flatMap(([name, bytes]) =>
      Array.from({ length: EACH }, (_, seed) => ({ name: `${seed}-${name}`, mimeType: '', buffer: mutate(bytes, seed + 1) })),
    );
    await page.evaluate(() => {
      const { client } = globalThis.negatoscope;
      client.addEventListener('restart', () => (globalThis.restarts = (globalThis.restarts ?? 0) + 1));
    });
    await page.setInputFiles('#pick-files', files);
    await page.waitForFunction((count) => {
      const { items } = globalThis.negatoscope.desk;
      return items.length === count && items.every(({ state }) => ['shown', 'refused', 'indexed'].includes(state));
    }, files.length);
    const ends = await page.evaluate(() => globalThis.negatoscope.desk.items.map(({ state, error }) => ({ state, reason: error?.message ?? '', code: error?.code ?? 0 })));
    const refused = ends.filter(({ state }) => state === 'refused');
    assert.ok(refused.length > 10 && refused.length < files.length, `${refused.length} refused`);
    assert.deepEqual(refused.filter(({ reason, code }) => !reason || code === -1), []);
    t.diagnostic(`${refused.length} of ${files.length} refused`);

    await page.setInputFiles('#pick-files', [{ name: 'after.dcm', mimeType: '', buffer: good['slice.dcm'] }]);
    await page.waitForFunction(() => globalThis.negatoscope.desk.items.some(({ name, state }) => name === 'after.dcm' && (state === 'shown' || state === 'indexed')));
    assert.equal(await page.evaluate(() => globalThis.restarts ?? 0), 0, 'the core was never started anew');
    assert.deepEqual(problems, []);
  });
});
