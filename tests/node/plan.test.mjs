/** What dropped files mean as training data, and the counts that move under a threshold. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { calledAt, columnsOf, confusion, shares } from '../../web/ui/training/counts.js';
import { likelyFinding, planOf, planOfMade, withFinding, withPatients } from '../../web/ui/training/plan.js';
import { parseCsv, readTable } from '../../web/ui/training/table.js';

const found = (paths) => paths.map((path) => ({ path, file: new File(['x'], path.split('/').pop()) }));
const brief = ({ labels, samples }) => samples.map(({ name, label, split }) => [name, labels[label], split]);

test('folders: one subfolder a class, in the order of their names', async () => {
  const plan = await planOf(found(['set/b/2.png', 'set/a/10.png', 'set/a/9.png', 'set/.DS_Store', 'set/a/Thumbs.db']));
  assert.deepEqual(plan.labels, ['a', 'b']);
  assert.deepEqual(brief(plan), [['a/9.png', 'a', -1], ['a/10.png', 'a', -1], ['b/2.png', 'b', -1]]);
  assert.deepEqual([plan.title, plan.problem, plan.left], ['set', null, []]);
});

test('classes made by hand: in their order, of one name one, and nothing of a class without pictures', () => {
  const [file] = found(['x.png']).map((each) => each.file);
  const made = (name, count) => ({ name, pictures: Array.from({ length: count }, (_, frame) => ({ file, frame, name: `${name}${frame}` })) });
  const plan = planOfMade([made('lesion', 2), made(' ', 1), made('lesion ', 1)]);
  assert.deepEqual([plan.labels, plan.title, plan.problem], [['lesion', '#2'], 'lesion, #2', null]);
  assert.deepEqual(plan.samples.map(({ label, frame, split }) => [label, frame, split]), [[0, 0, -1], [0, 1, -1], [1, 0, -1], [0, 0, -1]]);
  assert.equal(planOfMade([made('a', 3), made('a', 3)]).problem, 'train.problem.oneClass');
});

test('folders: splits above classes, deeper folders below them', async () => {
  const plan = await planOf(found(['s/train/a/x/1.png', 's/Val/a/2.png', 's/test/b/3.png', 's/train/loose.png']));
  assert.deepEqual(brief(plan).map(([, label, split]) => [label, split]).sort(), [['a', 0], ['a', 1], ['b', 2]]);
  assert.deepEqual(plan.left.map(({ reason }) => reason), ['train.left.noFolder']);
});

test('class folders dropped without a folder around them', async () => {
  const plan = await planOf(found(['normal/1.png', 'lesion/2.png']));
  assert.deepEqual(plan.labels, ['lesion', 'normal']);
});

test('what lies beside folders of splits is left out', async () => {
  const plan = await planOf(found(['s/train/a/1.png', 's/train/b/2.png', 's/more/3.png', 's/more/a/4.png']));
  assert.deepEqual(plan.labels, ['a', 'b']);
  assert.deepEqual(plan.left.map(({ reason }) => reason), ['train.left.besideSplits', 'train.left.besideSplits']);
});

test('of two classes the one that is looked for comes second', async () => {
  const plan = await planOf(found(['s/lesion/1.png', 's/normal/2.png']));
  assert.equal(likelyFinding(plan), 0);
  const turned = withFinding(plan, 0);
  assert.deepEqual(brief(turned).map(([name, label]) => [name, label]), [['lesion/1.png', 'lesion'], ['normal/2.png', 'normal']]);
  assert.deepEqual(turned.labels, ['normal', 'lesion']);
  assert.equal(likelyFinding(await planOf(found(['s/NORMAL/1.png', 's/PNEUMONIA/2.png']))), 1);
});

test('a split folder alone is no class', async () => {
  const plan = await planOf(found(['s/train/1.png', 's/test/2.png']));
  assert.equal(plan.problem, 'train.problem.noneUsable');
  const one = await planOf(found(['s/a/1.png', 's/a/2.png']));
  assert.equal(one.problem, 'train.problem.noneUsable');
  const single = await planOf(found(['s/a/1.png', 's/a/2.png', 's/3.png']));
  assert.equal(single.problem, 'train.problem.oneClass');
});

test('nothing at all', async () => {
  assert.equal((await planOf([])).problem, 'train.problem.nothing');
});

test('a table finds its pictures by path, then by a name that only one has', async () => {
  const csv = new File(['file,label\nimg/1.png,a\n2.png,b\n3.png,b\n'], 't.csv');
  const files = [{ path: 'd/t.csv', file: csv }, ...found(['d/img/1.png', 'd/deep/2.png', 'd/x/3.png', 'd/y/3.png'])];
  const plan = await planOf(files);
  assert.deepEqual(brief(plan), [['img/1.png', 'a', -1], ['2.png', 'b', -1]]);
  assert.deepEqual(plan.left.map(({ name, values }) => [name, values.line]), [['3.png', 4]]);
});

test('CSV by RFC 4180, and as spreadsheets of other countries write it', () => {
  assert.deepEqual(parseCsv('a,b\r\n"x, ""y""",2\n\n"two\nlines",3').map(({ line, cells }) => [line, ...cells]), [
    [1, 'a', 'b'],
    [2, 'x, "y"', '2'],
    [4, 'two\nlines', '3'],
  ]);
  const { rows } = readTable('\uFEFFPath;Class;Patient_ID\n1.png;x;p1\n');
  assert.deepEqual(rows, [{ line: 2, file: '1.png', label: 'x', patient: 'p1', split: null }]);
  assert.equal(readTable('a,b\n').missing, 'file');
  assert.equal(readTable('file,b\n').missing, 'label');
  const timed = readTable('File;Time;Status;Age;Patient\na.png;3,5;1;61;p1\nb.png;;0;;p2\n');
  assert.deepEqual(timed.others, ['age']);
  assert.deepEqual(timed.rows.map(({ outcome }) => outcome), [{ time: '3,5', event: '1', values: { age: '61' } }, { time: '', event: '0', values: { age: '' } }]);
  assert.equal(readTable('file,label,time,event\n').others, null); // labels go first
});

test('patients by a pattern', async () => {
  const { samples } = await planOf(found(['s/a/p1_1.png', 's/a/p1_2.png', 's/b/p2_1.png', 's/b/other.png']));
  const { samples: named, matched, patients } = withPatients(samples, 'p(\\d+)_');
  assert.deepEqual(Object.fromEntries(named.map(({ name, patient }) => [name, patient])), {
    'a/p1_1.png': '1',
    'a/p1_2.png': '1',
    'b/other.png': null,
    'b/p2_1.png': '2',
  });
  assert.deepEqual([matched, patients], [3, 2]);
  assert.throws(() => withPatients(samples, '('));
});

test('counts at a threshold', () => {
  const cases = [[0, 0, 0, 0.9, 0.1], [1, 0, 1, 0.4, 0.6], [2, 1, 1, 0.2, 0.8], [3, 1, 0, 0.7, 0.3]];
  assert.deepEqual(confusion(cases, 2, 0.5), [[1, 1], [1, 1]]);
  assert.deepEqual(confusion(cases, 2, 0.3), [[1, 1], [0, 2]]);
  assert.equal(calledAt(cases[3], 0.3), 1);
  assert.equal(calledAt(cases[3], null), 0);
  assert.deepEqual(shares(confusion(cases, 2, 0.3)).sensitivity, { hits: 2, of: 2 });
  assert.deepEqual(shares(confusion(cases, 2, 0.3)).precision, { hits: 2, of: 3 });
  assert.deepEqual(columnsOf([[0, 0, null], [0.5, 1, 0.4], [0.5, 0.5, 0.6], [1, 1, 0]]), [[0, 0.5, 0.5, 1], [0, 1, 0.5, 1]]);
});
