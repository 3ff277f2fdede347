/** From single measurements to the figures of the report, and the targets they are held against. */
import { FLOPS } from './engines/ceiling.mjs';
import { median, relativeError, summary } from './statistics.mjs';

const MB = 1e6;
const TARGETS = {
  float: { resnet18: 4, resnet50: 2.4, mobilenetv2: 2.4 },
  stock: { densenet121: 1.4, vgg16: 3 },
  int8: { resnet18: 5.5, resnet50: 5.5, mobilenetv2: 4.8 },
  int8Stock: { vgg16: 3.5 },
  said: 0.15,
  threads: 1.7,
  againMs: 150,
  memoryFactor: 2.5,
  memoryBytes: 64 * MB,
};
/** How far outputs may be from onnxruntime-web's, relative to the largest one. */
const TOLERANCE = { negatoscope: 1e-4, tfjs: 1e-3, litert: 1e-3, onnxruntime: 1e-4 };

/** What a wasm memory of ours has at the least, and the stack and constants in it that are there without a model. */
const LEAST_BYTES = 32 * 1024 * 1024;
const OWN_BYTES = 3e6;
/** The memory that follows from what was said of a model. */
const foreseen = (said) => Math.max(said + OWN_BYTES, LEAST_BYTES);

/** The largest error among the pictures of a batch, which are all the same. */
function errorOf(output, want) {
  let error = 0;
  for (let at = 0; at < output.length; at += want.length) error = Math.max(error, relativeError(output.slice(at, at + want.length), want));
  return error;
}

/** `times` of measurements here are those of one picture. */
function rowOf(found, { id, engine, threads, quantised, again = false, batch = 1 }, reference, referenceRounds, want) {
  const time = summary(found.flatMap(({ times }) => times));
  // Round by round, too: what disturbs a machine for a minute disturbs both sides of a round.
  const ratios = found.map((m) => median(referenceRounds.get(m.round)) / median(m.times));
  const error = Math.max(...found.map(({ output }) => errorOf(output, want)));
  // int8 is another computation, and random weights make much of small differences: tests hold it against engines.
  if (error > TOLERANCE[engine] && !quantised) throw new Error(`${id} computes something else: relative error ${error}`);
  return {
    id,
    engine,
    threads,
    batch,
    again,
    said: found[0].said,
    threadsUsed: found[0].facts?.threads ?? threads,
    time,
    roundMedians: found.map(({ times }) => median(times)),
    ratio: reference / time.median,
    ratioRounds: [Math.min(...ratios), Math.max(...ratios)],
    createMs: median(found.map((m) => m.loadMs + m.createMs)),
    firstMs: median(found.map(({ firstMs }) => firstMs)),
    bytesCreated: Math.max(...found.map(({ bytesCreated }) => bytesCreated)),
    bytesPeak: Math.max(...found.map(({ bytesPeak }) => bytesPeak)),
    error,
  };
}

function tableOf(place, network, { contenders, measurements }) {
  const here = measurements.filter((m) => m.place === place && m.network === network);
  const batches = new Map(contenders.map(({ id, batch = 1 }) => [id, batch]));
  const each = (m) => ({ ...m, times: m.times.map((ms) => ms / batches.get(m.id)) });
  const of = (id) => here.filter((m) => m.id === id).map(each);
  const want = of('ort-1')[0].output;
  const rows = contenders
    .filter(({ id }) => of(id).length)
    .map((contender) => {
      const ort = of(`ort-${contender.threads}${contender.batch ? `-b${contender.batch}` : ''}`);
      const rounds = new Map(ort.map(({ round, times }) => [round, times]));
      return rowOf(of(contender.id), contender, median(ort.flatMap(({ times }) => times)), rounds, want);
    });
  return { place, network, rows };
}

function targetsOf(tables, models) {
  const targets = [];
  const add = (text, value, reached) => targets.push({ text, value, reached });
  for (const { place, network, rows } of tables) {
    const of = (id) => rows.find((row) => row.id === id);
    const { title } = models[network];
    const faster = of('stock-1').time.median / of('relaxed-1').time.median;
    add(`${title}, ${place === 'chromium' ? 'Chromium' : 'Node'}: not slower than XNNPACK's own operators`, `${faster.toFixed(2)} ×`, faster >= 1);
    if (place !== 'chromium') continue;
    const least = (kind, id, text) => {
      const target = TARGETS[kind][network];
      if (target) add(`${title}${text}, Chromium, one thread: at least ${target} × as fast as onnxruntime-web in float32`, `${of(id).ratio.toFixed(2)} ×`, of(id).ratio >= target);
    };
    least('float', 'relaxed-1', '');
    least('int8', 'int8-1', ' in int8');
    const stock = TARGETS.stock[network];
    if (stock) add(`${title}, Chromium, one thread: at least ${stock} × as fast as XNNPACK's own operators`, `${faster.toFixed(2)} ×`, faster >= stock);
    const int8Stock = TARGETS.int8Stock[network];
    if (int8Stock) {
      const times = of('stock-1').time.median / of('int8-1').time.median;
      add(`${title} in int8, Chromium, one thread: at least ${int8Stock} × as fast as XNNPACK's own operators in float32`, `${times.toFixed(2)} ×`, times >= int8Stock);
    }
    const again = of('again-2')?.createMs;
    if (again) add(`${title}, Chromium, second visit, two threads: engine and model ready within ${TARGETS.againMs} ms`, `${again.toFixed(0)} ms`, again <= TARGETS.againMs);
    const scaling = of('relaxed-1').time.median / of('relaxed-2').time.median;
    add(`${title}, Chromium: two threads at least ${TARGETS.threads} × as fast as one`, `${scaling.toFixed(2)} ×`, scaling >= TARGETS.threads);
  }
  for (const { place, network, rows } of tables) {
    if (place !== 'chromium') continue;
    const { title, weightBytes } = models[network];
    const bound = TARGETS.memoryFactor * weightBytes + TARGETS.memoryBytes;
    const ours = rows.filter(({ engine, batch }) => engine === 'negatoscope' && batch === 1);
    const peak = Math.max(...ours.map(({ bytesPeak }) => bytesPeak));
    const text = `${title}: peak wasm memory at most 2.5 × weights + 64 MB = ${(bound / MB).toFixed(0)} MB`;
    add(text, `${(peak / MB).toFixed(0)} MB`, peak <= bound);
    const off = ours.filter(({ said, bytesPeak }) => said && bytesPeak > LEAST_BYTES).map(({ said, bytesPeak }) => foreseen(said) / bytesPeak - 1);
    if (!off.length) continue;
    const worst = off.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
    add(`${title}: memory said before loading within ${100 * TARGETS.said} % of the truth`, `${(100 * worst).toFixed(0)} %`, Math.abs(worst) <= TARGETS.said);
  }
  return targets;
}

export function evaluate({ facts, models, contenders, measurements, ceilings }) {
  const gflops = (times) => FLOPS / median(times) / 1e6;
  const ceiling = { fused: gflops(ceilings.fused), separate: gflops(ceilings.separate) };
  const tables = ['chromium', 'node'].flatMap((place) =>
    Object.keys(models).map((network) => tableOf(place, network, { contenders, measurements })),
  );
  /** Which of their builds engines chose, where they say so. */
  const builds = [...new Set(measurements.flatMap((m) => m.facts?.build ?? []))].sort();
  return { facts, models, ceiling, builds, tables, targets: targetsOf(tables, models) };
}
