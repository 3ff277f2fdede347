/**
 * The architectures that image classifiers are made of, with random weights: for comparing engines. Layer by layer after
 * the papers named below; parameter counts equal the published ones (tests/node/networks.test.mjs).
 */
import { OnnxGraph, f } from './onnx.mjs';

const relu = (g, x) => g.op('Relu', [x]);
const convNormRelu = (g, x, from, to, options) => relu(g, g.norm(g.conv(x, from, to, options), to));
const maxPool = (g, x, kernel, stride, pad = 0, more = {}) =>
  g.op('MaxPool', [x], { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad], ...more });
const head = (g, x, from, classes) => g.dense(g.op('Flatten', [g.op('GlobalAveragePool', [x])]), from, classes);

/** He, Zhang, Ren, Sun 2016. */
function resnet(g, blocks, bottleneck, classes) {
  let x = maxPool(g, convNormRelu(g, 'image', 3, 64, { kernel: 7, stride: 2, pad: 3 }), 3, 2, 1);
  let from = 64;
  blocks.forEach((count, stage) => {
    const width = 64 << stage;
    const to = bottleneck ? width * 4 : width;
    for (let i = 0; i < count; i++) {
      const stride = i === 0 && stage > 0 ? 2 : 1;
      let y = bottleneck
        ? g.norm(g.conv(convNormRelu(g, convNormRelu(g, x, from, width, { kernel: 1 }), width, width, { stride }), width, to, { kernel: 1 }), to)
        : g.norm(g.conv(convNormRelu(g, x, from, width, { stride }), width, width), width);
      const skip = stride !== 1 || from !== to ? g.norm(g.conv(x, from, to, { kernel: 1, stride }), to) : x;
      x = relu(g, g.op('Add', [y, skip]));
      from = to;
    }
  });
  return head(g, x, from, classes);
}

/** Sandler et al. 2018. */
function mobilenetV2(g, classes) {
  const clip = (x) => g.op('Clip', [x, g.constant([], [0], 1), g.constant([], [6], 1)]);
  const convNormClip = (x, from, to, options) => clip(g.norm(g.conv(x, from, to, options), to));
  let x = convNormClip('image', 3, 32, { stride: 2 });
  let from = 32;
  for (const [expand, to, count, stride0] of
    [[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1]]) {
    for (let i = 0; i < count; i++) {
      const stride = i === 0 ? stride0 : 1;
      const wide = from * expand;
      let y = expand === 1 ? x : convNormClip(x, from, wide, { kernel: 1 });
      y = convNormClip(y, wide, wide, { stride, groups: wide });
      y = g.norm(g.conv(y, wide, to, { kernel: 1 }), to);
      x = stride === 1 && from === to ? g.op('Add', [y, x]) : y;
      from = to;
    }
  }
  return head(g, convNormClip(x, 320, 1280, { kernel: 1 }), 1280, classes);
}

/** Howard et al. 2019, "small": h-swish, squeeze-and-excitation with hard sigmoid. */
function mobilenetV3(g, classes) {
  const hardSwish = (x) => g.op('HardSwish', [x]);
  const squeeze = (x, channels, narrow) => {
    let s = g.op('GlobalAveragePool', [x]);
    s = relu(g, g.conv(s, channels, narrow, { kernel: 1, bias: true }));
    s = g.op('HardSigmoid', [g.conv(s, narrow, channels, { kernel: 1, bias: true })], { alpha: f(1 / 6), beta: f(0.5) });
    return g.op('Mul', [x, s]);
  };
  const eight = (v) => Math.max(8, Math.floor((v + 4) / 8) * 8);
  let x = hardSwish(g.norm(g.conv('image', 3, 16, { stride: 2 }), 16));
  let from = 16;
  for (const [kernel, wide, to, se, swish, stride] of [
    [3, 16, 16, 1, 0, 2], [3, 72, 24, 0, 0, 2], [3, 88, 24, 0, 0, 1], [5, 96, 40, 1, 1, 2], [5, 240, 40, 1, 1, 1],
    [5, 240, 40, 1, 1, 1], [5, 120, 48, 1, 1, 1], [5, 144, 48, 1, 1, 1], [5, 288, 96, 1, 1, 2], [5, 576, 96, 1, 1, 1],
    [5, 576, 96, 1, 1, 1]]) {
    const act = swish ? hardSwish : (v) => relu(g, v);
    let y = wide === from ? x : act(g.norm(g.conv(x, from, wide, { kernel: 1 }), wide));
    y = act(g.norm(g.conv(y, wide, wide, { kernel, stride, groups: wide }), wide));
    if (se) y = squeeze(y, wide, eight(wide / 4));
    y = g.norm(g.conv(y, wide, to, { kernel: 1 }), to);
    x = stride === 1 && from === to ? g.op('Add', [y, x]) : y;
    from = to;
  }
  x = hardSwish(g.norm(g.conv(x, 96, 576, { kernel: 1 }), 576));
  x = hardSwish(g.dense(g.op('Flatten', [g.op('GlobalAveragePool', [x])]), 576, 1024));
  return g.dense(x, 1024, classes);
}

/** Tan and Le 2019, B0: swish as x * sigmoid(x), squeeze-and-excitation. */
function efficientnetB0(g, classes) {
  const swish = (x) => g.op('Mul', [x, g.op('Sigmoid', [x])]);
  let x = swish(g.norm(g.conv('image', 3, 32, { stride: 2 }), 32));
  let from = 32;
  for (const [expand, to, count, stride0, kernel] of [[1, 16, 1, 1, 3], [6, 24, 2, 2, 3], [6, 40, 2, 2, 5], [6, 80, 3, 2, 3],
    [6, 112, 3, 1, 5], [6, 192, 4, 2, 5], [6, 320, 1, 1, 3]]) {
    for (let i = 0; i < count; i++) {
      const stride = i === 0 ? stride0 : 1;
      const wide = from * expand;
      let y = expand === 1 ? x : swish(g.norm(g.conv(x, from, wide, { kernel: 1 }), wide));
      y = swish(g.norm(g.conv(y, wide, wide, { kernel, stride, groups: wide }), wide));
      const narrow = Math.max(1, Math.floor(from / 4));
      const s = swish(g.conv(g.op('GlobalAveragePool', [y]), wide, narrow, { kernel: 1, bias: true }));
      y = g.op('Mul', [y, g.op('Sigmoid', [g.conv(s, narrow, wide, { kernel: 1, bias: true })])]);
      y = g.norm(g.conv(y, wide, to, { kernel: 1 }), to);
      x = stride === 1 && from === to ? g.op('Add', [y, x]) : y;
      from = to;
    }
  }
  return head(g, swish(g.norm(g.conv(x, 320, 1280, { kernel: 1 }), 1280)), 1280, classes);
}

/** Huang et al. 2017: batch norm and Relu before each convolution, everything concatenated. */
function densenet121(g, classes) {
  let x = maxPool(g, convNormRelu(g, 'image', 3, 64, { kernel: 7, stride: 2, pad: 3 }), 3, 2, 1);
  let channels = 64;
  [6, 12, 24, 16].forEach((layers, block) => {
    const features = [x];
    for (let i = 0; i < layers; i++, channels += 32) {
      let y = features.length > 1 ? g.op('Concat', features, { axis: 1 }) : features[0];
      y = g.conv(relu(g, g.norm(y, channels)), channels, 128, { kernel: 1 });
      features.push(g.conv(relu(g, g.norm(y, 128)), 128, 32));
    }
    x = g.op('Concat', features, { axis: 1 });
    if (block < 3) {
      x = g.conv(relu(g, g.norm(x, channels)), channels, channels / 2, { kernel: 1 });
      channels /= 2;
      x = g.op('AveragePool', [x], { kernel_shape: [2, 2], strides: [2, 2] });
    }
  });
  return head(g, relu(g, g.norm(x, channels)), channels, classes);
}

/** Krizhevsky 2014 as torchvision has it (kind 'one'), or 2012 with LRN and groups (kind 'lrn'). */
function alexnet(g, classes, lrn, size) {
  // Side of the last pooling: convolution 11/4, then three poolings 3/2.
  const pooled = (side) => Math.floor((side - 3) / 2) + 1;
  const side = pooled(pooled(pooled(Math.floor((size + 4 - 11) / 4) + 1)));
  const conv = (x, from, to, options) => relu(g, g.conv(x, from, to, { bias: true, ...options }));
  const local = (x) => (lrn ? g.op('LRN', [x], { size: 5, alpha: f(1e-4), beta: f(0.75), bias: f(2) }) : x);
  const groups = lrn ? 2 : 1;
  let x = maxPool(g, local(conv('image', 3, 64, { kernel: 11, stride: 4, pad: 2 })), 3, 2);
  x = maxPool(g, local(conv(x, 64, 192, { kernel: 5, groups })), 3, 2);
  x = conv(conv(conv(x, 192, 384), 384, 256, { groups }), 256, 256, { groups });
  x = g.op('Flatten', [maxPool(g, x, 3, 2)]);
  x = relu(g, g.dense(g.op('Dropout', [x]), 256 * side * side, 4096));
  return g.dense(relu(g, g.dense(g.op('Dropout', [x]), 4096, 4096)), 4096, classes);
}

const VGG_A = [64, 'M', 128, 'M', 256, 256, 'M', 512, 512, 'M', 512, 512, 'M'];
const VGG_D = [64, 64, 'M', 128, 128, 'M', 256, 256, 256, 'M', 512, 512, 512, 'M', 512, 512, 512, 'M'];

/** Simonyan and Zisserman 2015, configurations A and D. */
function vgg(g, layers, classes, size) {
  const side = Math.floor(size / 32);
  let x = 'image';
  let from = 3;
  for (const layer of layers) {
    if (layer === 'M') {
      x = maxPool(g, x, 2, 2);
    } else {
      x = relu(g, g.conv(x, from, layer, { bias: true }));
      from = layer;
    }
  }
  x = relu(g, g.dense(g.op('Flatten', [x]), 512 * side * side, 4096));
  return g.dense(relu(g, g.dense(x, 4096, 4096)), 4096, classes);
}

/** Szegedy et al. 2015 with batch norm, as torchvision has it: ceil_mode pooling, no auxiliary heads. */
function googlenet(g, classes) {
  const conv = (x, from, to, options) => convNormRelu(g, x, from, to, options);
  const ceil = { ceil_mode: 1 };
  const inception = (x, from, [a, b1, b2, c1, c2, d]) => g.op('Concat', [
    conv(x, from, a, { kernel: 1 }),
    conv(conv(x, from, b1, { kernel: 1 }), b1, b2),
    conv(conv(x, from, c1, { kernel: 1 }), c1, c2),
    conv(maxPool(g, x, 3, 1, 1, ceil), from, d, { kernel: 1 })], { axis: 1 });
  let x = maxPool(g, conv('image', 3, 64, { kernel: 7, stride: 2, pad: 3 }), 3, 2, 0, ceil);
  x = maxPool(g, conv(conv(x, 64, 64, { kernel: 1 }), 64, 192), 3, 2, 0, ceil);
  let from = 192;
  for (const block of [[64, 96, 128, 16, 32, 32], [128, 128, 192, 32, 96, 64], 3, [192, 96, 208, 16, 48, 64],
    [160, 112, 224, 24, 64, 64], [128, 128, 256, 24, 64, 64], [112, 144, 288, 32, 64, 64], [256, 160, 320, 32, 128, 128], 2,
    [256, 160, 320, 32, 128, 128], [384, 192, 384, 48, 128, 128]]) {
    if (typeof block === 'number') {
      x = maxPool(g, x, block, 2, 0, ceil);
    } else {
      x = inception(x, from, block);
      from = block[0] + block[2] + block[4] + block[5];
    }
  }
  return head(g, x, 1024, classes);
}

/** Iandola et al. 2016, version 1.1: the classifier is a convolution. */
function squeezenet(g, classes) {
  const conv = (x, from, to, options) => relu(g, g.conv(x, from, to, { bias: true, ...options }));
  const fire = (x, from, narrow, wide) => {
    const s = conv(x, from, narrow, { kernel: 1 });
    return g.op('Concat', [conv(s, narrow, wide, { kernel: 1 }), conv(s, narrow, wide)], { axis: 1 });
  };
  const pool = (x) => maxPool(g, x, 3, 2, 0, { ceil_mode: 1 });
  let x = pool(conv('image', 3, 64, { stride: 2, pad: 0 }));
  x = pool(fire(fire(x, 64, 16, 64), 128, 16, 64));
  x = pool(fire(fire(x, 128, 32, 128), 256, 32, 128));
  x = fire(fire(fire(fire(x, 256, 48, 192), 384, 48, 192), 384, 64, 256), 512, 64, 256);
  return g.op('Flatten', [g.op('GlobalAveragePool', [conv(g.op('Dropout', [x]), 512, classes, { kernel: 1 })])]);
}

/** Ma et al. 2018, width 1: halves of the channels, shuffled by two reshapes and a transpose. */
function shufflenetV2(g, classes, size) {
  const conv = (x, from, to, options) => convNormRelu(g, x, from, to, options);
  const depthwise = (x, channels, stride) => g.norm(g.conv(x, channels, channels, { stride, groups: channels }), channels);
  const shuffle = (x, channels, side) => {
    const apart = g.op('Reshape', [x, g.ints([1, 2, channels / 2, side, side])]);
    return g.op('Reshape', [g.op('Transpose', [apart], { perm: [0, 2, 1, 3, 4] }), g.ints([1, channels, side, side])]);
  };
  const halved = (side) => Math.ceil(side / 2);
  let side = halved(halved(size));
  let x = maxPool(g, conv('image', 3, 24, { stride: 2 }), 3, 2, 1);
  let from = 24;
  [[116, 4], [232, 8], [464, 4]].forEach(([to, count]) => {
    const half = to / 2;
    side = halved(side);
    for (let i = 0; i < count; i++) {
      const first = i === 0;
      const [left, right] = first ? [x, x] : g.op('Split', [x, g.ints([half, half])], { axis: 1 }, 2);
      const kept = first ? conv(depthwise(left, from, 2), from, half, { kernel: 1 }) : left;
      const wide = first ? from : half;
      const made = conv(depthwise(conv(right, wide, half, { kernel: 1 }), half, first ? 2 : 1), half, half, { kernel: 1 });
      x = shuffle(g.op('Concat', [kept, made], { axis: 1 }), to, side);
    }
    from = to;
  });
  x = conv(x, 464, 1024, { kernel: 1 });
  return g.dense(g.op('ReduceMean', [x], { axes: [2, 3], keepdims: 0 }), 1024, classes);
}

/** Exact Gelu as it is written before opset 20. */
function gelu(g, x) {
  const one = (value) => g.constant([], [value], 1);
  const erf = g.op('Erf', [g.op('Div', [x, one(Math.SQRT2)])]);
  return g.op('Mul', [g.op('Mul', [x, g.op('Add', [erf, one(1)])]), one(0.5)]);
}

const layerNorm = (g, x, width) => g.op('LayerNormalization', [x, g.learned([width], () => 1 + g.random.signed() * 0.2),
  g.learned([width], () => g.random.signed() * 0.1)], { axis: -1, epsilon: f(1e-6) });
const linear = (g, x, from, to) =>
  g.op('Add', [g.op('MatMul', [x, g.weight([from, to], from)]), g.learned([to], () => g.random.signed() * 0.1)]);

/** Liu et al. 2022, "tiny": depthwise 7 × 7, layer norms over channels between permutations, layer scale. */
function convnextTiny(g, classes) {
  const last = (x) => g.op('Transpose', [x], { perm: [0, 2, 3, 1] });
  const first = (x) => g.op('Transpose', [x], { perm: [0, 3, 1, 2] });
  const norm = (x, width) => first(layerNorm(g, last(x), width));
  let x = norm(g.conv('image', 3, 96, { kernel: 4, stride: 4, pad: 0, bias: true }), 96);
  let from = 96;
  [[96, 3], [192, 3], [384, 9], [768, 3]].forEach(([width, count], stage) => {
    if (stage) x = g.conv(norm(x, from), from, width, { kernel: 2, stride: 2, pad: 0, bias: true });
    for (let i = 0; i < count; i++) {
      let y = layerNorm(g, last(g.conv(x, width, width, { kernel: 7, groups: width, bias: true })), width);
      y = linear(g, gelu(g, linear(g, y, width, 4 * width)), 4 * width, width);
      x = g.op('Add', [x, first(g.op('Mul', [g.learned([width], () => g.random.signed() * 0.5), y]))]);
    }
    from = width;
  });
  x = g.op('Flatten', [norm(g.op('GlobalAveragePool', [x]), 768)]);
  return g.dense(x, 768, classes);
}

/** Dosovitskiy et al. 2021 in the size of Touvron et al. 2021, "tiny", patches of 16. */
function vitTiny(g, classes, size) {
  const [width, heads, tokens] = [192, 3, (size / 16) ** 2 + 1];
  const patches = g.op('Reshape', [g.conv('image', 3, width, { kernel: 16, stride: 16, pad: 0, bias: true }), g.ints([1, width, tokens - 1])]);
  const token = g.op('Expand', [g.learned([1, 1, width], () => g.random.signed()), g.ints([1, 1, width])]);
  let x = g.op('Concat', [token, g.op('Transpose', [patches], { perm: [0, 2, 1] })], { axis: 1 });
  x = g.op('Add', [x, g.learned([1, tokens, width], () => g.random.signed())]);
  for (let block = 0; block < 12; block++) {
    const qkv = g.op('Reshape', [linear(g, layerNorm(g, x, width), width, 3 * width), g.ints([1, tokens, 3, heads, width / heads])]);
    const parts = g.op('Split', [g.op('Transpose', [qkv], { perm: [2, 0, 3, 1, 4] }), g.ints([1, 1, 1])], { axis: 0 }, 3);
    const [q, k, v] = parts.map((part) => g.op('Squeeze', [part, g.ints([0])]));
    const scaled = g.op('Mul', [q, g.constant([], [(width / heads) ** -0.5], 1)]);
    const scores = g.op('Softmax', [g.op('MatMul', [scaled, g.op('Transpose', [k], { perm: [0, 1, 3, 2] })])], { axis: -1 });
    const seen = g.op('Reshape', [g.op('Transpose', [g.op('MatMul', [scores, v])], { perm: [0, 2, 1, 3] }), g.ints([1, tokens, width])]);
    x = g.op('Add', [x, linear(g, seen, width, width)]);
    x = g.op('Add', [x, linear(g, gelu(g, linear(g, layerNorm(g, x, width), width, 4 * width)), 4 * width, width)]);
  }
  return g.dense(g.op('Gather', [layerNorm(g, x, width), g.ints([0], [])], { axis: 1 }), width, classes);
}

/** Szegedy et al. 2016 as torchvision has it, without its auxiliary head. */
function inceptionV3(g, classes) {
  const conv = (x, from, ...rest) => rest.reduce(([y, n], [to, options]) => [convNormRelu(g, y, n, to, options), to], [x, from])[0];
  const join = (...parts) => g.op('Concat', parts, { axis: 1 });
  const average = (x) => g.op('AveragePool', [x], { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1], count_include_pad: 1 });
  const one = { kernel: 1 };
  const wide = { kernel: [1, 7], pad: [0, 3] };
  const high = { kernel: [7, 1], pad: [3, 0] };
  const down = { stride: 2, pad: 0 };
  const a = (x, n, pooled) => join(conv(x, n, [64, one]), conv(x, n, [48, one], [64, { kernel: 5 }]), conv(x, n, [64, one], [96], [96]),
    conv(average(x), n, [pooled, one]));
  const c = (x, w) => join(conv(x, 768, [192, one]), conv(x, 768, [w, one], [w, wide], [192, high]),
    conv(x, 768, [w, one], [w, high], [w, wide], [w, high], [192, wide]), conv(average(x), 768, [192, one]));
  const fork = (x, n) => [conv(x, n, [384, { kernel: [1, 3], pad: [0, 1] }]), conv(x, n, [384, { kernel: [3, 1], pad: [1, 0] }])];
  const e = (x, n) => join(conv(x, n, [320, one]), ...fork(conv(x, n, [384, one]), 384), ...fork(conv(x, n, [448, one], [384]), 384),
    conv(average(x), n, [192, one]));
  let x = maxPool(g, conv('image', 3, [32, down], [32, { pad: 0 }], [64]), 3, 2);
  x = maxPool(g, conv(x, 64, [80, one], [192, { pad: 0 }]), 3, 2);
  x = a(a(a(x, 192, 32), 256, 64), 288, 64);
  x = join(conv(x, 288, [384, down]), conv(x, 288, [64, one], [96], [96, down]), maxPool(g, x, 3, 2));
  x = c(c(c(c(x, 128), 160), 160), 192);
  x = join(conv(x, 768, [192, one], [320, down]), conv(x, 768, [192, one], [192, wide], [192, high], [192, down]), maxPool(g, x, 3, 2));
  return head(g, e(e(x, 1280), 2048), 2048, classes);
}

/** The small network of many tutorials: 28 x 28 x 1, two blocks, softmax. */
function cnn28(g, classes) {
  const conv = (x, from, to, pad) => relu(g, g.conv(x, from, to, { bias: true, pad }));
  let x = maxPool(g, conv(conv('image', 1, 32, 1), 32, 32, 0), 2, 2);
  x = maxPool(g, conv(conv(x, 32, 64, 1), 64, 64, 0), 2, 2);
  x = relu(g, g.dense(g.op('Flatten', [x]), 64 * 25, 512));
  return g.op('Softmax', [g.dense(x, 512, classes)], { axis: -1 });
}

/** Name → how to build it, and the parameters that torchvision's (or the paper's) version has with 1000 classes. */
const ARCHITECTURES = {
  resnet18: { build: (g, n) => resnet(g, [2, 2, 2, 2], false, n), parameters: 11_689_512 },
  resnet50: { build: (g, n) => resnet(g, [3, 4, 6, 3], true, n), parameters: 25_557_032 },
  mobilenetv2: { build: mobilenetV2, parameters: 3_504_872 },
  mobilenetv3: { build: mobilenetV3, parameters: 2_542_856, opset: 14 },
  'efficientnet-b0': { build: efficientnetB0, parameters: 5_288_548 },
  densenet121: { build: densenet121, parameters: 7_978_856 },
  alexnet: { build: (g, n, size) => alexnet(g, n, false, size), parameters: 61_100_840 },
  'alexnet-lrn': { build: (g, n, size) => alexnet(g, n, true, size) },
  vgg11: { build: (g, n, size) => vgg(g, VGG_A, n, size), parameters: 132_863_336 },
  vgg16: { build: (g, n, size) => vgg(g, VGG_D, n, size), parameters: 138_357_544, large: true },
  googlenet: { build: googlenet, parameters: 6_624_904 },
  squeezenet: { build: squeezenet, parameters: 1_235_496 },
  shufflenetv2: { build: shufflenetV2, parameters: 2_278_604 },
  'inception-v3': { build: inceptionV3, size: 299, parameters: 23_834_568 },
  'convnext-tiny': { build: convnextTiny, parameters: 28_589_128, opset: 17 },
  'vit-tiny': { build: vitTiny, parameters: 5_717_416, opset: 17 },
  'cnn-28': { build: cnn28, size: 28, channels: 1, classes: 10, parameters: 889_834 },
};

/** All but the one of half a gigabyte, which is for benchmarks. */
export const NETWORKS = Object.keys(ARCHITECTURES).filter((name) => !ARCHITECTURES[name].large);

export function describeNetwork(name) {
  const a = ARCHITECTURES[name];
  return { size: 224, channels: 3, classes: 1000, ...a };
}

/**
 * The network as ONNX bytes, and its parameters. `size` and `classes` may differ from the published ones; `batch` may be a
 * name, which leaves it open; `open` leaves the size open, too.
 */
export function buildNetwork(name, { size, classes, seed = 1, batch = 1, open = false, metadata = {} } = {}) {
  const a = describeNetwork(name);
  size ??= a.size;
  classes ??= a.classes;
  const g = new OnnxGraph(name, { image: [batch, a.channels, ...(open ? ['height', 'width'] : [size, size])] }, { opset: a.opset ?? 13, seed });
  const output = a.build(g, classes, size);
  return { bytes: g.finish(output, [batch, classes], metadata), parameters: g.parameters };
}
