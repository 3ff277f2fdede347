#!/usr/bin/env node
/**
 * npm test: the whole suite, on a fresh machine too. A stage that fails is reported and the rest goes on; the last line
 * sums up. Names as arguments run only those stages:
 *
 *   npm test -- c node
 *
 * Real images: NSC_REAL_DATA, else ../shared/data where it exists; tests that want them are otherwise skipped.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { buildSingle, buildSite } from './build.mjs';
import { ROOT, VARIANT_TARGETS, buildPreset, run, say, setUpChromium, setUpCompilers, setUpNode } from './setup.mjs';

const real = process.env.NSC_REAL_DATA || resolve(ROOT, '../shared/data');
if (existsSync(real)) process.env.NSC_REAL_DATA = real;
else delete process.env.NSC_REAL_DATA;

/** Node before 22 keeps relaxed SIMD behind a flag. */
const relaxedFlag = Number(process.versions.node.split('.')[0]) < 22 ? ['--experimental-wasm-relaxed-simd'] : [];

const filesOf = (folder, ends) =>
  readdirSync(join(ROOT, folder), { recursive: true }).filter((f) => f.endsWith(ends)).map((f) => `${folder}/${f}`);

async function checkSources() {
  await run('node_modules/.bin/tsc', ['-p', 'web/jsconfig.json']);
  await run('node_modules/.bin/tsc', ['-p', 'web/worker/jsconfig.json']);
  // clang builds everything below; gcc must find nothing to complain about either. What includes headers that a build
  // makes (libjpeg-turbo's, OpenJPEG's) is left to clang.
  const sources = filesOf('src', '.c').filter((f) => !/image\/stb\.c$|codec\/codec_\w+\.c$/.test(f));
  const third = `${process.env.NSC_TOOLCHAIN}/src`;
  await run('gcc', ['-std=c11', '-O1', '-Wall', '-Wextra', '-Werror', '-fsyntax-only', '-Iinclude', '-Isrc',
    '-DNSC_VERSION="0"', '-DNSC_VARIANT=""', '-DNSC_MODELS_FOLDER="."', '-isystem', `${third}/xnnpack/include`, '-isystem',
    `${third}/xnnpack/src`, '-isystem',
    `${third}/pthreadpool/include`, '-isystem', `${third}/libdeflate`, '-isystem', `${third}/stb`, ...sources]);
  await run('gcc', ['-std=c99', '-Wall', '-Wextra', '-Wpedantic', '-Werror', '-fsyntax-only', '-x', 'c', 'include/negatoscope.h']);
}

async function runNatively(preset) {
  await buildPreset(preset, ['nsc_tests']);
  await run(`build/${preset}/tests/c/nsc_tests`, []);
}

async function testC() {
  await runNatively('native-asan');
  await runNatively('native-tsan');
  const variants = ['simd', 'relaxed-threads'];
  await buildPreset('wasm', variants.map((v) => `nsc_tests-${v}`));
  for (const variant of variants) {
    say(`C tests as wasm: ${variant}`);
    const data = process.env.NSC_REAL_DATA ? [`--data=${process.env.NSC_REAL_DATA}`] : [];
    await run(process.execPath, [...relaxedFlag, `build/wasm/tests/c/nsc_tests-${variant}.cjs`, ...data]);
  }
}

/** The ONNX backend tests that came with the real data. */
async function testOnnxBackend() {
  const archive = process.env.NSC_REAL_DATA && join(process.env.NSC_REAL_DATA, 'onnx-backend-tests.tar.xz');
  if (!archive || !existsSync(archive)) {
    console.log('ONNX backend tests: skipped, no real data');
    return;
  }
  await buildPreset('native-asan', ['onnx_backend']);
  const folder = join(tmpdir(), `negatoscope-onnx-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    await run('tar', ['-xf', archive, '-C', folder]);
    const data = join(folder, 'onnx/backend/test/data');
    for (const set of ['node', 'simple', 'pytorch-converted', 'pytorch-operator']) {
      const cases = readdirSync(join(data, set)).sort().map((name) => join(data, set, name));
      const result = spawnSync('build/native-asan/tests/c/onnx_backend', cases, { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 26 });
      const lines = result.stdout.trimEnd().split('\n');
      for (const line of lines.filter((l) => l.startsWith('fail '))) console.log(line);
      console.log(`ONNX backend tests, ${set}: ${lines.at(-1)}`);
      if (result.status !== 0) throw new Error(`ONNX backend tests (${set}) failed\n${result.stderr.slice(0, 2000)}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const nodeTests = (folder) =>
  run(process.execPath, [...relaxedFlag, '--test', '--test-reporter=spec', ...filesOf(folder, '.test.mjs')]);

async function testNode() {
  await buildPreset('native', ['negatoscope', 'run_model', 'dump_frames']);
  await buildPreset('native-asan', ['open_pack']);
  await buildPreset('wasm', [...VARIANT_TARGETS, 'run_model-simd', 'run_model-relaxed-threads']);
  await nodeTests('tests/node');
}

async function testPage() {
  await setUpChromium();
  await buildSite();
  await buildSingle();
  await nodeTests('tests/e2e');
}

const STAGES = { sources: checkSources, c: testC, onnx: testOnnxBackend, node: testNode, page: testPage };

async function main() {
  const wanted = process.argv.slice(2);
  await setUpCompilers();
  await setUpNode();
  const results = [];
  for (const [name, stage] of Object.entries(STAGES)) {
    if (wanted.length && !wanted.includes(name)) continue;
    console.log(`\n=== ${name}`);
    const start = Date.now();
    try {
      await stage();
      results.push([name, true, Date.now() - start]);
    } catch (error) {
      console.error(`\n${name} failed: ${error.message}`);
      results.push([name, false, Date.now() - start]);
    }
  }
  console.log('');
  for (const [name, ok, ms] of results) console.log(`${ok ? 'passed' : 'FAILED'}  ${name} (${(ms / 1000).toFixed(0)} s)`);
  const failed = results.filter(([, ok]) => !ok).length;
  console.log(`stages: ${results.length - failed} passed, ${failed} failed`);
  process.exitCode = failed || results.length === 0 ? 1 : 0;
}

await main();
