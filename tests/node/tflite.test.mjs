/**
 * The .tflite files of the benchmark: read back by the rules of FlatBuffers, and run by LiteRT.js against onnxruntime-web
 * where the other engines are installed (any `npm run bench:peers` does that).
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import * as ort from 'onnxruntime-web';

import { LITERT } from '../../bench/paths.mjs';
import { relativeError } from '../../bench/statistics.mjs';
import { OPERATORS, tfliteOf } from '../../bench/tflite.mjs';
import { OnnxGraph } from '../networks/onnx.mjs';
import { buildNetwork } from '../networks/zoo.mjs';

const BATCH = 2;
const CLASSES = 4;

/** A network with every layer that there is. The borders of its first two are TensorFlow's SAME for odd sizes only. */
function makeNetwork(side) {
  const g = new OnnxGraph('every-layer', { image: ['batch', 3, side, side] });
  const relu = (x) => g.op('Relu', [x]);
  const limits = [g.constant([], [0], 1), g.constant([], [6], 1)];
  let x = relu(g.norm(g.conv('image', 3, 8, { stride: 2 }), 8));
  x = g.op('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  const y = g.op('Clip', [g.norm(g.conv(x, 8, 8, { groups: 8 }), 8), ...limits]);
  const wide = relu(g.norm(g.op('Concat', [x, y], { axis: 1 }), 16));
  x = relu(g.op('Add', [g.conv(wide, 16, 8, { kernel: 1, bias: true }), x]));
  const pooled = g.op('AveragePool', [x], { kernel_shape: [2, 2], strides: [2, 2] });
  const places = Math.floor(Math.ceil(side / 4) / 2) ** 2;
  const left = relu(g.dense(g.op('Flatten', [pooled]), 8 * places, CLASSES));
  const right = g.dense(g.op('Flatten', [g.op('GlobalAveragePool', [x])]), 8, CLASSES);
  return { bytes: g.finish(g.op('Add', [left, right]), ['batch', CLASSES]), size: [3, side, side] };
}

/** Tables are places in the file, their fields have numbers. */
function reader(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const target = (at) => at + view.getUint32(at, true);
  const field = (table, number) => {
    const slots = table - view.getInt32(table, true);
    const at = 4 + 2 * number < view.getUint16(slots, true) ? view.getUint16(slots + 4 + 2 * number, true) : 0;
    return at && table + at;
  };
  const elements = (table, number) => {
    const vector = target(field(table, number));
    return Array.from({ length: view.getUint32(vector, true) }, (_, i) => vector + 4 + 4 * i);
  };
  return {
    root: target(0),
    has: (table, number) => field(table, number) !== 0,
    byte: (table, number) => view.getInt8(field(table, number)),
    int: (table, number) => view.getInt32(field(table, number), true),
    ints: (table, number) => elements(table, number).map((at) => view.getInt32(at, true)),
    table: (table, number) => target(field(table, number)),
    tables: (table, number) => elements(table, number).map(target),
    /** Where the bytes of a vector begin, and how many there are. */
    content(table, number) {
      const at = target(field(table, number));
      return { at: at + 4, length: view.getUint32(at, true) };
    },
  };
}

/** The file as its parts. */
function readTflite(bytes) {
  const r = reader(bytes);
  const [graph, ...others] = r.tables(r.root, 2);
  assert.equal(others.length, 0);
  const codes = r.tables(r.root, 1).map((code) => r.int(code, 3));
  const buffers = r.tables(r.root, 4);
  const tensors = r.tables(graph, 0).map((tensor) => ({ shape: r.ints(tensor, 0), type: r.byte(tensor, 1), buffer: r.int(tensor, 2) }));
  const operators = r.tables(graph, 3).map((operator) => ({
    code: codes[r.int(operator, 0)],
    inputs: r.ints(operator, 1),
    outputs: r.ints(operator, 2),
    optionsType: r.byte(operator, 3),
    option: (number) => r.byte(r.table(operator, 4), number),
  }));
  return { r, version: r.int(r.root, 0), buffers, tensors, operators, inputs: r.ints(graph, 1), outputs: r.ints(graph, 2) };
}

const NAMES = new Map(Object.entries(OPERATORS).map(([name, [code]]) => [code, name]));
const namesOf = ({ operators }) => operators.map(({ code }) => NAMES.get(code));
const REST = ['DEPTHWISE_CONV_2D', 'CONCATENATION', 'MUL', 'ADD', 'CONV_2D', 'ADD', 'AVERAGE_POOL_2D', 'FULLY_CONNECTED', 'MEAN', 'FULLY_CONNECTED', 'ADD'];

test('a .tflite file has its identifier, its operators and tensors that fit together', () => {
  const { bytes, size } = makeNetwork(20);
  const file = tfliteOf(bytes, size, BATCH);
  assert.equal(file.toString('latin1', 4, 8), 'TFL3');
  const model = readTflite(file);
  assert.equal(model.version, 3);
  assert.deepEqual(namesOf(model), ['PAD', 'CONV_2D', 'PAD', 'MAX_POOL_2D', ...REST]);
  assert.deepEqual(model.inputs.map((i) => model.tensors[i].shape), [[BATCH, 20, 20, 3]]);
  assert.deepEqual(model.outputs.map((i) => model.tensors[i].shape), [[BATCH, CLASSES]]);

  const { r, buffers, tensors } = model;
  assert.equal(r.has(buffers[0], 0), false, 'the first buffer is empty');
  for (const { shape, buffer } of tensors.filter((t) => t.buffer)) {
    const { at, length } = r.content(buffers[buffer], 0);
    assert.equal(at % 16, 0);
    assert.equal(length, 4 * shape.reduce((a, b) => a * b, 1));
    assert.ok(at + length <= file.length);
  }
  const made = new Set(model.inputs);
  for (const { inputs, outputs } of model.operators) {
    for (const input of inputs) assert.ok(tensors[input].buffer || made.has(input), 'an operator takes what is there');
    outputs.forEach((output) => made.add(output));
  }

  const [, conv, , , depthwise] = model.operators;
  assert.deepEqual(conv.inputs.slice(1).map((i) => tensors[i].shape), [[8, 3, 3, 3], [8]]);
  assert.equal(conv.optionsType, 1);
  assert.deepEqual([conv.option(0), conv.option(1), conv.option(3)], [1, 2, 1], 'VALID, stride 2, Relu');
  assert.deepEqual(depthwise.inputs.slice(1).map((i) => tensors[i].shape), [[1, 3, 3, 8], [8]]);
  assert.deepEqual([depthwise.option(0), depthwise.option(3), depthwise.option(4)], [0, 1, 3], 'SAME, one each, Relu6');
});

test('borders that TensorFlow knows need no operator', () => {
  const { bytes, size } = makeNetwork(21);
  const model = readTflite(tfliteOf(bytes, size));
  assert.deepEqual(namesOf(model), ['CONV_2D', 'MAX_POOL_2D', ...REST]);
  assert.deepEqual(model.operators.slice(0, 2).map((operator) => operator.option(0)), [0, 0], 'SAME');
});

test('networks that would become another function are refused', () => {
  const maximum = new OnnxGraph('maximum', { image: [1, 3, 8, 8] });
  const pooled = maximum.op('MaxPool', ['image'], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  assert.throws(() => tfliteOf(maximum.finish(pooled, [1, 3, 4, 4]), [3, 8, 8]), /negative numbers/);
  assert.throws(() => tfliteOf(buildNetwork('squeezenet', { size: 64, classes: 4 }).bytes, [3, 64, 64]), /MaxPool with such a border/);
  assert.throws(() => tfliteOf(buildNetwork('cnn-28').bytes, [1, 28, 28]), /no layer for Softmax/);
});

/** LiteRT.js is for browsers: in Node it finds here what it looks for there. */
async function loadLiteRt() {
  const found = {
    self: globalThis,
    require: createRequire(import.meta.url),
    __filename: join(LITERT, 'litert.js'),
    __dirname: LITERT,
    XMLHttpRequest: class {
      open(_method, url) { this.url = url; }
      send() { Object.assign(this, { status: 200, responseText: readFileSync(this.url, 'utf8') }); }
    },
  };
  Object.assign(globalThis, found);
  console.log = console.info = console.warn = console.error = () => {}; // it tells much
  const { load } = await import('../../bench/engines/litert.mjs');
  return load({ urls: { litertWasm: `${LITERT}/` }, threads: 1, batch: BATCH });
}

test('LiteRT.js computes the same function of the file as onnxruntime-web of the network', { skip: !existsSync(LITERT) && 'the other engines are not installed' }, async () => {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  const engine = await loadLiteRt();
  for (const side of [20, 21]) {
    const { bytes, size } = makeNetwork(side);
    const plane = side * side;
    const planar = Float32Array.from({ length: BATCH * 3 * plane }, (_, i) => Math.sin(i * i * 0.37));
    const last = planar.map((_, i) => {
      const [picture, rest] = [Math.floor(i / (3 * plane)), i % (3 * plane)];
      return planar[picture * 3 * plane + (rest % 3) * plane + Math.floor(rest / 3)];
    });
    const session = await ort.InferenceSession.create(bytes);
    const results = await session.run({ image: new ort.Tensor('float32', planar, [BATCH, ...size]) });
    const want = results[session.outputNames[0]].data;
    const got = await (await engine.create(tfliteOf(bytes, size, BATCH), size)).run(last);
    const error = relativeError(got, want);
    assert.ok(error < 1e-5, `${side} × ${side}: relative error ${error}`);
  }
});
