/**
 * Browsers with other engines than Chromium's, behind one small interface: Debian's Firefox ESR by WebDriver BiDi, WebKitGTK's MiniBrowser by WebDriver. FIREFOX and
 * WEBKIT_DRIVER name other programs.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import puppeteer from 'puppeteer-core';
import { Builder, By, Capabilities } from 'selenium-webdriver';

const FIREFOX = process.env.FIREFOX ?? '/usr/bin/firefox-esr';
const WEBKIT_DRIVER = process.env.WEBKIT_DRIVER ?? '/usr/bin/WebKitWebDriver';
const XVFB = '/usr/bin/Xvfb';
const LIBRARIES = '/usr/lib';
const LOAD_MS = 60_000;

/**
 * @typedef {object} Driver
 * @property {(url: string) => Promise<void>} open
 * @property {(expression: string) => Promise<any>} evaluate
 * @property {(selector: string, path: string) => Promise<void>} choose  a file for an input
 * @property {() => Promise<void>} reload
 * @property {() => Promise<void>} close
 */

/** Debian's name of the folder holds machine and version. */
function findMiniBrowser() {
  for (const machine of existsSync(LIBRARIES) ? readdirSync(LIBRARIES).filter((name) => name.endsWith('-linux-gnu')) : []) {
    for (const version of ['6.0', '4.1', '4.0']) {
      for (const name of [`webkitgtk-${version}`, `webkit2gtk-${version}`]) {
        const path = `${LIBRARIES}/${machine}/${name}/MiniBrowser`;
        if (existsSync(path)) return path;
      }
    }
  }
  return null;
}

/** @returns {Promise<Driver>} */
async function openFirefox() {
  const browser = await puppeteer.launch({ browser: 'firefox', executablePath: FIREFOX, headless: true });
  const page = await browser.newPage();
  await page.setViewport({ width: 1400, height: 900 });
  return {
    async open(url) {
      await page.goto(url, { timeout: LOAD_MS });
    },
    evaluate: (expression) => page.evaluate(expression),
    async choose(selector, path) {
      const input = /** @type {import('puppeteer-core').ElementHandle<HTMLInputElement>} */ (await page.$(selector));
      await input.uploadFile(path);
    },
    async reload() {
      // Firefox does not tell of the end of a navigation that a service worker answered; whoever reloads waits for the page anyway.
      await page.reload({ timeout: 5000 }).catch(() => null);
    },
    close: () => browser.close(),
  };
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(null)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts Xvfb on a display that is free; it says which on its third stream. */
async function startDisplay() {
  const screen = spawn(XVFB, ['-displayfd', '3', '-screen', '0', '1400x1000x24', '-nolisten', 'tcp'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const stream = /** @type {import('node:stream').Readable} */ (screen.stdio[3]);
  const [number] = await new Promise((resolve, reject) => {
    stream.once('data', (data) => resolve(String(data).trim().split('\n')));
    screen.once('close', () => reject(new Error('Xvfb did not start')));
  });
  return { name: `:${number}`, stop: () => screen.kill() };
}

async function until(condition, what) {
  for (let left = 100; left > 0; left--) {
    if (await condition().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what} did not start`);
}

/** @returns {Promise<Driver>} */
async function openWebKit() {
  const display = await startDisplay();
  const port = await freePort();
  // Its sandbox needs name spaces that containers forbid; the pages here are our own. WebKit makes "C" a language that Intl refuses.
  const env = { ...process.env, DISPLAY: display.name, LANG: 'en_GB.UTF-8', LC_ALL: '', WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1', LIBGL_ALWAYS_SOFTWARE: '1' };
  const server = spawn(WEBKIT_DRIVER, [`--port=${port}`], { stdio: 'ignore', env });
  const stop = () => {
    server.kill();
    display.stop();
  };
  try {
    await until(async () => (await fetch(`http://127.0.0.1:${port}/status`)).ok, 'WebKitWebDriver');
    const capabilities = new Capabilities({
      browserName: 'MiniBrowser',
      'webkitgtk:browserOptions': { binary: /** @type {string} */ (findMiniBrowser()), args: ['--automation'] },
    });
    const driver = await new Builder().usingServer(`http://127.0.0.1:${port}`).withCapabilities(capabilities).build();
    await driver.manage().setTimeouts({ pageLoad: LOAD_MS });
    return {
      open: (url) => driver.get(url),
      evaluate: (expression) => driver.executeScript(`return (${expression});`),
      choose: (selector, path) => driver.findElement(By.css(selector)).sendKeys(path),
      reload: () => driver.navigate().refresh(),
      async close() {
        await driver.quit().catch(() => null);
        stop();
      },
    };
  } catch (error) {
    stop();
    throw error;
  }
}

/** Each with why it cannot be started here, or false. */
export const ENGINES = [
  { name: 'Firefox', missing: !existsSync(FIREFOX) && `no ${FIREFOX} (Debian: firefox-esr)`, launch: openFirefox },
  {
    name: 'WebKitGTK',
    missing: (!existsSync(WEBKIT_DRIVER) || !existsSync(XVFB) || !findMiniBrowser()) && 'not here (Debian: webkit2gtk-driver, xvfb)',
    launch: openWebKit,
  },
];
