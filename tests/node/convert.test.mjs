/** negatoscope convert: frames to PNG and PGM, read back here and by the program itself. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inflateSync } from 'node:zlib';

import { NATIVE } from './harness.mjs';

const skip = !existsSync(NATIVE) && 'the native command is not built';
const run = (...args) => execFileSync(NATIVE, args, { encoding: 'utf8' });
const fail = (...args) => spawnSync(NATIVE, args, { encoding: 'utf8' });

async function folderOf(t) {
  const folder = await mkdtemp(join(tmpdir(), 'negatoscope-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const crcOf = (bytes) => {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc >>> 0;
};

/** A PNG of 8 bits without interlacing, by the specification. */
function readPng(file) {
  assert.equal(file.subarray(0, 8).toString('latin1'), '\x89PNG\r\n\x1A\n');
  const chunks = {};
  for (let at = 8; at < file.length; ) {
    const size = file.readUInt32BE(at), type = file.toString('latin1', at + 4, at + 8);
    assert.equal(file.readUInt32BE(at + 8 + size), crcOf(file.subarray(at + 4, at + 8 + size)), type);
    chunks[type] = file.subarray(at + 8, at + 8 + size);
    at += 12 + size;
  }
  const width = chunks.IHDR.readUInt32BE(0), height = chunks.IHDR.readUInt32BE(4), step = chunks.IHDR[9] === 2 ? 3 : 1;
  const rows = inflateSync(chunks.IDAT), line = width * step, pixels = Buffer.alloc(line * height);
  for (let y = 0; y < height; y++) {
    const kind = rows[y * (line + 1)];
    for (let i = 0; i < line; i++) {
      const a = i >= step ? pixels[y * line + i - step] : 0, b = y ? pixels[(y - 1) * line + i] : 0;
      const c = y && i >= step ? pixels[(y - 1) * line + i - step] : 0, p = a + b - c;
      const nearest = [a, b, c].reduce((best, v) => (Math.abs(p - v) < Math.abs(p - best) ? v : best));
      pixels[y * line + i] = rows[y * (line + 1) + 1 + i] + [0, a, b, (a + b) >> 1, nearest][kind];
    }
  }
  return { width, height, step, pixels };
}

const pnm = (kind, width, height, pixels) => Buffer.concat([Buffer.from(`${kind}\n${width} ${height}\n255\n`), Buffer.from(pixels)]);

test('convert keeps pixels', { skip }, async (t) => {
  const folder = await folderOf(t);
  const grey = Array.from({ length: 35 * 20 }, (_, i) => (i * i) % 251), colour = Array.from({ length: 9 * 7 * 3 }, (_, i) => (i * 37) % 256);
  await writeFile(join(folder, 'grey.pgm'), pnm('P5', 35, 20, grey));
  await writeFile(join(folder, 'colour.ppm'), pnm('P6', 9, 7, colour));
  run('convert', '--out', join(folder, 'out'), join(folder, 'grey.pgm'), join(folder, 'colour.ppm'));
  const one = readPng(await readFile(join(folder, 'out', 'grey.png')));
  assert.deepEqual([one.width, one.height, one.step], [35, 20, 1]);
  assert.deepEqual([...one.pixels], grey);
  const three = readPng(await readFile(join(folder, 'out', 'colour.png')));
  assert.deepEqual([three.width, three.height, three.step], [9, 7, 3]);
  assert.deepEqual([...three.pixels], colour);

  // And back: our own reader, and PGM, which is grey always.
  run('convert', '--out', join(folder, 'back.pgm'), join(folder, 'out', 'grey.png'));
  assert.deepEqual(await readFile(join(folder, 'back.pgm')), pnm('P5', 35, 20, grey));
  run('convert', '--format', 'pgm', '--out', join(folder, 'luma'), join(folder, 'colour.ppm'));
  const luma = colour.flatMap((r, i) => (i % 3 ? [] : [Math.round((299 * r + 587 * colour[i + 1] + 114 * colour[i + 2]) / 1000)]));
  assert.deepEqual([...(await readFile(join(folder, 'luma', 'colour.pgm'))).subarray(-63)], luma);
});

test('convert applies window, steps and size', { skip }, async (t) => {
  const folder = await folderOf(t);
  const phantom = join(folder, 'phantom');
  run('phantom', '--out', phantom, '--count', '2', '--lesions', '1', '--size', '64', '--noise', '0');
  run('convert', '--out', join(folder, 'png'), phantom);
  assert.deepEqual((await readdir(join(folder, 'png'))).sort(), ['lesion', 'normal']);
  const [name] = await readdir(join(phantom, 'lesion'));
  const file = join(phantom, 'lesion', name), plain = readPng(await readFile(join(folder, 'png', 'lesion', name.replace('dcm', 'png'))));

  // The file's own window, said again; and the same values through the other road, which steps take.
  for (const options of [['--window', '80,250'], ['--steps', '[{"step":"grey"}]']]) {
    run('convert', '--overwrite', '--out', join(folder, 'same.png'), ...options, file);
    const same = readPng(await readFile(join(folder, 'same.png')));
    same.pixels.forEach((v, i) => assert.ok(Math.abs(v - plain.pixels[i]) <= 1));
  }

  run('convert', '--out', join(folder, 'bone.png'), '--range', '100,101', file);
  const bone = readPng(await readFile(join(folder, 'bone.png')));
  const white = bone.pixels.filter((v) => v === 255).length;
  assert.ok(white > 20 && white < 2000 && bone.pixels.filter((v) => v === 0).length > 2000);

  run('convert', '--out', join(folder, 'binary.png'), '--size', '40x30', '--steps', '[{"step":"median"},{"step":"otsu"}]', file);
  const binary = readPng(await readFile(join(folder, 'binary.png')));
  assert.deepEqual([binary.width, binary.height, binary.step], [40, 30, 1]);
  assert.deepEqual([...new Set(binary.pixels)].sort((a, b) => a - b), [0, 255]);
});

/** Explicit VR little endian with nothing but what pixels need. */
function multiframe(frames) {
  const parts = [Buffer.alloc(128), Buffer.from('DICM')];
  const put = (tag, vr, value) => {
    const head = Buffer.alloc(vr === 'OB' ? 12 : 8);
    head.writeUInt16LE(tag >>> 16, 0);
    head.writeUInt16LE(tag & 0xffff, 2);
    head.write(vr, 4, 'latin1');
    if (vr === 'OB') head.writeUInt32LE(value.length, 8);
    else head.writeUInt16LE(value.length, 6);
    parts.push(head, value);
  };
  const us = (n) => Buffer.from(Uint16Array.of(n).buffer);
  put(0x00020010, 'UI', Buffer.from('1.2.840.10008.1.2.1\0'));
  put(0x00280002, 'US', us(1));
  put(0x00280004, 'CS', Buffer.from('MONOCHROME2 '));
  put(0x00280008, 'IS', Buffer.from(String(frames.length).padEnd(2)));
  put(0x00280010, 'US', us(2));
  put(0x00280011, 'US', us(3));
  put(0x00280100, 'US', us(8));
  put(0x00280101, 'US', us(8));
  put(0x00280102, 'US', us(7));
  put(0x00280103, 'US', us(0));
  put(0x7fe00010, 'OB', Buffer.from(frames.flat()));
  return Buffer.concat(parts);
}

test('convert writes a file for each frame', { skip }, async (t) => {
  const folder = await folderOf(t);
  const frames = [[0, 1, 2, 3, 4, 5], [10, 20, 30, 40, 50, 60], [255, 254, 253, 252, 251, 250]];
  await writeFile(join(folder, 'cine.dcm'), multiframe(frames));
  run('convert', '--out', join(folder, 'out'), join(folder, 'cine.dcm'));
  assert.deepEqual(await readdir(join(folder, 'out')), ['cine-0001.png', 'cine-0002.png', 'cine-0003.png']);
  for (const [i, frame] of frames.entries()) {
    assert.deepEqual([...readPng(await readFile(join(folder, 'out', `cine-000${i + 1}.png`))).pixels], frame);
  }
  run('convert', '--out', join(folder, 'second.png'), '--frame', '2', join(folder, 'cine.dcm'));
  assert.deepEqual([...readPng(await readFile(join(folder, 'second.png'))).pixels], frames[1]);
  assert.match(fail('convert', '--out', join(folder, 'x.png'), '--frame', '4', join(folder, 'cine.dcm')).stderr, /no frame 4, only 3/);
});

test('convert says what is wrong', { skip }, async (t) => {
  const folder = await folderOf(t);
  const file = join(folder, 'a.pgm'), out = ['--out', join(folder, 'a.png')];
  await writeFile(file, pnm('P5', 2, 1, [1, 2]));
  for (const [args, reason] of [
    [['--steps', '[{"step":"median","size":4}]'], /step 1 \(median\): "size" must be an odd number/],
    [['--steps', '[{"step":"nope"}]'], /there is no filter "nope"/],
    [['--steps', '{'], /steps: /],
    [['--window', '40'], /--window wants CENTRE,WIDTH/],
    [['--window', '40,400', '--range', '0,1'], /no --range beside it/],
    [['--range', '5,5'], /--range wants LOW,HIGH/],
    [['--range', '0,inf'], /--range wants LOW,HIGH/],
    [['--size', '0x5'], /--size wants WxH/],
    [['--size', '9999x9999'], /--size wants WxH/],
    [['--frame', 'two'], /--frame wants a whole number/],
    [['--format', 'gif'], /--format wants png or pgm/],
  ]) {
    const { status, stderr } = fail('convert', ...out, ...args, file);
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, reason);
  }
  assert.equal(fail('convert', ...out, file, file).status, 2);
  assert.equal(fail('convert', ...out, file).status, 0);
  assert.match(fail('convert', ...out, file).stderr, /is there already/);
  assert.equal(fail('convert', '--overwrite', ...out, file).status, 0);
  // One damaged file does not keep the others from being converted.
  await mkdir(join(folder, 'in'));
  await writeFile(join(folder, 'in', 'broken.pgm'), 'P5\n9 9\n255\nshort');
  await writeFile(join(folder, 'in', 'notes.txt'), 'no picture, and no failure either');
  await writeFile(join(folder, 'in', 'fine.pgm'), pnm('P5', 2, 1, [1, 2]));
  const mixed = fail('convert', '--out', join(folder, 'mixed'), join(folder, 'in'));
  assert.equal(mixed.status, 1);
  assert.match(mixed.stderr, /broken\.pgm/);
  assert.deepEqual(await readdir(join(folder, 'mixed')), ['fine.png']);
});
