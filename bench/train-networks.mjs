/**
 * The two networks of the training benchmark in TensorFlow.js, with the operations of its core: what our networks of the
 * same names are, layer by layer (src/train/zoo.c).
 */
import * as tf from '@tensorflow/tfjs-core';

const NORM = { epsilon: 1e-5 };

/** Collects the variables of a network while it is built. */
class Builder {
  /** @param {number} channels */
  constructor(channels) {
    this.channels = channels;
    /** @type {tf.Variable[]} */
    this.variables = [];
  }

  variable(value) {
    const variable = tf.variable(value);
    this.variables.push(variable);
    return variable;
  }

  conv(out, kernel, { stride = 1, pad = 'same', bias = false } = {}) {
    const fanIn = kernel * kernel * this.channels;
    const filter = this.variable(tf.randomNormal([kernel, kernel, this.channels, out], 0, Math.sqrt(2 / fanIn)));
    const add = bias ? this.variable(tf.zeros([out])) : null;
    this.channels = out;
    return (x) => {
      const y = tf.conv2d(x, filter, stride, pad);
      return add ? tf.add(y, add) : y;
    };
  }

  norm() {
    const scale = this.variable(tf.ones([this.channels]));
    const shift = this.variable(tf.zeros([this.channels]));
    return (x) => {
      const { mean, variance } = tf.moments(x, [0, 1, 2]);
      return tf.batchNorm(x, mean, variance, shift, scale, NORM.epsilon);
    };
  }

  dense(inputs, outputs) {
    const weights = this.variable(tf.randomUniform([inputs, outputs], -1 / Math.sqrt(inputs), 1 / Math.sqrt(inputs)));
    const bias = this.variable(tf.zeros([outputs]));
    return (x) => tf.add(tf.matMul(x, weights), bias);
  }
}

const chain = (...steps) => (x) => steps.reduce((y, step) => step(y), x);
const flatten = (x) => tf.reshape(x, [x.shape[0], -1]);
const dropout = (rate) => (x) => tf.dropout(x, rate);
const pool = (x) => tf.maxPool(x, 2, 2, 'valid');

function cnn28(b, size, labels) {
  const side = Math.floor((Math.floor((size - 2) / 2) - 2) / 2);
  return chain(
    b.conv(32, 3, { bias: true }), tf.relu, b.conv(32, 3, { pad: 'valid', bias: true }), tf.relu, pool, dropout(0.25),
    b.conv(64, 3, { bias: true }), tf.relu, b.conv(64, 3, { pad: 'valid', bias: true }), tf.relu, pool, dropout(0.25),
    flatten, b.dense(64 * side * side, 512), tf.relu, dropout(0.5), b.dense(512, labels),
  );
}

function block(b, width, stride) {
  const before = b.channels;
  const body = chain(b.conv(width, 3, { stride }), b.norm(), tf.relu, b.conv(width, 3), b.norm());
  const inside = b.channels;
  b.channels = before;
  const skip = stride !== 1 || before !== width ? chain(b.conv(width, 1, { stride }), b.norm()) : (x) => x;
  b.channels = inside;
  return (x) => tf.relu(tf.add(body(x), skip(x)));
}

/** With the stem for small pictures: one 3x3 convolution of stride 1. */
function resnet18(b, _size, labels) {
  const stem = chain(b.conv(64, 3), b.norm(), tf.relu);
  const blocks = [64, 128, 256, 512].flatMap((width, stage) => [0, 1].map((i) => block(b, width, stage && !i ? 2 : 1)));
  return chain(stem, ...blocks, (x) => tf.mean(x, [1, 2]), b.dense(512, labels));
}

const NETWORKS = { 'cnn-28': cnn28, resnet18 };

/** @param {keyof typeof NETWORKS} name */
export function buildForTfjs(name, { size, channels, labels }) {
  const builder = new Builder(channels);
  const forward = NETWORKS[name](builder, size, labels);
  return { forward, variables: builder.variables };
}
