#!/usr/bin/env node
/**
 * npm run bench:start: what the page weighs, and how long it takes from navigation to the first result: first visit, from its cache, without its server, as one file; and
 * what Lighthouse says of it. Writes docs/BENCHMARKS-START.md.
 *
 *   npm run bench:start [-- --repeats N] [--out FILE]
 *
 * NSC_WASM names a folder of builds of the core to take as they are.
 */
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { ROOT, say, setUpEngines } from './setup.mjs';

const { values: options } = parseArgs({
  options: { repeats: { type: 'string', default: '7' }, out: { type: 'string', default: join(ROOT, 'docs/BENCHMARKS-START.md') } },
});
const JUDGED = 3;

async function main() {
  const wasm = process.env.NSC_WASM;
  await setUpEngines(wasm);

  // What these need was installed just now.
  const { askLighthouse } = await import('../bench/lighthouse.mjs');
  const { measurePage } = await import('../bench/page.mjs');
  const { copyBuilds, describeMachine } = await import('../bench/prepare.mjs');
  const { reportStart } = await import('../bench/start-report.mjs');
  const { chromium } = await import('playwright-core');

  copyBuilds(wasm);
  const began = new Date().toISOString();
  const before = loadavg()[0];
  const page = await measurePage(Number(options.repeats), say);
  const lighthouse = await askLighthouse(page.site, JUDGED, say);
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM });
  const machine = describeMachine(browser.version());
  await browser.close();
  const command = ['npm run bench:start', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' ');
  const { text, targets } = reportStart({ page, lighthouse, facts: { command, began, machine, judged: JUDGED, load: { before, after: loadavg()[0] } } });
  writeFileSync(options.out, text);
  for (const { text: target, value, reached } of targets) say(`${reached ? 'reached' : 'MISSED '}  ${target}: ${value}`);
  say(`written: ${options.out}`);
}

try {
  await main();
} catch (error) {
  console.error(`npm run bench:start: ${error.stack}`);
  process.exitCode = 1;
}
