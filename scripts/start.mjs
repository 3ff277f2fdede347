#!/usr/bin/env node
/** npm start: sets up, builds, serves the page on this machine and prints its address. */
import { buildSite } from './build.mjs';
import { ROOT, run } from './setup.mjs';

try {
  await buildSite();
  await run(process.execPath, ['scripts/serve.mjs', `${ROOT}build/site`, ...process.argv.slice(2)]);
} catch (error) {
  console.error(`npm start: ${error.message}`);
  process.exitCode = 1;
}
