/**
 * The networks as engines with channels-last layout want them: what TensorFlow's converters make of such a model. Batch
 * normalisation is folded into the convolution before it, the activation joins the layer it follows.
 *
 *   { kind: 'conv', input, output, weights, bias, shape: [kh, kw, in, out], stride, pad, depthwise, activation }
 *   { kind: 'add', inputs: [a, b], output, activation }
 *   { kind: 'maxPool', input, output, kernel, stride, pad }
 *   { kind: 'mean', input, output }                    over height and width
 *   { kind: 'dense', input, output, weights, bias, shape: [in, out] }
 *
 * activation: null, 'relu', 'relu6'.
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

function foldNorm(layer, node, weights) {
  const [scale, shift, mean, variance] = node.inputs.slice(1).map((name) => weights.get(name).data);
  const channels = scale.length;
  const factors = Array.from(scale, (s, c) => s / Math.sqrt(variance[c] + node.attributes.epsilon));
  for (let i = 0; i < layer.weights.length; i++) layer.weights[i] *= factors[i % channels];
  for (let c = 0; c < channels; c++) layer.bias[c] = (layer.bias[c] - mean[c]) * factors[c] + shift[c];
}

function dense(node, weights) {
  const { dims, data } = weights.get(node.inputs[1]);
  const [out, inner] = dims;
  const moved = new Float32Array(data.length);
  for (let o = 0; o < out; o++) for (let i = 0; i < inner; i++) moved[i * out + o] = data[o * inner + i];
  const bias = weights.get(node.inputs[2]).data;
  return { kind: 'dense', input: node.inputs[0], weights: moved, bias, shape: [inner, out] };
}

/**
 * @param {Uint8Array} onnx
 * @returns {{layers: any[], output: string}} in the order they run; the picture is called "image"
 */
export function layersOf(onnx) {
  const { nodes, weights, output } = readOnnx(onnx);
  const layers = [];
  /** What a value is called after something was folded into the layer that makes it, and that layer. */
  const renamed = new Map();
  const maker = new Map();
  const named = (value) => renamed.get(value) ?? value;
  const fold = (node) => {
    const value = named(node.inputs[0]);
    renamed.set(node.outputs[0], value);
    return maker.get(value);
  };
  const add = (layer, node) => {
    layer.output = node.outputs[0];
    if (layer.input) layer.input = named(layer.input);
    layers.push(layer);
    maker.set(layer.output, layer);
  };

  for (const node of nodes) {
    const { kernel_shape: kernel, strides, pads } = node.attributes;
    if (node.op === 'Conv') add(convolution(node, weights), node);
    else if (node.op === 'BatchNormalization') foldNorm(fold(node), node, weights);
    else if (node.op === 'Relu') fold(node).activation = 'relu';
    else if (node.op === 'Clip') fold(node).activation = 'relu6';
    else if (node.op === 'Add') add({ kind: 'add', inputs: node.inputs.map(named), activation: null }, node);
    else if (node.op === 'MaxPool') {
      add({ kind: 'maxPool', input: node.inputs[0], kernel: kernel[0], stride: strides[0], pad: pads[0] }, node);
    } else if (node.op === 'GlobalAveragePool') add({ kind: 'mean', input: node.inputs[0] }, node);
    else if (node.op === 'Flatten') fold(node);
    else if (node.op === 'Gemm') add(dense(node, weights), node);
    else throw new Error(`no layer for ${node.op}`);
  }
  return { layers, output: named(output) };
}
