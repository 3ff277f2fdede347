/**
 * Measures one engine on one network, in a fresh process: in a worker of a page, or in Node. Nothing here knows which.
 */
import { watchMemories } from './memory.mjs';

const ENGINES = {
  ceiling: () => import('./engines/ceiling.mjs'),
  negatoscope: () => import('./engines/negatoscope.mjs'),
  onnxruntime: () => import('./engines/onnxruntime.mjs'),
  tfjs: () => import('./engines/tfjs.mjs'),
  litert: () => import('./engines/litert.mjs'),
};

/**
 * @typedef {object} Job
 * @property {string} engine
 * @property {string} [variant]  build of the engine, where there are several
 * @property {number} threads
 * @property {Record<string, string>} urls  where the engine's files are
 * @property {[number, number, number]} size  channels, height, width
 * @property {number} [batch]  pictures in a run, 1 without
 * @property {boolean} [again]  a second visit: the browser has seen and compiled everything before
 * @property {number} [decisions]  of the first visit, as the page keeps them (nsc_decisions)
 * @property {{minRuns: number, minMs: number}} warmUp
 * @property {number} runs
 */

/** The picture: pseudo-random numbers in -0.5..0.5, the same for every engine. Channels first. */
function picture(count) {
  const values = new Float32Array(count);
  let state = 1;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state / 2 ** 32 - 0.5;
  }
  return values;
}

function channelsLast(values, [channels, height, width]) {
  const plane = height * width;
  return values.map((_, i) => values[(i % channels) * plane + Math.floor(i / channels)]);
}

/**
 * @param {Job} job
 * @param {Uint8Array} model
 */
export async function measure(job, model) {
  const memory = watchMemories();
  const { load } = await ENGINES[job.engine]();

  const beforeLoad = performance.now();
  const engine = await load(job);
  const loadMs = performance.now() - beforeLoad;

  const { size, batch = 1 } = job;
  const planar = picture(size.reduce((a, b) => a * b, 1));
  const one = engine.channelsLast ? channelsLast(planar, size) : planar;
  const input = new Float32Array(batch * one.length);
  for (let i = 0; i < batch; i++) input.set(one, i * one.length);

  const beforeCreate = performance.now();
  const session = await engine.create(model, size);
  const createMs = performance.now() - beforeCreate;
  const bytesCreated = memory();

  const beforeFirst = performance.now();
  let output = await session.run(input);
  const firstMs = performance.now() - beforeFirst;

  // Engines start in the browser's baseline compiler; hot functions are compiled again during the first runs.
  const warm = performance.now();
  for (let i = 0; i < job.warmUp.minRuns || performance.now() - warm < job.warmUp.minMs; i++) await session.run(input);

  const times = [];
  for (let i = 0; i < job.runs; i++) {
    const start = performance.now();
    output = await session.run(input);
    times.push(performance.now() - start);
  }
  return {
    loadMs,
    createMs,
    firstMs,
    times,
    bytesCreated,
    bytesPeak: memory(),
    output: Array.from(output),
    steps: session.steps?.() ?? null,
    said: session.said ?? null,
    facts: engine.facts?.() ?? null,
    decisions: engine.decisions?.() ?? 0,
  };
}
