/**
 * Builds the page with models made for tests, serves it, and drives Chromium over it. CHROMIUM names another browser;
 * NSC_WASM another folder of builds of the core.
 */
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

import { buildSite, WASM } from '../../scripts/build-web.mjs';
import { buildSingle } from '../../scripts/build-single.mjs';
import { createSiteServer, listen } from '../../scripts/serve.mjs';
import { CHROMIUM_FLAGS as FLAGS } from '../chromium-flags.mjs';
import { mixedFiles, slowModel, tinyModel } from '../node/fixtures.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SCREENSHOTS = join(ROOT, 'build/screenshots');
export const WASM_FOLDER = process.env.NSC_WASM ?? WASM;
export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Why the tests cannot run here, or false. */
export const unavailable =
  (!existsSync(CHROMIUM) && `no browser at ${CHROMIUM}`) ||
  (!existsSync(join(WASM_FOLDER, 'simd', 'negatoscope.wasm')) && 'the core is not built');

/** A folder with models, the site and the single file made of them, and the fixture files. `shipped`: with the chest X-ray model; `languages`: gives a folder of languages in the place of the page's. */
export async function makeWorkshop({ shipped = false, languages } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'negatoscope-e2e-'));
  for (const [name, bytes] of [
    ['a-tiny', tinyModel()],
    ['b-slow', slowModel()],
  ]) {
    await mkdir(join(folder, 'models', name), { recursive: true });
    await writeFile(join(folder, 'models', name, 'model.onnx'), bytes);
  }
  if (shipped) await cp(join(ROOT, 'models/cxr-pneumonia'), join(folder, 'models/c-chest'), { recursive: true });
  await mkdir(join(folder, 'files'));
  for (const { name, bytes } of mixedFiles()) await writeFile(join(folder, 'files', name), bytes);
  const parts = { wasm: WASM_FOLDER, models: join(folder, 'models') };
  /** The site anew, with some of the models: another version of it. */
  const rebuild = async ({ models = ['a-tiny', 'b-slow', ...(shipped ? ['c-chest'] : [])] } = {}) => {
    const chosen = join(folder, `models-${models.join('-')}`);
    for (const name of models) await cp(join(parts.models, name), join(chosen, name), { recursive: true });
    await buildSite({ ...parts, models: chosen, ...(languages && { languages: await languages(folder) }), out: join(folder, 'site'), packFiles: false });
  };
  await rebuild();
  await buildSingle({ ...parts, out: join(folder, 'negatoscope.html') });
  return {
    folder,
    file: (name) => join(folder, 'files', name),
    rebuild,
    single: `file://${join(folder, 'negatoscope.html')}`,
    serve: (t, options) => serveFolder(t, join(folder, 'site'), options),
    end: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A server that ends with the test, or with stop(). */
async function serveFolder(t, folder, options) {
  const server = createSiteServer(folder, options);
  const url = await listen(server, 0);
  const stop = () =>
    new Promise((done) => {
      server.close(done);
      server.closeAllConnections();
    });
  t?.after(stop);
  return { url, stop };
}

export function launch() {
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}

/**
 * A page that lives as long as its test, with a record of its requests and of the errors it reported.
 * @param {import('node:test').TestContext} t
 * @param {import('playwright-core').Browser} browser
 * @param {import('playwright-core').BrowserContextOptions} [options]
 */
export async function newPage(t, browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-GB', ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  const problems = [];
  const requests = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && problems.push(message.text()));
  context.on('request', (request) => requests.push(request.url()));
  return { context, page, problems, requests };
}

export async function openSite(page, url, query = '?test') {
  await page.goto(url + query);
  await page.waitForSelector('body[data-model=loaded]');
}

export async function openTraining(page, url) {
  await openSite(page, url);
  await page.click('button[data-workspace=train]');
  await page.waitForSelector('#train-example');
}

/** Waits for the first picture of what was opened. */
export async function openFiles(page, files) {
  await page.setInputFiles('#pick-files', files);
  await page.waitForSelector('body.looking');
}

/** What a group of tests shares from its first to its last: workshop, site and browser. */
export function useSite(options) {
  const shared = {};
  before(async () => {
    shared.workshop = await makeWorkshop(options);
    shared.site = await shared.workshop.serve(null);
    shared.browser = await launch();
  });
  after(async () => {
    await shared.browser?.close();
    await shared.site?.stop();
    await shared.workshop?.end();
  });
  return shared;
}

/** The site has its service worker and asks for nothing more. */
export async function settled(page) {
  await page.waitForFunction(() => navigator.serviceWorker.ready.then(() => true));
  await page.waitForFunction(() => document.getElementById('status-offline').textContent !== '');
  await page.waitForLoadState('networkidle');
}

export async function screenshot(page, name) {
  await mkdir(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}

/**
 * Megabytes of the browser's processes that hold pages: the proportional set size, in which shared pages count once. Linux.
 * @param {import('playwright-core').Browser} browser
 */
export async function tabMemory(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  let sum = 0;
  for (const { type, id } of processInfo) {
    if (type !== 'renderer') continue;
    const rollup = await readFile(`/proc/${id}/smaps_rollup`, 'utf8').catch(() => '');
    sum += Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0);
  }
  return Math.round(sum / 1024);
}
