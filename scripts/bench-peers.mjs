#!/usr/bin/env node
/**
 * npm run bench:peers: this core beside other engines, measured on this machine. Writes docs/BENCHMARKS.md and build/bench.json.
 *
 *   npm run bench:peers [-- --quick] [--rounds N] [--networks A,B] [--out FILE]
 *
 * --quick takes a few runs of each: to see that everything works, not for figures; it writes build/bench-quick.{md,json}
 * instead. --networks takes some of resnet18, resnet50, mobilenetv2, densenet121 and vgg16, whose files take half a
 * gigabyte and the engines up to two; such a part goes to build/bench-peers.{md,json}.
 * NSC_WASM names a folder of builds of the core to take as they are.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { SCRATCH } from '../bench/paths.mjs';
import { quantise } from '../bench/quantise.mjs';
import { tfliteOf } from '../bench/tflite.mjs';
import { buildNetwork } from '../tests/networks/zoo.mjs';
import { ROOT, buildPreset, say, setUpEngines } from './setup.mjs';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    networks: { type: 'string' },
    out: { type: 'string' },
  },
});

const NETWORKS = { resnet18: 'ResNet-18', resnet50: 'ResNet-50', mobilenetv2: 'MobileNetV2', densenet121: 'DenseNet-121', vgg16: 'VGG-16' };
/** Runs of several seconds, which say nothing that the others do not. */
const WITHOUT_BATCH = ['vgg16'];
/** Whose second start is measured. */
const SECOND_START = 'resnet18';
const BATCH = 8;
const SIZE = [3, 224, 224];

/** What is compared. Node runs those with one thread, but for LiteRT.js, which is for browsers. */
const CONTENDERS = [
  { id: 'relaxed-1', engine: 'negatoscope', variant: 'relaxed', threads: 1 },
  { id: 'ort-1', engine: 'onnxruntime', threads: 1 },
  { id: 'stock-1', engine: 'negatoscope', variant: 'relaxed', threads: 1, stock: true },
  { id: 'simd-1', engine: 'negatoscope', variant: 'simd', threads: 1 },
  { id: 'tfjs-1', engine: 'tfjs', threads: 1 },
  { id: 'litert-1', engine: 'litert', threads: 1 },
  { id: 'int8-1', engine: 'negatoscope', variant: 'relaxed', threads: 1, quantised: true },
  { id: 'relaxed-2', engine: 'negatoscope', variant: 'relaxed-threads', threads: 2 },
  { id: 'ort-2', engine: 'onnxruntime', threads: 2 },
  { id: 'tfjs-2', engine: 'tfjs', threads: 2 },
  { id: 'litert-2', engine: 'litert', threads: 2 },
  { id: 'int8-2', engine: 'negatoscope', variant: 'relaxed-threads', threads: 2, quantised: true },
  { id: 'ort-int8-1', engine: 'onnxruntime', threads: 1, quantised: true },
  { id: 'relaxed-1-b8', engine: 'negatoscope', variant: 'relaxed', threads: 1, batch: BATCH },
  { id: 'ort-1-b8', engine: 'onnxruntime', threads: 1, batch: BATCH },
  { id: 'tfjs-1-b8', engine: 'tfjs', threads: 1, batch: BATCH },
  { id: 'litert-1-b8', engine: 'litert', threads: 1, batch: BATCH },
  { id: 'int8-1-b8', engine: 'negatoscope', variant: 'relaxed', threads: 1, batch: BATCH, quantised: true },
  { id: 'relaxed-2-b8', engine: 'negatoscope', variant: 'relaxed-threads', threads: 2, batch: BATCH },
  { id: 'ort-2-b8', engine: 'onnxruntime', threads: 2, batch: BATCH },
  { id: 'litert-2-b8', engine: 'litert', threads: 2, batch: BATCH },
  { id: 'int8-2-b8', engine: 'negatoscope', variant: 'relaxed-threads', threads: 2, batch: BATCH, quantised: true },
  { id: 'again-2', engine: 'negatoscope', variant: 'relaxed-threads', threads: 2, again: true, visits: 9 },
];

const runsThere = (contender, place, network) =>
  (place === 'chromium' || (contender.threads === 1 && contender.engine !== 'litert')) &&
  !(contender.batch && WITHOUT_BATCH.includes(network)) &&
  !(contender.again && (place !== 'chromium' || network !== SECOND_START));

/** A contender's model, among those that a run makes. */
function fileOf({ engine, quantised, batch = 1 }, network) {
  if (engine === 'litert') return `${network}-${batch}.tflite`;
  return quantised ? `${network}-int8.onnx` : `${network}.onnx`;
}

const EFFORT = options.quick
  ? { rounds: 1, runs: 8, warmUp: { minRuns: 6, minMs: 300 } }
  : { rounds: Number(options.rounds ?? 3), runs: 30, warmUp: { minRuns: 12, minMs: 1000 } };

/** What the processor can do at most, while the other figures are taken: milliseconds of the engine "ceiling". */
async function measureCeilings(chromium, network, ceilings) {
  for (const variant of ['fused', 'separate']) {
    const job = { engine: 'ceiling', variant, threads: 1, size: [1, 1, 1], runs: 20, warmUp: { minRuns: 10, minMs: 200 } };
    ceilings[variant].push(...(await chromium.measure(job, `${network}.onnx`)).times);
  }
}

/** The network in the forms that the contenders take. */
async function writeModels(name, bytes) {
  const write = (file, content) => writeFileSync(join(SCRATCH, 'models', file), content);
  write(`${name}.onnx`, bytes);
  await quantise(name, SIZE);
  for (const contender of CONTENDERS) {
    if (contender.engine !== 'litert' || contender.threads > 1 || !runsThere(contender, 'chromium', name)) continue;
    write(fileOf(contender, name), tfliteOf(bytes, SIZE, contender.batch));
  }
}

/** Every contender on every network, one after the other, round after round, in turning order. */
async function measureEngines(places, models, measurements, ceilings) {
  for (let round = 0; round < EFFORT.rounds; round++) {
    await measureCeilings(places.chromium, Object.keys(models)[0], ceilings);
    for (const network of Object.keys(models)) {
      for (const [place, host] of Object.entries(places)) {
        const here = CONTENDERS.filter((contender) => runsThere(contender, place, network));
        const turned = here.map((_, i) => here[(i + round) % here.length]);
        for (const contender of round % 2 ? turned.reverse() : turned) {
          const { id, quantised, visits = 1, ...job } = contender;
          const load = loadavg()[0];
          const file = fileOf(contender, network);
          const { batch = 1 } = contender;
          const effort = { runs: Math.ceil(EFFORT.runs / Math.min(4, batch)), warmUp: { ...EFFORT.warmUp, minRuns: Math.ceil(EFFORT.warmUp.minRuns / Math.min(4, batch)) } };
          for (let visit = 0; visit < visits; visit++) {
            const result = await host.measure({ ...job, size: SIZE, ...effort }, file);
            measurements.push({ round, place, network, id, load, ...result });
            const middle = [...result.times].sort((a, b) => a - b)[result.times.length >> 1] / batch;
            say(`round ${round + 1} of ${EFFORT.rounds}: ${network}, ${place}, ${id}: ${middle.toFixed(1)} ms`);
          }
        }
      }
    }
  }
}

async function main() {
  const wasm = process.env.NSC_WASM;
  await setUpEngines(wasm);
  await buildPreset('native', ['negatoscope']); // quantises the networks

  // What these need was installed just now.
  const { openChromium } = await import('../bench/chromium.mjs');
  const { openNode } = await import('../bench/node.mjs');
  const { evaluate } = await import('../bench/evaluate.mjs');
  const { report } = await import('../bench/report.mjs');
  const { copyBuilds, describeMachine } = await import('../bench/prepare.mjs');

  copyBuilds(wasm);
  const models = {};
  const wanted = options.networks?.split(',') ?? Object.keys(NETWORKS);
  for (const name of wanted) {
    const title = NETWORKS[name];
    if (!title) throw new Error(`there is no network ${name}`);
    const { bytes, parameters } = buildNetwork(name, { batch: 'batch' });
    await writeModels(name, bytes);
    models[name] = { title, parameters, weightBytes: parameters * 4, fileBytes: bytes.length };
  }

  const began = new Date();
  const loadBefore = loadavg();
  const chromium = await openChromium();
  const measurements = [];
  const ceilings = { fused: [], separate: [] };
  try {
    await measureEngines({ chromium, node: openNode() }, models, measurements, ceilings);
  } finally {
    await chromium.close();
  }
  const facts = {
    command: ['npm run bench:peers', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' '),
    began: began.toISOString(),
    minutes: Math.round((Date.now() - began) / 6e4),
    effort: EFFORT,
    load: { before: loadBefore, after: loadavg() },
    machine: describeMachine(chromium.version),
  };
  const results = evaluate({ facts, models, contenders: CONTENDERS, measurements, ceilings });

  const name = options.quick ? 'bench-quick' : options.networks ? 'bench-peers' : 'bench';
  const folder = name === 'bench' ? 'docs' : 'build';
  const text = options.out ?? join(ROOT, folder, name === 'bench' ? 'BENCHMARKS.md' : `${name}.md`);
  const json = join(ROOT, 'build', `${name}.json`);
  mkdirSync(join(ROOT, folder), { recursive: true });
  writeFileSync(text, report(results));
  writeFileSync(json, `${JSON.stringify({ ...results, measurements }, null, 1)}\n`);
  for (const { text: target, value, reached } of results.targets) say(`${reached ? 'reached' : 'MISSED '}  ${target}: ${value}`);
  say(`written: ${text}, ${json}`);
}

try {
  await main();
} catch (error) {
  console.error(`npm run bench:peers: ${error.stack}`);
  process.exitCode = 1;
}
