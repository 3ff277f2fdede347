/**
 * Networks as .tflite files, which LiteRT.js takes: float32, channels last, for as many pictures as are said, weights
 * inside. Numbers of fields, operators and options are those of TensorFlow Lite's schema.fbs. The operators are the ones that
 * TensorFlow's converter makes of such a network.
 */
import { byte, content, flatBuffer, int, ints, table, tables, text } from './flatbuffer.mjs';
import { layersOf } from './layers.mjs';

/** Name → its number, and that of the table with its options. */
export const OPERATORS = {
  ADD: [0, 11],
  AVERAGE_POOL_2D: [1, 5],
  CONCATENATION: [2, 10],
  CONV_2D: [3, 1],
  DEPTHWISE_CONV_2D: [4, 2],
  FULLY_CONNECTED: [9, 8],
  MAX_POOL_2D: [17, 5],
  MUL: [18, 21],
  PAD: [34, 22],
  MEAN: [40, 27],
};
const ACTIVATIONS = { relu: 1, relu6: 3 };
const PADDINGS = { SAME: 0, VALID: 1 };
const TYPES = new Map([[Float32Array, 0], [Int32Array, 2]]);
const SCHEMA_VERSION = 3;
const ALIGNMENT = 16;

const activated = (activation) => byte(activation ? ACTIVATIONS[activation] : 0);

/** A matrix of values, its rows of `columns`, as its columns. */
function transposed(values, columns) {
  const rows = values.length / columns;
  const moved = new Float32Array(values.length);
  for (let c = 0; c < columns; c++) for (let r = 0; r < rows; r++) moved[c * rows + r] = values[r * columns + c];
  return moved;
}

/** Is a border of `pad` what TensorFlow's SAME adds before the first of `from` places? */
function isSame(from, to, kernel, stride, pad) {
  const added = Math.max(0, (to - 1) * stride + kernel - from);
  return to === Math.ceil(from / stride) && Math.floor(added / 2) === pad;
}

class Graph {
  tensors = [];
  /** The first is the empty one of tensors without content. */
  buffers = [table({})];
  operators = [];
  /** Value → its tensor, its shape, and whether it can have negative numbers. */
  values = new Map();

  constructor(batch) {
    this.batch = batch;
  }

  #tensor(name, shape, type, buffer) {
    this.tensors.push(table({ 0: ints(shape), 1: byte(TYPES.get(type)), 2: int(buffer), 3: text(name) }));
    return this.tensors.length - 1;
  }

  constant(array, shape) {
    this.buffers.push(table({ 0: content(array, ALIGNMENT) }));
    return this.#tensor(`constant_${this.buffers.length}`, shape, array.constructor, this.buffers.length - 1);
  }

  /** A tensor for a value that is computed. */
  value(name, size, positive = false) {
    const tensor = this.#tensor(name, [this.batch, ...size], Float32Array, 0);
    this.values.set(name, { tensor, size, positive });
    return tensor;
  }

  tensorOf(name) {
    return this.values.get(name).tensor;
  }

  add(name, inputs, output, options = {}) {
    this.operators.push({ name, inputs, output, options });
  }

  /** The operator that makes a layer's output. */
  finish(name, inputs, layer, options) {
    this.add(name, inputs, this.value(layer.output, layer.size, Boolean(layer.activation)), options);
  }

  /** Input and padding of a layer: where neither kind of TensorFlow's adds the same border, an operator does. */
  padded({ input, size, stride, pad }, kernel) {
    const from = this.values.get(input);
    if (pad === 0) return [from.tensor, PADDINGS.VALID];
    if (kernel.every((k, side) => isSame(from.size[side], size[side], k, stride, pad))) return [from.tensor, PADDINGS.SAME];
    const [height, width, channels] = from.size;
    const output = this.value(`${input}_padded_${this.tensors.length}`, [height + 2 * pad, width + 2 * pad, channels]);
    this.add('PAD', [from.tensor, this.constant(Int32Array.of(0, 0, pad, pad, pad, pad, 0, 0), [4, 2])], output);
    return [output, PADDINGS.VALID];
  }

  pool(name, layer) {
    const { kernel, stride } = layer;
    const [tensor, padding] = this.padded(layer, [kernel, kernel]);
    this.finish(name, [tensor], layer, { 0: byte(padding), 1: int(stride), 2: int(stride), 3: int(kernel), 4: int(kernel) });
  }

  /** @returns {Uint8Array} the file */
  write(input, output) {
    const names = [...new Set(this.operators.map(({ name }) => name))];
    const codes = names.map((name) => table({ 0: byte(OPERATORS[name][0]), 2: int(1), 3: int(OPERATORS[name][0]) }));
    const operators = this.operators.map(({ name, inputs, output: made, options }) => table({
      0: int(names.indexOf(name)), 1: ints(inputs), 2: ints([made]), 3: byte(OPERATORS[name][1]), 4: table(options),
    }));
    const graph = table({ 0: tables(this.tensors), 1: ints([this.tensorOf(input)]), 2: ints([this.tensorOf(output)]), 3: tables(operators) });
    const model = table({ 0: int(SCHEMA_VERSION), 1: tables(codes), 2: tables([graph]), 4: tables(this.buffers) });
    return flatBuffer('TFL3', model);
  }
}

/** Layer → its operators. */
const WRITERS = {
  conv(graph, layer) {
    const [kh, kw, inner, out] = layer.shape;
    const [tensor, padding] = graph.padded(layer, [kh, kw]);
    const strides = { 0: byte(padding), 1: int(layer.stride), 2: int(layer.stride) };
    if (layer.depthwise) {
      const weights = graph.constant(layer.weights, [1, kh, kw, inner]);
      const inputs = [tensor, weights, graph.constant(layer.bias, [inner])];
      graph.finish('DEPTHWISE_CONV_2D', inputs, layer, { ...strides, 3: int(1), 4: activated(layer.activation) });
    } else {
      const weights = graph.constant(transposed(layer.weights, out), [out, kh, kw, inner]);
      graph.finish('CONV_2D', [tensor, weights, graph.constant(layer.bias, [out])], layer, { ...strides, 3: activated(layer.activation) });
    }
  },
  norm(graph, layer) {
    const { input, size, scale, shift, activation } = layer;
    const product = graph.value(`${input}_scaled_${graph.tensors.length}`, size);
    graph.add('MUL', [graph.tensorOf(input), graph.constant(scale, [scale.length])], product);
    graph.finish('ADD', [product, graph.constant(shift, [shift.length])], layer, { 0: activated(activation) });
  },
  add(graph, layer) {
    graph.finish('ADD', layer.inputs.map((name) => graph.tensorOf(name)), layer, { 0: activated(layer.activation) });
  },
  concat(graph, layer) {
    graph.finish('CONCATENATION', layer.inputs.map((name) => graph.tensorOf(name)), layer, { 0: int(3) });
  },
  maxPool(graph, layer) {
    // What is padded with zeros: among numbers that are not negative, they change no maximum.
    if (layer.pad && !graph.values.get(layer.input).positive) throw new Error('a border for the maximum of negative numbers');
    graph.pool('MAX_POOL_2D', layer);
  },
  averagePool(graph, layer) {
    graph.pool('AVERAGE_POOL_2D', layer);
  },
  mean(graph, layer) {
    graph.finish('MEAN', [graph.tensorOf(layer.input), graph.constant(Int32Array.of(1, 2), [2])], layer);
  },
  dense(graph, layer) {
    const [inner, out] = layer.shape;
    const weights = graph.constant(transposed(layer.weights, out), [out, inner]);
    graph.finish('FULLY_CONNECTED', [graph.tensorOf(layer.input), weights, graph.constant(layer.bias, [out])], layer,
      { 0: activated(layer.activation) });
  },
};

/**
 * @param {Uint8Array} onnx  a network of tests/networks
 * @param {number[]} size  of a picture: channels, height, width
 * @param {number} [batch]  pictures in a run
 */
export function tfliteOf(onnx, size, batch = 1) {
  const [channels, height, width] = size;
  const { layers, output } = layersOf(onnx, size);
  const graph = new Graph(batch);
  graph.value('image', [height, width, channels]);
  for (const layer of layers) WRITERS[layer.kind](graph, layer);
  return graph.write('image', output);
}
