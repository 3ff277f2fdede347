/** The lines of a triage table: scores, relations, order, filters, and the labels that reviews give. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { labelTable, labelledFiles, trainingFiles, withOwnPath } from '../../web/ui/triage/labels.js';
import { planOf } from '../../web/ui/training/plan.js';
import { NO_VERDICT, NO_WISHES, isWanted, reviewedLabel, rowOf, sortRows, usualLabel } from '../../web/ui/triage/rows.js';

const MODEL = {};
const binary = (score, applies = null) => ({
  task: 'binary',
  scores: { absent: 1 - score, present: score },
  threshold: 0.25,
  verdict: score >= 0.25 ? 'present' : 'absent',
  relation: score >= 0.25 ? 'above' : 'below',
  applies: applies && { verdict: applies },
});
const multi = (light, white, verdict) => ({ task: 'multi', scores: { light, white }, threshold: { light: 0.3, white: 0.6 }, verdict, relation: verdict ? 'above' : 'below', applies: null });
const single = { task: 'single', scores: { a: 0.2, b: 0.7, c: 0.1 }, threshold: null, verdict: 'b', relation: 'above', applies: null };
const item = (name, result, more = {}) => ({ name, error: null, finding: result && { frame: 0, model: MODEL, result, error: null }, ...more });
const row = (name, result, { label = result ? usualLabel(result) : '', review = null, model = MODEL, ...more } = {}) =>
  rowOf(item(name, result, more), name, { label, model, review });
const names = (rows) => rows.map(({ name }) => name).join(' ');

describe('lines of a triage table', () => {
  test('a binary model: the finding, its threshold, the core\'s verdict', () => {
    const { score, threshold, relation, verdict, state } = row('x', binary(0.3));
    assert.deepEqual({ score, threshold, relation, verdict, state }, { score: 0.3, threshold: 0.25, relation: 'above', verdict: 'present', state: 'classified' });
    assert.equal(row('x', binary(0.2)).relation, 'below');
    const other = row('x', binary(0.3), { label: 'absent' });
    assert.deepEqual([other.score, other.threshold, other.relation], [0.7, null, null]);
  });

  test('several labels and one of many', () => {
    const none = row('x', multi(0.2, 0.5, null));
    assert.deepEqual([none.label, none.score, none.relation, none.threshold], ['white', 0.5, 'below', 0.6]);
    assert.equal(row('x', multi(0.3, 0.5, 'light'), { label: 'light' }).relation, 'above');
    assert.deepEqual([row('x', single).label, row('x', single).relation], ['b', 'highest']);
    assert.equal(row('x', single, { label: 'a' }).relation, 'other');
    assert.equal(row('x', { ...single, relation: 'borderline' }).relation, 'borderline');
    assert.equal(row('x', { ...binary(0.3), relation: 'borderline' }).relation, 'borderline');
  });

  test('a score that means nothing is not shown and not compared', () => {
    const out = row('x', binary(0.9, 'out of range'));
    assert.deepEqual([out.score, out.verdict, out.applies, out.state], [null, null, 'out of range', 'classified']);
    assert.equal(row('x', binary(0.9)).applies, 'unknown');
    const asked = item('x', binary(0.9, 'out of range'));
    asked.finding.asked = true;
    assert.equal(rowOf(asked, 'x', { label: 'present', model: MODEL, review: null }).score, 0.9);
    // Nor is what another model found.
    assert.equal(row('x', binary(0.9), { model: {} }).state, 'waiting');
    assert.equal(row('x', null, { error: new Error('broken') }).state, 'refused');
  });

  test('order: by score with the unknown last either way, by name as people count, by review with the open ones first', () => {
    const rows = () => [
      row('b10', binary(0.5), { review: { opinion: 'agree', note: '' } }),
      row('b9', null),
      row('b2', binary(0.9)),
      row('b1', binary(0.1), { review: { opinion: 'unsure', note: '' } }),
      row('b3', binary(0.5)),
    ];
    assert.equal(names(sortRows(rows(), { column: 'score', descending: true })), 'b2 b10 b3 b1 b9');
    assert.equal(names(sortRows(rows(), { column: 'score', descending: false })), 'b1 b10 b3 b2 b9');
    assert.equal(names(sortRows(rows(), { column: 'name', descending: false })), 'b1 b2 b3 b9 b10');
    assert.equal(names(sortRows(rows(), { column: 'review', descending: false })), 'b9 b2 b3 b1 b10');
  });

  test('filters', () => {
    const rows = [
      row('film-a', binary(0.9, 'in range'), { review: { opinion: 'disagree', note: 'Clip of a Drain' } }),
      row('film-b', binary(0.1, 'doubtful')),
      row('film-c', binary(0.25, 'out of range')),
      row('film-d', null),
    ];
    const left = (wishes) => rows.filter((each) => isWanted(each, { ...NO_WISHES, ...wishes })).map(({ name }) => name.slice(-1)).join('');
    assert.equal(left({}), 'abcd');
    assert.equal(left({ verdict: 'present' }), 'a');
    assert.equal(left({ applies: 'doubtful' }), 'b');
    assert.equal(left({ review: 'any' }), 'a');
    assert.equal(left({ review: 'none' }), 'bcd');
    assert.equal(left({ review: 'agree' }), '');
    assert.equal(left({ least: 0.1 }), 'ab');
    assert.equal(left({ most: 0.5 }), 'b');
    assert.equal(left({ text: ' drain ' }), 'a');
    assert.equal(left({ text: 'FILM-D' }), 'd');
    assert.ok(isWanted(row('x', multi(0.1, 0.1, null)), { ...NO_WISHES, verdict: NO_VERDICT }));
    assert.ok(!isWanted(rows[3], { ...NO_WISHES, verdict: NO_VERDICT }));
  });

  test('what a review says for training', () => {
    assert.equal(reviewedLabel(binary(0.9), 'agree'), 'present');
    assert.equal(reviewedLabel(binary(0.9), 'disagree'), 'absent');
    assert.equal(reviewedLabel(binary(0.1), 'disagree'), 'present');
    assert.equal(reviewedLabel(binary(0.9), 'unsure'), null);
    assert.equal(reviewedLabel(binary(0.9), null), null);
    assert.equal(reviewedLabel(single, 'agree'), 'b');
    assert.equal(reviewedLabel(single, 'disagree'), null);
    assert.equal(reviewedLabel(multi(0.1, 0.1, null), 'agree'), null);
  });

  test('a table of labels: paths as they are, one each; no result that nobody saw, no frame that training would not take', async () => {
    const file = (path, score, opinion, { frame = 0, applies = null } = {}) => ({
      path,
      file: new File(['x'], path.split('/').pop()),
      opinion,
      finding: { frame, model: MODEL, result: binary(score, applies), error: null },
    });
    const items = [
      file('set/a, b.png', 0.9, 'agree'),
      file('=1.png', 0.9, 'disagree'),
      file('set/u.png', 0.9, 'unsure'),
      file('set/out.png', 0.9, 'agree', { applies: 'out of range' }),
      file('set/volume.nii', 0.9, 'agree', { frame: 3 }),
      file('twice.png', 0.9, 'agree'),
      file('twice.png', 0.1, 'agree'),
    ];
    const labelled = labelledFiles(items, MODEL, ({ opinion }) => ({ opinion, note: '' }));
    assert.equal(labelled.length, 4);
    assert.deepEqual(labelledFiles(items, {}, () => ({ opinion: 'agree', note: '' })), []);
    assert.equal(labelTable(withOwnPath(labelled)), 'file,label\r\n"set/a, b.png",present\r\n./=1.png,absent\r\n');
    const plan = await planOf(trainingFiles(labelled));
    assert.equal(plan.problem, null);
    assert.deepEqual(plan.samples.map(({ file: { name }, label }) => [name, plan.labels[label]]), [['a, b.png', 'present'], ['=1.png', 'absent']]);
    assert.deepEqual(plan.left, []);
  });
});
