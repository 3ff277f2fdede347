#!/usr/bin/env node
/**
 * npm run bench:train: how many pictures a second networks learn from, here, in TensorFlow.js and in PyTorch. Writes
 * docs/BENCHMARKS-TRAINING.md.
 *
 *   npm run bench:train [-- --quick] [--out FILE]
 *
 * TensorFlow.js cannot train on its WebAssembly back end, which lacks the gradients; what remains on a processor are its
 * JavaScript back end and WebGL drawn in software. Both are measured, the faster one counts. PyTorch is measured where
 * `/usr/bin/python3 -c "import torch"` works (Debian: python3-torch).
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { ROOT, VARIANT_TARGETS, buildPreset, installEngines, say, setUpChromium, setUpCompilers, setUpNode } from './setup.mjs';

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, out: { type: 'string' } },
});

const NETWORKS = { 'cnn-28': 'cnn-28', resnet18: 'ResNet-18' };
const SHAPE = { size: 28, channels: 1, labels: 2, batch: 32 };
const ROUNDS = options.quick ? 1 : 3;
const SECONDS = options.quick ? 3 : 8;
/** An engine that has not made a step by then is slower than a batch in this time, which is what is written. */
const LIMIT_S = options.quick ? 60 : 180;

const CONTENDERS = [
  { id: 'Negatoscope, native, 2 threads', place: 'native', threads: 2 },
  { id: 'PyTorch, 2 threads', place: 'torch', threads: 2 },
  { id: 'Negatoscope in Chromium, 2 threads', place: 'chromium', engine: 'negatoscope', variant: 'relaxed-threads', threads: 2 },
  { id: 'Negatoscope in Chromium, 1 thread', place: 'chromium', engine: 'negatoscope', variant: 'relaxed', threads: 1 },
  { id: 'TensorFlow.js, JavaScript', place: 'chromium', engine: 'tfjs', backend: 'cpu', threads: 1, slow: true },
  { id: 'TensorFlow.js, WebGL in software', place: 'chromium', engine: 'tfjs', backend: 'webgl', threads: 2, slow: true },
];

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

function hasTorch() {
  try {
    execFileSync('/usr/bin/python3', ['-c', 'import torch'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const flagsOf = ({ size, channels, labels, batch }) =>
  Object.entries({ size, channels, labels, batch }).flatMap(([name, value]) => [`--${name}`, String(value)]);

function runNative(net, threads) {
  const command = [join(ROOT, 'build/native/negatoscope'), 'bench', '--train', net, '--threads', String(threads), '--runs', options.quick ? '8' : '20', ...flagsOf(SHAPE)];
  const text = execFileSync(command[0], command.slice(1), { encoding: 'utf8' });
  return Number(/: ([\d.]+) images\/s/.exec(text)[1]);
}

function runTorch(net, threads) {
  const text = execFileSync('/usr/bin/python3', [join(ROOT, 'bench/train_torch.py'), net, '--threads', String(threads), '--runs', options.quick ? '6' : '15', ...flagsOf(SHAPE)], { encoding: 'utf8' });
  return JSON.parse(text);
}

async function runOne(contender, net, chromium) {
  if (contender.place === 'native') return { rate: runNative(net, contender.threads) };
  if (contender.place === 'torch') {
    const { imagesPerSecond, engine, layout } = runTorch(net, contender.threads);
    return { rate: imagesPerSecond, note: `${engine}, ${layout}` };
  }
  const measured = await chromium.train({ ...SHAPE, ...contender, net, seconds: SECONDS }, LIMIT_S * 1000);
  if (!measured) return { rate: SHAPE.batch / LIMIT_S, atMost: true };
  const { times, memory } = measured;
  return { rate: (1e3 * SHAPE.batch) / median(times), steps: times.length, memory };
}

/** What is not measured twice: an engine that needs minutes for a step. */
const TOO_SLOW = 3;

async function measure(chromium) {
  const torch = hasTorch();
  const found = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const net of Object.keys(NETWORKS)) {
      const order = round % 2 ? [...CONTENDERS].reverse() : CONTENDERS;
      for (const contender of order) {
        if (contender.place === 'torch' && !torch) continue;
        if (found.some((f) => f.id === contender.id && f.net === net && contender.slow && f.rate < TOO_SLOW)) continue;
        try {
          const result = await runOne(contender, net, chromium);
          found.push({ id: contender.id, net, round, load: loadavg()[0], ...result });
          say(`round ${round + 1} of ${ROUNDS}: ${net}, ${contender.id}: ${result.atMost ? 'less than ' : ''}${result.rate.toFixed(1)} images/s`);
        } catch (error) {
          say(`${net}, ${contender.id}: ${String(error.message).split('\n')[0]}`);
          found.push({ id: contender.id, net, round, rate: null, error: String(error.message).split('\n')[0] });
        }
      }
    }
  }
  return found;
}

function summarise(found) {
  const rates = (id, net) => found.filter((f) => f.id === id && f.net === net && f.rate !== null).map((f) => f.rate);
  const of = (id, net) => (rates(id, net).length ? median(rates(id, net)) : null);
  const best = (net) => Math.max(...CONTENDERS.filter((c) => c.slow).map((c) => of(c.id, net) ?? 0));
  const rows = CONTENDERS.map(({ id }) => [id, ...Object.keys(NETWORKS).map((net) => of(id, net))]);
  const [native, torch, web] = CONTENDERS.map((c) => c.id);
  const ratio = (a, b) => (a && b ? a / b : null);
  const targets = Object.entries(NETWORKS).flatMap(([net, title]) => [
    [`${title}: Chromium / TensorFlow.js`, ratio(of(web, net), best(net)), 10],
    [`${title}: native / PyTorch`, ratio(of(native, net), of(torch, net)), 0.7],
    [`${title}: Chromium / PyTorch`, ratio(of(web, net), of(torch, net)), 0.4],
  ]);
  return { rows, targets };
}

function report({ rows, targets }, found, facts) {
  const number = (value, digits) => (value === null ? '–' : value.toFixed(digits));
  const spread = (id) =>
    Object.keys(NETWORKS).map((net) => {
      const rates = found.filter((f) => f.id === id && f.net === net && f.rate !== null).map((f) => f.rate);
      return rates.length > 1 ? ` (${Math.min(...rates).toFixed(1)}–${Math.max(...rates).toFixed(1)})` : '';
    });
  const late = (id, net) => (found.some((f) => f.id === id && f.net === net && f.atMost) ? 'less than ' : '');
  const nets = Object.keys(NETWORKS);
  const notes = [...new Set(found.map((f) => f.note).filter(Boolean))];
  const failed = [...new Set(found.filter((f) => f.error).map((f) => `${f.id}: ${f.error}`))];
  return `# Training: pictures a second

Written by \`${facts.command}\` on ${facts.date}. ${facts.cpu}, ${facts.cores} cores, ${facts.memory} GiB; ${facts.system};
Chromium ${facts.chromium}; TensorFlow.js ${facts.tfjs}${notes.length ? `; ${notes.join('; ')}` : ''}. Load before ${facts.before}, after ${facts.after}.

28 × 28 × 1, batch ${SHAPE.batch}, Adam, random pictures. A step is the forward pass, the backward pass and the update of all weights; medians of steps,
then of ${ROUNDS} rounds in turning order; in brackets the slowest and the fastest round.

| | ${Object.values(NETWORKS).join(' | ')} |
|---|---|---|
${rows.map(([id, ...values]) => `| ${id} | ${values.map((v, i) => late(id, nets[i]) + number(v, 1) + spread(id)[i]).join(' | ')} |`).join('\n')}

| ratio | here | aim |
|---|---|---|
${targets.map(([text, value, aim]) => `| ${text} | ${number(value, 2)} | ${aim} |`).join('\n')}

TensorFlow.js: the faster of its two back ends counts. Its WebAssembly back end has no gradients of convolutions and cannot train.
${failed.length ? `\nNot measured: ${failed.join('; ')}.\n` : ''}`;
}

async function main() {
  await setUpCompilers();
  await setUpNode();
  await installEngines();
  await setUpChromium();
  await buildPreset('native', ['negatoscope']);
  await buildPreset('wasm', VARIANT_TARGETS);
  const { openChromium } = await import('../bench/chromium.mjs');
  const { SCRATCH, WASM } = await import('../bench/paths.mjs');
  const { npz } = await import('../tests/node/npz.mjs');
  for (const variant of ['relaxed', 'relaxed-threads']) {
    for (const file of ['negatoscope.mjs', 'negatoscope.wasm']) {
      cpSync(join(ROOT, 'build/wasm/emscripten', variant, file), join(WASM, variant, file));
    }
  }
  mkdirSync(join(SCRATCH, 'models'), { recursive: true });
  const count = 512;
  const pixels = Uint8Array.from({ length: count * 28 * 28 }, (_, i) => Math.imul(i + 1, 2654435761) >>> 24);
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 2);
  writeFileSync(join(SCRATCH, 'models/pictures.npz'), npz([['train_images.npy', [count, 28, 28], pixels], ['train_labels.npy', [count, 1], labels]]));
  const before = loadavg()[0].toFixed(2);
  const chromium = await openChromium(['--enable-unsafe-swiftshader', '--use-angle=swiftshader']);
  let found;
  try {
    found = await measure(chromium);
  } finally {
    await chromium.close();
  }
  const versions = JSON.parse(execFileSync('npm', ['ls', '--json', '--depth=0'], { cwd: join(ROOT, 'bench'), encoding: 'utf8' }));
  const facts = {
    command: `npm run bench:train${options.quick ? ' -- --quick' : ''}`,
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0].model.trim(),
    cores: cpus().length,
    memory: Math.round(totalmem() / 2 ** 30),
    system: process.platform,
    chromium: chromium.version,
    tfjs: versions.dependencies['@tensorflow/tfjs-core'].version,
    before,
    after: loadavg()[0].toFixed(2),
  };
  const summary = summarise(found);
  for (const [text, value, aim] of summary.targets) say(`${value >= aim ? 'reached' : 'MISSED '}  ${text}: ${value?.toFixed(2)} (aim ${aim})`);
  const out = options.out ?? join(ROOT, options.quick ? 'build/bench-train-quick.md' : 'docs/BENCHMARKS-TRAINING.md');
  writeFileSync(out, report(summary, found, facts));
  writeFileSync(join(ROOT, 'build/bench-train.json'), `${JSON.stringify({ facts, found }, null, 1)}\n`);
  say(`written: ${out}`);
}

try {
  await main();
} catch (error) {
  console.error(`npm run bench:train: ${error.stack}`);
  process.exitCode = 1;
}
