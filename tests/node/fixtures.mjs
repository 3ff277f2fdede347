/**
 * Files for the tests of the wasm core and of the page, made byte by byte here: PNG, DICOM and ONNX, good and bad. What
 * they hold is known, so expected values are computed and not recorded.
 */
import { deflateRawSync, deflateSync } from 'node:zlib';

import { crc32 } from '../../scripts/icons.mjs';
import { blob, int } from '../networks/onnx.mjs';

export { crc32 };

// ---- PNG ----------------------------------------------------------------------------------------------------------

function pngChunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const head = Buffer.alloc(4);
  const tail = Buffer.alloc(4);
  head.writeUInt32BE(data.length);
  tail.writeUInt32BE(crc32(body));
  return Buffer.concat([head, body, tail]);
}

/** A grey PNG of 8 or 16 bits; `value(x, y)` gives the samples. */
export function greyPng(width, height, value, bits = 8) {
  const bytes = bits / 8;
  const rows = Buffer.alloc(height * (1 + width * bytes));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * (1 + width * bytes) + 1 + x * bytes;
      if (bits === 16) rows.writeUInt16BE(value(x, y), at);
      else rows[at] = value(x, y);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = bits;
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(rows)),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

// ---- DICOM --------------------------------------------------------------------------------------------------------

const LONG = new Set(['OB', 'OW', 'SQ', 'UN', 'UT']);

function element(tag, vr, value) {
  let data;
  if (typeof value === 'number') {
    data = Buffer.alloc(vr === 'UL' ? 4 : 2);
    if (vr === 'UL') data.writeUInt32LE(value);
    else data.writeUInt16LE(value);
  } else if (typeof value === 'string') {
    data = Buffer.from(value.length % 2 ? value + (vr === 'UI' ? '\0' : ' ') : value, 'latin1');
  } else {
    data = value;
  }
  const head = Buffer.alloc(LONG.has(vr) ? 12 : 8);
  head.writeUInt16LE(tag >>> 16, 0);
  head.writeUInt16LE(tag & 0xffff, 2);
  head.write(vr, 4, 'latin1');
  if (LONG.has(vr)) head.writeUInt32LE(data.length, 8);
  else head.writeUInt16LE(data.length, 6);
  return Buffer.concat([head, data]);
}

const EXPLICIT = '1.2.840.10008.1.2.1';
const DEFLATED = '1.2.840.10008.1.2.1.99';
export const JPEG_LOSSLESS = '1.2.840.10008.1.2.4.70';

/** A 32-bit number of little-endian bytes. */
function u32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** Pixel data in items, one a frame, without an offset table. */
function encapsulated(frames) {
  const item = (bytes) => Buffer.concat([u32(0xe000fffe), u32(bytes.length), bytes]);
  const head = Buffer.from([0xe0, 0x7f, 0x10, 0x00, 0x4f, 0x42, 0, 0, 0xff, 0xff, 0xff, 0xff]);
  const end = Buffer.concat([u32(0xe0ddfffe), u32(0)]);
  const even = frames.map((bytes) => (bytes.length % 2 ? Buffer.concat([bytes, Buffer.alloc(1)]) : bytes));
  return Buffer.concat([head, item(Buffer.alloc(0)), ...even.map(item), end]);
}

/**
 * Lossless JPEG of 16-bit words (ITU-T T.81 annex H): first-order prediction, and one Huffman table in which each of the
 * 17 categories of differences has a code of five bits, its own number.
 */
export function losslessJpeg(samples, width, height, bits = 12) {
  const segment = (marker, bytes) => Buffer.from([0xff, marker, 0, bytes.length + 2, ...bytes]);
  const out = [];
  let held = 0;
  let count = 0;
  const put = (value, length) => {
    for (let bit = length - 1; bit >= 0; bit--) {
      held = (held << 1) | ((value >> bit) & 1);
      if (++count < 8) continue;
      out.push(held);
      if (held === 0xff) out.push(0);
      held = count = 0;
    }
  };
  for (let i = 0; i < width * height; i++) {
    const above = i < width ? 1 << (bits - 1) : samples[i - width];
    const difference = samples[i] - (i % width ? samples[i - 1] : above);
    const category = difference ? 32 - Math.clz32(Math.abs(difference)) : 0;
    put(category, 5);
    put(difference < 0 ? difference - 1 : difference, category);
  }
  if (count) put(0x7f, 8 - count);
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xc3, [bits, height >> 8, height & 255, width >> 8, width & 255, 1, 1, 0x11, 0]),
    segment(0xc4, [0, 0, 0, 0, 0, 17, ...new Array(11).fill(0), ...new Array(17).keys()]),
    segment(0xda, [1, 1, 0, 1, 0, 0]),
    Buffer.from([...out, 0xff, 0xd9]),
  ]);
}

/**
 * A CT-like image: 12 bits stored, rescale to HU with intercept −1024, one window. `stored(x, y, frame)` gives the
 * samples, with JPEG_LOSSLESS as `syntax` they are compressed; `more` further elements or others: {tag: [vr, value]}.
 */
export function ctDicom({ width = 16, height = 12, frames = 1, stored = (x) => x, syntax = EXPLICIT, pixels = true, more = {} } = {}) {
  const samples = Buffer.alloc(width * height * frames * 2);
  for (let i = 0; i < width * height * frames; i++) {
    const frame = Math.floor(i / (width * height));
    const at = i % (width * height);
    samples.writeUInt16LE(stored(at % width, Math.floor(at / width), frame), i * 2);
  }
  const compressed = () => {
    const words = new Uint16Array(samples.buffer, samples.byteOffset, samples.length / 2);
    const one = width * height;
    return Array.from({ length: frames }, (_, f) => losslessJpeg(words.subarray(f * one, (f + 1) * one), width, height));
  };
  const meta = Buffer.concat([
    element(0x00020002, 'UI', '1.2.840.10008.5.1.4.1.1.2'),
    element(0x00020003, 'UI', '2.25.1'),
    element(0x00020010, 'UI', syntax),
  ]);
  const elements = {
    0x00080016: ['UI', '1.2.840.10008.5.1.4.1.1.2'],
    0x00080018: ['UI', '2.25.1'],
    0x00080060: ['CS', 'CT'],
    0x00100010: ['PN', 'Secret^Patient'],
    0x00280002: ['US', 1],
    0x00280004: ['CS', 'MONOCHROME2'],
    0x00280008: ['IS', String(frames)],
    0x00280010: ['US', height],
    0x00280011: ['US', width],
    0x00280030: ['DS', '0.5\\0.5'],
    0x00280100: ['US', 16],
    0x00280101: ['US', 12],
    0x00280102: ['US', 11],
    0x00280103: ['US', 0],
    0x00281050: ['DS', '40'],
    0x00281051: ['DS', '400'],
    0x00281052: ['DS', '-1024'],
    0x00281053: ['DS', '1'],
    0x00281054: ['LO', 'HU'],
    ...(pixels && syntax !== JPEG_LOSSLESS ? { 0x7fe00010: ['OW', samples] } : {}),
    ...more,
  };
  // Keys that are whole numbers come in their order, as the tags of a file do.
  const data = Buffer.concat([
    ...Object.entries(elements).map(([tag, [vr, value]]) => element(Number(tag), vr, value)),
    ...(pixels && syntax === JPEG_LOSSLESS ? [encapsulated(compressed())] : []),
  ]);
  return dicomFile(meta, syntax === DEFLATED ? deflateRawSync(data) : data);
}

function dicomFile(meta, data) {
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), element(0x00020000, 'UL', meta.length), meta, data]);
}

/**
 * A CT series of axial slices, 3 mm apart from -60 mm on, named in no order. Every pixel of slice n holds n + 1024, which
 * is n HU, or `stored(x, y, n)`. `missing` are numbers that are left out, `space` is the frame of reference.
 * @returns {Array<{name: string, bytes: Buffer, n: number, instance: string, z: number}>} in the order of their names
 */
export function ctSeries({ count = 60, missing = [], size = 16, series = '2.25.7.1', study = '2.25.7', patient = 'P7', number = 3, space = '2.25.70', stored = (x, y, n) => n + 1024, more = {} } = {}) {
  const slices = [];
  for (let n = 1; n <= count; n++) {
    if (missing.includes(n)) continue;
    const instance = `${series}.${n}`;
    const z = 3 * n - 63;
    const bytes = ctDicom({
      width: size,
      height: size,
      stored: (x, y) => stored(x, y, n),
      more: {
        0x00080018: ['UI', instance],
        0x00080020: ['DA', '20240229'],
        0x00081030: ['LO', 'Thorax study'],
        0x0008103e: ['LO', 'Lung 3 mm'],
        0x00100010: ['PN', `Test^${patient}`],
        0x00100020: ['LO', patient],
        0x0020000d: ['UI', study],
        0x0020000e: ['UI', series],
        0x00200011: ['IS', String(number)],
        0x00200013: ['IS', String(n)],
        0x00200032: ['DS', `-100\\-100\\${z}`],
        0x00200037: ['DS', '1\\0\\0\\0\\1\\0'],
        0x00200052: ['UI', space],
        ...more,
      },
    });
    // Multiplying by a number that shares no factor with the count deals the names out over the stack.
    slices.push({ name: `IM${String((n * 37) % 1009).padStart(4, '0')}`, bytes, n, instance, z });
  }
  return slices.sort((a, b) => (a.name < b.name ? -1 : 1));
}

const ITEM = Buffer.from('feff00e0', 'hex');

function sequence(tag, items) {
  const parts = items.flatMap((body) => [ITEM, u32(body.length), body]);
  return element(tag, 'SQ', Buffer.concat(parts));
}

/** A DICOMDIR of one patient, study and series with the files of ctSeries in `folder`; records stand in order, without links. */
export function dicomdir(slices, { folder = 'DICOM', series = '2.25.7.1', study = '2.25.7', patient = 'P7' } = {}) {
  const record = (type, elements) =>
    Buffer.concat(
      Object.entries({ 0x00041430: ['CS', type], ...elements }).map(([tag, [vr, value]]) => element(Number(tag), vr, value)),
    );
  const records = [
    record('PATIENT', { 0x00100010: ['PN', `Test^${patient}`], 0x00100020: ['LO', patient] }),
    record('STUDY', { 0x00080020: ['DA', '20240229'], 0x00081030: ['LO', 'Thorax study'], 0x0020000d: ['UI', study] }),
    record('SERIES', { 0x00080060: ['CS', 'CT'], 0x0020000e: ['UI', series], 0x00200011: ['IS', '3'] }),
    ...slices.map(({ name, n, instance }) =>
      record('IMAGE', { 0x00041500: ['CS', `${folder}\\${name}`], 0x00041511: ['UI', instance], 0x00200013: ['IS', String(n)] }),
    ),
  ];
  const meta = Buffer.concat([element(0x00020002, 'UI', '1.2.840.10008.1.3.10'), element(0x00020010, 'UI', EXPLICIT)]);
  return dicomFile(meta, Buffer.concat([element(0x00041200, 'UL', 0), sequence(0x00041220, records)]));
}

/** A ZIP archive of [{name, bytes}], deflated; `encrypted` names entries that are marked so, `claim` is a size that all of them claim. */
export function zipOf(files, { encrypted = [], claim } = {}) {
  const local = [];
  const central = [];
  let at = 0;
  for (const { name, bytes } of files) {
    const packed = deflateRawSync(bytes);
    const head = Buffer.alloc(26);
    head.writeUInt16LE(20, 0);
    head.writeUInt16LE(encrypted.includes(name) ? 1 : 0, 2);
    head.writeUInt16LE(8, 4);
    head.writeUInt32LE(crc32(bytes), 10);
    head.writeUInt32LE(packed.length, 14);
    head.writeUInt32LE(claim ?? bytes.length, 18);
    head.writeUInt16LE(Buffer.byteLength(name), 22);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(at, 10);
    central.push(Buffer.from('PK\x01\x02\x14\0', 'latin1'), head, tail, Buffer.from(name));
    local.push(Buffer.from('PK\x03\x04', 'latin1'), head, Buffer.from(name), packed);
    at += 30 + Buffer.byteLength(name) + packed.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...local, directory, end]);
}

// ---- NIfTI --------------------------------------------------------------------------------------------------------

/** NIfTI-1 of 16-bit samples `value(i, j, k)` in voxels of 1 × 2 × 3 mm; i runs to the right, j to the front, k to the head. */
export function nifti({ size = [6, 5, 4], value = (i, j, k) => i + 10 * j + 100 * k } = {}) {
  const [width, height, depth] = size;
  const bytes = Buffer.alloc(352 + width * height * depth * 2);
  bytes.writeInt32LE(348, 0);
  for (const [at, number] of [3, ...size, 1, 1, 1, 1].entries()) bytes.writeInt16LE(number, 40 + 2 * at);
  bytes.writeInt16LE(4, 70); // int16
  bytes.writeInt16LE(16, 72);
  for (const [at, number] of [1, 1, 2, 3].entries()) bytes.writeFloatLE(number, 76 + 4 * at);
  bytes.writeFloatLE(352, 108);
  bytes[123] = 2; // mm
  bytes.writeInt16LE(1, 254); // sform
  for (let axis = 0; axis < 3; axis++) bytes.writeFloatLE(axis + 1, 280 + 20 * axis);
  bytes.write('n+1', 344, 'latin1');
  for (let at = 0; at < width * height * depth; at++) {
    const [i, j, k] = [at % width, Math.floor(at / width) % height, Math.floor(at / width / height)];
    bytes.writeInt16LE(value(i, j, k), 352 + 2 * at);
  }
  return bytes;
}

// ---- ONNX ---------------------------------------------------------------------------------------------------------

function tensor(name, dims, values) {
  const raw = Buffer.from(new Float32Array(values).buffer);
  return Buffer.concat([...dims.map((dim) => int(1, dim)), int(2, 1), blob(8, name), blob(9, raw)]);
}

function valueInfo(name, dims) {
  const shape = Buffer.concat(dims.map((dim) => blob(1, int(1, dim))));
  return Buffer.concat([blob(1, name), blob(2, blob(1, Buffer.concat([int(1, 1), blob(2, shape)])))]);
}

function node(op, inputs, outputs, attributes = {}) {
  const encoded = Object.entries(attributes).map(([name, value]) =>
    Array.isArray(value)
      ? blob(5, Buffer.concat([blob(1, name), ...value.map((each) => int(8, each)), int(20, 7)]))
      : blob(5, Buffer.concat([blob(1, name), int(3, value), int(20, 2)])),
  );
  return Buffer.concat([
    ...inputs.map((name) => blob(1, name)),
    ...outputs.map((name) => blob(2, name)),
    blob(3, `${op.toLowerCase()}_${outputs[0]}`),
    blob(4, op),
    ...encoded,
  ]);
}

export function onnxModel({ nodes, initializers, input, second = null, output, metadata = {} }) {
  const graph = Buffer.concat([
    ...nodes.map((each) => blob(1, each)),
    blob(2, 'fixture'),
    ...initializers.map((each) => blob(5, each)),
    blob(11, valueInfo(...input)),
    ...(second ? [blob(11, valueInfo(...second))] : []),
    blob(12, valueInfo(...output)),
  ]);
  const properties = Object.entries(metadata).map(([key, value]) =>
    blob(14, Buffer.concat([blob(1, key), blob(2, typeof value === 'string' ? value : JSON.stringify(value))])),
  );
  return Buffer.concat([int(1, 8), blob(2, 'fixtures'), blob(7, graph), blob(8, int(2, 13)), ...properties]);
}

/** Weights that are small, different and the same every time. */
function weights(count, seed) {
  let state = seed >>> 0;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.fround((state / 2 ** 32 - 0.5) * 0.8);
  });
}

export const TINY = { size: 8, threshold: 0.25 };
const KERNEL = weights(2 * 9, 7);
const BIAS = weights(2, 8);
const HEAD = weights(2, 9);
const HEAD_BIAS = weights(1, 10);

/** Metadata of a model for grey pictures of `size`, two labels. */
function describe(size, title) {
  return {
    'nsc.version': '1',
    'nsc.name': 'tiny',
    'nsc.title': title,
    'nsc.task': 'binary',
    'nsc.labels': ['absent', 'present'],
    'nsc.output': 'logits',
    'nsc.input': { width: size, height: size, channels: 1, fit: 'stretch', mean: [0], std: [1] },
    'nsc.threshold': TINY.threshold,
    'nsc.advice': { present: 'Advice for present.', absent: 'Advice for absent.' },
    'nsc.limits': 'Made for tests.',
  };
}

/** Conv 3×3 → Relu → global mean → Gemm → one logit, on 8×8 grey pictures. */
export function tinyModel({ metadata = describe(TINY.size, 'Tiny test model'), tensors = tensor } = {}) {
  return onnxModel({
    nodes: [
      node('Conv', ['x', 'k', 'b'], ['c'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1] }),
      node('Relu', ['c'], ['r']),
      node('GlobalAveragePool', ['r'], ['g']),
      node('Flatten', ['g'], ['f'], { axis: 1 }),
      node('Gemm', ['f', 'w', 'wb'], ['y'], { transB: 1 }),
    ],
    initializers: [
      tensors('k', [2, 1, 3, 3], KERNEL),
      tensors('b', [2], BIAS),
      tensors('w', [1, 2], HEAD),
      tensors('wb', [1], HEAD_BIAS),
    ],
    input: ['x', [1, 1, TINY.size, TINY.size]],
    output: ['y', [1, 1]],
    metadata,
  });
}

/** tinyModel with its weights in a second file of that name. @returns {{model: Buffer, weights: Buffer}} */
export function tinyModelInTwoFiles(name) {
  const parts = [];
  let size = 0;
  const apart = (label, dims, values) => {
    const raw = Buffer.from(new Float32Array(values).buffer);
    const entries = Object.entries({ location: name, offset: String(size), length: String(raw.length) });
    parts.push(raw);
    size += raw.length;
    return Buffer.concat([...dims.map((dim) => int(1, dim)), int(2, 1), blob(8, label),
      ...entries.map(([key, value]) => blob(13, Buffer.concat([blob(1, key), blob(2, value)]))), int(14, 1)]);
  };
  const model = tinyModel({ tensors: apart });
  return { model, weights: Buffer.concat(parts) };
}

/** tinyModel under another name, whose logit has the other sign. */
export function contraryModel() {
  const turned = (name, dims, values) => tensor(name, dims, name.startsWith('w') ? values.map((value) => -value) : values);
  return tinyModel({ metadata: { ...describe(TINY.size, 'Contrary test model'), 'nsc.name': 'contrary' }, tensors: turned });
}

/** What tinyModel gives, in plain loops: the probability of "present". `value(x, y)` is 0…1. */
export function tinyExpected(value) {
  const { size } = TINY;
  const pixel = (x, y) => (x < 0 || y < 0 || x >= size || y >= size ? 0 : value(x, y));
  let logit = HEAD_BIAS[0];
  for (let channel = 0; channel < 2; channel++) {
    let sum = 0;
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        let z = BIAS[channel];
        for (let k = 0; k < 9; k++) z += KERNEL[channel * 9 + k] * pixel(x + (k % 3) - 1, y + Math.floor(k / 3) - 1);
        sum += Math.max(0, z);
      }
    }
    logit += (HEAD[channel] * sum) / (size * size);
  }
  return 1 / (1 + Math.exp(-logit));
}

/** Two labels that a grey 8×8 picture may both have: its mean is above 0.4, and above 0.7. */
export function severalModel() {
  return onnxModel({
    nodes: [node('GlobalAveragePool', ['x'], ['g']), node('Flatten', ['g'], ['f'], { axis: 1 }), node('Gemm', ['f', 'w', 'b'], ['y'], { transB: 1 })],
    initializers: [tensor('w', [2, 1], [20, 20]), tensor('b', [2], [-8, -14])],
    input: ['x', [1, 1, TINY.size, TINY.size]],
    output: ['y', [1, 2]],
    metadata: { ...describe(TINY.size, 'Several labels'), 'nsc.task': 'multi', 'nsc.labels': ['Light', 'White'], 'nsc.threshold': 0.5, 'nsc.advice': {} },
  });
}

export const SURVIVAL = {
  unit: 'months',
  edges: [0, 6, 12, 24, 60],
  fields: [{ name: 'age', mean: 60, std: 10 }, { name: 'sex', mean: 0.5, std: 0.5 }],
  /** Of the picture's mean, age and sex, in each bin. */
  weights: [2, 0.5, 0.2, 2, 0.6, 0.1, 2, 0.4, 0, 2, 0.8, -0.2],
  bias: [-4, -3.5, -3, -3],
};

/** A model of times to an event, on 8×8 grey pictures with age and sex. */
export function survivalModel(title = 'Survival test model', applicability) {
  const { weights: head, bias, ...said } = SURVIVAL;
  const { 'nsc.labels': _, 'nsc.threshold': __, 'nsc.advice': ___, ...facts } = describe(TINY.size, title);
  return onnxModel({
    nodes: [
      node('GlobalAveragePool', ['x'], ['g']),
      node('Flatten', ['g'], ['f'], { axis: 1 }),
      node('Sub', ['fields', 'mean'], ['centred']),
      node('Mul', ['centred', 'scale'], ['standard']),
      node('Concat', ['f', 'standard'], ['all'], { axis: 1 }),
      node('Gemm', ['all', 'w', 'b'], ['y'], { transB: 1 }),
    ],
    initializers: [
      tensor('mean', [2], said.fields.map(({ mean }) => mean)),
      tensor('scale', [2], said.fields.map(({ std }) => 1 / std)),
      tensor('w', [4, 3], head),
      tensor('b', [4], bias),
    ],
    input: ['x', [1, 1, TINY.size, TINY.size]],
    second: ['fields', [1, 2]],
    output: ['y', [1, 4]],
    metadata: { ...facts, 'nsc.task': 'survival', 'nsc.survival': said, ...(applicability && { 'nsc.applicability': applicability }) },
  });
}

/** What survivalModel gives for a picture of that mean: the chance of no event up to each edge. */
export function survivalExpected(mean, age, sex) {
  const [a, s] = [(age - 60) / 10, (sex - 0.5) / 0.5];
  let left = 1;
  return [1, ...SURVIVAL.bias.map((bias, k) => {
    const [p, q, r] = SURVIVAL.weights.slice(3 * k);
    left *= 1 / (1 + Math.exp(bias + p * mean + q * a + r * s));
    return left;
  })];
}

/** A model that takes seconds: many wide convolutions. For stopping it. */
export function slowModel({ size = 512, channels = 32, layers = 64 } = {}) {
  const nodes = [];
  const initializers = [];
  for (let layer = 0; layer < layers; layer++) {
    const inputs = layer === 0 ? 1 : channels;
    initializers.push(tensor(`k${layer}`, [channels, inputs, 3, 3], weights(channels * inputs * 9, layer)));
    const from = layer === 0 ? 'x' : `c${layer - 1}`;
    nodes.push(node('Conv', [from, `k${layer}`], [`c${layer}`], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }));
  }
  nodes.push(node('GlobalAveragePool', [`c${layers - 1}`], ['g']), node('Flatten', ['g'], ['f'], { axis: 1 }));
  nodes.push(node('Gemm', ['f', 'w'], ['h'], { transB: 1 }), node('Tanh', ['h'], ['y']));
  initializers.push(tensor('w', [1, channels], weights(channels, 99)));
  return onnxModel({
    nodes,
    initializers,
    input: ['x', [1, 1, size, size]],
    output: ['y', [1, 1]],
    metadata: describe(size, 'Slow test model'),
  });
}

/** An operator that no version of ONNX has. */
export function unknownOperatorModel() {
  return onnxModel({
    nodes: [node('Teleport', ['x'], ['y'])],
    initializers: [],
    input: ['x', [1, 1, 8, 8]],
    output: ['y', [1, 1]],
    metadata: describe(8, 'Hostile'),
  });
}

/** A convolution whose weights expect another number of channels. */
export function wrongShapeModel() {
  return onnxModel({
    nodes: [node('Conv', ['x', 'k'], ['y'], { kernel_shape: [3, 3] })],
    initializers: [tensor('k', [2, 5, 3, 3], weights(90, 3))],
    input: ['x', [1, 1, 8, 8]],
    output: ['y', [1, 2, 6, 6]],
    metadata: describe(8, 'Hostile'),
  });
}

/** The same file with its pixel data overwritten: the chunk is whole, its content is no zlib stream. */
function damagedPng(png) {
  const at = png.indexOf('IDAT');
  const length = png.readUInt32BE(at - 4);
  return Buffer.concat([
    png.subarray(0, at - 4),
    pngChunk('IDAT', Buffer.alloc(length, 0x5a)),
    png.subarray(at + 4 + length + 4),
  ]);
}

/** A folder as people have them: what can be shown, and what must be refused with which status. */
export function mixedFiles() {
  const good = greyPng(8, 8, (x, y) => (x * 29 + y * 7) % 256);
  return [
    { name: 'ct-stack.dcm', bytes: ctDicom({ frames: 4, stored: (x, y, f) => 1024 + x * 8 + f * 100 }), status: null },
    { name: 'eight-bit.png', bytes: good, status: null },
    { name: 'no-ending', bytes: greyPng(24, 16, (x, y) => (x * y * 97) % 65536, 16), status: null },
    { name: 'cut.png', bytes: good.subarray(0, good.length - 20), status: 'NSC_ERROR_TRUNCATED' },
    { name: 'damaged.png', bytes: damagedPng(good), status: 'NSC_ERROR_CORRUPT' },
    { name: 'lossless.dcm', bytes: ctDicom({ syntax: JPEG_LOSSLESS, stored: (x, y) => 1024 + x * 8 + y }), status: null },
    { name: 'jpeg-xl.dcm', bytes: ctDicom({ syntax: '1.2.840.10008.1.2.4.110' }), status: 'NSC_ERROR_UNSUPPORTED' },
    { name: 'letter.txt', bytes: Buffer.from('Dear colleague,\n'.repeat(20)), status: 'NSC_ERROR_UNKNOWN_FORMAT' },
    { name: 'report.dcm', bytes: ctDicom({ pixels: false }), status: 'NSC_ERROR_NO_PIXELS' },
    { name: 'empty.png', bytes: Buffer.alloc(0), status: 'NSC_ERROR_UNKNOWN_FORMAT' },
  ];
}
