/** Planes through stacks in the wasm core, over the worker's protocol: from files to places, values and lengths. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ctSeries, nifti } from './fixtures.mjs';
import { startService } from './harness.mjs';

/** A block of 300 HU in air: columns 10 to 19, rows 4 to 7, slices 5 to 8 (z -48 to -39 mm), pixels of 0.5 mm from -100 mm on. */
const BLOCK = { x: [10, 19], y: [4, 7], n: [5, 8], hu: 300, air: -1000 };
const within = ([from, to], value) => value >= from && value <= to;
const block = (x, y, n) => (within(BLOCK.x, x) && within(BLOCK.y, y) && within(BLOCK.n, n) ? BLOCK.hu : BLOCK.air) + 1024;

/** A service with files opened as the page opens them; result() gives what was asked for, or throws. */
async function opened(files) {
  const { ask, ready } = await startService();
  const result = async (op, args) => {
    const answer = await ask(op, args);
    if (!answer.ok) throw Object.assign(new Error(answer.error.message), answer.error);
    return answer.result;
  };
  const listed = files.map(({ name, bytes }, at) => ({ key: `k${at}`, file: new File([bytes], name), path: name }));
  await result('index', { files: listed });
  return { result, constants: ready.result.constants, keys: (await result('series'))[0]?.series[0].keys ?? [], listed };
}

async function planesOf(service, keys, chosen) {
  const plan = await service.result('reformat', { key: 'r', keys, chosen });
  for (;;) {
    const { done, total } = await service.result('gather', { key: 'r' });
    if (done === total) break;
  }
  const planes = {};
  for (const [kind, name] of service.constants.planes.entries()) planes[name] = await service.result('plane', { key: 'r', plane: name, kind });
  await service.result('release', { key: 'r' });
  return { plan, planes };
}

test('a CT series in three planes: places, values, slabs and lengths', async () => {
  const service = await opened(ctSeries({ count: 12, size: 32, stored: block }));
  const { result, constants, keys } = service;
  const { plan, planes } = await planesOf(service, keys, { key: keys[5], frame: 0 });
  assert.deepEqual([plan.columns, plan.rows, plan.slices, plan.missing, plan.bytes], [32, 32, 12, 0, 32 * 32 * 12 * 2]);
  // 32 pixels of 0.5 mm, 12 slices of 3 mm: 33 mm from the first to the last.
  const sizes = Object.entries(planes).map(([name, { info }]) => [name, info.width, info.height, info.frames, info.modality]);
  assert.deepEqual(sizes, [['axial', 32, 32, 12, 'CT'], ['coronal', 32, 67, 32, 'CT'], ['sagittal', 32, 67, 32, 'CT']]);
  assert.equal(planes.coronal.info.rescale.unit, 'HU');
  assert.deepEqual(planes.coronal.info.place.normal, [0, 1, 0]);
  assert.equal(planes.coronal.info.place.space, '2.25.70');
  const probe = async (key, frame, x, y) => (await result('probe', { key, frame, x, y }))[0];
  // The block's middle: column 15, row 6, z -42 mm, which in coronal and sagittal planes is 15 mm (30 pixels) below the top.
  assert.equal(await probe('axial', 6, 15, 6), BLOCK.hu);
  assert.equal(await probe('coronal', 6, 15, (67 - 1) - 2 * (-42 + 60)), BLOCK.hu);
  // Sagittal frames begin at the patient's left: column 31 is frame 0.
  assert.equal(await probe('sagittal', 31 - 15, 6, 30), BLOCK.hu);
  assert.equal(await probe('sagittal', 31 - 9, 6, 30), BLOCK.air, 'the column beside the block');
  // Between the last slice of the block and the next one, at -39 + 1.5 mm: halfway.
  assert.equal(await probe('coronal', 6, 15, 66 - 2 * (-37.5 + 60)), (BLOCK.hu + BLOCK.air) / 2);
  const slab = (thickness, name) => result('slab', { keys: Object.keys(planes), thickness, projection: constants.projections.indexOf(name) });
  // From row 3 to row 9 in 3 mm: four and a half of six layers hold it, by the trapezoid between them.
  await slab(3, 'maximum');
  assert.equal(await probe('coronal', 1, 15, 30), BLOCK.hu, 'row 4 is within 1.5 mm of row 1');
  assert.equal(await probe('coronal', 0, 15, 30), BLOCK.air);
  await slab(3, 'minimum');
  assert.equal(await probe('coronal', 6, 15, 30), BLOCK.air);
  await slab(3, 'mean');
  const share = (3 + 0.5 + 0.5) / 6;
  assert.ok(Math.abs((await probe('coronal', 6, 15, 30)) - (BLOCK.air + share * (BLOCK.hu - BLOCK.air))) < 1e-3);
  await slab(0, 'maximum');
  // 9 mm from the block's first to its last slice: 18 pixels of 0.5 mm.
  const { length } = await result('measure', { key: 'coronal', frame: 6, kind: 0, points: [[15.5, 24.5], [15.5, 42.5]] });
  assert.equal(length, 9);
  // Another worker's memory is not asked for after the planes were closed.
  for (const key of Object.keys(planes)) await result('close', { key });
  await assert.rejects(result('probe', { key: 'axial', frame: 0, x: 0, y: 0 }), { name: 'REQUEST' });
});

test('a pixel is found in the other planes, and planes cut each other where they should', async () => {
  const service = await opened(ctSeries({ count: 12, size: 32, stored: block }));
  const { result, keys } = service;
  await planesOf(service, keys, { key: keys[5], frame: 0 });
  const [axial, coronal, sagittal] = await result('locate', { from: { key: 'axial', frame: 6, x: 15.5, y: 6.5 }, keys: ['axial', 'coronal', 'sagittal'] });
  const near = (actual, expected) => Object.entries(expected).forEach(([name, value]) => assert.ok(Math.abs(actual[name] - value) < 1e-9, `${name} ${actual[name]}`));
  near(axial, { frame: 6, x: 15.5, y: 6.5 });
  near(coronal, { frame: 6, x: 15.5, y: 30.5 });
  near(sagittal, { frame: 16, x: 6.5, y: 30.5 });
  // The slice that the files hold at -42 mm is the seventh: it cuts the coronal plane in the same row.
  const lines = await result('cut', { from: { key: keys[6], frame: 0 }, others: [{ key: 'coronal', frame: 6 }, { key: 'axial', frame: 6 }] });
  assert.equal(lines[1], null, 'parallel');
  const [x0, y0, x1, y1] = lines[0];
  assert.deepEqual([Math.min(x0, x1), Math.max(x0, x1)], [0, 32]);
  assert.ok(Math.abs(y0 - 30.5) < 1e-9 && Math.abs(y1 - 30.5) < 1e-9);
});

test('a volume of one file, and what cannot be reformatted, with the reason', async () => {
  const volume = await opened([]);
  await volume.result('open', { key: 'n', file: new File([nifti()], 'head.nii'), thumb: 0 });
  const { plan, planes } = await planesOf(volume, ['n'], { key: 'n', frame: 0 });
  assert.deepEqual([plan.columns, plan.rows, plan.slices], [6, 5, 4]);
  // i runs to the patient's right in 1 mm, j to the front in 2 mm, k to the head in 3 mm: the value at voxel (2, 3, 1).
  const [place] = await volume.result('locate', { from: { key: 'n', frame: 1, x: 3.5, y: 1.5 }, keys: ['sagittal'] });
  assert.deepEqual(await volume.result('probe', { key: 'sagittal', frame: place.frame, x: Math.floor(place.x), y: Math.floor(place.y) }), [2 + 30 + 100]);
  assert.equal(planes.sagittal.info.spacing[0], 2);

  const tilted = ctSeries({ count: 4, size: 16 });
  tilted.push(...ctSeries({ count: 4, size: 16, series: '2.25.7.1', more: { 0x00200032: ['DS', '-100\\-100\\1000'] } }).slice(0, 1).map((file) => ({ ...file, name: 'far' })));
  const uneven = await opened(tilted);
  const all = uneven.listed.map(({ key }) => key);
  await assert.rejects(uneven.result('reformat', { key: 'r', keys: all, chosen: { key: all[0], frame: 0 } }), { name: 'NSC_ERROR_UNSUPPORTED', message: /missing|uneven/ });
});
