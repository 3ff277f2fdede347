/**
 * Reports of the command: the run and its repetition, the page, FHIR, and DICOM objects as dciodvfy and DCMTK read them where they
 * are installed.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { ctDicom } from './fixtures.mjs';
import { NATIVE } from './harness.mjs';

const skip = !existsSync(NATIVE) && 'the native command is not built';
const missing = (command) => skip || (spawnSync(command, ['--version']).error ? `${command} is not installed` : false);
const NAMES = {
  0x00080018: ['UI', '2.25.101'],
  0x00080020: ['DA', '20240229'],
  0x00080030: ['TM', '101112'],
  0x00080050: ['SH', 'A1'],
  0x00100010: ['PN', 'Doe^Jane'],
  0x00100020: ['LO', 'P7'],
  0x0020000d: ['UI', '2.25.7'],
  0x0020000e: ['UI', '2.25.8'],
  0x00200010: ['SH', 'S1'],
};
/** A disc of 200 HU in air. */
const stored = (x, y) => (Math.hypot(x - 40, y - 30) < 20 ? 1224 : 24);
const WHO = /Doe|P7|20240229|101112|2\.25\.|ct\.dcm/;

/** A folder with one CT slice, and the command in it. */
async function workplace(t, { frames = 1, more = {} } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'negatoscope-report-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const bytes = ctDicom({ width: 80, height: 64, frames, stored, more: { ...NAMES, ...more } });
  const at = (name) => join(folder, name);
  await writeFile(at('ct.dcm'), bytes);
  const run = (verb, ...args) => spawnSync(NATIVE, [verb, ...args], { encoding: 'utf8', cwd: folder });
  const report = (...args) => run('report', '--model', 'liver-phantom', '--draws', '1', ...args, 'ct.dcm');
  return { at, run, report, bytes, text: (name) => readFile(at(name), 'utf8') };
}

test('a report names what was run by digests and is repeated to the last digit', { skip }, async (t) => {
  const { at, run, report, bytes, text } = await workplace(t);
  const made = report('--json', 'run.json');
  assert.equal(made.status, 0, made.stderr);
  const manifest = JSON.parse(await text('run.json'));
  assert.equal(manifest.image.sha256, createHash('sha256').update(bytes).digest('hex'));
  const model = await readFile(new URL('../../models/liver-phantom/model.onnx', import.meta.url));
  assert.equal(manifest.model.sha256, createHash('sha256').update(model).digest('hex'));
  const [{ scores }] = JSON.parse(run('classify', '--model', 'liver-phantom', '--json', 'ct.dcm').stdout);
  assert.deepEqual(Object.fromEntries(manifest.result.labels.map(({ label, score }) => [label, score])), scores);

  const again = run('verify', '--threads', '1', 'run.json', 'ct.dcm');
  assert.equal(again.status, 0, again.stdout + again.stderr);
  assert.match(again.stdout, /^equal: the same build, the same numbers$/m);
  assert.equal(run('verify', 'run.json', 'ct.dcm', 'cxr-pneumonia').status, 1);

  await writeFile(at('other.dcm'), ctDicom({ width: 80, height: 64, stored: (x, y) => stored(x, y) + (x === 40), more: NAMES }));
  const other = run('verify', '--json', 'run.json', 'other.dcm');
  assert.equal(other.status, 1);
  assert.ok(JSON.parse(other.stdout).differences.some(({ path }) => path === 'image.sha256'));

  manifest.software.build = 'elsewhere';
  for (const label of manifest.result.labels) label.score += 5e-6;
  await writeFile(at('near.json'), JSON.stringify(manifest));
  assert.equal(run('verify', 'near.json', 'ct.dcm').status, 0, 'within 1e-5 of another build');
  for (const label of manifest.result.labels) label.score += 1e-5;
  await writeFile(at('far.json'), JSON.stringify(manifest));
  assert.equal(run('verify', 'far.json', 'ct.dcm').status, 1);
  await writeFile(at('none.json'), '{"format":"negatoscope-report"');
  assert.match(run('verify', 'none.json', 'ct.dcm').stderr, /JSON/);
});

test('a report leaves names out when it is asked to', { skip }, async (t) => {
  const { at, report, text } = await workplace(t);
  const files = ['--json', 'run.json', '--html', 'page.html', '--fhir', 'fhir.json'];
  assert.equal(report(...files).status, 0);
  for (const name of ['run.json', 'page.html', 'fhir.json']) assert.match(await text(name), /Doe\^Jane/, name);
  assert.equal(report('--nameless', ...files, '--sr', 'sr.dcm', '--sc', 'sc.dcm', '--seg', 'seg.dcm').status, 0);
  for (const name of ['run.json', 'page.html', 'fhir.json']) assert.doesNotMatch(await text(name), WHO, name);
  for (const name of ['sr.dcm', 'sc.dcm', 'seg.dcm']) {
    const bytes = (await readFile(at(name))).toString('latin1');
    assert.doesNotMatch(bytes, /Doe|P7|20240229|101112/, name);
    assert.match(bytes, /2\.25\.101/, 'what it refers to stays');
  }
});

test('the page is in both languages, and after a template', { skip }, async (t) => {
  const { at, report, run, text } = await workplace(t);
  assert.equal(report('--html', 'zh.html', '--lang', 'zh-CN').status, 0);
  const page = await text('zh.html');
  assert.match(page, /<html lang="zh-CN">/);
  assert.match(page, /不得用于诊断/);
  assert.doesNotMatch(page, /<script|{{|https?:|style="/);
  assert.equal((page.match(/data:image\/png;base64,/g) ?? []).length, 2);
  const usual = run('report', '--template', 'usual');
  await writeFile(at('mine.html'), usual.stdout.replace('{{limits}}', 'None at all: {{verdict}}'));
  assert.equal(report('--html', 'mine-out.html', '--template', 'mine.html').status, 0);
  assert.match(await text('mine-out.html'), /None at all: (lesion|normal)/);
  await writeFile(at('wrong.html'), '{{verdict}} {{diagnosis}}');
  const wrong = report('--html', 'out.html', '--template', 'wrong.html');
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /{{diagnosis}}/);
  assert.equal(existsSync(at('out.html')), false);
  assert.match(report('--html', 'out.html', '--lang', 'fr').stderr, /"fr"/);
});

test('FHIR: each label is an Observation that the report refers to', { skip }, async (t) => {
  const { report, text } = await workplace(t);
  assert.equal(report('--fhir', 'fhir.json', '--json', 'run.json').status, 0);
  const fhir = JSON.parse(await text('fhir.json'));
  const manifest = JSON.parse(await text('run.json'));
  assert.equal(fhir.resourceType, 'DiagnosticReport');
  assert.equal(fhir.status, 'preliminary');
  assert.match(fhir.conclusion, /Not for diagnosis/);
  const byId = new Map(fhir.contained.map((each) => [`#${each.id}`, each]));
  const observations = fhir.result.map(({ reference }) => byId.get(reference));
  assert.deepEqual(
    observations.map(({ valueQuantity }) => valueQuantity.value),
    manifest.result.labels.map(({ score }) => score).sort((a, b) => b - a),
  );
  for (const observation of observations) {
    assert.equal(observation.resourceType, 'Observation');
    assert.equal(observation.code.coding, undefined, 'no code where there is none');
    assert.equal(byId.get(observation.device.reference).version[0].value, manifest.model.sha256);
  }
  assert.equal(fhir.subject.identifier.value, 'P7');
  assert.equal(fhir.imagingStudy[0].identifier.value, 'urn:oid:2.25.7');
  assert.doesNotMatch(JSON.stringify(fhir), /null|presentedForm/);
});

test('dciodvfy finds nothing wrong with report, capture and segmentation', { skip: missing('dciodvfy') }, async (t) => {
  const place = { 0x00200037: ['DS', '1\\0\\0\\0\\1\\0'], 0x00200032: ['DS', '0\\0\\0'], 0x00200052: ['UI', '2.25.5'], 0x00180050: ['DS', '5'] };
  const multi = { 0x00080016: ['UI', '1.2.840.10008.5.1.4.1.1.2.1'] };
  for (const options of [{}, { more: place }, { frames: 3, more: multi }]) {
    const { at, report } = await workplace(t, options);
    const frame = options.frames ? ['--frame', '2'] : [];
    const made = report(...frame, '--sr', 'sr.dcm', '--sc', 'sc.dcm', '--seg', 'seg.dcm');
    assert.equal(made.status, 0, made.stderr);
    for (const [name, kind] of [['sr.dcm', 'ComprehensiveSR'], ['sc.dcm', 'SCImage'], ['seg.dcm', 'Segmentation']]) {
      const { stdout, stderr } = spawnSync('dciodvfy', [at(name)], { encoding: 'utf8' });
      assert.match(stdout + stderr, new RegExp(`^${kind}$`, 'm'));
      assert.doesNotMatch(stdout + stderr, /^Error/m, stdout + stderr);
    }
  }
});

test('dsrdump reads the scores as measurements of the picture', { skip: missing('dsrdump') }, async (t) => {
  const { report, at, text } = await workplace(t, { frames: 3, more: { 0x00080016: ['UI', '1.2.840.10008.5.1.4.1.1.2.1'] } });
  assert.equal(report('--frame', '2', '--sr', 'sr.dcm', '--json', 'run.json').status, 0);
  const { stdout, stderr, status } = spawnSync('dsrdump', ['+Pn', '+Pl', '+Pu', '+Pc', '+Pt', '+U8', at('sr.dcm')], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const { labels } = JSON.parse(await text('run.json')).result;
  for (const { label, score } of labels) {
    assert.ok(stdout.includes(`="${label}"`), stdout);
    assert.ok(stdout.includes(`(PROBABILITY,99NEGATOSCOPE,"Probability given by a model")="${score}" (1,UCUM`), `${score} in\n${stdout}`);
  }
  assert.match(stdout, /inferred from IMAGE.*2\.25\.101/);
  assert.match(stdout, /Not for diagnosis/);
});

test('what has no place in a study is refused with its reason', { skip }, async (t) => {
  const { at, run, report } = await workplace(t);
  await writeFile(at('grey.pgm'), 'P5 40 40 255\n' + 'a'.repeat(1600));
  const grey = (...args) => run('report', '--model', 'liver-phantom', '--draws', '0', ...args, 'grey.pgm');
  assert.equal(grey('--html', 'grey.html').status, 0);
  for (const object of ['--sr', '--sc', '--seg']) assert.match(grey(object, 'out.dcm').stderr, /DICOM files, this is PNM/);
  assert.match(report('--method', 'none', '--seg', 'out.dcm').stderr, /no map/);
  assert.equal(report('--method', 'none', '--sr', 'out.dcm').status, 0);
  assert.equal(report('--method', 'guessing').status, 2);
});

test("the policy of the site's page allows the style of reports", { skip }, async (t) => {
  const { report, text } = await workplace(t);
  assert.equal(report('--method', 'none', '--html', 'page.html').status, 0);
  const [style] = (await text('page.html')).match(/(?<=<style>)[^<]*/);
  const digest = createHash('sha256').update(style).digest('base64');
  const page = await readFile(new URL('../../web/index.html', import.meta.url), 'utf8');
  assert.ok(page.includes(`style-src 'self' 'sha256-${digest}';`), `index.html wants style-src 'self' 'sha256-${digest}'`);
});

test('the worker writes the same report, frees what it took, and the command repeats it', async (t) => {
  const { createCore, openClassifier, openImage } = await import('./harness.mjs');
  const { writeReport } = await import('../../web/worker/recording.js');
  const bytes = ctDicom({ width: 80, height: 64, stored, more: NAMES });
  const model = await readFile(new URL('../../models/liver-phantom/model.onnx', import.meta.url));
  const core = await createCore();
  const image = await openImage(core, bytes);
  const options = { recipe: null, labels: null, output: null };
  const { classifier } = await openClassifier(core, model, options);
  const wish = {
    key: 'a', frame: 0, form: 'json', language: 'en', time: '2026-01-02T03:04:05Z', name: 'ct.dcm', nameless: false,
    methods: [1, 3], label: -1, threshold: 0.5, draws: 1, secret: [1, 2, 3, 4],
    marks: [{ kind: 'length', points: [[0, 0], [30, 40]], text: 'x' }],
  };
  const write = (form) => writeReport(core, { handle: 0, classifier, options }, { handle: image, file: new Blob([bytes]) }, { ...wish, form }, () => {});
  const json = await write('json');
  const before = core.memory().used;
  const manifest = JSON.parse(await write('json'));
  assert.equal(manifest.image.sha256, createHash('sha256').update(bytes).digest('hex'));
  assert.equal(manifest.model.sha256, createHash('sha256').update(model).digest('hex'));
  assert.equal(manifest.software.build, 'simd');
  assert.match(await write('html'), /^<!doctype html>[\s\S]*Doe\^Jane/);
  assert.equal(JSON.parse(await write('fhir')).resourceType, 'DiagnosticReport');
  for (const form of ['sr', 'sc', 'seg']) assert.equal(Buffer.from((await write(form)).subarray(128, 132)).toString(), 'DICM');
  await assert.rejects(writeReport(core, { handle: 0, classifier, options }, { handle: image, file: null }, { ...wish, time: 'now' }, () => {}), /2026-01-02T03:04:05Z/);
  assert.equal(core.memory().used, before);
  if (skip) return;
  const { at, run } = await workplace(t);
  await writeFile(at('run.json'), json);
  assert.match(run('verify', 'run.json', 'ct.dcm').stdout, /^equal: another build/m);
});
