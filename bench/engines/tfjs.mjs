/**
 * TensorFlow.js with its WebAssembly backend, called layer by layer with the fused operations that a converted graph
 * model is made of. That leaves out the graph executor of tfjs-converter, in its favour.
 */
import * as tf from '@tensorflow/tfjs-core';
import { getThreadsCount, setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';

import { layersOf } from '../layers.mjs';

const activated = (value, activation) => (activation === 'relu' ? tf.relu(value) : activation === 'relu6' ? tf.relu6(value) : value);

/** Calls that compute each layer, with its weights put into the engine's memory once. */
const MAKERS = {
  conv({ input, weights, bias, shape, stride, pad, depthwise, activation }) {
    const filter = tf.tensor4d(weights, shape);
    const options = { filter, strides: stride, pad, dimRoundingMode: 'floor', bias: tf.tensor1d(bias) };
    const call = depthwise ? tf.fused.depthwiseConv2d : tf.fused.conv2d;
    return (values) => call({ x: values.get(input), activation: activation ?? 'linear', ...options });
  },
  add({ inputs, activation }) {
    return (values) => activated(tf.add(values.get(inputs[0]), values.get(inputs[1])), activation);
  },
  norm({ input, scale, shift, activation }) {
    const factor = tf.tensor1d(scale);
    const offset = tf.tensor1d(shift);
    return (values) => activated(tf.add(tf.mul(values.get(input), factor), offset), activation);
  },
  concat({ inputs }) {
    return (values) => tf.concat(inputs.map((name) => values.get(name)), 3);
  },
  maxPool({ input, kernel, stride, pad }) {
    return (values) => tf.maxPool(values.get(input), kernel, stride, pad, 'floor');
  },
  averagePool({ input, kernel, stride, pad }) {
    return (values) => tf.avgPool(values.get(input), kernel, stride, pad, 'floor');
  },
  mean({ input }) {
    return (values) => tf.mean(values.get(input), [1, 2]);
  },
  dense({ input, weights, bias, shape, activation }) {
    const b = tf.tensor2d(weights, shape);
    const add = tf.tensor1d(bias);
    return (values) => tf.fused.matMul({ a: tf.reshape(values.get(input), [-1, shape[0]]), b, bias: add, activation: activation ?? 'linear' });
  },
};

/** @param {import('../measure.mjs').Job} job */
export async function load({ urls, threads, batch = 1 }) {
  setWasmPaths(urls.tfjsWasm);
  // The backend caps its threads at half of the logical cores. A machine with two would never get the second one.
  if (threads > 1) Object.defineProperty(navigator, 'hardwareConcurrency', { value: 2 * threads });
  setThreadsCount(threads);
  await tf.setBackend('wasm');
  await tf.ready();
  const threaded = await tf.env().getAsync('WASM_HAS_MULTITHREAD_SUPPORT');
  return {
    channelsLast: true,
    facts: () => ({ simd: tf.env().get('WASM_HAS_SIMD_SUPPORT'), threads: threaded ? getThreadsCount() : 1 }),
    async create(bytes, [channels, height, width]) {
      const { layers, output } = layersOf(bytes, [channels, height, width]);
      /** Value → the last layer that takes it, after which its memory is given back. */
      const last = new Map(layers.flatMap(({ input, inputs = [input] }, i) => inputs.map((name) => [name, i])));
      const steps = layers.map((layer, i) => ({
        name: layer.output,
        call: MAKERS[layer.kind](layer),
        done: [...last.keys()].filter((name) => last.get(name) === i),
      }));
      return {
        run(input) {
          return tf.tidy(() => {
            const values = new Map([['image', tf.tensor4d(input, [batch, height, width, channels])]]);
            for (const { name, call, done } of steps) {
              values.set(name, call(values));
              for (const value of done) values.get(value).dispose();
            }
            return values.get(output).dataSync();
          });
        },
      };
    },
  };
}
