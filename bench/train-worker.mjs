/** The worker of the training benchmark: one engine learns from random pictures until its time is over. */
import { Core } from '../web/worker/core.js';
import { CoreTraining } from '../web/worker/core-training.js';

/**
 * @typedef {{engine: 'negatoscope' | 'tfjs', backend?: string, threads: number, net: string, size: number,
 *            channels: number, labels: number, batch: number, seconds: number, core: string}} Job
 */

/** Our core through the interface that the page uses. Its figure is of whole steps, filling the batch included. */
async function trainHere({ core: url, threads, net, batch, seconds }, pictures) {
  const { default: factory } = await import(url);
  const core = await Core.create(factory, { threads });
  const training = CoreTraining.create(core, { width: 28, height: 28, channels: 1 });
  const source = await core.source(new Blob([pictures]));
  training.addNpz(source, null);
  core.module._nsc_source_free(source);
  const options = { net, batch, epochs: 10000, average: 0, augment: 'none', optimiser: 'adam', decay: 0, schedule: 'constant', rate: 1e-4, clip: 0 };
  await core.threadsReady(threads);
  training.begin(options, threads);
  training.run(seconds * 200);
  const before = training.status();
  const times = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end || times.length < 3) {
    const start = performance.now();
    training.run(0);
    times.push(performance.now() - start);
  }
  return { times, parameters: before.parameters, memory: core.memory() };
}

async function trainThere({ backend, net, size, channels, labels, batch, seconds }) {
  const tf = await import('@tensorflow/tfjs-core');
  await import('@tensorflow/tfjs-core/dist/register_all_gradients.js');
  await (backend === 'webgl' ? import('@tensorflow/tfjs-backend-webgl') : import('@tensorflow/tfjs-backend-cpu'));
  const { buildForTfjs } = await import('./train-networks.mjs');
  await tf.setBackend(backend);
  await tf.ready();
  const { forward, variables } = buildForTfjs(net, { size, channels, labels });
  const x = tf.randomNormal([batch, size, size, channels]);
  const y = tf.oneHot(tf.tensor1d(Array.from({ length: batch }, (_, i) => i % labels), 'int32'), labels);
  const adam = tf.train.adam(1e-4);
  const step = async () => {
    const start = performance.now();
    const loss = adam.minimize(() => tf.losses.softmaxCrossEntropy(y, forward(x)), true, variables);
    await loss.data(); // until it is computed
    loss.dispose();
    return performance.now() - start;
  };
  const first = await step(); // compiles shaders
  // An engine that needs minutes for a step has shown in one how fast it is: compiling is little of that.
  const times = first > seconds * 2000 ? [first] : [];
  const end = performance.now() + seconds * 1000;
  while (times.length < 1 || (performance.now() < end && first <= seconds * 2000)) times.push(await step());
  return { times, first, parameters: variables.reduce((sum, v) => sum + v.size, 0) };
}

addEventListener('message', async ({ data: job }) => {
  if (!job?.engine) return;
  try {
    const pictures = job.engine === 'negatoscope' ? await (await fetch('/models/pictures.npz')).arrayBuffer() : null;
    postMessage({ result: await (pictures ? trainHere(job, pictures) : trainThere(job)) });
  } catch (error) {
    postMessage({ error: String(error?.stack ?? error) });
  }
});
