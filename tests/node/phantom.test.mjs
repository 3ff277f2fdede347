/** negatoscope phantom: a folder that train takes, the same for the same seed, and marked as synthetic. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { NATIVE } from './harness.mjs';

const skip = !existsSync(NATIVE) && 'the native command is not built';
const run = (...args) => execFileSync(NATIVE, args, { encoding: 'utf8' });

test('phantom writes slices and their truth', { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'negatoscope-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const [first, second] = ['a', 'b'].map((name) => join(folder, name));
  const options = ['--count', '24', '--lesions', '9', '--size', '64', '--seed', '5', '--contrast', '-60,-50'];
  run('phantom', '--out', first, ...options);
  run('phantom', '--out', second, ...options);

  assert.equal((await readdir(join(first, 'normal'))).length, 15);
  const names = await readdir(join(first, 'lesion'));
  assert.equal(names.length, 9);
  for (const name of names) {
    assert.deepEqual(await readFile(join(first, 'lesion', name)), await readFile(join(second, 'lesion', name)), name);
  }

  const [header, ...rows] = (await readFile(join(first, 'labels.csv'), 'utf8')).trimEnd().split('\n').map((line) => line.split(','));
  assert.deepEqual(header, ['file', 'label', 'patient', 'lesion_x_mm', 'lesion_y_mm', 'diameter_mm', 'contrast_hu']);
  assert.equal(rows.length, 24);
  assert.equal(new Set(rows.map((row) => row[2])).size, 24);
  for (const [file, label, , x, , diameter, contrast] of rows) {
    assert.ok(existsSync(join(first, file)), file);
    assert.equal(file.split('/')[0], label);
    assert.equal(x !== '', label === 'lesion');
    if (label === 'lesion') assert.ok(diameter >= 30 && diameter <= 60 && contrast >= -60 && contrast <= -50, file);
  }

  const [{ info }] = JSON.parse(run('info', join(first, 'lesion', names[0])));
  assert.equal(info.modality, 'CT');
  assert.match(info.tags.find(({ name }) => name === 'Image Comments').value, /^SYNTHETIC/);

  // A folder of labels and a table are the same data to `train`; a third of it is enough to see that.
  const model = join(folder, 'model.onnx');
  for (const data of [first, join(first, 'labels.csv')]) {
    const log = run('train', '--size', '16', '--epochs', '1', '--labels', 'normal,lesion', '--out', model, data);
    assert.match(log, /normal +1[23] +[23] +0/);
    assert.match(log, /lesion +[78] +[12] +0/);
  }
});

test('phantom refuses what it cannot do', { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'negatoscope-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const out = join(folder, 'a');
  const refused = (...args) => spawnSync(NATIVE, ['phantom', ...args], { encoding: 'utf8' });
  run('phantom', '--out', out, '--count', '1', '--lesions', '0', '--size', '64');
  assert.match(refused('--out', out, '--count', '1', '--lesions', '0', '--size', '64').stderr, /is there already/);
  for (const [args, reason] of [
    [['--count', '3', '--lesions', '4'], /4 lesions in 3 slices/],
    [['--size', '16'], /"size" must be from 64 to 1024/],
    [['--contrast', '10'], /--contrast wants two numbers/],
    [['--diameter', '40,12'], /"diameter" must have the smaller number first/],
    [['--noise', 'nan'], /--noise wants a number/],
  ]) {
    const { status, stderr } = refused('--out', join(folder, 'b'), ...args);
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, reason);
    await rm(join(folder, 'b'), { recursive: true, force: true });
  }
});
