/** The figures on the shipped model's card, repeated with the shipped file and our own engine on the published test films. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FILMS = process.env.NSC_REAL_DATA && join(process.env.NSC_REAL_DATA, 'kermany-cxr-224/test');
const MODEL = join(ROOT, 'models/cxr-pneumonia');

/** The share of (ill, healthy) pairs in order; ties count half: Mann and Whitney. */
function areaUnderCurve(rows) {
  const sorted = rows.toSorted((a, b) => a.score - b.score);
  let rankSum = 0;
  for (let i = 0; i < sorted.length;) {
    let j = i;
    while (j < sorted.length && sorted[j].score === sorted[i].score) j++;
    for (let k = i; k < j; k++) if (sorted[k].ill) rankSum += (i + j + 1) / 2;
    i = j;
  }
  const ill = rows.filter((r) => r.ill).length;
  return (rankSum - (ill * (ill + 1)) / 2) / (ill * (rows.length - ill));
}

/** Between mean score and share, over ten bins of equal width, by how many pictures they hold: Naeini et al. 2015. */
function calibrationError(rows) {
  const bins = Array.from({ length: 10 }, () => ({ scores: 0, ill: 0 }));
  for (const { score, ill } of rows) {
    const bin = bins[Math.min(9, Math.floor(score * 10))];
    bin.scores += score;
    bin.ill += Number(ill);
  }
  return bins.reduce((sum, bin) => sum + Math.abs(bin.scores - bin.ill), 0) / rows.length;
}

test('the card tells the truth', { skip: !(FILMS && existsSync(FILMS)) && 'skipped: no real data' }, () => {
  const metrics = JSON.parse(readFileSync(join(MODEL, 'metrics.json'), 'utf8'));
  const json = execFileSync(join(ROOT, 'build/native/negatoscope'), ['classify', '--json', FILMS], { maxBuffer: 1 << 26 });
  const rows = JSON.parse(json).map((r) => {
    assert.equal(r.error, null, r.file);
    return { name: basename(r.file), ill: r.file.includes('PNEUMONIA'), score: r.scores.pneumonia, verdict: r.verdict,
             threshold: r.threshold };
  });
  assert.equal(rows.length, metrics.test_films);
  const share = (list, verdict) => list.filter((r) => r.verdict === verdict).length / list.length;
  const ill = rows.filter((r) => r.ill);
  const healthy = rows.filter((r) => !r.ill);
  assert.ok(Math.abs(areaUnderCurve(rows) - metrics.test_auc) < 5e-4, `AUC ${areaUnderCurve(rows)}`);
  assert.ok(Math.abs(share(ill, 'pneumonia') - metrics.test_sensitivity) < 0.003);
  assert.ok(Math.abs(share(healthy, 'normal') - metrics.test_specificity) < 0.005);
  assert.ok(Math.abs(calibrationError(rows) - metrics.test_ece) < 1e-3, `ECE ${calibrationError(rows)}`);
  assert.ok(rows.every((r) => Math.abs(r.threshold - metrics.threshold) < 1e-6));

  const card = readFileSync(join(MODEL, 'CARD.md'), 'utf8');
  for (const value of [metrics.test_auc, metrics.test_sensitivity, metrics.test_specificity, metrics.test_ece]) {
    assert.ok(card.includes(value.toFixed(3)), `CARD.md does not say ${value.toFixed(3)}`);
  }
});
