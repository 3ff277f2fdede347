/** The page's core and the command line are one program: the same files, the same scores. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { NATIVE, createCore, openClassifier, openImage, variantsHere } from './harness.mjs';
import { mixedFiles, tinyModel, tinyModelInTwoFiles } from './fixtures.mjs';

test('the command reads weights beside the model, and nowhere else', { skip: !existsSync(NATIVE) && 'the native command is not built' }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'negatoscope-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const { name, bytes } = mixedFiles()[0];
  const picture = join(folder, name);
  await writeFile(picture, bytes);
  await mkdir(join(folder, 'inside'));
  const two = tinyModelInTwoFiles('w.data');
  const paths = { one: join(folder, 'one.onnx'), two: join(folder, 'inside/two.onnx') };
  await writeFile(paths.one, tinyModel());
  await writeFile(paths.two, two.model);
  const run = (model) => spawnSync(NATIVE, ['classify', '--model', model, '--json', picture], { encoding: 'utf8' });
  const missing = run(paths.two);
  assert.notEqual(missing.status, 0);
  assert.match(missing.stderr + missing.stdout, /w\.data/);
  // A link that leads out of the folder is no file inside of it.
  await writeFile(join(folder, 'elsewhere.data'), two.weights);
  await symlink(join(folder, 'elsewhere.data'), join(folder, 'inside/w.data'));
  assert.match(run(paths.two).stderr + run(paths.two).stdout, /no file inside/);
  await rm(join(folder, 'inside/w.data'));
  await writeFile(join(folder, 'inside/w.data'), two.weights.subarray(0, 40));
  assert.match(run(paths.two).stderr + run(paths.two).stdout, /has 40 bytes/);
  await writeFile(join(folder, 'inside/w.data'), two.weights);
  assert.deepEqual(JSON.parse(run(paths.two).stdout)[0].scores, JSON.parse(run(paths.one).stdout)[0].scores);
});

test('native and wasm agree', { skip: !existsSync(NATIVE) && 'the native command is not built' }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'negatoscope-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const files = mixedFiles();
  for (const { name, bytes } of files) await writeFile(join(folder, name), bytes);
  const model = join(folder, 'tiny.onnx');
  await writeFile(model, tinyModel());
  const paths = files.map(({ name }) => join(folder, name));
  let output;
  try {
    output = execFileSync(NATIVE, ['classify', '--model', model, '--json', ...paths], { encoding: 'utf8' });
  } catch (error) {
    // Refused files make the command end with a status of its own; its output is whole all the same.
    output = error.stdout;
  }
  const rows = JSON.parse(output);
  assert.deepEqual(rows.map(({ file }) => file), paths);

  for (const variant of variantsHere()) {
    const core = await createCore(variant, variant.endsWith('threads') ? 2 : 1);
    const loaded = await openClassifier(core, tinyModel());
    for (const [index, { name, bytes }] of files.entries()) {
      const native = rows[index];
      let result = null;
      try {
        const image = await openImage(core, bytes);
        result = core.classify(loaded.classifier, image, 0);
      } catch (error) {
        assert.equal(error.message, native.error, name);
        continue;
      }
      assert.equal(native.error, null, name);
      assert.equal(result.verdict, native.verdict, name);
      assert.equal(result.threshold, native.threshold, name);
      for (const [label, score] of Object.entries(result.scores)) {
        assert.ok(Math.abs(score - native.scores[label]) < 1e-5, `${name}, ${variant}: ${label}`);
      }
    }
  }
});
