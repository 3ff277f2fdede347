#!/usr/bin/env node
/**
 * npm run release: everything that is published, in build/release: the static site, the one-file edition, the native command for this
 * kind of machine, a bill of materials and checksums. The same sources give the same bytes.
 *
 *   npm run release [-- --check]
 *
 * --check builds a second time, from a copy of the sources in another folder and without the compiler cache, and compares every byte.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { arch, platform, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { packFolder } from './archive.mjs';
import { pinnedSources } from './components.mjs';
import { billOfMaterials } from './sbom.mjs';
import { ROOT, VARIANT_TARGETS, buildPreset, run, say, setUpCompilers, setUpNode } from './setup.mjs';

const OUT = join(ROOT, 'build/release');
const MODELS = join(ROOT, 'models');
const SITE = ['page', 'wasm', 'codec'];

const json = async (/** @type {string} */ path) => JSON.parse(await readFile(join(ROOT, path), 'utf8'));
const digest = (/** @type {Buffer} */ bytes, /** @type {string} */ algorithm) => createHash(algorithm).update(bytes).digest('hex');

/** When the sources were last changed: of the commit, or as SOURCE_DATE_EPOCH says. Seconds since 1970. */
function sourceDate() {
  if (process.env.SOURCE_DATE_EPOCH) return Number(process.env.SOURCE_DATE_EPOCH);
  return Number(execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: ROOT, encoding: 'utf8' }));
}

/** The version of Emscripten that CMake found. */
async function emscriptenVersion() {
  const folder = join(ROOT, 'build/wasm/CMakeFiles');
  const [cmake] = (await readdir(folder)).filter((name) => /^\d/.test(name));
  const facts = await readFile(join(folder, cmake, 'CMakeCCompiler.cmake'), 'utf8');
  const emcc = /CMAKE_C_COMPILER "(.*)"/.exec(facts)?.[1] ?? '';
  return /[\d.]+/.exec(await readFile(join(dirname(emcc), 'emscripten-version.txt'), 'utf8'))?.[0] ?? 'unknown';
}

/** The command with its models and licences, in a folder of its own. */
async function gatherCommand(folder) {
  await mkdir(folder, { recursive: true });
  await cp(join(ROOT, 'build/release-native/negatoscope'), join(folder, 'negatoscope'));
  await run('strip', [join(folder, 'negatoscope')]);
  await chmod(join(folder, 'negatoscope'), 0o755);
  for (const file of ['LICENSE', 'THIRD-PARTY-NOTICES', 'README.md', 'CHANGELOG.md']) await cp(join(ROOT, file), join(folder, file));
  for (const name of (await readdir(MODELS)).sort()) {
    for (const file of ['model.onnx', 'CARD.md']) await cp(join(MODELS, name, file), join(folder, 'models', name, file));
  }
}

/** @param {typeof import('./build-web.mjs').buildSite} buildSite */
async function gatherSite(folder, buildSite) {
  await buildSite({ out: folder });
  for (const file of ['LICENSE', 'THIRD-PARTY-NOTICES']) await cp(join(ROOT, file), join(folder, file));
}

/** What each shipped model says of its licence. */
async function modelFacts(command) {
  const facts = [];
  for (const name of (await readdir(MODELS)).sort()) {
    const path = join(MODELS, name, 'model.onnx');
    const [{ license }] = JSON.parse(execFileSync(command, ['info', path], { encoding: 'utf8' }));
    facts.push({ name, license: license ?? '', sha256: digest(await readFile(path), 'sha256') });
  }
  return facts;
}

async function writeSums(names) {
  const lines = [];
  for (const name of names.sort()) lines.push(`${digest(await readFile(join(OUT, name)), 'sha256')}  ${name}\n`);
  await writeFile(join(OUT, 'SHA256SUMS'), lines.join(''));
}

async function release() {
  const { version } = await json('package.json');
  const seconds = sourceDate();
  await setUpCompilers();
  await setUpNode();
  // What these need was installed just now.
  const { buildSingle } = await import('./build-single.mjs');
  const { buildSite } = await import('./build-web.mjs');
  await buildPreset('wasm', VARIANT_TARGETS);
  await buildPreset('release-native', ['negatoscope']);
  await rm(OUT, { recursive: true, force: true });
  const stage = await mkdtemp(join(tmpdir(), 'negatoscope-release-'));
  try {
    say('gathering');
    const name = `negatoscope-${version}`;
    const native = `${name}-${platform()}-${arch()}`;
    await mkdir(OUT, { recursive: true });
    await gatherSite(join(stage, `${name}-site`), buildSite);
    await gatherCommand(join(stage, native));
    await buildSingle({ out: join(OUT, `${name}.html`) });
    await packFolder(stage, `${name}-site`, join(OUT, `${name}-site.tar.gz`), seconds);
    await packFolder(stage, native, join(OUT, `${native}.tar.gz`), seconds);
    const parts = { [`${name}.html`]: SITE, [`${name}-site.tar.gz`]: SITE, [`${native}.tar.gz`]: ['native'] };
    const files = [];
    for (const [path, list] of Object.entries(parts)) {
      const bytes = await readFile(join(OUT, path));
      files.push({ path, sha256: digest(bytes, 'sha256'), sha1: digest(bytes, 'sha1'), parts: list });
    }
    const lock = await json('package-lock.json');
    const bill = billOfMaterials({
      version,
      created: `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`,
      emscripten: await emscriptenVersion(),
      pinned: pinnedSources(await readFile(join(ROOT, 'cmake/dependencies.cmake'), 'utf8')),
      npm: { uplot: lock.packages['node_modules/uplot'].version },
      files,
      models: await modelFacts(join(stage, native, 'negatoscope')),
    });
    await writeFile(join(OUT, `${name}.spdx.json`), `${JSON.stringify(bill, null, 2)}\n`);
    await writeSums([...Object.keys(parts), `${name}.spdx.json`]);
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

/** The same again elsewhere: what differs is named. */
async function check() {
  const other = await mkdtemp(join(tmpdir(), 'negatoscope-again-'));
  try {
    say(`building a second time in ${other}, without the compiler cache`);
    await run('git', ['clone', '--quiet', ROOT, other]);
    const env = { ...process.env, CCACHE_DISABLE: '1', SOURCE_DATE_EPOCH: String(sourceDate()) };
    await run(process.execPath, ['scripts/release.mjs'], { cwd: other, env });
    const [ours, theirs] = await Promise.all([OUT, join(other, 'build/release')].map((folder) => readFile(join(folder, 'SHA256SUMS'), 'utf8')));
    const lines = new Set(theirs.split('\n'));
    const different = ours.split('\n').filter((line) => !lines.has(line));
    if (different.length) throw new Error(`not reproducible: ${different.map((line) => line.slice(66)).join(', ')}`);
    say('both builds are the same to the byte');
  } finally {
    await rm(other, { recursive: true, force: true });
  }
}

await release();
for (const line of (await readFile(join(OUT, 'SHA256SUMS'), 'utf8')).trim().split('\n')) {
  const file = line.slice(66);
  say(`${file}: ${((await readFile(join(OUT, file))).length / 1e6).toFixed(2)} MB`);
}
if (process.argv.includes('--check')) await check();
