#!/usr/bin/env node
/** Builds the page into build/site and, with --single, the one-file edition into build/single. */
import { ROOT, VARIANT_TARGETS, buildPreset, run, setUpCompilers, setUpNode } from './setup.mjs';

export async function buildSite() {
  await setUpCompilers();
  await setUpNode();
  await buildPreset('wasm', VARIANT_TARGETS);
  await run(process.execPath, ['scripts/build-web.mjs']);
}

export async function buildSingle() {
  await run(process.execPath, ['scripts/build-single.mjs']);
}

if (process.argv[1]?.startsWith(ROOT) && process.argv[1].endsWith('build.mjs')) {
  await buildSite();
  if (process.argv.includes('--single')) await buildSingle();
}
