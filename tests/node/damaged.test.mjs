/**
 * Damaged files: copies of good ones of every kind, damaged by tests/fuzz/mutate.mjs. Each becomes an image or is refused
 * with a reason; nothing traps, hangs or keeps memory. In the wasm core here, and natively under sanitizers where that
 * program was built. NSC_FUZZ_COUNT copies of each file, 25 unless told; NSC_FUZZ_SEED begins elsewhere.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { isTrap } from '../../web/worker/core.js';
import { mutate } from '../fuzz/mutate.mjs';
import { ROOT, createCore, openImage } from './harness.mjs';
import { JPEG_LOSSLESS, ctDicom, ctSeries, greyPng, nifti } from './fixtures.mjs';

const COUNT = Number(process.env.NSC_FUZZ_COUNT ?? 25);
const SEED = Number(process.env.NSC_FUZZ_SEED ?? 1);
/** A file that takes longer is one that somebody would think hangs. */
const HANG_MS = 5000;
const OPEN_PACK = join(ROOT, 'build/native-asan/tests/c/open_pack');

const DEFLATED = '1.2.840.10008.1.2.1.99';
const stored = (x, y, frame) => (x * 97 + y * 331 + frame * 1000) % 4096;

const made = [
  ['plain.dcm', ctDicom({ frames: 2, stored })],
  ['lossless.dcm', ctDicom({ frames: 2, stored, syntax: JPEG_LOSSLESS })],
  ['deflated.dcm', ctDicom({ stored, syntax: DEFLATED })],
  ['slice.dcm', ctSeries({ count: 1 })[0].bytes],
  ['volume.nii', nifti()],
  ['volume.nii.gz', gzipSync(nifti())],
  ['grey.png', greyPng(24, 16, (x, y) => (x * y * 97) % 65536, 16)],
];

/** Small files of every transfer syntax and format, where the real data are. */
function real() {
  const data = process.env.NSC_REAL_DATA;
  if (!data) return [];
  const found = [];
  for (const folder of ['dicom-cornerstone3d', 'dicom-pydicom', 'dicom-pydicom-data', 'nifti-nibabel', 'fuzz-images/tiff/corpus']) {
    if (!existsSync(join(data, folder))) continue;
    for (const name of readdirSync(join(data, folder), { recursive: true })) {
      const path = join(data, folder, name);
      const stat = statSync(path);
      if (stat.isFile() && stat.size > 200 && stat.size < 150_000) found.push([name, readFileSync(path)]);
    }
  }
  // As many as are worth the time, from all over the list.
  const step = Math.max(1, found.length / 60);
  return Array.from({ length: Math.min(60, found.length) }, (_, at) => found[Math.floor(at * step)]);
}

const bases = [...made, ...real()];

/** What a seed stands for, so that a failure can be had again. */
function damaged(at) {
  const base = Math.floor(at / COUNT);
  const seed = SEED * 1_000_003 + at;
  const other = bases[(base * 7 + at) % bases.length][1];
  return { name: `${basename(bases[base][0])}, seed ${seed}`, bytes: mutate(bases[base][1], seed, other) };
}

const total = bases.length * COUNT;
const folder = mkdtempSync(join(tmpdir(), 'negatoscope-damaged-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Opens and looks at it as the page does. @returns {Promise<boolean>} whether it is an image */
async function look(core, screen, bytes) {
  let image = 0;
  try {
    image = await openImage(core, bytes);
    const { width, height, frames } = core.imageInfo(image);
    const place = { width: 64, height: 48, x: 32, y: 24, scaleX: 64 / width, scaleY: 48 / height, turn: 1, mirrored: false, smoothing: 2 };
    for (const frame of new Set([0, frames - 1])) {
      const view = core.view(image, 'auto', frame, 0);
      core.renderPlaced(screen, image, view, place, null);
      core.probe(image, frame, width - 1, height - 1);
    }
    return true;
  } catch (error) {
    if (isTrap(error)) throw error;
    assert.ok(error.message.length > 3, 'a reason is given');
    return false;
  } finally {
    if (image) core.freeImage(image);
  }
}

test('the same seed gives the same damage', () => {
  assert.deepEqual(damaged(3), damaged(3));
  assert.ok(Array.from({ length: 20 }, (_, at) => damaged(at)).filter(({ bytes }, at) => !bytes.equals(bases[Math.floor(at / COUNT)][1])).length > 15);
});

test('damaged files in the wasm core: an image or a reason', async (t) => {
  const core = await createCore('simd');
  let codecs = 0;
  const { loadCodec } = core;
  core.loadCodec = () => (codecs++, loadCodec());
  const screen = core.createScreen();
  for (const [, bytes] of bases.slice(0, made.length)) assert.ok(await look(core, screen, bytes), 'good files open');
  // What the first round needs once: tables, the codecs' module.
  const before = core.memory().used;
  let opened = 0;
  let slowest = { ms: 0, name: '' };
  for (let at = 0; at < total; at++) {
    const { name, bytes } = damaged(at);
    const start = performance.now();
    try {
      opened += await look(core, screen, bytes);
    } catch (error) {
      assert.fail(`${name}: ${error.stack}`);
    }
    const ms = performance.now() - start;
    assert.ok(ms < HANG_MS, `${name} took ${ms.toFixed(0)} ms`);
    if (ms > slowest.ms) slowest = { ms, name };
  }
  t.diagnostic(`${total} files, ${opened} of them open; the slowest, ${slowest.name}, took ${slowest.ms.toFixed(0)} ms`);
  // A codec that trapped is let go of and loaded again.
  assert.equal(codecs, 1, 'no codec trapped');
  assert.ok(core.memory().used - before < 65536, `${core.memory().used - before} bytes are still in use`);
  assert.ok(opened > 0 && opened < total);
});

test('damaged files natively, under sanitizers', { skip: !existsSync(OPEN_PACK) && 'open_pack is not built' }, () => {
  const pack = join(folder, 'pack');
  const parts = Array.from({ length: total }, (_, at) => {
    const { bytes } = damaged(at);
    const head = Buffer.alloc(4);
    head.writeUInt32LE(bytes.length);
    return [head, bytes];
  });
  writeFileSync(pack, Buffer.concat(parts.flat()));
  const { status, stdout, stderr } = spawnSync(OPEN_PACK, [pack], { encoding: 'utf8', maxBuffer: 1 << 26 });
  const last = stdout.trimEnd().split('\n').at(-1);
  assert.equal(status, 0, `${status === 0 ? '' : damaged(Number.parseInt(last, 10)).name}\n${stderr.slice(0, 4000)}`);
  const ms = Number(/in (\d+) ms/.exec(last)[1]);
  // Sanitizers make it several times as slow.
  assert.ok(ms < 4 * HANG_MS, last);
});
