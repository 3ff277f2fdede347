/**
 * The networks as engines with channels-last layout want them: what TensorFlow's converters make of such a model. Batch
 * normalisation is folded into the convolution before it, the activation joins the layer it follows.
 *
 *   { kind: 'conv', input, weights, bias, shape: [kh, kw, in, out], stride, pad, depthwise, activation }
 *   { kind: 'norm', input, scale, shift, activation }  batch normalisation of what is no convolution's alone
 *   { kind: 'add', inputs: [a, b], activation }
 *   { kind: 'concat', inputs }                         one after the other in each place
 *   { kind: 'maxPool' or 'averagePool', input, kernel, stride, pad }
 *   { kind: 'mean', input }                            over height and width
 *   { kind: 'dense', input, weights, bias, shape: [in, out], activation }
 *
 * Each with output, its name, and size, [height, width, channels] or [channels] of it. activation: null, 'relu', 'relu6'.
 */
import { readOnnx } from './onnx-read.mjs';

/** [out, in, kh, kw] to [kh, kw, in, out]; depthwise [channels, 1, kh, kw] to [kh, kw, channels, 1]. */
function convolution(node, weights) {
  const { dims, data } = weights.get(node.inputs[1]);
  const [out, inner, kh, kw] = dims;
  const depthwise = node.attributes.group > 1;
  if (depthwise && (inner !== 1 || node.attributes.group !== out)) throw new Error('a grouped convolution');
  const moved = new Float32Array(data.length);
  for (let o = 0; o < out; o++) {
    for (let i = 0; i < inner; i++) {
      for (let k = 0; k < kh * kw; k++) {
        const to = depthwise ? k * out + o : (k * inner + i) * out + o;
        moved[to] = data[(o * inner + i) * kh * kw + k];
      }
    }
  }
  return {
    kind: 'conv',
    input: node.inputs[0],
    weights: moved,
    bias: node.inputs[2] ? weights.get(node.inputs[2]).data.slice() : new Float32Array(out),
    shape: depthwise ? [kh, kw, out, 1] : [kh, kw, inner, out],
    stride: node.attributes.strides[0],
    pad: node.attributes.pads[0],
    depthwise,
    activation: null,
  };
}

function norm(node, weights) {
  const [factor, offset, mean, variance] = node.inputs.slice(1).map((name) => weights.get(name).data);
  const scale = factor.map((f, c) => f / Math.sqrt(variance[c] + node.attributes.epsilon));
  return { kind: 'norm', input: node.inputs[0], scale, shift: offset.map((o, c) => o - mean[c] * scale[c]), activation: null };
}

function foldNorm(layer, { scale, shift }) {
  const channels = scale.length;
  for (let i = 0; i < layer.weights.length; i++) layer.weights[i] *= scale[i % channels];
  for (let c = 0; c < channels; c++) layer.bias[c] = layer.bias[c] * scale[c] + shift[c];
}

/** Its input may be a flattened image, [channels, height, width] in the file and [height, width, channels] here. */
function dense(node, weights, inputSize) {
  const { dims, data } = weights.get(node.inputs[1]);
  const [out, inner] = dims;
  const channels = inputSize.at(-1);
  const places = inner / channels;
  const moved = new Float32Array(data.length);
  for (let o = 0; o < out; o++) {
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < places; p++) moved[(p * channels + c) * out + o] = data[o * inner + c * places + p];
    }
  }
  const bias = weights.get(node.inputs[2]).data;
  return { kind: 'dense', input: node.inputs[0], weights: moved, bias, shape: [inner, out], activation: null };
}

/** Size of a layer's output, from those of its inputs. */
function sizeOf(layer, [first, ...others]) {
  const { kind, shape, kernel, stride, pad } = layer;
  const swept = (channels, kernels) => [...kernels.map((k, side) => Math.floor((first[side] + 2 * pad - k) / stride) + 1), channels];
  if (kind === 'conv') return swept(layer.bias.length, shape.slice(0, 2));
  if (kind === 'maxPool' || kind === 'averagePool') return swept(first[2], [kernel, kernel]);
  if (kind === 'concat') return [first[0], first[1], others.reduce((sum, size) => sum + size[2], first[2])];
  if (kind === 'mean') return [first[2]];
  if (kind === 'dense') return [shape[1]];
  return first;
}

/**
 * @param {Uint8Array} onnx
 * @param {number[]} size  of the picture: channels, height, width
 * @returns {{layers: any[], output: string}} in the order they run; the picture is called "image"
 */
export function layersOf(onnx, [channels, height, width]) {
  const { nodes, weights, output } = readOnnx(onnx);
  const layers = [];
  const sizes = new Map([['image', [height, width, channels]]]);
  /** How many nodes take a value: what several take cannot be changed for one of them. */
  const uses = new Map();
  for (const name of nodes.flatMap(({ inputs }) => inputs)) uses.set(name, (uses.get(name) ?? 0) + 1);
  /** What a value is called after something was folded into the layer that makes it, and that layer. */
  const renamed = new Map();
  const maker = new Map();
  const named = (value) => renamed.get(value) ?? value;
  /** The layer before a node, where it has no other successor and no activation yet. */
  const before = (node) => {
    const layer = maker.get(named(node.inputs[0]));
    return uses.get(node.inputs[0]) === 1 && layer?.activation === null ? layer : null;
  };
  const rename = (node) => renamed.set(node.outputs[0], named(node.inputs[0]));
  const activate = (node, activation) => {
    const layer = before(node);
    if (!layer) throw new Error(`no layer for ${node.op} by itself`);
    layer.activation = activation;
    rename(node);
  };
  const add = (layer, node) => {
    layer.output = node.outputs[0];
    if (layer.input) layer.input = named(layer.input);
    layer.size = sizeOf(layer, (layer.inputs ?? [layer.input]).map((name) => sizes.get(name)));
    layers.push(layer);
    maker.set(layer.output, layer);
    sizes.set(layer.output, layer.size);
  };
  const pool = (kind, node) => {
    const { kernel_shape: kernel, strides, pads = [0], ceil_mode: ceil } = node.attributes;
    if (ceil || (kind === 'averagePool' && pads[0])) throw new Error(`no layer for ${node.op} with such a border`);
    add({ kind, input: node.inputs[0], kernel: kernel[0], stride: strides[0], pad: pads[0] }, node);
  };

  for (const node of nodes) {
    if (node.op === 'Conv') add(convolution(node, weights), node);
    else if (node.op === 'BatchNormalization') {
      const layer = norm(node, weights);
      const convolved = before(node);
      if (convolved?.kind === 'conv') {
        foldNorm(convolved, layer);
        rename(node);
      } else add(layer, node);
    } else if (node.op === 'Relu') activate(node, 'relu');
    else if (node.op === 'Clip') activate(node, 'relu6');
    else if (node.op === 'Add') add({ kind: 'add', inputs: node.inputs.map(named), activation: null }, node);
    else if (node.op === 'Concat') add({ kind: 'concat', inputs: node.inputs.map(named) }, node);
    else if (node.op === 'MaxPool') pool('maxPool', node);
    else if (node.op === 'AveragePool') pool('averagePool', node);
    else if (node.op === 'GlobalAveragePool') add({ kind: 'mean', input: node.inputs[0] }, node);
    else if (node.op === 'Flatten') rename(node);
    else if (node.op === 'Gemm') add(dense(node, weights, sizes.get(named(node.inputs[0]))), node);
    else throw new Error(`no layer for ${node.op}`);
  }
  return { layers, output: named(output) };
}
