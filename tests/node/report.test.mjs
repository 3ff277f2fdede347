/**
 * Measurements as DICOM structured reports, written by the wasm core and read by DCMTK (dsrdump) and dicom3tools (dciodvfy)
 * where they are installed.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { ctDicom } from './fixtures.mjs';
import { createCore, openImage } from './harness.mjs';

const missing = (command) => (spawnSync(command, ['--version']).error ? `${command} is not installed` : false);
const KEY = [1, 2, 3, 4];
const NOW = '20260102030405';

const uids = (series, instance) => ({
  0x00080018: ['UI', `2.25.${instance}`],
  0x00080020: ['DA', '20240229'],
  0x00080030: ['TM', '101112'],
  0x00080050: ['SH', 'A1'],
  0x00100020: ['LO', 'P7'],
  0x0020000d: ['UI', '2.25.7'],
  0x0020000e: ['UI', `2.25.${series}`],
  0x00200010: ['SH', 'S1'],
});
const ENHANCED_CT = { 0x00080016: ['UI', '1.2.840.10008.5.1.4.1.1.2.1'] };

/** Stored values of a CT of 64 × 64 pixels of 0.5 mm; in HU 1024 less. */
const stored = (x, y) => 1024 + x * 3 + y * 7;
const LATIN = { 0x00080005: ['CS', 'ISO_IR 100'], 0x00100010: ['PN', 'M\xfcller^J\xfcrgen'] };
const slice = (more) => ctDicom({ width: 64, height: 64, stored, more: { ...LATIN, ...more } });

/** A report with one measurement of every kind, on three files of two series, one of them with frames. */
async function makeReport(core, { nameless = false } = {}) {
  const images = [
    await openImage(core, slice(uids(71, 101))),
    await openImage(core, slice(uids(71, 102))),
    await openImage(core, ctDicom({ width: 64, height: 64, frames: 3, stored, more: { ...LATIN, ...uids(72, 103), ...ENHANCED_CT } })),
  ];
  const kinds = core.constants().measures;
  const marks = [
    [0, 0, 'length', [[10, 10], [40, 50]], 'lesion, größte'],
    [0, 0, 'angle', [[50, 10], [30, 10], [30, 30]], ''],
    [1, 0, 'cobb', [[5, 60], [25, 60], [5, 40], [25, 60]], ''],
    [1, 0, 'rectangle', [[8, 12], [24, 30]], ''],
    [2, 2, 'ellipse', [[10, 10], [20, 40]], ''],
    [2, 1, 'polygon', [[5, 5], [30, 8], [20, 30]], ''],
  ];
  const report = core.createReport(KEY);
  for (const [image, frame, kind, points, text] of marks) {
    core.addToReport(report, images[image], { frame, kind: kinds.indexOf(kind), points, text });
  }
  const bytes = core.writeReport(report, NOW, nameless);
  core.freeReport(report);
  for (const image of images) core.freeImage(image);
  return bytes;
}

/** Runs a program on bytes as a file; both of its outputs. */
async function look(command, args, bytes) {
  const folder = await mkdtemp(join(tmpdir(), 'negatoscope-sr-'));
  try {
    await writeFile(join(folder, 'report.dcm'), bytes);
    const { stdout, stderr, status } = spawnSync(command, [...args, join(folder, 'report.dcm')], { encoding: 'utf8' });
    return { text: stdout + stderr, status };
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('dciodvfy finds nothing wrong with a report', { skip: missing('dciodvfy') }, async () => {
  const core = await createCore();
  for (const nameless of [false, true]) {
    const { text } = await look('dciodvfy', [], await makeReport(core, { nameless }));
    assert.match(text, /^ComprehensiveSR$/m);
    assert.doesNotMatch(text, /^Error/m, text);
    // Without names it lacks what a DICOMDIR would sort it by.
    const expected = nameless ? /build DICOMDIR/ : /^$/;
    const warnings = text.split('\n').filter((line) => line.startsWith('Warning') && !expected.test(line));
    assert.deepEqual(warnings, []);
  }
});

test('dsrdump reads values, units, shapes and references of every kind', { skip: missing('dsrdump') }, async () => {
  const core = await createCore();
  const { text, status } = await look('dsrdump', ['+Pn', '+Pl', '+Pu', '+Pc', '+Pt', '+U8'], await makeReport(core));
  assert.equal(status, 0, text);
  // DCMTK 3.6.7 cannot check texts in UTF-8, and says so.
  const complaints = text.split('\n').filter((line) => /^[EFW]:/.test(line) && !line.includes('ISO_IR 192'));
  assert.deepEqual(complaints, []);
  const lines = text.split('\n').map((line) => line.trim());
  const has = (pattern) => assert.ok(lines.some((line) => pattern.test(line)), `${pattern} in\n${text}`);
  has(/Imaging Measurement Report.*TID 1500|TID 1500/);
  has(/TEXT:\(.*Tracking Identifier.*="lesion, größte"/);
  has(/NUM:\(410668003,SCT,"Length"\)="25" \(mm,UCUM/);
  has(/NUM:\(1483009,SCT,"Angle"\)="90" \(deg,UCUM/);
  has(/NUM:\(285285000,SCT,"Cobb angle"\)="45" \(deg,UCUM/);
  has(/SCOORD:\(121055,DCM,"Path"\)=\(POLYLINE,10\/10,40\/50\)/);
  has(/SCOORD:\(111030,DCM,"Image Region"\)=\(POLYLINE,8\/12,24\/12,24\/30,8\/30,8\/12\)/);
  has(/SCOORD:\(111030,DCM,"Image Region"\)=\(ELLIPSE,15\/10,15\/40,10\/25,20\/25\)/);
  has(/SCOORD:\(111030,DCM,"Image Region"\)=\(POLYLINE,5\/5,30\/8,20\/30,5\/5\)/);
  // 16 columns and 18 rows of pixels of 0.25 mm²; the mean of 3 x + 7 y over 8..23 and 12..29.
  has(/NUM:\(42798000,SCT,"Area"\)="72" \(mm2,UCUM/);
  has(/NUM:\(112031,DCM,"Attenuation Coefficient"\)="190" \(\[hnsf'U\],UCUM/);
  for (const name of ['Mean', 'Standard Deviation', 'Minimum', 'Maximum']) has(new RegExp(`CODE:\\(121401,DCM,"Derivation"\\)=\\(\\d+,SCT,"${name}"\\)`));
  has(/IMAGE:=\(.*,2\.25\.101|IMAGE:=\(CT/);
  assert.equal(lines.filter((line) => /^<contains NUM|contains NUM/.test(line)).length, 3 + 3 * 5);
});

test('a report names its patient, or nobody', async () => {
  const core = await createCore();
  const named = Buffer.from(await makeReport(core)).toString('utf8');
  assert.ok(named.includes('Müller^Jürgen') && named.includes('P7'), 'as the pictures do, in UTF-8');
  const nameless = Buffer.from(await makeReport(core, { nameless: true })).toString('latin1');
  assert.doesNotMatch(nameless, /ller|P7|A1|20240229|101112|S1/);
  assert.ok(nameless.includes('2.25.101'), 'references stay');
});

test('what cannot be in one report is refused with its reason', async () => {
  const core = await createCore();
  const before = core.memory().used;
  const length = { frame: 0, kind: 0, points: [[1, 1], [5, 5]], text: '' };
  const report = core.createReport(KEY);
  assert.throws(() => core.writeReport(report, NOW, false), /without measurements/);
  const bare = await openImage(core, ctDicom());
  assert.throws(() => core.addToReport(report, bare, length), /lacks a UID/);
  const one = await openImage(core, slice(uids(71, 101)));
  const other = await openImage(core, slice({ ...uids(71, 102), 0x00100020: ['LO', 'P8'] }));
  core.addToReport(report, one, length);
  assert.throws(() => core.addToReport(report, other, length), /different patients/);
  assert.throws(() => core.addToReport(report, one, { ...length, kind: 9 }), /kind 9/);
  assert.throws(() => core.writeReport(report, 'yesterday', false), /fourteen digits/);
  assert.ok(core.writeReport(report, NOW, false).length > 1000, 'what went before is still in it');
  core.freeReport(report);
  for (const image of [bare, one, other]) core.freeImage(image);
  assert.equal(core.memory().used, before);
});
