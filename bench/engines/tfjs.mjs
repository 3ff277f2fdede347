/**
 * TensorFlow.js with its WebAssembly backend, called layer by layer with the fused operations that a converted graph
 * model is made of. That leaves out the graph executor of tfjs-converter, in its favour.
 */
import * as tf from '@tensorflow/tfjs-core';
import { getThreadsCount, setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';

import { layersOf } from '../layers.mjs';

/** Calls that compute each layer, with its weights put into the engine's memory once. */
const MAKERS = {
  conv({ input, weights, bias, shape, stride, pad, depthwise, activation }) {
    const filter = tf.tensor4d(weights, shape);
    const options = { filter, strides: stride, pad, dimRoundingMode: 'floor', bias: tf.tensor1d(bias) };
    const call = depthwise ? tf.fused.depthwiseConv2d : tf.fused.conv2d;
    return (values) => call({ x: values.get(input), activation: activation ?? 'linear', ...options });
  },
  add({ inputs, activation }) {
    return (values) => {
      const sum = tf.add(values.get(inputs[0]), values.get(inputs[1]));
      return activation === 'relu' ? tf.relu(sum) : activation === 'relu6' ? tf.relu6(sum) : sum;
    };
  },
  maxPool({ input, kernel, stride, pad }) {
    return (values) => tf.maxPool(values.get(input), kernel, stride, pad, 'floor');
  },
  mean({ input }) {
    return (values) => tf.mean(values.get(input), [1, 2]);
  },
  dense({ input, weights, bias, shape }) {
    const b = tf.tensor2d(weights, shape);
    const add = tf.tensor1d(bias);
    return (values) => tf.fused.matMul({ a: values.get(input), b, bias: add });
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
      const { layers, output } = layersOf(bytes);
      const steps = layers.map((layer) => [layer.output, MAKERS[layer.kind](layer)]);
      return {
        run(input) {
          return tf.tidy(() => {
            const values = new Map([['image', tf.tensor4d(input, [batch, height, width, channels])]]);
            for (const [name, step] of steps) values.set(name, step(values));
            return values.get(output).dataSync();
          });
        },
      };
    },
  };
}
