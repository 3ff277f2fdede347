/** docs/BENCHMARKS.md. */
import { mb, ms, table } from './text.mjs';

const NAMES = {
  'relaxed-1': '**Negatoscope**, relaxed SIMD',
  'stock-1': 'the same with XNNPACK\'s own operators',
  'simd-1': '**Negatoscope**, SIMD',
  'relaxed-2': '**Negatoscope**, relaxed SIMD',
  'int8-1': '**Negatoscope**, relaxed SIMD, int8',
  'int8-2': '**Negatoscope**, relaxed SIMD, int8',
  'ort-1': 'onnxruntime-web',
  'ort-2': 'onnxruntime-web',
  'tfjs-1': 'tfjs-backend-wasm',
  'tfjs-2': 'tfjs-backend-wasm',
  'litert-1': 'LiteRT.js',
  'litert-2': 'LiteRT.js',
  'ort-int8-1': 'onnxruntime-web, int8',
};
const nameOf = ({ id, batch }) => (batch > 1 ? `${NAMES[id.replace(/-b\d+$/, '')]}, batches of ${batch}` : NAMES[id]);
const PLACES = { chromium: 'Chromium', node: 'Node' };

function speedTable({ rows }, weightBytes) {
  return table(
    ['engine', 'threads', 'median ms a picture', 'min', 'p10–p90', 'faster than onnxruntime-web', 'lowest–highest round', 'load + create ms', 'first run ms', 'peak wasm MB', '× weights', 'error'],
    rows.filter(({ again }) => !again).map((row) => [
      nameOf(row),
      row.threadsUsed === row.threads ? row.threads : `${row.threads} (used ${row.threadsUsed})`,
      ms(row.time.median),
      ms(row.time.min),
      `${ms(row.time.p10)}–${ms(row.time.p90)}`,
      `${row.ratio.toFixed(2)} ×`,
      `${row.ratioRounds[0].toFixed(2)}–${row.ratioRounds[1].toFixed(2)}`,
      ms(row.createMs),
      ms(row.firstMs),
      mb(row.bytesPeak),
      (row.bytesPeak / weightBytes).toFixed(1),
      row.error === 0 ? '0' : row.error.toExponential(0),
    ]),
  );
}

function memoryTable(tables, models) {
  const rows = tables.flatMap(({ place, network, rows: all }) =>
    all.filter(({ said, again }) => said && !again).map((row) => [
      `${models[network].title}, ${PLACES[place]}${row.id.startsWith('int8') ? ', int8' : row.id.startsWith('simd') ? ', SIMD' : ''}`,
      row.threads, mb(row.said), mb(row.bytesPeak), `${(100 * (row.said / row.bytesPeak - 1)).toFixed(0)} %`]));
  return table(['network', 'threads', 'said MB', 'taken MB', 'difference'], rows);
}

export function report({ facts, models, ceiling, builds, tables, targets }) {
  const { machine, effort, load } = facts;
  const loads = (values) => values.map((v) => v.toFixed(1)).join(', ');
  const sections = tables.map((t) => {
    const { title, parameters, weightBytes } = models[t.network];
    return `### ${title} in ${PLACES[t.place]}

${(parameters / 1e6).toFixed(1)} million parameters, ${mb(weightBytes)} MB of weights.

${speedTable(t, weightBytes)}
`;
  });
  return `# Benchmarks

Written by \`${facts.command}\`; do not edit. Everything is from one run on one machine, whatever came out of it. Times hold
for that machine; ratios travel better, but measure on yours.

| | |
|---|---|
| begun | ${facts.began} (UTC), took ${facts.minutes} minutes |
| machine | ${machine.cpu}, ${machine.logicalCores} logical cores, ${machine.memoryGiB} GiB; ${machine.system} |
| browser, Node | Chromium ${machine.chromium}; Node ${machine.node} |
| engines | negatoscope ${machine.negatoscope}; onnxruntime-web ${machine.onnxruntime}; tfjs-backend-wasm ${machine.tfjs}; LiteRT.js (@litertjs/core) ${machine.litert} |
| load averages | before: ${loads(load.before)}; after: ${loads(load.after)} (the run itself makes 1 to 2) |
| one thread at most | ${ceiling.fused.toFixed(0)} GFLOP/s in float32 with fused multiply-adds (relaxed SIMD), ${ceiling.separate.toFixed(0)} without: ${(ceiling.fused / ceiling.separate).toFixed(2)} × |

## Targets

${table(['target', 'measured', 'reached'], targets.map(({ text, value, reached }) => [text, value, reached ? 'yes' : '**no**']))}

## Engines

${sections.join('\n')}
## Memory, said and taken

What the core says of a model before it is loaded (\`negatoscope info\`, the page) beside the wasm memory after its runs, which is never
below 34 MB and has 3 MB of the core's own. The targets take both into account, this table does not.

${memoryTable(tables, models)}

## What is measured, and how

- **Networks**: layer by layer after the papers, pseudo-random weights from one seed (\`tests/networks/zoo.mjs\`), float32,
  224×224×3, one picture a run or eight (*batches of 8*: the same picture eight times). All engines compute the same function of the same picture; *error* is the largest difference from
  onnxruntime-web's output with one thread, relative to its largest value. A run with a larger error than 1e-4 (ours) or
  1e-3 (tfjs, LiteRT.js) ends without a report.
- **int8**: the same networks by \`negatoscope quantize\`, held against onnxruntime-web in float32. Their *error* says little:
  networks with random weights make noise of their input; [NUMERICS.md](NUMERICS.md) has what trained ones lose. Where the
  engine has no fast dot products of bytes (Node 20; Chromium, too, on some processors, such as Zen 4), these compute in 16 bits.
- **XNNPACK's own operators**: the same core without kernels, transforms and choices of its own (\`stock\` of
  \`nsc_session_options\`, \`negatoscope bench --stock\`).
- **Time**: handing the input over, one inference, getting the output back. Chromium: in a dedicated worker of a
  cross-origin isolated page, a new process each time; Node: a new process each time, no workers, one thread.
  ${effort.rounds} rounds; in each, every engine runs at least ${effort.warmUp.minRuns} times and ${effort.warmUp.minMs} ms for warming up (the browser compiles hot functions
  again during the first runs) and is then timed ${effort.runs} times. Engines follow one another in an order that turns from round to
  round. Nothing else is measured at the same time.
- **Ratio**: the median of onnxruntime-web with as many threads divided by the engine's, over all rounds; *lowest–highest
  round* are the same ratios within single rounds: where they lie far apart, the machine was disturbed.
- **One thread at most**: multiply-adds in registers, nothing else, in wasm in Chromium, during the same rounds. Of two
  engines that compute convolutions directly and come equally close to their ceilings, the one with relaxed SIMD is ahead by
  no more than the ratio of the two figures, which differs from processor to processor.
- **Load + create**: fetching and compiling the engine from this machine, and making the model in memory ready to run.
  *Second visit*: the same in another page of a browser that has kept the compiled code; the median of nine a round.
  **First run** comes on top and is slow where an engine packs weights only then.
- **Peak wasm memory**: bytes of the engine's WebAssembly memory after all runs (it never shrinks). JavaScript's own heap,
  the code and the browser are not in it, and neither is the model's file, which ours reads from outside: the page holds its bytes
  until they are packed, as the caller of any engine does.
- **onnxruntime-web**: its \`wasm\` execution provider with default settings. **tfjs-backend-wasm**: the same network layer
  by layer out of fused operations (batch normalisation folded into the convolution before it, bias and activation inside
  the convolution), as its converter makes them, without the graph executor of tfjs-converter; batch normalisation after no
  convolution (DenseNet-121) is a multiplication and an addition. Values are given back after their last use. Its cap of
  threads at half of the logical cores is lifted for the measurement with two.
- **LiteRT.js**: its accelerator \`wasm\` (XNNPACK on the CPU) in Chromium, in the builds that it chooses by itself for one thread
  and when asked for threads (${builds.join(', ')}, both with relaxed SIMD); the number of threads is its
  option \`numThreads\`. The networks are written as files of its format (\`bench/tflite.mjs\`) before anything is measured:
  the same layers as for tfjs, for a fixed number of pictures, with an operator that pads where neither of TensorFlow's two
  kinds of padding is the network's. Its loader wants \`importScripts\`, which workers of modules do not have: the benchmark
  runs the same script in its place. Its search for a GPU, which it does not use here, is part of loading.
- **Not measured**: other browsers, phones, GPUs, energy, networks with trained weights (their speed is the same),
  LiteRT.js in Node (it is for browsers), quantised models in tfjs (its backend has no int8) and in LiteRT.js
  (\`bench/tflite.mjs\` writes float32 only).

All single times, and the times of our layers, are in \`build/bench.json\` after a run.
`;
}
