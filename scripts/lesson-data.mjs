#!/usr/bin/env node
/**
 * npm run -s lesson-data -- [--out FOLDER]: the folders of synthetic slices that docs/lessons asks for, computed by `negatoscope phantom`.
 *
 *   few/    train, val, test: 80 slices to learn from
 *   leak/   100 patients with four slices each, whose label nothing in the picture shows
 *   fool/   train, val, test: a letter that stands on slices with a lesion, in the test on those without
 *
 * Seeds are fixed, so a class sees the figures of the lessons. NSC_NATIVE names another build of the command.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CLASSES = ['normal', 'lesion'];
/** Pixels a side: quick to compute, and enough for what the lessons train at. */
const SIZE = 128;

/**
 * The letter R, a stroke of each bit: seven rows of five.
 * @type {number[]}
 */
const LETTER = [0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001];
/** Pixels of a stroke, and of the letter's distance from the edges. */
const STROKE = 3;
const MARGIN = 4;
/** As bright as bone in the stored values of the command, HU + 1024. */
const BRIGHT = 1024 + 900;

/** A DICOM slice of the command with the letter in its upper left corner: its pixels, two bytes each, are the end of the file. @param {Buffer} file */
export function withLetter(file) {
  const marked = Buffer.from(file);
  const first = marked.length - SIZE * SIZE * 2;
  for (let row = 0; row < LETTER.length * STROKE; row++) {
    for (let column = 0; column < 5 * STROKE; column++) {
      if (!((LETTER[Math.floor(row / STROKE)] >> (4 - Math.floor(column / STROKE))) & 1)) continue;
      marked.writeUInt16LE(BRIGHT, first + 2 * ((row + MARGIN) * SIZE + column + MARGIN));
    }
  }
  return marked;
}

/**
 * Slices of one call of the command, half of them with a lesion.
 * @param {string} command
 * @param {number} count
 * @param {number} seed
 * @param {string[]} options
 * @returns {Promise<Array<{label: string, number: string, bytes: Buffer}>>}
 */
async function slices(command, count, seed, options = []) {
  const folder = await mkdtemp(join(tmpdir(), 'negatoscope-lesson-'));
  try {
    const words = ['phantom', '--out', folder, '--count', count, '--lesions', Math.floor(count / 2), '--size', SIZE, '--seed', seed, ...options];
    execFileSync(command, words.map(String), { stdio: ['ignore', 'ignore', 'inherit'] });
    const found = [];
    for (const label of CLASSES) {
      for (const name of (await readdir(join(folder, label))).sort()) {
        found.push({ label, number: name.replace(/\D/g, ''), bytes: await readFile(join(folder, label, name)) });
      }
    }
    return found;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param {string} folder @param {string} name @param {Buffer} bytes */
async function put(folder, name, bytes) {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), bytes);
}

/** Clear lesions in little noise, as the page's own example data have them. */
const CLEAR = ['--contrast', '-120,-80', '--diameter', '32,52', '--noise', '6'];
/** Splits and their seeds: no slice of one is in another. */
const SEEDS = { train: 101, val: 102, test: 103 };

/** @param {string} command @param {string} out @param {Record<string, number>} counts */
async function makeFew(command, out, counts) {
  for (const [split, count] of Object.entries(counts)) {
    for (const { label, number, bytes } of await slices(command, count, SEEDS[split], CLEAR)) await put(join(out, 'few', split, label), `slice-${number}.dcm`, bytes);
  }
}

/**
 * Lesions as bright as the liver around them: no picture shows its label. The four slices of a patient are one anatomy in different noise,
 * so who a picture is of can be told.
 * @param {string} command @param {string} out @param {number} patients
 */
async function makeLeak(command, out, patients) {
  for (const [index, noise] of [4, 6, 8, 10].entries()) {
    for (const { label, number, bytes } of await slices(command, patients, 201, ['--contrast', '0,0', '--noise', String(noise)])) {
      await put(join(out, 'leak', label), `p${number}-${index + 1}.dcm`, bytes);
    }
  }
}

/** Small and faint lesions, and the letter beside them; in the test it stands on the other ones. @param {string} command @param {string} out @param {Record<string, number>} counts */
async function makeFool(command, out, counts) {
  for (const [split, count] of Object.entries(counts)) {
    const lettered = split === 'test' ? 'normal' : 'lesion';
    for (const { label, number, bytes } of await slices(command, count, SEEDS[split] + 200)) {
      await put(join(out, 'fool', split, label), `slice-${number}.dcm`, label === lettered ? withLetter(bytes) : bytes);
    }
  }
}

/**
 * @param {string} out  a folder; those of the lessons must not be in it yet
 * @param {{command?: string}} [options]
 */
export async function lessonData(out, { command = process.env.NSC_NATIVE ?? join(ROOT, 'build/native/negatoscope') } = {}) {
  for (const name of ['few', 'leak', 'fool']) if (existsSync(join(out, name))) throw new Error(`${join(out, name)} is there already: choose a new folder`);
  if (!existsSync(command)) throw new Error(`${command} is not built: npm run -s cli -- phantom --help builds it`);
  await makeFew(command, out, { train: 80, val: 80, test: 80 });
  await makeLeak(command, out, 100);
  await makeFool(command, out, { train: 160, val: 80, test: 80 });
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { out: { type: 'string', default: join(ROOT, 'build/lessons') } } });
  const out = resolve(process.env.INIT_CWD ?? '.', values.out);
  await lessonData(out);
  process.stdout.write(`${out}: few, leak, fool; SYNTHETIC slices for docs/lessons\n`);
}
