/** `negatoscope train` and `evaluate` on generated films: what the report says is computed again here, from its predictions. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { NATIVE } from './harness.mjs';
import { commandIn, noise } from './commands.mjs';
import { greyPng, severalModel } from './fixtures.mjs';

const options = { skip: !existsSync(NATIVE) && 'the native command is not built' };
const LABELS = ['bright "round"', 'dark'];
let folder;

const command = (...words) => commandIn(folder, ...words);

/** A film with or without a bright disc; some discs are so faint that no network is always right. */
function film(seed, disc) {
  const strength = disc ? 25 + 120 * noise(seed) : 0;
  const [cx, cy] = [8 + 8 * noise(seed + 0.1), 8 + 8 * noise(seed + 0.2)];
  return greyPng(24, 24, (x, y) => {
    const inside = (x - cx) ** 2 + (y - cy) ** 2 < 30;
    return Math.round(60 + 50 * noise(seed + x * 0.37 + y * 7.1) + (inside ? strength : 0));
  });
}

/** RFC 4180: rows of fields. */
function parseCsv(text) {
  const rows = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    rows.at(-1).push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === '\r\n') rows.push([]);
    if (end === '') break;
  }
  return rows.filter((row) => row.length > 1);
}

async function predictions(file) {
  const [head, ...rows] = parseCsv(await readFile(join(folder, file), 'utf8'));
  return { head, rows };
}

before(async () => {
  if (options.skip) return;
  folder = await mkdtemp(join(tmpdir(), 'negatoscope-'));
  for (const [split, count] of [['train', 60], ['test', 30]]) {
    for (const [k, label] of LABELS.entries()) {
      await mkdir(join(folder, 'films', split, label), { recursive: true });
      for (let i = 0; i < count; i++) {
        const seed = i + k * 1000 + (split === 'test' ? 5000 : 0);
        await writeFile(join(folder, 'films', split, label, `p${Math.floor(i / 3)}-${i}.png`), film(seed, k === 0));
      }
    }
  }
  await writeFile(join(folder, 'films/train/dark/broken.png'), film(1, false).subarray(0, 90));
});

after(() => folder && rm(folder, { recursive: true, force: true }));

test('train reads split folders, names the broken file, calibrates and judges', options, () => {
  const { status, stdout, stderr } = command('train', '--net', 'small', '--size', '24', '--epochs', '6', '--batch', '16',
    '--augment', 'none', '--labels', `dark,${LABELS[0]}`, '--patient', 'p[0-9]+', '--out', 'model.onnx', 'films');
  assert.equal(status, 0, stderr);
  assert.match(stderr, /refused: films\/train\/dark\/broken\.png: PNG/);
  assert.match(stdout, /^dark +\d+ +\d+ +30$/m);
  assert.match(stdout, /^temperature /m);
  assert.match(stdout, /^threshold 0\.\d+/m);
  assert.match(stdout, /^test: 60 pictures/m);
});

test('train --autoencoder: it learns after the network, the same with a resumed training', options, async () => {
  const words = ['train', '--size', '24', '--epochs', '1', '--seed', '4', '--autoencoder', '--checkpoint', 'auto.check', '--validation', '0.3'];
  const { status, stdout, stderr } = command(...words, '--out', 'auto.onnx', 'films');
  assert.equal(status, 0, stderr);
  assert.match(stdout, /autoencoder +\d+\/\d+ +squared error/);
  assert.equal(command(...words, '--threads', '1', '--resume', '--out', 'again.onnx', 'films').status, 0);
  const model = await readFile(join(folder, 'auto.onnx'));
  assert.ok(model.equals(await readFile(join(folder, 'again.onnx'))));
  assert.ok(model.includes('"reconstruction":{"usual"'));
  assert.equal(command('train', '--autoencoder', '--no-range', 'films').status, 2);
});

test('train --from: limits and licence of the model go on, are printed, and can be given', options, () => {
  const train = (out, ...more) => {
    const { status, stdout, stderr } = command('train', '--size', '16', '--epochs', '1', '--augment', 'none', '--out', out, ...more, 'films');
    assert.equal(status, 0, stderr);
    const { info } = JSON.parse(command('info', out).stdout)[0];
    return { stdout, facts: [info.limits, info.license] };
  };
  const first = train('first.onnx', '--name', 'discs', '--limits', 'Films of a test.', '--license', 'CC0');
  assert.deepEqual(first.facts, ['Films of a test.', 'CC0']);
  const from = ['--from', 'first.onnx', '--trainable', 'head'];
  const second = train('second.onnx', ...from);
  assert.deepEqual(second.facts, ['Made from discs; its limits: Films of a test.', 'CC0']);
  assert.match(second.stdout, /^limits: Made from discs; its limits: Films of a test\.$/m);
  assert.match(second.stdout, /^licence: CC0$/m);
  assert.deepEqual(train('third.onnx', ...from, '--limits', 'Mine.', '--license', '').facts, ['Mine.', null]);
  assert.doesNotMatch(train('fourth.onnx').stdout, /^(limits|licence):/m);
});

test('evaluate: the report against its predictions', options, async () => {
  const { status, stdout, stderr } = command('evaluate', 'model.onnx', 'films', '--json', 'report.json', '--csv', 'report.csv',
    '--html', 'report.html', '--predictions', 'predictions.csv', '--bootstrap', '50', '--title', 'Films & <discs>');
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^60 cases, 2 labels/);
  const { head, rows } = await predictions('predictions.csv');
  assert.deepEqual(head, ['file', 'label', 'predicted', 'dark', LABELS[0]]);
  assert.equal(rows.length, 60);
  for (const [file, label] of rows) assert.ok(file.startsWith(`films/test/${label}/`), file);

  const report = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8'));
  const threshold = report.classes[1].threshold;
  const cases = rows.map(([, label, predicted, , score]) => ({
    truth: label === LABELS[0], called: predicted === LABELS[0], score: Math.fround(Number(score)) }));
  for (const { called, score } of cases) assert.equal(called, score >= threshold);
  const count = (truth, called) => cases.filter((c) => c.truth === truth && c.called === called).length;
  const [tp, fp, tn, fn] = [count(true, true), count(false, true), count(false, false), count(true, false)];
  assert.deepEqual(report.confusion, [[tn, fp], [fn, tp]]);
  let wins = 0;
  for (const a of cases.filter((c) => c.truth)) {
    for (const b of cases.filter((c) => !c.truth)) wins += a.score > b.score ? 1 : a.score === b.score ? 0.5 : 0;
  }
  const expected = {
    accuracy: (tp + tn) / 60,
    sensitivity: tp / (tp + fn),
    specificity: tn / (tn + fp),
    auc: wins / (30 * 30),
    brier: cases.reduce((sum, c) => sum + (c.score - (c.truth ? 1 : 0)) ** 2, 0) / 60,
  };
  for (const [key, value] of Object.entries(expected)) {
    assert.ok(Math.abs(report.overall[key].value - value) < 1e-6, `${key}: ${report.overall[key].value}, expected ${value}`);
  }
  assert.ok(expected.auc > 0.8, 'the network has learned something');
  const html = await readFile(join(folder, 'report.html'), 'utf8');
  assert.ok(html.includes(`AUC ${expected.auc.toFixed(3)}`));
  assert.ok(html.includes('Films &amp; &lt;discs&gt;'));
  assert.ok((await readFile(join(folder, 'report.csv'), 'utf8')).startsWith('group,class,metric,'));
});

test('evaluate and classify say the same', options, async () => {
  const { rows } = await predictions('predictions.csv');
  const { stdout } = command('classify', '--model', 'model.onnx', '--json', ...rows.slice(0, 8).map(([file]) => file));
  for (const [i, { scores, verdict }] of JSON.parse(stdout).entries()) {
    assert.equal(verdict, rows[i][2]);
    assert.ok(Math.abs(scores.dark - Number(rows[i][3])) < 1e-6);
  }
});

test('evaluate: a table with other names, and what does not fit', options, async () => {
  const { rows } = await predictions('predictions.csv');
  const lines = rows.map(([file, label]) => `"films/../${file.replaceAll('"', '""')}";${label === 'dark' ? 'empty' : 'disc'};`);
  await writeFile(join(folder, 'list.csv'), ['Image;Class;Split', ...lines, 'missing.png;disc;', ''].join('\r\n'));
  const unmatched = command('evaluate', 'model.onnx', 'list.csv');
  assert.equal(unmatched.status, 1);
  assert.match(unmatched.stderr, /knows no label "disc", only "dark", "bright/);
  const matched = command('evaluate', 'model.onnx', 'list.csv', '--map', `empty=dark,disc=${LABELS[0]}`, '--predictions', 'again.csv');
  assert.equal(matched.status, 1, 'a missing file is told by the status');
  assert.match(matched.stderr, /refused: missing\.png: cannot open/);
  assert.deepEqual((await predictions('again.csv')).rows.map((row) => row.slice(1)), rows.map((row) => row.slice(1)));
  const nowhere = command('train', '--labels', 'dark,drak', 'films');
  assert.equal(nowhere.status, 1);
  assert.match(nowhere.stderr, /no pictures of the label "drak"/);
  const lone = command('evaluate', 'model.onnx', 'films', '--labels', 'dark');
  assert.equal(lone.status, 0, lone.stderr);
  assert.match(lone.stdout, /^30 cases/);
  assert.match(command('train', '--labels', 'dark', 'films').stderr, /there are not two labels/);
  assert.equal(command('evaluate', 'model.onnx').status, 2);
  assert.equal(command('evaluate', 'model.onnx', 'films', '--split', 'half').status, 2);
});

test('evaluate: several labels a picture', options, async () => {
  await writeFile(join(folder, 'several.onnx'), severalModel());
  const given = [['10', 'No Finding'], ['60', 'Light'], ['90', 'Light|White'], ['95', 'White|Light'], ['80', 'Light']];
  for (const [grey] of given) await writeFile(join(folder, `${grey}.png`), greyPng(8, 8, () => Number(grey) * 2.55));
  await writeFile(join(folder, 'several.csv'), ['file,label', ...given.map(([grey, label]) => `${grey}.png,${label}`)].join('\n'));
  assert.match(command('evaluate', 'several.onnx', 'several.csv').stderr, /knows no label "No Finding", only "Light", "White"/);
  const { status, stderr } = command('evaluate', 'several.onnx', 'several.csv', '--map', 'No Finding=', '--json', 'several.json', '--predictions', 'sets.csv');
  assert.equal(status, 0, stderr);
  const { rows } = await predictions('sets.csv');
  assert.deepEqual(rows.map((row) => row.slice(0, 3)), [
    ['10.png', '', ''], ['60.png', 'Light', 'Light'], ['90.png', 'Light|White', 'Light|White'],
    ['95.png', 'Light|White', 'Light|White'], ['80.png', 'Light', 'Light|White'],
  ]);
  const report = JSON.parse(await readFile(join(folder, 'several.json'), 'utf8'));
  const white = report.classes.find(({ name }) => name === 'White');
  assert.deepEqual(white.counts, { tp: 2, fp: 1, tn: 2, fn: 0 });
});

test('evaluate: folds validate every picture once, patients whole', options, async () => {
  const seen = new Map();
  for (const fold of ['1', '2', '3']) {
    const { stderr } = command('evaluate', 'model.onnx', 'films', '--patient', 'p[0-9]+', '--folds', '3', '--fold', fold,
      '--split', 'validation', '--predictions', 'fold.csv');
    const { rows } = await predictions('fold.csv');
    assert.ok(Math.abs(rows.length - 40) <= 4, stderr);
    for (const [file] of rows) {
      assert.ok(!seen.has(file), `${file} in two folds`);
      seen.set(file, fold);
    }
  }
  assert.equal(seen.size, 120);
  const patients = new Map();
  for (const [file, fold] of seen) {
    const patient = file.replace(/-\d+\.png$/, '');
    assert.equal(patients.get(patient) ?? fold, fold, patient);
    patients.set(patient, fold);
  }
});
