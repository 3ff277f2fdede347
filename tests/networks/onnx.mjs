/**
 * Writes ONNX models: a graph builder with named values, enough of the format for the networks of zoo.mjs.
 *
 *   const net = new OnnxGraph('name', { image: [1, 3, 224, 224] });
 *   let x = net.conv('image', 3, 64, { kernel: 7, stride: 2, pad: 3 });
 *   x = net.op('Relu', [x]);
 *   const bytes = net.finish(x);
 *
 * Weights are pseudo-random from one seed: the same file every time.
 */

const TYPES = { float: 1, int64: 7, float16: 10 };

/** Protobuf: numbers, fields of numbers, fields of bytes. */
function varint(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest ? low | 0x80 : low);
  } while (rest);
  return Buffer.from(bytes);
}

const key = (field, type) => varint((field << 3) | type);
export const int = (field, value) => Buffer.concat([key(field, 0), varint(value)]);
export function blob(field, value) {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([key(field, 2), varint(bytes.length), bytes]);
}
function float(field, value) {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([key(field, 5), bytes]);
}

function tensor(name, type, dims, raw) {
  return Buffer.concat([...dims.map((d) => int(1, d)), int(2, TYPES[type]), blob(8, name), blob(9, raw)]);
}

function attribute(name, value) {
  if (typeof value === 'string') return Buffer.concat([blob(1, name), blob(4, value), int(20, 3)]);
  if (value instanceof FloatAttribute) return Buffer.concat([blob(1, name), float(2, value.value), int(20, 1)]);
  if (Array.isArray(value)) return Buffer.concat([blob(1, name), ...value.map((v) => int(8, v)), int(20, 7)]);
  return Buffer.concat([blob(1, name), int(3, value), int(20, 2)]);
}

/** Numbers are integers in attributes unless wrapped. */
class FloatAttribute {
  constructor(value) { this.value = value; }
}
export const f = (value) => new FloatAttribute(value);

function port(name, dims) {
  const shape = Buffer.concat(dims.map((d) => blob(1, typeof d === 'string' ? blob(2, d) : int(1, d))));
  return Buffer.concat([blob(1, name), blob(2, blob(1, Buffer.concat([int(1, TYPES.float), blob(2, shape)])))]);
}

/** PCG-like: small state, good enough for weights. */
class Random {
  constructor(seed) { this.state = seed >>> 0; }
  uniform() {
    this.state = (Math.imul(this.state, 747796405) + 2891336453) >>> 0;
    const word = Math.imul(((this.state >>> ((this.state >>> 28) + 4)) ^ this.state) >>> 0, 277803737) >>> 0;
    return ((word >>> 22) ^ word) >>> 0;
  }
  /** In [-1, 1). */
  signed() { return this.uniform() / 2 ** 31 - 1; }
}

export class OnnxGraph {
  constructor(name, inputs, { opset = 13, seed = 1 } = {}) {
    Object.assign(this, { name, inputs, opset, nodes: [], weights: [], count: 0, parameters: 0, random: new Random(seed) });
  }

  fresh(prefix) { return `${prefix}_${this.count++}`; }

  op(type, inputs, attributes = {}, outputs = 1) {
    const names = Array.from({ length: outputs }, () => this.fresh(type));
    this.nodes.push(Buffer.concat([
      ...inputs.map((i) => blob(1, i)), ...names.map((o) => blob(2, o)), blob(3, names[0]), blob(4, type),
      ...Object.entries(attributes).map(([k, v]) => blob(5, attribute(k, v)))]));
    return outputs === 1 ? names[0] : names;
  }

  /** Uniform weights with the variance of He et al. 2015 for `fanIn`, so that activations keep their size. */
  weight(dims, fanIn) {
    const count = dims.reduce((a, b) => a * b, 1);
    const scale = Math.sqrt(6 / fanIn);
    return this.learned(dims, () => this.random.signed() * scale, count);
  }

  /** A constant that training would change: it counts as parameters. */
  learned(dims, value, count = dims.reduce((a, b) => a * b, 1)) {
    this.parameters += count;
    return this.constant(dims, value, count);
  }

  constant(dims, value, count = dims.reduce((a, b) => a * b, 1)) {
    const data = new Float32Array(count);
    for (let i = 0; i < count; i++) data[i] = typeof value === 'function' ? value(i) : value[i];
    const name = this.fresh('w');
    this.weights.push(tensor(name, 'float', dims, Buffer.from(data.buffer)));
    return name;
  }

  ints(values, dims = [values.length]) {
    const name = this.fresh('i');
    this.weights.push(tensor(name, 'int64', dims, Buffer.from(new BigInt64Array(values.map(BigInt)).buffer)));
    return name;
  }

  conv(x, from, to, { kernel = 3, stride = 1, pad = Math.floor(kernel / 2), groups = 1, bias = false, dilation = 1 } = {}) {
    const [kh, kw] = Array.isArray(kernel) ? kernel : [kernel, kernel];
    const [ph, pw] = Array.isArray(pad) ? pad : [pad, pad];
    const inputs = [x, this.weight([to, from / groups, kh, kw], (from / groups) * kh * kw)];
    if (bias) inputs.push(this.learned([to], () => this.random.signed() * 0.1));
    return this.op('Conv', inputs, { kernel_shape: [kh, kw], strides: [stride, stride], pads: [ph, pw, ph, pw], group: groups,
                                     dilations: [dilation, dilation] });
  }

  norm(x, channels) {
    const near = (middle, spread) => () => middle + this.random.signed() * spread;
    const scale = this.learned([channels], near(1, 0.2));
    const shift = this.learned([channels], near(0, 0.1));
    const mean = this.constant([channels], near(0, 0.1));
    const variance = this.constant([channels], near(1, 0.2));
    return this.op('BatchNormalization', [x, scale, shift, mean, variance], { epsilon: f(1e-5) });
  }

  dense(x, from, to) {
    return this.op('Gemm', [x, this.weight([to, from], from), this.learned([to], () => this.random.signed() * 0.1)],
                   { transB: 1 });
  }

  finish(output, outputDims, metadata = {}) {
    const graph = Buffer.concat([
      ...this.nodes.map((n) => blob(1, n)), blob(2, this.name), ...this.weights.map((w) => blob(5, w)),
      ...Object.entries(this.inputs).map(([n, d]) => blob(11, port(n, d))), blob(12, port(output, outputDims))]);
    const properties = Object.entries(metadata).map(([k, v]) =>
      blob(14, Buffer.concat([blob(1, k), blob(2, typeof v === 'string' ? v : JSON.stringify(v))])));
    return Buffer.concat([int(1, 8), blob(2, 'negatoscope-tests'), blob(7, graph), blob(8, int(2, this.opset)), ...properties]);
  }
}
