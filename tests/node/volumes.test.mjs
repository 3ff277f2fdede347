/** Volumes and texts of many alphabets in the wasm core: what the browser has to do with them as well. */
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { test } from 'node:test';

import { ctDicom, nifti } from './fixtures.mjs';
import { createCore, openImage, variantsHere } from './harness.mjs';

for (const variant of variantsHere()) {
  test(`texts of DICOM files in the sets of PS3.5 annexes H to K (${variant})`, async () => {
    const core = await createCore(variant);
    const kanji = '\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B';
    const hanja = '\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf';
    const cases = [
      ['\\ISO 2022 IR 87', `Yamada^Tarou=${kanji}`, 'Yamada^Tarou=山田^太郎=やまだ^たろう'],
      ['\\ISO 2022 IR 149', `Hong^Gildong=${hanja}`, 'Hong^Gildong=洪^吉洞=홍^길동'],
      ['GB18030', 'Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab', 'Wang^XiaoDong=王^小东'],
      ['GBK', 'Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab', 'Wang^XiaoDong=王^小东'],
      ['\\ISO 2022 IR 58', 'Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab', 'Zhang^XiaoDong=张^小东'],
      ['\\ISO 2022 IR 159', 'a\x1b$(D\x30\x21\x1b(Bb', 'a丂b'],
      ['ISO_IR 101', '\xb1\xa3', 'ąŁ'],
      ['ISO_IR 144', '\xbb\xee\xda', 'Люк'],
    ];
    for (const [charset, patient, expected] of cases) {
      const image = await openImage(core, ctDicom({ more: { 0x00080005: ['CS', charset], 0x00100010: ['PN', patient] } }));
      const { value } = core.imageInfo(image).tags.find(({ tag }) => tag === '0010,0010');
      assert.equal(value, expected);
      core.freeImage(image);
    }
  });
}

test('a NIfTI file in gzip is turned, rendered and probed', async () => {
  const core = await createCore();
  const image = await openImage(core, gzipSync(nifti()));
  const info = core.imageInfo(image);
  assert.deepEqual([info.format, info.width, info.height, info.frames], ['NIfTI', 6, 5, 4]);
  assert.deepEqual(info.spacing, [1, 2]);
  assert.equal(info.sliceSpacing, 3);
  assert.deepEqual(info.orientation, { stored: 'RAS', from: 'sform', shown: 'LPS', swapped: false, flipped: ['columns', 'rows'] });
  // The first pixel is the last voxel of both axes: the patient's right, in front.
  assert.deepEqual(core.probe(image, 2, 0, 0), [5 + 10 * 4 + 100 * 2]);
  assert.deepEqual(core.probe(image, 2, 5, 4), [200]);
  // One window for all slices, from the smallest sample of the file to its largest.
  const { center, width } = core.view(image, 'default', 1, 0);
  assert.deepEqual([center - width / 2, center + width / 2], [0, 345]);
  core.freeImage(image);
});
