/** `negatoscope classify` over many files: the highest scores first, and a file of results that is gone on with. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { NATIVE } from './harness.mjs';
import { greyPng, severalModel, tinyExpected, tinyModel } from './fixtures.mjs';

const value = (i) => (x, y) => (x * (3 + i * 5) + y * 11 * i) % 256;
const NAMES = ['a.png', 'b, "quoted".png', 'c.png', 'd.png', 'e.png'];

describe('classify', { skip: !existsSync(NATIVE) && 'the native command is not built' }, () => {
  const setUp = async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'negatoscope-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const pictures = NAMES.map((name) => join(folder, name));
    for (const [i, path] of pictures.entries()) await writeFile(path, greyPng(8, 8, value(i)));
    const model = join(folder, 'tiny.onnx');
    await writeFile(model, tinyModel());
    const several = join(folder, 'several.onnx');
    await writeFile(several, severalModel());
    const run = (...args) => spawnSync(NATIVE, ['classify', '--model', ...args], { encoding: 'utf8' });
    return { folder, pictures, model, several, run };
  };

  test('--sort score: the highest first, of the label that is asked for, what was refused last', async (t) => {
    const { folder, pictures, model, several, run } = await setUp(t);
    const broken = join(folder, '0-broken.png');
    await writeFile(broken, 'no picture');
    const scores = pictures.map((_, i) => tinyExpected((x, y) => value(i)(x, y) / 255));
    const order = [...scores.keys()].sort((a, b) => scores[b] - scores[a]);
    assert.notDeepEqual(order, [...scores.keys()]);
    const json = run(model, '--json', '--sort', 'score', broken, ...pictures);
    assert.equal(json.status, 1);
    const rows = JSON.parse(json.stdout);
    assert.deepEqual(rows.map(({ file }) => file), [...order.map((i) => pictures[i]), broken]);
    for (const [at, i] of order.entries()) assert.ok(Math.abs(rows[at].scores.present - scores[i]) < 1e-5);
    const reversed = JSON.parse(run(model, '--json', '--sort=score', '--label=absent', ...pictures).stdout);
    assert.deepEqual(reversed.map(({ file }) => file), order.map((i) => pictures[i]).reverse());
    const csv = run(model, '--csv', '--sort', 'score', ...pictures).stdout.split('\r\n');
    assert.match(csv[0], /^file,model,/);
    assert.deepEqual(csv.slice(1, -1).map((line) => line.includes('quoted')), order.map((i) => i === 1));
    const table = run(model, '--sort', 'score', ...pictures).stdout.split('\n');
    assert.ok(table[0].startsWith(pictures[order[0]]));
    // Without a label each file's own verdict counts, or the highest score where none reaches its threshold.
    const many = JSON.parse(run(several, '--json', '--sort', 'score', ...pictures).stdout);
    const ranks = many.map(({ scores: of, verdict }) => (verdict ? of[verdict] : Math.max(...Object.values(of))));
    assert.deepEqual(ranks, [...ranks].sort((a, b) => b - a));
    assert.equal(JSON.parse(run(model, '--json', '--sort', 'score', join(folder, 'nobody')).stdout).length, 1);

    const unknown = run(model, '--sort', 'score', '--label', 'nothing', ...pictures);
    assert.equal(unknown.status, 1);
    assert.match(unknown.stderr, /no label "nothing"/);
    for (const wrong of [['--sort', 'name'], ['--label', 'present'], ['--resume', 'x.csv', '--json'], ['--resume', 'x.csv', '--sort', 'score']]) {
      assert.equal(run(model, ...wrong, ...pictures).status, 2, wrong.join(' '));
    }
  });

  test('--resume goes on where a run ended, even within a row, and gives what one run gives', async (t) => {
    const { folder, pictures, model, several, run } = await setUp(t);
    const whole = run(model, '--csv', ...pictures).stdout;
    const table = join(folder, 'results.csv');
    const resume = (...files) => run(model, '--resume', table, ...files);
    assert.equal(resume(...pictures).status, 0);
    assert.equal(await readFile(table, 'utf8'), whole);
    const { stderr } = resume(...pictures);
    assert.match(stderr, /^0 files classified, 5 were in/);
    assert.equal(await readFile(table, 'utf8'), whole);
    // Wherever it is cut off: in the head, within quotes, between the two characters of a line end.
    for (let size = 0; size <= whole.length; size += size === whole.length - 1 ? 1 : 7) {
      await writeFile(table, whole);
      await truncate(table, size);
      const { status, stderr: said } = resume(...pictures);
      assert.equal(status, 0, `${size} bytes: ${said}`);
      assert.equal(await readFile(table, 'utf8'), whole, `${size} bytes`);
      if (size + 7 > whole.length && size < whole.length - 1) size = whole.length - 8;
    }

    const unchanged = async (result, reason) => {
      assert.equal(result.status, 1);
      assert.match(result.stderr, reason);
    };
    await unchanged(run(several, '--resume', table, ...pictures), /first line is not that of results of this model/);
    assert.equal(await readFile(table, 'utf8'), whole);
    await writeFile(table, whole.replace('d.png,tiny,', 'd.png,other,'));
    await unchanged(resume(...pictures), /row 4 is of another model, "other"/);
    await writeFile(table, 'notes of mine\n');
    await unchanged(resume(...pictures), /first line/);
    assert.equal(await readFile(table, 'utf8'), 'notes of mine\n');
    await unchanged(run(model, '--resume', join(folder, 'none/at/all.csv'), ...pictures), /cannot open/);
  });
});
