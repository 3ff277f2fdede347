#!/usr/bin/env node
/**
 * npm test: the whole suite, on a fresh machine too. A stage that fails is reported and the rest goes on; the last line
 * sums up. Names as arguments run only those stages:
 *
 *   npm test -- c node
 *
 * Real images: NSC_REAL_DATA, else ../shared/data where it exists; tests that want them are otherwise skipped.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { buildSingle, buildSite } from './build.mjs';
import { count, runBackendTests } from './onnx-support.mjs';
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
  await run('gcc', ['-std=c99', '-Wall', '-Wextra', '-Wpedantic', '-Werror', '-fsyntax-only', '-Iinclude', '-x', 'c', 'include/negatoscope.h']);
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

/** The ONNX backend tests that came with the real data: none may fail, and no fewer pass than docs/ONNX-SUPPORT.md says. */
async function testOnnxBackend() {
  const archive = process.env.NSC_REAL_DATA && join(process.env.NSC_REAL_DATA, 'onnx-backend-tests.tar.xz');
  if (!archive || !existsSync(archive)) {
    console.log('ONNX backend tests: skipped, no real data');
    return;
  }
  await buildPreset('native-asan', ['onnx_backend']);
  const { sets, failures } = await runBackendTests(archive);
  for (const [set, cases] of Object.entries(sets)) {
    console.log(`ONNX backend tests, ${set}: ${count(cases, 'pass')} passed, ${count(cases, 'fail')} failed, ${count(cases, 'skip')} refused`);
  }
  if (failures.length) throw new Error(`ONNX backend tests failed:\n${failures.join('\n')}`);
  const written = /node tests (\d+) pass/.exec(readFileSync(join(ROOT, 'docs/ONNX-SUPPORT.md'), 'utf8'));
  const passed = count(sets.node, 'pass');
  if (!written || passed < Number(written[1])) {
    throw new Error(`${passed} node tests pass, docs/ONNX-SUPPORT.md says ${written?.[1]}: npm run onnx-support writes it anew`);
  }
}

const nodeTests = (folder) =>
  run(process.execPath, [...relaxedFlag, '--test', '--test-reporter=spec', ...filesOf(folder, '.test.mjs')]);

async function testNode() {
  await buildPreset('native', ['negatoscope', 'run_model', 'model_memory', 'dump_frames']);
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

/** Other browsers, where they are installed; those that are not are named as skipped. */
async function testEngines() {
  await buildSite();
  await nodeTests('tests/engines');
}

const STAGES = { sources: checkSources, c: testC, onnx: testOnnxBackend, node: testNode, page: testPage, engines: testEngines };

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
