#!/usr/bin/env node
/**
 * npm run onnx-support: runs the node tests of ONNX (backend/test/data) and writes docs/ONNX-SUPPORT.md, a table of what
 * the engine supports, operator by operator.
 *
 *   NSC_REAL_DATA=FOLDER npm run onnx-support [-- --out FILE]
 *
 * FOLDER holds onnx-backend-tests.tar.xz: the folder onnx/backend/test/data of ONNX, packed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { ROOT, buildPreset, run, setUpCompilers } from './setup.mjs';

const SETS = ['node', 'simple', 'pytorch-converted', 'pytorch-operator'];
const PROGRAM = join(ROOT, 'build/native-asan/tests/c/onnx_backend');

/** Of each model: opened, planned and run under sanitizers. */
const DAMAGED_COPIES = 5;

/** What the tests do not show, by operator. */
const NOTES = {
  Attention: 'without keys and values of earlier tokens; its first output',
  AveragePool: '1-D and 2-D, 3-D along one or two axes',
  LpPool: '1-D and 2-D, 3-D along one or two axes',
  MaxPool: '1-D and 2-D, 3-D along one or two axes; float32',
  BatchNormalization: 'with the statistics of training; folded into a convolution before it',
  Cast: 'float16 is kept as float32, but rounds as float16 does; out of range saturates',
  CastLike: 'as Cast',
  Clip: 'bounds are constants',
  Conv: '1-D and 2-D; weights are constants',
  ConvTranspose: '1-D and 2-D; weights are constants',
  CumSum: 'the axis is a constant',
  Dropout: 'as at inference: nothing',
  Expand: 'the shape is a constant once sizes are fixed',
  If: 'the condition is a constant once sizes are fixed',
  LayerNormalization: 'scale and bias are constants',
  GroupNormalization: 'scale and bias are constants',
  InstanceNormalization: 'scale and bias are constants',
  RMSNormalization: 'the scale is a constant',
  SimplifiedLayerNormalization: "ONNX Runtime's name of RMSNormalization",
  MatMul: 'float32',
  OneHot: 'the depth is a constant',
  Pad: 'pads are constants once sizes are fixed',
  Range: 'bounds are constants once sizes are fixed',
  Reshape: 'the shape is a constant once sizes are fixed',
  Resize: 'sizes and scales are constants once sizes are fixed',
  Slice: 'starts, ends, axes and steps are constants once sizes are fixed',
  Split: 'sizes are constants once sizes are fixed',
  Tile: 'repeats are constants once sizes are fixed; up to 4 dimensions',
  TopK: 'K is a constant once sizes are fixed',
  Upsample: 'scales are constants',
};

/** Tests of these kinds are of other fields than classifying pictures; the engine refuses them by name. */
const OTHER_TYPES = /^data |^the model imports no operators|^ONNX opset|data of type/;

/**
 * Runs all cases of the archive.
 * @param {string} archive
 * @returns {Promise<{sets: Record<string, Case[]>, failures: string[]}>}
 * @typedef {{result: string, name: string, op: string, opset: number, reason: string}} Case
 */
export async function runBackendTests(archive) {
  const folder = join(tmpdir(), `negatoscope-onnx-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    await run('tar', ['-xf', archive, '-C', folder]);
    const data = join(folder, 'onnx/backend/test/data');
    const sets = {};
    const failures = [];
    for (const set of SETS) {
      const cases = readdirSync(join(data, set)).sort().map((name) => join(data, set, name));
      const result = spawnSync(PROGRAM, cases, { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 26 });
      const lines = result.stdout.trimEnd().split('\n');
      sets[set] = lines.slice(0, -1).map(parseLine);
      failures.push(...lines.filter((line) => line.startsWith('fail ')));
      const damaged = spawnSync(PROGRAM, ['--damage', String(DAMAGED_COPIES), '1', ...cases], { cwd: ROOT, encoding: 'utf8' });
      if (damaged.status !== 0) failures.push(`damaged copies of ${set}: ${damaged.stderr.slice(0, 2000)}`);
      if (sets[set].length !== cases.length) failures.push(`${set}: ended early. ${result.stderr.slice(0, 2000)}`);
    }
    return { sets, failures };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** "skip test_x Op 13: Op (node 0): reason" */
function parseLine(line) {
  const [, result, name, op, opset, rest] = /^(\w+) test_(\S+) (\S+) (\d+)(.*)$/.exec(line) ?? [];
  if (!result) throw new Error(`not a result: ${line}`);
  const reason = rest.replace(/^: /, '').replace(/ ?\(fixed\)$/, '').replace(/^\S+ \(node \d+\): /, '');
  return { result, name, op, opset: Number(opset), reason };
}

export const count = (cases, result) => cases.filter((each) => each.result === result).length;

/** A function written out in other operators is a test of the function. */
function operatorOf(each, byName) {
  const base = each.name.replace(/_expanded(_ver\d+)?$/, '');
  return base === each.name ? each.op : (byName.get(base)?.op ?? each.op);
}

const escape = (text) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

function describeRefusals(cases) {
  const reasons = new Map();
  for (const { result, reason } of cases) {
    if (result !== 'skip') continue;
    const short = reason.replace(/"[^"]*"/, '…').replace(/ [0-9]+ dimensions/, ' … dimensions');
    reasons.set(short, (reasons.get(short) ?? 0) + 1);
  }
  return [...reasons].map(([reason, times]) => `${times} × ${escape(reason)}`).join('; ');
}

/** One row an operator. */
function rows(cases, operators) {
  const byName = new Map(cases.map((each) => [each.name, each]));
  const groups = new Map(operators.map((op) => [op, []]));
  const foreign = new Map();
  for (const each of cases) {
    const op = operatorOf(each, byName);
    if (groups.has(op)) groups.get(op).push(each);
    else foreign.set(op, [...(foreign.get(op) ?? []), each]);
  }
  return { groups, foreign };
}

function table(groups) {
  const lines = ['| operator | opsets tested | passed | refused | notes |', '|---|---|---|---|---|'];
  for (const [op, cases] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const opsets = cases.filter(({ result }) => result === 'pass').map(({ opset }) => opset);
    const range = opsets.length ? [...new Set([Math.min(...opsets), Math.max(...opsets)])].join('–') : '';
    const passed = cases.length ? `${count(cases, 'pass')} of ${cases.length}` : 'no node test';
    lines.push(`| ${op} | ${range} | ${passed} | ${describeRefusals(cases)} | ${NOTES[op] ?? ''} |`);
  }
  return lines;
}

function report(sets, operators) {
  const { groups, foreign } = rows(sets.node, operators);
  const claimed = [...groups.values()].flat();
  const usable = claimed.filter(({ result, reason }) => !(result === 'skip' && OTHER_TYPES.test(reason)));
  const others = [...foreign].filter(([op]) => op !== '?').map(([op]) => op).sort();
  return `# ONNX operators

Written by \`npm run onnx-support\` from ONNX's own node tests. Opsets 6 to 28 are read. Half floats are computed as float32.
Integers and float64 are for what graphs compute about shapes and masks; pictures are float32.

${operators.length} operators. Of ${sets.node.length} node tests ${count(sets.node, 'pass')} pass, ${count(sets.node, 'fail')} fail, and the others are refused with a message. Of the
${usable.length} tests of these operators on types that the engine has, ${count(usable, 'pass')} pass. Whole graphs: ${SETS.slice(1).map((set) =>
  `${count(sets[set], 'pass')} of ${sets[set].length} (${set})`).join(', ')}.

The refusals are the engine's own words; before them stands the operator with the node's name. "refused" counts tests.

${table(groups).join('\n')}

Any other operator is refused before anything is computed: \`${others[0] ?? 'Loop'} "name": this operator is not supported\`. Of those in the tests:
${others.join(', ')}.

Outside of the default domain: \`com.microsoft\` operators that carry one of these names. Functions of the model's own are written out
when it is read. Control flow but \`If\`, sequences, strings, optional values and sparse tensors are refused.
`;
}

async function main() {
  const { values } = parseArgs({ options: { out: { type: 'string', default: join(ROOT, 'docs/ONNX-SUPPORT.md') } } });
  const data = process.env.NSC_REAL_DATA || resolve(ROOT, '../shared/data');
  const archive = join(data, 'onnx-backend-tests.tar.xz');
  if (!existsSync(archive)) throw new Error(`there is no ${archive}: set NSC_REAL_DATA`);
  await setUpCompilers();
  await buildPreset('native-asan', ['onnx_backend']);
  const operators = spawnSync(PROGRAM, ['--operators'], { encoding: 'utf8' }).stdout.trim().split('\n').sort();
  const { sets, failures } = await runBackendTests(archive);
  for (const failure of failures) console.error(failure);
  writeFileSync(values.out, report(sets, [...new Set(operators)]));
  console.log(`${count(sets.node, 'pass')} of ${sets.node.length} node tests pass, ${failures.length} fail: ${values.out}`);
  process.exitCode = failures.length ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
