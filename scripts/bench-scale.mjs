#!/usr/bin/env node
/**
 * npm run bench:scale: how time grows with the size of pictures and with their number, in Chromium. Writes
 * docs/BENCHMARKS-SCALE.md.
 *
 *   npm run bench:scale [-- --quick] [--rounds N] [--networks A,B] [--out FILE]
 *
 * --quick measures a few of each and writes build/bench-scale.md. NSC_WASM as for npm run bench.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { buildNetwork } from '../tests/networks/zoo.mjs';
import { ROOT, say, setUpEngines } from './setup.mjs';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    networks: { type: 'string', default: 'mobilenetv2,resnet18' },
    out: { type: 'string' },
  },
});

const SIDES = options.quick ? [64, 128] : [64, 96, 128, 160, 192, 224, 256, 320, 384, 448, 512];
const COUNTS = options.quick ? [1, 4] : [1, 2, 4, 8, 16, 32, 64];
const COUNT_SIDE = 224;
const ROUNDS = options.quick ? 1 : Number(options.rounds);
const ENGINES = [
  { id: 'ours', engine: 'negatoscope', variant: 'relaxed', threads: 1 },
  { id: 'ort', engine: 'onnxruntime', threads: 1 },
  { id: 'ours-2', engine: 'negatoscope', variant: 'relaxed-threads', threads: 2 },
  { id: 'ort-2', engine: 'onnxruntime', threads: 2 },
];
const HEAD = ['ours, 1 thread', 'onnxruntime-web, 1 thread', 'faster', 'ours, 2 threads', 'onnxruntime-web, 2 threads', 'faster'];

/** Least ms a picture of each engine: rounds in turn, since what disturbs the machine only adds to it. */
async function measureAll(chromium, name, side, batch) {
  const least = Object.fromEntries(ENGINES.map(({ id }) => [id, Infinity]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const { id, ...job } of round % 2 ? [...ENGINES].reverse() : ENGINES) {
      const runs = Math.max(4, Math.ceil(20 / batch));
      const warmUp = { minRuns: Math.max(2, Math.ceil(10 / batch)), minMs: options.quick ? 200 : 800 };
      const { times } = await chromium.measure({ ...job, size: [3, side, side], batch, runs, warmUp }, `${name}.onnx`);
      least[id] = Math.min(least[id], ...times.map((ms) => ms / batch));
    }
  }
  say(`${name}, ${side} x ${side}, ${batch} in a run: ${ENGINES.map(({ id }) => `${id} ${least[id].toFixed(2)} ms`).join(', ')}`);
  return least;
}

const ms = (value) => (value < 10 ? value.toFixed(2) : value.toFixed(1));
const cells = (m) => [ms(m.ours), ms(m.ort), `${(m.ort / m.ours).toFixed(2)} ×`, ms(m['ours-2']), ms(m['ort-2']), `${(m['ort-2'] / m['ours-2']).toFixed(2)} ×`];

function table(first, rows) {
  const line = (values) => `| ${values.join(' | ')} |`;
  return [line([first, ...HEAD]), line([first, ...HEAD].map(() => '--:')), ...rows.map(([key, m]) => line([key, ...cells(m)]))].join('\n');
}

async function measureNetwork(chromium, scratch, name) {
  const write = (suffix, bytes) => {
    writeFileSync(join(scratch, 'models', `${name}-${suffix}.onnx`), bytes);
    return `${name}-${suffix}`;
  };
  const sides = [];
  for (const side of SIDES) sides.push([`${side} × ${side}`, await measureAll(chromium, write('size', buildNetwork(name, { size: side }).bytes), side, 1)]);
  const counts = [];
  const open = write('open', buildNetwork(name, { size: COUNT_SIDE, batch: 'batch' }).bytes);
  for (const count of COUNTS) counts.push([count, await measureAll(chromium, open, COUNT_SIDE, count)]);
  return `## ${name}

### By size, one picture a run

${table('picture', sides)}

### By number of pictures in a run, ${COUNT_SIDE} × ${COUNT_SIDE}

${table('pictures', counts)}
`;
}

async function main() {
  const wasm = process.env.NSC_WASM;
  await setUpEngines(wasm);
  const { openChromium } = await import('../bench/chromium.mjs');
  const { copyBuilds, describeMachine } = await import('../bench/prepare.mjs');
  const { SCRATCH } = await import('../bench/paths.mjs');
  copyBuilds(wasm);
  const began = new Date();
  const before = loadavg();
  const chromium = await openChromium();
  const sections = [];
  try {
    for (const name of options.networks.split(',')) sections.push(await measureNetwork(chromium, SCRATCH, name));
  } finally {
    await chromium.close();
  }
  const machine = describeMachine(chromium.version);
  const loads = (values) => values.map((value) => value.toFixed(1)).join(', ');
  const command = ['npm run bench:scale', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' ');
  const out = options.out ?? join(ROOT, options.quick ? 'build/bench-scale.md' : 'docs/BENCHMARKS-SCALE.md');
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  writeFileSync(out, `# Benchmarks by size and number

Written by \`${command}\`; do not edit. Milliseconds a picture, the least of ${ROUNDS} ${ROUNDS === 1 ? 'round' : 'rounds'}, in Chromium ${machine.chromium};
float32, relaxed SIMD, negatoscope ${machine.negatoscope} beside onnxruntime-web ${machine.onnxruntime}. Networks, pictures and warming up as in
[BENCHMARKS.md](BENCHMARKS.md). Begun ${began.toISOString()}; ${machine.cpu}, ${machine.logicalCores} logical cores, ${machine.system}; load averages before:
${loads(before)}, after: ${loads(loadavg())}.

${sections.join('\n')}`);
  say(`written: ${out}`);
}

try {
  await main();
} catch (error) {
  console.error(`npm run bench:scale: ${error.stack}`);
  process.exitCode = 1;
}
