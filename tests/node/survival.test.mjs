/**
 * Times to an event, from a table to a report: `negatoscope train --survival`, `evaluate` and `classify` on generated pictures
 * whose brightness and whose patients' age set the hazard. Figures are computed again here from what is predicted, and the
 * page's core must give the command's curves.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { CorePrognosis } from '../../web/worker/core-survival.js';
import { NATIVE, blobOf, createCore, openImage, variantsHere } from './harness.mjs';
import { commandIn, noise } from './commands.mjs';
import { ctDicom, greyPng, survivalExpected, survivalModel } from './fixtures.mjs';

const options = { skip: !existsSync(NATIVE) && 'the native command is not built' };
const COUNT = 260;
let folder;
let cases;

const command = (...words) => commandIn(folder, ...words);

/** Exponential times; censored by the end of the study at some time. */
function makeCase(i) {
  const bright = noise(i + 0.11);
  const age = Math.round(40 + 40 * noise(i + 0.23));
  const rate = 0.06 * Math.exp(4 * bright - 2 + 0.035 * (age - 60));
  const until = 4 + 40 * noise(i + 0.37);
  const time = -Math.log(1 - noise(i + 0.53)) / rate;
  const pixels = greyPng(32, 32, (x, y) => Math.round(40 + 120 * bright + 40 * noise(i + x * 0.37 + y * 7.1)));
  const file = `case${String(i).padStart(3, '0')}.png`;
  return { file, pixels, age, sex: i % 3 ? 'F' : 'M', time: Math.min(time, until), event: time <= until ? 1 : 0, split: i < 150 ? 'train' : i < 190 ? 'val' : 'test' };
}

const table = (rows, head = 'file,months,died,age,sex,split') =>
  [head, ...rows.map((c) => [c.file, c.time, c.event, c.age, c.sex, c.split].join(','))].join('\n') + '\n';

/** Linear between edges. */
function survivalAt(edges, survival, time) {
  const k = edges.findIndex((edge) => edge >= time);
  if (k === 0) return 1;
  if (k < 0) return survival.at(-1);
  return survival[k - 1] + ((survival[k] - survival[k - 1]) * (time - edges[k - 1])) / (edges[k] - edges[k - 1]);
}

/** Rows of a table without quotation marks. */
const parse = (text) => text.trim().split('\r\n').map((line) => line.split(','));

before(async () => {
  if (options.skip) return;
  folder = await mkdtemp(join(tmpdir(), 'negatoscope-'));
  cases = Array.from({ length: COUNT }, (_, i) => makeCase(i));
  for (const { file, pixels } of cases) await writeFile(join(folder, file), pixels);
  await writeFile(join(folder, 'cases.csv'), table(cases));
});
after(() => folder && rm(folder, { recursive: true, force: true }));

const TRAIN = ['train', '--survival', '--time', 'months', '--event', 'died', '--fields', 'age,sex', '--unit', 'months', '--bins', '6', '--size', '32'];

test('a training learns the order of cases, and its report is what its predictions say', options, async () => {
  const trained = command(...TRAIN, '--epochs', '12', '--batch', '25', '--rate', '0.004', '--augment', 'none', '--threads', '1', '--out', 'm.onnx', 'cases.csv');
  assert.equal(trained.status, 0, trained.stderr);
  assert.match(trained.stdout, /6 time bins, up to .* months/);
  assert.match(trained.stdout, /test: 70 cases/);
  const out = command('evaluate', '--time', 'months', '--event', 'died', '--json', 'r.json', '--csv', 'r.csv', '--html', 'r.html', '--predictions', 'p.csv', '--bootstrap', '200', 'm.onnx', 'cases.csv');
  assert.equal(out.status, 0, out.stderr);
  const report = JSON.parse(await readFile(join(folder, 'r.json'), 'utf8'));
  const [head, ...rows] = parse(await readFile(join(folder, 'p.csv'), 'utf8'));
  const edges = [0, ...head.slice(5).map((name) => Number(name.slice(2, -1)))];
  const judged = rows.map((row) => ({ time: +row[1], event: +row[2], mean: +row[3], survival: [1, ...row.slice(5).map(Number)] }));
  assert.equal(judged.length, 70);
  assert.equal(report.count, 70);

  let pairs = 0;
  let right = 0;
  let crossing = 0;
  for (const a of judged) {
    for (const b of judged) {
      if (!a.event || !(b.time > a.time || (b.time === a.time && !b.event))) continue;
      pairs++;
      right += a.mean < b.mean ? 1 : a.mean === b.mean ? 0.5 : 0;
      const [own, other] = [a, b].map(({ survival }) => survivalAt(edges, survival, a.time));
      crossing += own < other ? 1 : own === other ? 0.5 : 0;
    }
  }
  assert.equal(report.pairs, pairs);
  assert.ok(Math.abs(report.harrell.value - right / pairs) < 1e-6);
  assert.ok(Math.abs(report.antolini.value - crossing / pairs) < 2e-3); // times are written with nine digits
  assert.ok(report.harrell.value > 0.68, `C is ${report.harrell.value}`);
  assert.ok(report.harrell.bootstrap[0] < report.harrell.value && report.harrell.bootstrap[1] > report.harrell.value);
  assert.ok(report.brier.integrated < report.brier.kaplanMeier);

  // Times differ, so each censored case takes its share of the chance to be still followed.
  const sorted = [...judged].sort((a, b) => a.time - b.time);
  let free = 1;
  for (const [i, one] of sorted.entries()) {
    one.freeBefore = free;
    if (!one.event) free *= 1 - 1 / (sorted.length - i);
    one.free = free;
  }
  const time = edges[3];
  const later = sorted.filter((one) => one.time <= time).at(-1).free;
  const brier = judged.reduce((sum, one) => {
    const s = survivalAt(edges, one.survival, time);
    return sum + (one.time > time ? (1 - s) ** 2 / later : one.event ? s ** 2 / one.freeBefore : 0);
  }, 0);
  assert.ok(Math.abs(report.points[2].brier - brier / judged.length) < 1e-6);

  const html = await readFile(join(folder, 'r.html'), 'utf8');
  assert.match(html, /<figcaption>Survival/);
  assert.doesNotMatch(html, /NaN|nan|inf/);
  assert.match(await readFile(join(folder, 'r.csv'), 'utf8'), /^metric,time,value,low,high\r\nharrell,,0\./);
});

test('classify gives a curve, and says where its fields came from', options, async () => {
  await writeFile(join(folder, 'old.dcm'), ctDicom({ width: 16, height: 16, more: { 0x00101010: ['AS', '078Y'], 0x00100040: ['CS', 'M'] } }));
  const [first] = JSON.parse(command('classify', '--model', 'm.onnx', '--json', 'old.dcm').stdout);
  assert.equal(first.task, 'survival');
  assert.equal(first.unit, 'months');
  assert.deepEqual(first.fields, [{ name: 'age', value: 78, from: 'file' }, { name: 'sex', value: 1, from: 'file' }]);
  assert.equal(first.survival.length, first.edges.length);
  assert.equal(first.verdict, undefined);
  for (let k = 1; k < first.survival.length; k++) {
    assert.ok(Math.abs(first.survival[k] - first.survival[k - 1] * (1 - first.hazards[k - 1])) < 1e-5);
  }
  const [young] = JSON.parse(command('classify', '--model', 'm.onnx', '--json', '--fields', 'age=42', 'old.dcm').stdout);
  assert.deepEqual(young.fields.map(({ from }) => from), ['given', 'file']);
  assert.ok(young.mean > first.mean);
  const plain = command('classify', '--model', 'm.onnx', cases[0].file);
  assert.match(plain.stdout, /age \d.* \(not known: the training cases' mean\)/);
  assert.match(command('classify', '--model', 'm.onnx', '--csv', cases[0].file).stdout, /^file,model,median,mean,applies,error,age,from,sex,from,S\(/);
  assert.match(command('classify', '--model', 'm.onnx', '--fields', 'weight=70', 'old.dcm').stderr, /takes no field "weight"/);
});

test('a curve says whether the model may judge the picture, and range measures it', options, async () => {
  const known = JSON.parse(command('classify', '--model', 'm.onnx', '--json', ...cases.slice(190).map(({ file }) => file)).stdout);
  const count = (verdict) => known.filter(({ applies }) => applies.verdict === verdict).length;
  assert.equal(count('in range') + count('doubtful') + count('out of range'), 70);
  assert.ok(count('out of range') <= 3, `${count('out of range')} of 70 own pictures are out of range`);
  assert.ok(known.every(({ applies }) => Number.isFinite(applies.features) && Number.isFinite(applies.look)));

  await mkdir(join(folder, 'others'));
  for (let i = 0; i < 12; i++) await writeFile(join(folder, 'others', `${i}.png`), greyPng(32, 32, (x, y) => ((Math.floor(x / (2 + (i % 4))) + Math.floor(y / 3)) % 2 ? 255 : 0)));
  const stripes = join('others', '0.png');
  assert.match(command('classify', '--model', 'm.onnx', stripes).stdout, /\(out of range\)\n$/);
  assert.match(command('classify', '--model', 'm.onnx', '--csv', stripes).stdout, /,out of range,/);

  const bare = command(...TRAIN, '--no-range', '--epochs', '1', '--threads', '1', '--out', 'bare.onnx', 'cases.csv');
  assert.equal(bare.status, 0, bare.stderr);
  assert.equal(JSON.parse(command('classify', '--model', 'bare.onnx', '--json', stripes).stdout)[0].applies, null);
  assert.match(command('range', '--time', 'months', '--event', 'died', 'bare.onnx', 'cases.csv', 'others').stderr, /does not say which pictures/);
  const learnt = command('range', '--time', 'months', '--event', 'died', '-o', 'knows.onnx', '--report', 'range.json', 'bare.onnx', 'cases.csv', 'others');
  assert.equal(learnt.status, 0, learnt.stderr);
  const [own, others] = JSON.parse(await readFile(join(folder, 'range.json'), 'utf8'));
  assert.equal(own.count, 70);
  assert.ok(own.outOfRange < 0.05);
  assert.deepEqual([others.count, others.outOfRange], [12, 1]);
  assert.match(command('range', '--time', 'months', 'cxr-pneumonia', '.').stderr, /are for models of times/);
  assert.ok(others.alone.features > 0.95 && others.alone.look > 0.95);
});

test('what knows labels only refuses such a model with a sentence', options, async () => {
  const words = [
    ['explain', '--model', 'm.onnx', '--out', 'map.png', cases[0].file],
    ['stability', '--model', 'm.onnx', cases[0].file],
    ['quantize', 'm.onnx', '.', '-o', 'q.onnx'],
    ['ensemble', '--model', 'm.onnx', '--model', 'm.onnx', cases[0].file],
    ['report', '--model', 'm.onnx', '--out', 'report.html', cases[0].file],
  ];
  for (const line of words) {
    const { status, stdout, stderr } = command(...line);
    assert.ok(status === 1 || status === 2, `${line[0]} ended with ${status}`);
    if (status === 1) assert.match(stdout + stderr, /curves of survival/, line[0]);
  }
  assert.match(command('classify', '--model', 'm.onnx', '--sort', 'score', cases[0].file).stderr, /times to an event/);
});

test('a table that is wrong says where', options, async () => {
  const wrong = async (rows, head, because, ...more) => {
    await writeFile(join(folder, 'wrong.csv'), table(rows, head));
    const { status, stderr } = command(...TRAIN, ...more, 'wrong.csv');
    assert.equal(status, 1);
    assert.match(stderr, because);
  };
  await wrong([{ ...cases[0], time: -3 }], undefined, /line 2: the time -3 is negative/);
  await wrong([{ ...cases[0], event: 2 }], undefined, /line 2: the event is 2/);
  await wrong([{ ...cases[0], time: '' }], undefined, /line 2: the time is empty/);
  await wrong([{ ...cases[0], age: 'old' }], undefined, /line 2: the age "old"/);
  await wrong(cases, 'file,months,dead,age,sex,split', /no column "died"/);
  await wrong(cases.map((c) => ({ ...c, event: 0 })), undefined, /has an event: there is nothing to learn/);
  assert.match(command('train', '--bins', '3', 'cases.csv').stderr, /go with --survival/);
  assert.match(command('train', '--survival', '.').stderr, /come from a table/);
  assert.match(command(...TRAIN, '--balance', 'weights', 'cases.csv').stderr, /not for times to an event/);
});

test('a model from elsewhere gives what its definition says, in every build', async () => {
  for (const variant of variantsHere()) {
    const core = await createCore(variant, variant.endsWith('threads') ? 2 : 1);
    const model = core.openModel(await core.source(blobOf(survivalModel())));
    assert.ok(core.isSurvival(model));
    assert.throws(() => core.createClassifier(model, 1, { recipe: null, labels: null, output: null }), /curves of survival/);
    assert.ok(core.modelMemory(model, 1, { recipe: null, labels: null, output: null }).peakMB > 0);
    const prognosis = new CorePrognosis(core, model, 1, null);
    const image = await openImage(core, greyPng(8, 8, () => 102));
    const check = (curve, age, sex) => survivalExpected(0.4, age, sex).forEach((s, k) => assert.ok(Math.abs(s - curve.survival[k]) < 1e-5, variant));
    check(prognosis.run(image, 0, { age: '72', sex: 'M' }), 72, 1);
    check(prognosis.run(image, 0, null), 60, 0.5);
    const curve = prognosis.run(image, 0, { age: '045Y', sex: 'female' });
    check(curve, 45, 0);
    assert.equal(curve.unit, 'months');
    assert.equal(curve.median, null);
    prognosis.free();
    core.freeModel(model);
  }
});

test('the core of the page gives the curves of the command', options, async () => {
  const model = await readFile(join(folder, 'm.onnx'));
  const [native] = JSON.parse(command('classify', '--model', 'm.onnx', '--json', '--fields', 'age=71', cases[3].file).stdout);
  for (const variant of variantsHere()) {
    const core = await createCore(variant, variant.endsWith('threads') ? 2 : 1);
    const opened = core.openModel(await core.source(blobOf(model)));
    assert.ok(core.isSurvival(opened));
    const prognosis = new CorePrognosis(core, opened, 1, null);
    const image = await openImage(core, cases[3].pixels);
    const curve = prognosis.run(image, 0, { age: '71', sex: '' });
    assert.deepEqual(curve.fields, native.fields);
    assert.deepEqual(curve.edges, native.edges);
    assert.equal(curve.applies.verdict, native.applies.verdict);
    for (const measure of ['features', 'look']) assert.ok(Math.abs(curve.applies[measure] - native.applies[measure]) < 1e-3, `${variant} ${measure}`);
    curve.survival.forEach((s, k) => assert.ok(Math.abs(s - native.survival[k]) < 1e-4, variant));
    assert.throws(() => prognosis.run(image, 0, { age: 'old' }), /not readable/);
    prognosis.free();
    core.freeModel(opened);
  }
});
