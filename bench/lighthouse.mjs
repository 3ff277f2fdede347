/**
 * What Lighthouse says of the served page, on a phone with a slow network as it simulates one, and on a computer. One of its parts asks for the latest third-party-web, whatever that
 * is; bench/package.json names a version, without which `npm ci` takes the lock file for outdated.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { createSiteServer, listen } from '../scripts/serve.mjs';
import { FLAGS } from './chromium.mjs';
import { BENCH } from './paths.mjs';
import { median } from './statistics.mjs';

const PROGRAM = join(BENCH, 'node_modules/lighthouse/cli/index.js');
export const DEVICES = { mobile: [], desktop: ['--preset=desktop'] };
export const CATEGORIES = ['performance', 'accessibility', 'best-practices'];
export const TIMES = { 'first-contentful-paint': 'first contentful paint', 'largest-contentful-paint': 'largest contentful paint', 'total-blocking-time': 'blocked' };

/** @param {string} url @param {string[]} options */
async function judge(url, options) {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [PROGRAM, url, '--quiet', '--output=json', `--chrome-flags=--headless=new ${FLAGS.join(' ')}`, ...options],
    { env: { ...process.env, CHROME_PATH: process.env.CHROMIUM }, maxBuffer: 64 << 20 },
  );
  const { categories, audits, runtimeError } = JSON.parse(stdout);
  if (runtimeError) throw new Error(`Lighthouse: ${runtimeError.message}`);
  return {
    scores: Object.fromEntries(CATEGORIES.map((name) => [name, 100 * categories[name].score])),
    times: Object.fromEntries(Object.keys(TIMES).map((name) => [name, audits[name].numericValue])),
  };
}

/**
 * Medians of several runs. @param {string} site  a folder @param {number} repeats @param {(text: string) => void} say
 * @returns {Promise<Record<string, {scores: Record<string, number>, times: Record<string, number>}>>} scores of 100, times in ms, by device
 */
export async function askLighthouse(site, repeats, say) {
  const server = createSiteServer(site);
  const url = await listen(server, 0);
  const found = {};
  try {
    for (const [device, options] of Object.entries(DEVICES)) {
      const runs = [];
      for (let i = 0; i < repeats; i++) runs.push(await judge(url, options));
      const medians = (part, names) => Object.fromEntries(names.map((name) => [name, median(runs.map((run) => run[part][name]))]));
      found[device] = { scores: medians('scores', CATEGORIES), times: medians('times', Object.keys(TIMES)) };
      say(`Lighthouse, ${device}: ${CATEGORIES.map((name) => `${name} ${found[device].scores[name].toFixed(0)}`).join(', ')}`);
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
  return found;
}
