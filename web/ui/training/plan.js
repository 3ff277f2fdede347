/**
 * What dropped files mean as training data, before anything is decoded: folders with one subfolder a class, a table with
 * its pictures, or a MedMNIST archive. What cannot be used is kept with its reason.
 */
import { SPLIT_OPEN } from '../../shared/training.js';
import { readTable } from './table.js';

/**
 * @typedef {{file: File, path: string}} Found
 * @typedef {{file: File, name: string, label: number, patient: string | null, split: number, frame?: number,
 *            outcome?: import('./table.js').Outcome | null, known?: Array<number | null> | null}} Sample  known: fields that the file knows
 * @typedef {{name: string, reason: string, values?: Record<string, string | number>}} Left  `reason` is a key of i18n
 *
 * @typedef {object} Plan
 * @property {'folders' | 'table' | 'npz' | 'made'} kind
 * @property {string} title  of the folder or file, for people
 * @property {string[]} labels  empty for npz: the archive brings them
 * @property {Sample[]} samples
 * @property {File | null} archive
 * @property {Left[]} left  what will not be used
 * @property {string | null} problem  a key of i18n: why this cannot be trained on
 * @property {string[] | null} [fields]  of a table of times and events: columns that may say something of the patient
 */

const SPLIT_FOLDERS = [
  ['train', 'training'],
  ['val', 'valid', 'validation', 'dev'],
  ['test', 'testing'],
];

/** Files that systems leave in folders. */
const NO_DATA = /(^|\/)(\.[^/]*|Thumbs\.db|desktop\.ini|__MACOSX\/.*)$/i;

/** @param {string} name @returns {number} */
export function splitNumber(name) {
  const found = SPLIT_FOLDERS.findIndex((names) => names.includes(name.trim().toLowerCase()));
  return found < 0 ? SPLIT_OPEN : found;
}

/** Folders that all files have in common. @param {string[][]} folders */
function commonDepth(folders) {
  let depth = 0;
  const [first = []] = folders;
  while (depth < first.length && folders.every((each) => each[depth] === first[depth])) depth++;
  return depth;
}

const byName = new Intl.Collator(undefined, { numeric: true }).compare;

/** Names of what is not a finding: of two classes the other one is looked for. */
const NORMAL = /^(0|no|none|not?[ _-].*|normal|healthy|negative|absent|clear|control|benign|正常|阴性|良性|无.*)$/i;

/** @param {string} a @param {string} b */
const byCode = (a, b) => (a < b ? -1 : Number(a > b));

/**
 * Numbers labels in the order of their characters, as the command line does, the same on every machine.
 * @param {Array<{label: string}>} rows
 */
function numbered(rows) {
  const labels = [...new Set(rows.map(({ label }) => label))].sort(byCode);
  return { labels, numberOf: new Map(labels.map((label, index) => [label, index])) };
}

/** @param {Found[]} found @returns {Plan} */
function planOfFolders(found) {
  const folders = found.map(({ path }) => path.split('/').slice(0, -1));
  const depth = commonDepth(folders);
  /** @type {Left[]} */
  const left = [];
  const rows = [];
  const splits = folders.some((each) => each.length > depth + 1 && splitNumber(each[depth]) !== SPLIT_OPEN);
  for (const [index, { file, path }] of found.entries()) {
    const below = folders[index].slice(depth);
    const split = below.length ? splitNumber(below[0]) : SPLIT_OPEN;
    const label = below[split === SPLIT_OPEN ? 0 : 1];
    if (splits && split === SPLIT_OPEN && below.length) left.push({ name: path, reason: 'train.left.besideSplits' });
    else if (label === undefined) left.push({ name: path, reason: 'train.left.noFolder' });
    else rows.push({ file, name: path.split('/').slice(depth).join('/'), label, split, patient: null });
  }
  const { labels, numberOf } = numbered(rows);
  const samples = rows.map((row) => ({ ...row, label: numberOf.get(row.label) ?? 0 }));
  const title = depth ? folders[0][depth - 1] : labels.join(', ');
  return { kind: 'folders', title, labels, samples, archive: null, left, problem: null };
}

/**
 * Finds the file that a row means: by its path from the table's folder, else by its name where only one has it.
 * @param {Found[]} pictures
 * @param {string} tablePath
 */
function finder(pictures, tablePath) {
  const base = tablePath.split('/').slice(0, -1).join('/');
  /** @type {Map<string, Found>} */
  const byPath = new Map();
  /** @type {Map<string, Found | null>} */
  const byLastName = new Map();
  for (const each of pictures) {
    byPath.set(each.path, each);
    const last = each.path.split('/').pop() ?? '';
    byLastName.set(last, byLastName.has(last) ? null : each);
  }
  return (/** @type {string} */ wish) => {
    const path = wish.replaceAll('\\', '/').replace(/^\.?\//, '');
    return byPath.get(base ? `${base}/${path}` : path) ?? byPath.get(path) ?? byLastName.get(path.split('/').pop() ?? '') ?? null;
  };
}

/** What became of a case, as the command line names it: splits then have equal shares of both. */
const OUTCOMES = ['censored', 'event'];
/** Its number. */
const EVENTS = new Map([['0', 0], ['1', 1]]);

/** @param {Found} table @param {Found[]} pictures @returns {Promise<Plan>} */
async function planOfTable(table, pictures) {
  const { rows, missing, others } = readTable(await table.file.text());
  /** @type {Plan} */
  const plan = { kind: 'table', title: table.file.name, labels: [], samples: [], archive: null, left: [], problem: null };
  if (missing) return { ...plan, problem: missing === 'file' ? 'train.problem.noFileColumn' : 'train.problem.noLabelColumn' };
  const find = finder(pictures, table.path);
  const good = [];
  for (const row of rows) {
    const picture = find(row.file);
    const name = row.file || `${table.file.name}:${row.line}`;
    const values = { line: row.line };
    if (row.outcome && !EVENTS.has(row.outcome.event)) plan.left.push({ name, reason: 'train.left.noEvent', values });
    else if (row.outcome && !row.outcome.time) plan.left.push({ name, reason: 'train.left.noTime', values });
    else if (!row.label && !row.outcome) plan.left.push({ name, reason: 'train.left.noLabel', values });
    else if (!picture) plan.left.push({ name, reason: 'train.left.noFile', values });
    else if (row.split && splitNumber(row.split) === SPLIT_OPEN) plan.left.push({ name, reason: 'train.left.noSplit', values });
    else good.push({ ...row, picture });
  }
  const { labels, numberOf } = others ? { labels: OUTCOMES, numberOf: null } : numbered(good);
  const samples = good.map(({ picture, file, label, patient, split, outcome }) => ({
    file: picture.file,
    name: file,
    label: numberOf ? (numberOf.get(label) ?? 0) : (EVENTS.get(outcome?.event ?? '') ?? 0),
    patient,
    split: split ? splitNumber(split) : SPLIT_OPEN,
    outcome,
  }));
  return { ...plan, labels, samples, fields: others };
}

/** @param {Plan} plan @returns {Plan} */
function judged(plan) {
  if (plan.problem || plan.kind === 'npz') return plan;
  if (!plan.samples.length) return { ...plan, problem: plan.left.length ? 'train.problem.noneUsable' : 'train.problem.nothing' };
  if (plan.labels.length < 2) return { ...plan, problem: 'train.problem.oneClass' };
  return plan;
}

/** @param {Found[]} all @returns {Promise<Plan>} */
export async function planOf(all) {
  const found = all.filter(({ path }) => !NO_DATA.test(path)).sort((a, b) => byName(a.path, b.path));
  const archive = found.find(({ path }) => /\.npz$/i.test(path));
  if (archive) {
    const title = archive.file.name;
    return { kind: 'npz', title, labels: [], samples: [], archive: archive.file, left: [], problem: null };
  }
  const table = found.find(({ path }) => /\.(csv|tsv)$/i.test(path));
  const rest = found.filter((each) => each !== table);
  return judged(table ? await planOfTable(table, rest) : planOfFolders(found));
}

/**
 * Classes made by hand, in the order in which they were made. Two of one name are one.
 * @param {Array<{name: string, pictures: Array<{file: File, frame: number, name: string}>}>} classes
 * @returns {Plan}
 */
export function planOfMade(classes) {
  const names = classes.map(({ name }, index) => name.trim() || `#${index + 1}`);
  const labels = [...new Set(names)];
  const samples = classes.flatMap(({ pictures }, index) =>
    pictures.map(({ file, frame, name }) => ({ file, frame, name, label: labels.indexOf(names[index]), patient: null, split: SPLIT_OPEN })),
  );
  return judged({ kind: 'made', title: labels.join(', '), labels, samples, archive: null, left: [], problem: null });
}

/** Of two classes the one that is looked for, as far as names tell: the second, unless that is the normal one. @param {Plan} plan */
export function likelyFinding({ labels }) {
  return labels.length === 2 && NORMAL.test(labels[1]) && !NORMAL.test(labels[0]) ? 0 : labels.length - 1;
}

/** With two labels the second means "present". @param {Plan} plan @param {number} finding @returns {Plan} */
export function withFinding(plan, finding) {
  if (plan.labels.length !== 2 || finding === 1) return plan;
  const samples = plan.samples.map((sample) => ({ ...sample, label: 1 - sample.label }));
  return { ...plan, labels: [plan.labels[1], plan.labels[0]], samples };
}

/**
 * Who each picture is of, by a pattern over its name: the first group, or all that matched.
 * @param {Sample[]} samples
 * @param {string} pattern
 * @returns {{samples: Sample[], matched: number, patients: number}}
 */
export function withPatients(samples, pattern) {
  if (!pattern) return { samples, matched: samples.length, patients: new Set(samples.map(({ patient }) => patient)).size };
  const expression = new RegExp(pattern, 'u');
  const seen = new Set();
  let matched = 0;
  const found = samples.map((sample) => {
    const match = expression.exec(sample.name);
    if (!match) return sample;
    matched++;
    const patient = match[1] ?? match[0];
    seen.add(patient);
    return { ...sample, patient };
  });
  return { samples: found, matched, patients: seen.size };
}
