/** Maps of what influenced a model: the command's files, and the page's core against the command. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

import { buildNetwork, describeNetwork, NETWORKS } from '../networks/zoo.mjs';
import { greyPng, severalModel } from './fixtures.mjs';
import { NATIVE, ROOT, startService, variantsHere } from './harness.mjs';

const SKIP = !existsSync(NATIVE) && 'the native command is not built';
const CHEST = join(ROOT, 'models/cxr-pneumonia/model.onnx');
const WITHOUT_DROPOUT = join(ROOT, 'models/liver-phantom/model.onnx');
const METHODS = ['cam', 'grad-cam', 'grad-cam++', 'occlusion', 'rise', 'gradient', 'integrated-gradients', 'smooth-grad'];

const folder = mkdtempSync(join(tmpdir(), 'negatoscope-explain-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const at = (name) => join(folder, name);

const PICTURE = greyPng(160, 120, (x, y) => Math.round(127 + 90 * Math.sin(x / 23) * Math.cos(y / 17)));
writeFileSync(at('picture.png'), PICTURE);
writeFileSync(at('flat.onnx'), severalModel());

const explain = (...args) => JSON.parse(execFileSync(NATIVE, ['explain', '--model', CHEST, ...args, at('picture.png')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));

/** float32 numbers of a .npy file, and their shape. */
function readNpy(bytes) {
  assert.equal(bytes.toString('latin1', 0, 6), '\x93NUMPY');
  const length = bytes.readUInt16LE(8);
  assert.equal((10 + length) % 64, 0);
  const head = bytes.toString('latin1', 10, 10 + length);
  assert.match(head, /'descr': '<f4', 'fortran_order': False/);
  const shape = head.match(/'shape': \((\d+), (\d+)\)/).slice(1).map(Number);
  return { shape, values: new Float32Array(bytes.buffer.slice(bytes.byteOffset + 10 + length, bytes.byteOffset + bytes.length)) };
}

describe('negatoscope explain', { skip: SKIP }, () => {
  test('a map, its regions, a picture, curves and a check', () => {
    const { explanation: e, likeShuffled } = explain('--map', at('map.npy'), '-o', at('map.png'), '--curves', '5', '--check', '--threshold', '0.6');
    assert.equal(e.method, 'grad-cam');
    assert.equal(e.label, 'pneumonia');
    assert.deepEqual(e.rectangle, [0, 0, 160, 120]);
    assert.ok(likeShuffled >= -1 && likeShuffled <= 1);
    const { shape, values } = readNpy(readFileSync(at('map.npy')));
    assert.deepEqual(shape, [e.height, e.width]);
    assert.equal(values.length, e.height * e.width);
    assert.ok(Math.abs(Math.max(...values) - e.highest) < 1e-6);
    const above = values.filter((value) => value >= 0.6 * e.highest).length;
    const area = e.regions.reduce((sum, { outline }) => sum + polygon(outline), 0);
    const pixel = (160 / e.width) * (120 / e.height);
    assert.ok(Math.abs(area - above * pixel) < 1e-6 * area, `${area} pixels in outlines, ${above * pixel} in the map`);
    for (const name of ['deletion', 'insertion']) assert.equal(e.curves[name].scores.length, 5);
    assert.equal(e.curves.deletion.scores[0], e.curves.insertion.scores[4]);
    assert.equal(e.curves.deletion.scores[4], e.curves.insertion.scores[0]);
    assert.ok(Math.abs(e.curves.deletion.scores[0] - e.score) < 1e-6);
    assert.equal(readFileSync(at('map.png')).readUInt32BE(16), 160);
  });

  test('what cannot be done is said', () => {
    const run = (...args) => spawnSync(NATIVE, ['explain', ...args, at('picture.png')], { encoding: 'utf8' });
    const nobody = run('--model', CHEST, '--label', 'nobody');
    assert.equal(nobody.status, 1);
    assert.match(nobody.stderr, /no label "nobody"/);
    const unknown = run('--model', CHEST, '--method', 'magic');
    assert.equal(unknown.status, 2);
    assert.match(unknown.stderr, /no method "magic"/);
    const window = run('--model', CHEST, '--method', 'occlusion', '--window', '4000');
    assert.equal(window.status, 1);
    assert.match(window.stderr, /at most 128 pixels/);
    // A network without a feature map: occlusion takes Grad-CAM's place, unless that was asked for by name.
    const other = run('--model', at('flat.onnx'));
    assert.equal(other.status, 0, other.stderr);
    assert.match(other.stderr, /occlusion instead of Grad-CAM/);
    assert.equal(JSON.parse(other.stdout).explanation.method, 'occlusion');
    const asked = run('--model', at('flat.onnx'), '--method', 'grad-cam');
    assert.equal(asked.status, 1);
    assert.match(asked.stderr, /occlusion and RISE/);
  });

  test('Grad-CAM where the layers behind the last feature map are known', () => {
    /** Their heads have attention or norms that training does not know. */
    const unknown = ['vit-tiny', 'convnext-tiny'];
    for (const name of NETWORKS.filter((each) => describeNetwork(each).parameters < 30e6)) {
      const { channels, size: usual } = describeNetwork(name);
      const size = Math.min(usual, name === 'inception-v3' ? 299 : 96);
      const recipe = { width: size, height: size, channels };
      writeFileSync(at('net.onnx'), buildNetwork(name, { size, classes: 5, metadata: { 'nsc.input': JSON.stringify(recipe), 'nsc.output': 'logits' } }).bytes);
      const out = spawnSync(NATIVE, ['explain', '--model', at('net.onnx'), '--method', 'grad-cam', at('picture.png')], { encoding: 'utf8' });
      if (unknown.includes(name)) {
        assert.match(out.stderr, /training has no such layer|no feature map|is no picture|makes no list/, name);
        continue;
      }
      assert.equal(out.status, 0, `${name}: ${out.stderr}`);
      const { explanation } = JSON.parse(out.stdout);
      assert.ok(explanation.highest > explanation.lowest, name);
    }
  });
});

describe('negatoscope stability, ensemble, range', { skip: SKIP }, () => {
  const run = (...args) => JSON.parse(execFileSync(NATIVE, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));

  test('small changes, always the same ones', () => {
    const out = spawnSync(NATIVE, ['stability', '--model', CHEST, '--draws', '3', at('picture.png'), at('nothing.png')], { encoding: 'utf8' });
    assert.equal(out.status, 1);
    const [{ stability, error }, broken] = JSON.parse(out.stdout);
    assert.equal(error, null);
    assert.equal(stability.draws, 24);
    assert.equal(stability.kinds.length, 8);
    assert.equal(stability.repeated, stability.score);
    assert.ok(stability.lowest <= stability.mean && stability.mean <= stability.highest);
    assert.equal(stability.flips, stability.kinds.reduce((sum, { flips }) => sum + flips, 0));
    assert.equal(broken.stability, null);
    assert.match(broken.error, /No such file/);
    assert.deepEqual(run('stability', '--model', CHEST, '--draws', '3', at('picture.png'))[0].stability, stability);
  });

  test('a model and itself agree', () => {
    const [{ scores }] = run('classify', '--json', '--model', CHEST, at('picture.png'));
    const [{ ensemble }] = run('ensemble', '--models', `${CHEST},${CHEST}`, at('picture.png'));
    for (const [label, score] of Object.entries(scores)) {
      assert.ok(Math.abs(ensemble.scores[label] - score) < 1e-6);
      assert.equal(ensemble.deviation[label], 0);
    }
    const strangers = spawnSync(NATIVE, ['ensemble', '--models', `${CHEST},${at('flat.onnx')}`, at('picture.png')], { encoding: 'utf8' });
    assert.equal(strangers.status, 1);
    assert.match(JSON.parse(strangers.stdout)[0].error, /another task/);
  });

  test('weights of models are learnt from labelled pictures, and used', () => {
    for (const [label, light] of [['normal', 60], ['pneumonia', 160]]) {
      mkdirSync(at(`labelled/${label}`), { recursive: true });
      for (let i = 0; i < 20; i++) writeFileSync(at(`labelled/${label}/${i}.png`), greyPng(64, 64, (x, y) => Math.round(light + 3 * i + 30 * Math.sin((x + y) / 9))));
    }
    const both = ['ensemble', '--models', `${CHEST},${CHEST}`];
    const few = spawnSync(NATIVE, [...both, '--fit', at('stack.json'), at('labelled')], { encoding: 'utf8' });
    assert.equal(few.status, 1);
    assert.match(few.stderr, /30 pictures or more/);
    const stack = run(...both, '--fit', at('stack.json'), '--split', 'all', at('labelled'));
    assert.deepEqual(stack, JSON.parse(readFileSync(at('stack.json'), 'utf8')));
    assert.equal(stack.pictures, 40);
    // Twice the same one: both count the same.
    assert.ok(Math.abs(stack.weights[0] - stack.weights[1]) < 1e-5);
    assert.ok(stack.logLoss.stack < stack.logLoss.average);
    const [{ ensemble }] = run(...both, '--combine', at('stack.json'), at('picture.png'));
    assert.equal(ensemble.combine, 'stack');
    const p = ensemble.members[0].scores.pneumonia;
    const z = 2 * stack.weights[0] * Math.log(p / (1 - p)) + stack.bias[0];
    assert.ok(Math.abs(ensemble.scores.pneumonia - 1 / (1 + Math.exp(-z))) < 1e-4);
    const other = spawnSync(NATIVE, ['ensemble', '--models', CHEST, '--combine', at('stack.json'), at('picture.png')], { encoding: 'utf8' });
    assert.match(other.stdout, /two models or more/);
    const wrong = spawnSync(NATIVE, [...both, '--combine', at('picture.png'), at('picture.png')], { encoding: 'utf8' });
    assert.equal(wrong.status, 1);
  });

  test('a network with dropout is run with it, and one without is not', () => {
    execFileSync(NATIVE, ['train', '--net', 'cnn-28', '--size', '28', '--epochs', '1', '--no-range', '--out', at('drops.onnx'), at('labelled')], { stdio: 'ignore' });
    const [{ stability }] = run('stability', '--model', at('drops.onnx'), '--draws', '3', at('picture.png'));
    assert.equal(stability.draws, 24);
    assert.equal(stability.dropout.draws, 12);
    assert.ok(stability.dropout.lowest < stability.dropout.mean && stability.dropout.mean < stability.dropout.highest);
    assert.equal(run('stability', '--model', WITHOUT_DROPOUT, '--draws', '1', at('picture.png'))[0].stability.dropout, null);
  });

  test('a model learns which pictures it may judge, and tells others from them', () => {
    for (const [label, step] of [['a', 3], ['b', 5]]) {
      mkdirSync(at(`data/${label}`), { recursive: true });
      for (let i = 0; i < 60; i++) {
        writeFileSync(at(`data/${label}/${i}.png`), greyPng(48, 48, (x, y) => Math.round(120 + 60 * Math.sin((x + i) / step) + 40 * Math.cos((y - 2 * i) / 7))));
      }
    }
    mkdirSync(at('others'));
    for (let i = 0; i < 10; i++) writeFileSync(at(`others/${i}.png`), greyPng(48, 48, (x, y) => (((x ^ y) + i) % 7 ? 250 : 3)));
    const recipe = { width: 32, height: 32, channels: 3 };
    const metadata = { 'nsc.input': JSON.stringify(recipe), 'nsc.output': 'logits', 'nsc.labels': '["a","b"]', 'nsc.task': 'single' };
    writeFileSync(at('two.onnx'), buildNetwork('squeezenet', { size: 32, classes: 2, metadata }).bytes);
    const args = ['range', '--validation', '0.3', '--test', '0.2', '--report', at('range.json'), '-o', at('knows.onnx')];
    execFileSync(NATIVE, [...args, at('two.onnx'), at('data'), at('others')], { encoding: 'utf8' });
    const [own, others] = JSON.parse(readFileSync(at('range.json'), 'utf8'));
    assert.equal(own.count, 24);
    assert.ok(own.outOfRange < 0.3, JSON.stringify(own));
    assert.ok(others.auroc > 0.95, JSON.stringify(others));
    assert.equal(others.inRange, 0);
    const [{ applies }] = run('classify', '--json', '--model', at('knows.onnx'), at('others/0.png'));
    assert.notEqual(applies.verdict, 'in range');
    assert.equal(applies.reconstruction, null);

    // With an autoencoder, which takes the place of what the model knew; again without one, it is gone.
    const words = execFileSync(NATIVE, [...args, '--autoencoder', at('knows.onnx'), at('data'), at('others')], { encoding: 'utf8' });
    assert.match(words, /autoencoder +300\/300 +squared error 0\.0/);
    const [, told] = JSON.parse(readFileSync(at('range.json'), 'utf8'));
    assert.ok(told.alone.reconstruction > 0.95, JSON.stringify(told));
    const judged = run('classify', '--json', '--model', at('knows.onnx'), at('others/0.png'))[0].applies;
    assert.ok(judged.reasons.includes('reconstruction') && judged.reconstruction > 1, JSON.stringify(judged));
    const report = (language) => {
      execFileSync(NATIVE, ['report', '--model', at('knows.onnx'), '--method', 'none', '--draws', '0', '--json', at('run.json'), '--html', at('run.html'), '--lang', language, at('others/0.png')]);
      return readFileSync(at('run.html'), 'utf8');
    };
    assert.match(report('en'), /An autoencoder of such pictures cannot put it together again/);
    assert.match(report('zh-CN'), /由此类图像训练的自编码器无法还原它/);
    assert.equal(JSON.parse(readFileSync(at('run.json'), 'utf8')).result.applies.reconstruction, judged.reconstruction);
    execFileSync(NATIVE, ['verify', at('run.json'), at('others/0.png'), at('knows.onnx')], { stdio: 'ignore' });
    execFileSync(NATIVE, ['quantize', '-o', at('small.onnx'), at('knows.onnx'), at('data')], { stdio: 'ignore' });
    assert.equal(run('classify', '--json', '--model', at('small.onnx'), at('others/0.png'))[0].applies.reconstruction, judged.reconstruction);
    execFileSync(NATIVE, [...args, at('knows.onnx'), at('data')], { stdio: 'ignore' });
    assert.equal(run('classify', '--json', '--model', at('knows.onnx'), at('others/0.png'))[0].applies.reconstruction, null);
    assert.equal(spawnSync(NATIVE, ['range', '--autoencoder', at('knows.onnx'), at('data')]).status, 2);

    const silent = spawnSync(NATIVE, ['range', at('two.onnx'), at('data')], { encoding: 'utf8' });
    assert.equal(silent.status, 1);
    assert.match(silent.stderr, /does not say which pictures/);
  });
});

/** Twice the area is the sum of cross products. */
function polygon(points) {
  let sum = 0;
  for (let i = 0; i < points.length; i++) {
    const [a, b] = [points[i], points[(i + 1) % points.length]];
    sum += a[0] * b[1] - b[0] * a[1];
  }
  return Math.abs(sum) / 2;
}

for (const variant of variantsHere()) {
  describe(`maps of the page's core, ${variant}`, { skip: SKIP }, () => {
    test('all methods as natively', async () => {
      const { ask } = await startService(variant, { threads: variant.includes('threads') ? 2 : 1 });
      const said = async (op, args) => {
        const answer = await ask(op, args);
        assert.ok(answer.ok, answer.error?.message);
        return answer.result;
      };
      const { constants } = await said('init', { variant, threads: variant.includes('threads') ? 2 : 1 });
      assert.deepEqual(constants.explanations, METHODS);
      await said('open', { key: 'a', file: new Blob([PICTURE]), thumb: 0 });
      await said('model', { file: new Blob([readFileSync(CHEST)]), options: { recipe: null, labels: null, output: null } });
      const plain = await said('classify', { key: 'a', frame: 0 });
      for (const method of METHODS) {
        const samples = method === 'rise' ? 40 : 4;
        const result = await said('explain', { key: 'a', frame: 0, method: METHODS.indexOf(method), label: -1, samples, curve: 3 });
        assert.deepEqual(result.scores, plain.scores);
        const { facts, pixels } = await said('explained', { threshold: 0.5 });
        const { explanation } = explain('--method', method, '--samples', String(samples), '--curves', '3');
        assert.equal(facts.method, method);
        assert.equal(pixels.rgba.length, 4 * facts.width * facts.height);
        const range = explanation.highest - explanation.lowest;
        assert.ok(Math.abs(facts.highest - explanation.highest) < 2e-3 * range, `${method}: ${facts.highest}, natively ${explanation.highest}`);
        assert.ok(Math.abs(facts.lowest - explanation.lowest) < 2e-3 * range, `${method}: ${facts.lowest}, natively ${explanation.lowest}`);
        if (!['gradient', 'smooth-grad', 'integrated-gradients'].includes(method)) {
          const [ours, theirs] = [facts, explanation].map(({ regions }) => regions[0].centre);
          assert.ok(Math.hypot(ours[0] - theirs[0], ours[1] - theirs[1]) < 4, `${method}: ${ours}, natively ${theirs}`);
        }
        for (const name of ['deletion', 'insertion']) {
          assert.ok(Math.abs(facts.curves[name].area - explanation.curves[name].area) < 0.02, `${method}, ${name}`);
        }
      }
      const { likeness, pixels } = await said('explainShuffled', { key: 'a', frame: 0, threshold: 0.5 });
      assert.ok(likeness >= -1 && likeness < 0.9);
      assert.ok(pixels.rgba.length > 0);
      const other = { file: new Blob([readFileSync(CHEST)]), options: { recipe: null, labels: null, output: null } };
      const opinions = await said('opinions', { key: 'a', frame: 0, combine: constants.combines.indexOf('average'), others: [other, other] });
      assert.equal(opinions.members.length, 3);
      for (const { scores } of opinions.members) for (const [label, score] of Object.entries(scores)) assert.ok(Math.abs(score - plain.scores[label]) < 1e-4);
      const stranger = await ask('opinions', { key: 'a', frame: 0, combine: 0, others: [{ ...other, file: new Blob([buildNetwork('squeezenet', { size: 64, classes: 3 }).bytes]), options: { recipe: '{"width":64,"height":64,"channels":3}', labels: '["a","b","c"]', output: 'logits' } }] });
      assert.equal(stranger.ok, false);
      assert.match(stranger.error.message, /another task/);
      const { used } = await said('memory', {});
      await said('opinions', { key: 'a', frame: 0, combine: 1, others: [other] });
      for (let i = 0; i < 3; i++) await said('explain', { key: 'a', frame: 0, method: 1, label: 0, samples: 0, curve: 0 });
      await said('explainShuffled', { key: 'a', frame: 0, threshold: 0.5 });
      assert.ok((await said('memory', {})).used <= used + 200_000, 'maps leave nothing behind');
    });

    test('nothing to look at is an error of one request', async () => {
      const { ask } = await startService(variant);
      await ask('init', { variant, threads: 1 });
      for (const [op, args] of [['explained', { threshold: 0.5 }], ['explain', { key: 'a', frame: 0, method: 1, label: -1 }]]) {
        const answer = await ask(op, args);
        assert.equal(answer.ok, false);
        assert.match(answer.error.message, /nothing was explained|no model/);
      }
    });
  });
}
