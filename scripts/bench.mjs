#!/usr/bin/env node
/**
 * npm run bench: this core beside other engines, and the page, measured on this machine. Writes docs/BENCHMARKS.md and
 * build/bench.json.
 *
 *   npm run bench [-- --quick] [--rounds N] [--out FILE]
 *
 * --quick takes a few runs of each: to see that everything works, not for figures; it writes build/bench-quick.{md,json}
 * instead. NSC_WASM names a folder of builds of the core to take as they are.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { buildNetwork } from '../tests/networks/zoo.mjs';
import { ROOT, VARIANT_TARGETS, buildPreset, installEngines, say, setUpChromium, setUpCompilers, setUpNode } from './setup.mjs';

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, rounds: { type: 'string' }, out: { type: 'string' } },
});

const NETWORKS = { resnet18: 'ResNet-18', resnet50: 'ResNet-50', mobilenetv2: 'MobileNetV2', densenet121: 'DenseNet-121' };
/** Batch norms before their convolution: bench/layers.mjs has no such layers. */
const WITHOUT_TFJS = ['densenet121'];
const SIZE = [3, 224, 224];

/** What is compared. Node runs those with one thread. */
const CONTENDERS = [
  { id: 'relaxed-1', engine: 'negatoscope', variant: 'relaxed', threads: 1 },
  { id: 'ort-1', engine: 'onnxruntime', threads: 1 },
  { id: 'stock-1', engine: 'negatoscope', variant: 'relaxed', threads: 1, stock: true },
  { id: 'simd-1', engine: 'negatoscope', variant: 'simd', threads: 1 },
  { id: 'tfjs-1', engine: 'tfjs', threads: 1 },
  { id: 'int8-1', engine: 'negatoscope', variant: 'relaxed', threads: 1, quantised: true },
  { id: 'relaxed-2', engine: 'negatoscope', variant: 'relaxed-threads', threads: 2 },
  { id: 'ort-2', engine: 'onnxruntime', threads: 2 },
  { id: 'tfjs-2', engine: 'tfjs', threads: 2 },
  { id: 'int8-2', engine: 'negatoscope', variant: 'relaxed-threads', threads: 2, quantised: true },
];

const EFFORT = options.quick
  ? { rounds: 1, runs: 8, pageRepeats: 1, warmUp: { minRuns: 6, minMs: 300 } }
  : { rounds: Number(options.rounds ?? 3), runs: 30, pageRepeats: 7, warmUp: { minRuns: 12, minMs: 1000 } };

function describeMachine(chromium) {
  const found = cpus();
  const versionOf = (folder) => JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')).version;
  const field = (file, pattern) => (existsSync(file) ? pattern.exec(readFileSync(file, 'utf8'))?.[1] : null);
  return {
    cpu: found[0].model.trim(),
    logicalCores: found.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${field('/etc/os-release', /PRETTY_NAME="(.*)"/) ?? process.platform}, kernel ${release()}`,
    chromium,
    node: process.versions.node,
    negatoscope: versionOf('.'),
    onnxruntime: versionOf('node_modules/onnxruntime-web'),
    tfjs: versionOf('bench/node_modules/@tensorflow/tfjs-backend-wasm'),
  };
}

/** What the processor can do at most, while the other figures are taken: milliseconds of the engine "ceiling". */
async function measureCeilings(chromium, network, ceilings) {
  for (const variant of ['fused', 'separate']) {
    const job = { engine: 'ceiling', variant, threads: 1, size: [1, 1, 1], runs: 20, warmUp: { minRuns: 10, minMs: 200 } };
    ceilings[variant].push(...(await chromium.measure(job, network)).times);
  }
}

/** Every contender on every network, one after the other, round after round, in turning order. */
async function measureEngines(places, models, measurements, ceilings) {
  for (let round = 0; round < EFFORT.rounds; round++) {
    await measureCeilings(places.chromium, 'mobilenetv2', ceilings);
    for (const network of Object.keys(models)) {
      for (const [place, host] of Object.entries(places)) {
        const here = CONTENDERS.filter((c) => (place === 'chromium' || c.threads === 1) && !(c.engine === 'tfjs' && WITHOUT_TFJS.includes(network)));
        const turned = here.map((_, i) => here[(i + round) % here.length]);
        for (const contender of round % 2 ? turned.reverse() : turned) {
          const { id, quantised, ...job } = contender;
          const load = loadavg()[0];
          const file = quantised ? `${network}-int8` : network;
          const result = await host.measure({ ...job, size: SIZE, runs: EFFORT.runs, warmUp: EFFORT.warmUp }, file);
          measurements.push({ round, place, network, id, load, ...result });
          const middle = [...result.times].sort((a, b) => a - b)[result.times.length >> 1];
          say(`round ${round + 1} of ${EFFORT.rounds}: ${network}, ${place}, ${id}: ${middle.toFixed(1)} ms`);
        }
      }
    }
  }
}

async function main() {
  const wasm = process.env.NSC_WASM;
  if (!wasm) await setUpCompilers();
  await setUpNode();
  await installEngines();
  await setUpChromium();
  if (!wasm) await buildPreset('wasm', VARIANT_TARGETS);
  await buildPreset('native', ['negatoscope']); // quantises the networks

  // What these need was installed just now.
  const { openChromium } = await import('../bench/chromium.mjs');
  const { openNode } = await import('../bench/node.mjs');
  const { measurePage } = await import('../bench/page.mjs');
  const { evaluate } = await import('../bench/evaluate.mjs');
  const { quantise } = await import('../bench/quantise.mjs');
  const { report } = await import('../bench/report.mjs');
  const { SCRATCH, WASM } = await import('../bench/paths.mjs');

  rmSync(WASM, { recursive: true, force: true });
  for (const folder of ['simd', 'relaxed', 'relaxed-threads', 'codec']) {
    const name = folder === 'codec' ? 'codec' : 'negatoscope';
    for (const file of [`${name}.mjs`, `${name}.wasm`]) {
      cpSync(join(wasm || join(ROOT, 'build/wasm/emscripten'), folder, file), join(WASM, folder, file));
    }
  }
  mkdirSync(join(SCRATCH, 'models'), { recursive: true });
  const models = {};
  for (const [name, title] of Object.entries(NETWORKS)) {
    const { bytes, parameters } = buildNetwork(name);
    writeFileSync(join(SCRATCH, 'models', `${name}.onnx`), bytes);
    await quantise(name, SIZE);
    models[name] = { title, parameters, weightBytes: parameters * 4, fileBytes: bytes.length };
  }

  const began = new Date();
  const loadBefore = loadavg();
  const page = await measurePage(EFFORT.pageRepeats, say);
  const chromium = await openChromium();
  const measurements = [];
  const ceilings = { fused: [], separate: [] };
  try {
    await measureEngines({ chromium, node: openNode() }, models, measurements, ceilings);
  } finally {
    await chromium.close();
  }
  const facts = {
    command: `npm run bench${options.quick ? ' -- --quick' : options.rounds ? ` -- --rounds ${options.rounds}` : ''}`,
    began: began.toISOString(),
    minutes: Math.round((Date.now() - began) / 6e4),
    effort: EFFORT,
    load: { before: loadBefore, after: loadavg() },
    machine: describeMachine(chromium.version),
  };
  const results = evaluate({ facts, models, contenders: CONTENDERS, measurements, ceilings, page });

  const folder = options.quick ? 'build' : 'docs';
  const text = options.out ?? join(ROOT, folder, options.quick ? 'bench-quick.md' : 'BENCHMARKS.md');
  const json = join(ROOT, 'build', options.quick ? 'bench-quick.json' : 'bench.json');
  mkdirSync(join(ROOT, folder), { recursive: true });
  writeFileSync(text, report(results));
  writeFileSync(json, `${JSON.stringify({ ...results, measurements }, null, 1)}\n`);
  for (const { text: target, value, reached } of results.targets) say(`${reached ? 'reached' : 'MISSED '}  ${target}: ${value}`);
  say(`written: ${text}, ${json}`);
}

try {
  await main();
} catch (error) {
  console.error(`npm run bench: ${error.stack}`);
  process.exitCode = 1;
}
