#!/usr/bin/env node
/**
 * npm run bench:decode: how long one compressed frame takes here and in the packages of cornerstone3D, in one Node process
 * with rounds in turning order. Writes docs/BENCHMARKS-DECODING.md.
 *
 *   npm run bench:decode -- DATA [--rounds N] [--out FILE]
 *
 * DATA holds the DICOM files below, anywhere under it: those of cornerstone3D and of pydicom-data.
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';

import { summary } from '../bench/statistics.mjs';
import { ROOT, buildPreset, installEngines, setUpCompilers } from './setup.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '15' }, out: { type: 'string', default: join(ROOT, 'docs/BENCHMARKS-DECODING.md') } },
});

const J2K = { kind: 2, package: 'codec-openjpeg', script: 'openjpegwasm_decode', decoder: 'J2KDecoder' };
const JLS = { kind: 1, package: 'codec-charls', script: 'charlswasm_decode', decoder: 'JpegLSDecoder' };
/** Frames: the file, what the DICOM header says, and who else decodes it. */
const FRAMES = [
  { name: 'JPEG 2000 lossless, 10 bits', file: 'RG3_J2KR.dcm', bits: 10, ...J2K },
  { name: 'JPEG 2000 lossy, 15 bits', file: 'RG1_J2KI.dcm', bits: 15, ...J2K },
  { name: 'JPEG 2000 lossless, RGB', file: 'US1_J2KR.dcm', bits: 8, channels: 3, ...J2K },
  { name: 'HTJ2K lossless, RGB', file: 'HTJ2KLossless_08_RGB.dcm', bits: 8, channels: 3, kind: 2, package: 'codec-openjph', script: 'openjphjs', decoder: 'HTJ2KDecoder' },
  { name: 'JPEG-LS lossless, CT', file: 'CTImage.dcm_JPEGLSLosslessTransferSyntax_1.2.840.10008.1.2.4.80.dcm', bits: 16, ...JLS },
  { name: 'JPEG lossless, 8 bits', file: 'JPGLosslessP14SV1_1s_1f_8b.dcm', bits: 8, kind: 0, package: null },
  { name: 'JPEG lossless, CT', file: 'CTImage.dcm_JPEGProcess14SV1TransferSyntax_1.2.840.10008.1.2.4.70.dcm', bits: 16, kind: 0, package: null },
];

/** The items of the one frame of a file, joined. Good files only: this is a measurement. */
function codestream(bytes) {
  const start = Buffer.from([0xe0, 0x7f, 0x10, 0x00, 0x4f, 0x42, 0, 0, 0xff, 0xff, 0xff, 0xff]);
  let at = bytes.indexOf(start) + start.length;
  const parts = [];
  for (let item = 0; at + 8 <= bytes.length && bytes.readUInt32LE(at) === 0xe000fffe; item++) {
    const length = bytes.readUInt32LE(at + 4);
    if (item > 0) parts.push(bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(parts);
}

/** Rows and Columns as explicit little endian has them. */
function sizeOf(bytes) {
  const us = (element) => bytes.readUInt16LE(bytes.indexOf(Buffer.from([0x28, 0, element, 0, 0x55, 0x53, 2, 0])) + 8);
  return { height: us(0x10), width: us(0x11) };
}

/** Our module: copy in, decode, copy out. */
async function ours(frame, stream) {
  const { default: factory } = await import(join(ROOT, 'build/wasm/emscripten/codec/codec.mjs'));
  const codec = await factory();
  const container = frame.bits <= 8 ? 8 : 16;
  const size = (frame.width * frame.height * (frame.channels ?? 1) * container) / 8;
  const out = new Uint8Array(size);
  return () => {
    const [bytes, facts, samples, error] = [stream.length, 28, size, 512].map((n) => codec._codec_alloc(n) >>> 0);
    let heap = new Uint8Array(codec.wasmMemory.buffer);
    heap.set(stream, bytes);
    new Uint32Array(heap.buffer, facts, 7).set([frame.width, frame.height, frame.channels ?? 1, container, frame.bits, 0, 0]);
    heap.fill(0, error, error + 512);
    const status = codec._codec_decode(frame.kind, bytes, stream.length, facts, samples, error);
    heap = new Uint8Array(codec.wasmMemory.buffer);
    if (status) throw new Error(`${frame.file}: ${Buffer.from(heap.slice(error + 4, error + 200)).toString()}`);
    out.set(heap.subarray(samples, samples + size));
    for (const place of [bytes, facts, samples, error]) codec._codec_free(place);
    return out;
  };
}

/** cornerstone3D's: the same steps by its own interface. */
async function theirs(frame, stream) {
  const require = createRequire(join(ROOT, 'bench/package.json'));
  const codec = await require(join(ROOT, `bench/node_modules/@cornerstonejs/${frame.package}/dist/${frame.script}.js`))({ print: () => {} });
  const decoder = new codec[frame.decoder]();
  let out = null;
  return () => {
    decoder.getEncodedBuffer(stream.length).set(stream);
    decoder.decode();
    const decoded = decoder.getDecodedBuffer();
    out ??= new Uint8Array(decoded.length);
    out.set(decoded);
    return out;
  };
}

function find(folder, name) {
  const found = readdirSync(folder, { recursive: true }).find((path) => basename(path) === name);
  return found ? join(folder, found) : null;
}

async function measure(frame, path) {
  const bytes = readFileSync(path);
  const stream = codestream(bytes);
  const facts = { ...frame, ...sizeOf(bytes) };
  const contenders = [await ours(facts, stream), frame.package ? await theirs(facts, stream) : null];
  const same = contenders[1] && Buffer.compare(Buffer.from(contenders[0]()), Buffer.from(contenders[1]())) === 0;
  const times = [[], []];
  for (let round = 0; round < Number(options.rounds) + 2; round++) {
    for (const which of round % 2 ? [0, 1] : [1, 0]) {
      if (!contenders[which]) continue;
      const start = performance.now();
      contenders[which]();
      if (round > 1) times[which].push(performance.now() - start);
    }
  }
  const cell = (values) => {
    if (!values.length) return '–';
    const { median, p10, p90 } = summary(values);
    return `${median.toFixed(2)} (${p10.toFixed(2)}–${p90.toFixed(2)})`;
  };
  const agree = contenders[1] ? (same ? 'yes' : 'no') : '–';
  return `| ${frame.name} | ${facts.width} × ${facts.height} | ${cell(times[0])} | ${cell(times[1])} | ${frame.package ?? 'none'} | ${agree} |`;
}

const [data] = positionals;
if (!data || !existsSync(data)) throw new Error('usage: npm run bench:decode -- DATA');
await setUpCompilers();
await installEngines();
await buildPreset('wasm', ['negatoscope-codec']);
const before = loadavg()[0].toFixed(2);
const rows = [];
for (const frame of FRAMES) {
  const path = find(data, frame.file);
  if (path) rows.push(await measure(frame, path));
}
const text = `# Decoding: milliseconds a frame

Written by \`npm run bench:decode\` on ${new Date().toISOString().slice(0, 10)}. ${cpus()[0].model}, ${cpus().length} cores; Node ${process.version}. Load before
${before}, after ${loadavg()[0].toFixed(2)}.

One thread, WebAssembly, in one process and in turning order; with copying the codestream in and the samples out. Medians of
${options.rounds} rounds after two that do not count, in brackets the 10th and 90th percentile. The packages are cornerstone3D's.

| frame | pixels | here | the package | package | same samples |
|---|---|---|---|---|---|
${rows.join('\n')}
`;
writeFileSync(options.out, text);
process.stdout.write(text);
