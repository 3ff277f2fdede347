/** Many files in the worker: headers, series, DICOMDIR, archives, what is read ahead and let go. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ctDicom, ctSeries, dicomdir, greyPng, zipOf } from './fixtures.mjs';
import { startService } from './harness.mjs';

const png = greyPng(8, 8, (x) => x);
const listed = (files, folder = '') =>
  files.map(({ name, bytes }, i) => ({ key: `k${i}`, file: new File([bytes], name), path: folder + name }));
const keysOf = (slices, order = (a, b) => a.n - b.n) => {
  const keys = new Map(slices.map((slice, i) => [slice, `k${i}`]));
  return [...slices].sort(order).map((slice) => keys.get(slice));
};

/** The result of a request that must go well. */
async function done(ask, op, args) {
  const { ok, result, error } = await ask(op, args);
  assert.ok(ok, `${op}: ${error?.message}`);
  return result;
}

test('files in no order become one series in order, with what is missing', async () => {
  const { ask } = await startService();
  const slices = ctSeries({ count: 60, missing: [20, 41] });
  const headers = await done(ask, 'index', { files: listed(slices) });
  assert.equal(headers.length, 58);
  assert.ok(headers.every(({ kind, facts }) => kind === 'image' && JSON.parse(facts).study === '2.25.7'));
  const studies = await done(ask, 'series');
  assert.equal(studies.length, 1);
  assert.equal(studies[0].patientName, 'Test^P7');
  assert.equal(studies[0].date, '20240229');
  const [stack, ...others] = studies[0].series;
  assert.equal(others.length, 0);
  assert.deepEqual(stack.keys, keysOf(slices));
  assert.equal(stack.spacing, 3);
  assert.equal(stack.description, 'Lung 3 mm');
  assert.deepEqual(stack.positions.slice(0, 2), [-60, -57]);
  assert.deepEqual(stack.gaps, [[18, 1], [38, 1]]);
  assert.deepEqual(stack.reports, [{ code: 'missing', count: 2 }]);

  // Each can be opened by its key, and shows its own pixels.
  const { info, view } = await done(ask, 'open', { key: stack.keys[30], file: null, thumb: 0 });
  assert.equal(info.width, 16);
  assert.deepEqual(await done(ask, 'probe', { key: stack.keys[30], frame: 0, x: 3, y: 3 }), [32]);
  assert.equal((await done(ask, 'render', { key: stack.keys[31], view, buffer: null })).pixels.width, 16);
  await done(ask, 'close', { key: stack.keys[0] });
  assert.equal((await done(ask, 'series'))[0].series[0].keys.length, 57);
});

test('what is no image of a series is named for what it is', async () => {
  const { ask } = await startService();
  const files = [
    { name: 'a', bytes: png },
    { name: 'b', bytes: ctDicom({ pixels: false }) },
    { name: 'c', bytes: Buffer.from('hello') },
    { name: 'd', bytes: zipOf([]) },
    { name: 'e', bytes: dicomdir([]) },
    { name: 'f', bytes: ctDicom().subarray(0, 200) },
    { name: 'g', bytes: Buffer.alloc(0) },
    // Its header is longer than the first read.
    { name: 'h', bytes: ctDicom({ more: { 0x00210010: ['UN', Buffer.alloc(200_000)] } }) },
    { name: 'i', bytes: ctDicom({ syntax: '1.2.840.10008.1.2.1.99' }) },
  ];
  const headers = await done(ask, 'index', { files: listed(files) });
  assert.deepEqual(
    headers.map(({ kind }) => kind),
    ['picture', 'image', 'unknown', 'archive', 'directory', 'unknown', 'unknown', 'image', 'image'],
  );
  const [study] = await done(ask, 'series');
  assert.deepEqual(study.series.map(({ keys }) => keys), [['k1'], ['k7'], ['k8']]);
  // Pixels that are not there are noticed by whoever opens the file.
  assert.equal((await ask('open', { key: 'k1', file: null, thumb: 0 })).error.name, 'NSC_ERROR_NO_PIXELS');
});

test('a DICOMDIR orders the series without its files, and says which are missing', async () => {
  const { ask } = await startService();
  const slices = ctSeries({ count: 9 });
  const directory = { key: 'dir', file: new File([dicomdir(slices)], 'DICOMDIR'), path: 'disc/DICOMDIR' };
  const here = slices.filter(({ n }) => n !== 4).map((slice) => ({ ...slice, name: `${slice.name.toLowerCase()};1` }));
  const { found, missing } = await done(ask, 'directory', { directory, files: listed(here, 'disc/dicom/') });
  assert.equal(found.length, 8);
  assert.deepEqual(missing, [`DICOM/${slices.find(({ n }) => n === 4).name}`]);
  const [study] = await done(ask, 'series');
  assert.deepEqual(study.series[0].keys, keysOf(here));
  assert.deepEqual(study.series[0].reports, [{ code: 'absent', count: 1 }]);
  assert.equal((await done(ask, 'open', { key: 'k0', file: null, thumb: 0 })).info.width, 16);
});

test('a DICOMDIR alone changes nothing', async () => {
  const { ask } = await startService();
  const directory = { key: 'dir', file: new File([dicomdir(ctSeries({ count: 3 }))], 'DICOMDIR'), path: 'DICOMDIR' };
  const { found, missing } = await done(ask, 'directory', { directory, files: [] });
  assert.deepEqual([found.length, missing.length], [0, 3]);
  assert.deepEqual(await done(ask, 'series'), []);
});

test('an archive opens like a folder; what it must not hold is refused by name', async () => {
  const { ask } = await startService();
  const files = [{ name: 'ct/one', bytes: ctDicom() }, { name: 'secret', bytes: png }, { name: 'inner.zip', bytes: zipOf([{ name: 'x', bytes: png }]) }];
  const zip = new File([zipOf(files, { encrypted: ['secret'] })], 'all.zip');
  const { found, next, total } = await done(ask, 'unpack', { key: 'z', file: zip, from: 0 });
  assert.deepEqual([next, total], [null, 3]);
  assert.deepEqual(found.map(({ path }) => path), ['ct/one', 'secret', 'inner.zip']);
  assert.equal(found[0].file.name, 'one');
  assert.deepEqual(Buffer.from(await found[0].file.arrayBuffer()), files[0].bytes);
  assert.match(found[1].error.message, /encrypted/);
  assert.match(found[2].error.message, /inside an archive/);
});

test('bombs and damaged archives are refused, and nothing stays in memory', async () => {
  const { ask } = await startService();
  await done(ask, 'unpack', { key: 'z', file: new File([zipOf([{ name: 'a', bytes: png }])], 'z'), from: 0 });
  const { used } = await done(ask, 'memory');
  const bomb = new File([zipOf([{ name: 'a', bytes: png }, { name: 'b', bytes: png }], { claim: 800 << 20 })], 'bomb.zip');
  assert.match((await ask('unpack', { key: 'b', file: bomb, from: 0 })).error.message, /which no pictures do/);
  const cut = new File([zipOf([{ name: 'a', bytes: png }]).subarray(0, 60)], 'cut.zip');
  assert.equal((await ask('unpack', { key: 'c', file: cut, from: 0 })).error.name, 'NSC_ERROR_TRUNCATED');
  assert.equal((await done(ask, 'memory')).used, used);
});

test('a large archive comes in portions', async () => {
  const { ask } = await startService();
  const bytes = Buffer.alloc(20 << 20, 7);
  for (let i = 0; i < bytes.length; i += 64) bytes.writeUInt32LE(Math.imul(i, 2654435761) >>> 0, i);
  const file = new File([zipOf(['a', 'b', 'c'].map((name) => ({ name, bytes })))], 'large.zip');
  const first = await done(ask, 'unpack', { key: 'z', file, from: 0 });
  assert.deepEqual([first.found.length, first.next, first.total], [2, 2, 3]);
  const last = await done(ask, 'unpack', { key: 'z', file, from: 2 });
  assert.deepEqual([last.found.length, last.next], [1, null]);
});

test('a new worker is told what the old one knew', async () => {
  const slices = ctSeries({ count: 5 });
  const files = listed(slices);
  const first = await startService();
  const headers = await done(first.ask, 'index', { files });
  const second = await startService();
  await done(second.ask, 'adopt', { files: files.map((each, i) => ({ ...each, facts: headers[i].facts })) });
  assert.deepEqual(await done(second.ask, 'series'), await done(first.ask, 'series'));
  await done(second.ask, 'ahead', { keys: ['k0', 'k1', 'nobody'] });
  assert.equal((await done(second.ask, 'memory')).images, 2);
});
