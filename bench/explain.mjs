#!/usr/bin/env node
/**
 * npm run bench:explain [-- --runs N] [--variant NAME]: what a class activation map adds to a classification, and what Grad-CAM
 * costs, in Node on the page's core with one thread. Both orders alternate; medians and least times of N runs.
 */
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';

import { greyPng } from '../tests/node/fixtures.mjs';
import { startService, variantsHere } from '../tests/node/harness.mjs';
import { buildNetwork } from '../tests/networks/zoo.mjs';

const { values: options } = parseArgs({ options: { runs: { type: 'string', default: '30' }, variant: { type: 'string' } } });
const RUNS = Number(options.runs);
const variant = options.variant ?? variantsHere().find((name) => !name.includes('threads'));
const metadata = { 'nsc.input': JSON.stringify({ width: 224, height: 224, channels: 3 }), 'nsc.output': 'logits' };
const NETWORKS = {
  'cxr-pneumonia (shipped)': () => readFileSync(new URL('../models/cxr-pneumonia/model.onnx', import.meta.url)),
  'resnet18, 224': () => buildNetwork('resnet18', { size: 224, classes: 1000, metadata }).bytes,
  'resnet50, 224': () => buildNetwork('resnet50', { size: 224, classes: 1000, metadata }).bytes,
  'mobilenetv2, 224': () => buildNetwork('mobilenetv2', { size: 224, classes: 1000, metadata }).bytes,
};
const KINDS = { classification: null, CAM: 0, 'Grad-CAM': 1, 'Grad-CAM++': 2 };

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const picture = greyPng(256, 256, (x, y) => Math.round(127 + 90 * Math.sin(x / 23) * Math.cos(y / 17)));

console.log(`${variant}, Node ${process.versions.node}, ${RUNS} runs each; load average before: ${loadavg().map((x) => x.toFixed(1)).join(', ')}`);
for (const [name, make] of Object.entries(NETWORKS)) {
  const { ask } = await startService(variant);
  const said = async (op, args) => {
    const answer = await ask(op, args);
    if (!answer.ok) throw new Error(`${name}, ${op}: ${answer.error.message}`);
    return answer.result;
  };
  await said('init', { variant, threads: 1 });
  await said('open', { key: 'a', file: new Blob([picture]), thumb: 0 });
  await said('model', { file: new Blob([make()]), options: { recipe: null, labels: null, output: null } });
  const times = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, []]));
  for (let run = -2; run < RUNS; run++) {
    const order = run % 2 ? Object.entries(KINDS) : Object.entries(KINDS).toReversed();
    for (const [kind, method] of order) {
      const args = { key: 'a', frame: 0 };
      const start = performance.now();
      if (method === null) await said('classify', args);
      else await said('explain', { ...args, method, label: -1, samples: 0, curve: 0 });
      if (run >= 0) times[kind].push(performance.now() - start);
    }
  }
  const plain = [median(times.classification), Math.min(...times.classification)];
  for (const [kind, list] of Object.entries(times)) {
    const [middle, least] = [median(list), Math.min(...list)];
    console.log(`${name.padEnd(24)} ${kind.padEnd(15)} median ${middle.toFixed(1).padStart(7)} ms, least ${least.toFixed(1).padStart(7)} ms, ${(middle / plain[0]).toFixed(2)} x and ${(least / plain[1]).toFixed(2)} x`);
  }
}
process.exit(0);
