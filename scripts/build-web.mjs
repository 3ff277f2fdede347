#!/usr/bin/env node
/**
 * Assembles build/site from web/, the built variants of the core and the shipped models.
 *
 *   node scripts/build-web.mjs [--wasm FOLDER] [--models FOLDER] [--out FOLDER] [--no-pack]
 *
 * The folder of --wasm holds codec/codec.{mjs,wasm} and <variant>/negatoscope.{mjs,wasm}; a variant that was not built is left out, and the page
 * then uses the next best. The folder of --models holds <name>/model.onnx. --no-pack leaves the .br and .gz files out.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { build } from 'esbuild';

import { Core } from '../web/worker/core.js';
import { VARIANTS } from '../web/shared/variants.js';
import { drawIcon } from './icons.mjs';
import { buildLessons } from './lessons.mjs';
import { languageDefines, LANGUAGES, readLanguages } from './languages.mjs';
import { POLICY } from './serve.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const WEB = join(ROOT, 'web');
export const WASM = join(ROOT, 'build/wasm/emscripten');
export const MODELS = join(ROOT, 'models');

/** What every browser with WebAssembly SIMD understands. */
export const TARGET = 'es2022';

export function builtVariants(folder) {
  return VARIANTS.filter((variant) => existsSync(join(folder, variant, 'negatoscope.wasm')));
}

/** The one that is there when the page opens, as on the command line; the others are fetched when they are chosen. */
const FIRST_MODEL = 'cxr-pneumonia';

/** The models of a folder, with the titles that stand in the files themselves. */
export async function shippedModels(folder, wasmFolder) {
  const found = existsSync(folder) ? (await readdir(folder)).sort() : [];
  const names = [...found.filter((name) => name === FIRST_MODEL), ...found.filter((name) => name !== FIRST_MODEL)];
  const models = [];
  for (const name of names) {
    const path = join(folder, name, 'model.onnx');
    if (!existsSync(path)) continue;
    const bytes = await readFile(path);
    models.push({ name, title: await modelTitle(bytes, name, wasmFolder), bytes: bytes.length, path });
  }
  return models;
}

/** Asks the core itself: nothing but it reads ONNX. */
async function modelTitle(bytes, name, wasmFolder) {
  const glue = join(wasmFolder, 'simd', 'negatoscope.mjs');
  if (!existsSync(glue)) return name;
  const { default: factory } = await import(`file://${glue}`);
  const core = await Core.create(factory);
  const model = core.openModel(await core.source(new Blob([bytes])));
  const { title } = core.modelInfo(model);
  core.freeModel(model);
  return title || name;
}

async function filesUnder(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

function digest(bytes, algorithm = 'sha256', encoding = 'base64') {
  return createHash(algorithm).update(bytes).digest(encoding);
}

async function bundle(entry, outfile, options = {}) {
  await build({
    entryPoints: [join(WEB, entry)],
    outfile,
    bundle: true,
    minify: true,
    format: 'esm',
    target: TARGET,
    legalComments: 'none',
    logLevel: 'warning',
    ...options,
  });
}

/** Icons by side; drawn once a run, since tests build the page often. @type {Map<string, Buffer>} */
const drawn = new Map();

/** The icons that the manifest names. @param {string} out */
async function writeIcons(out) {
  const svg = await readFile(join(WEB, 'icon.svg'), 'utf8');
  const { icons } = JSON.parse(await readFile(join(WEB, 'manifest.webmanifest'), 'utf8'));
  for (const { src, sizes, purpose, type } of icons) {
    if (type !== 'image/png') continue;
    if (!drawn.has(src)) drawn.set(src, drawIcon(svg, parseInt(sizes, 10), { maskable: purpose === 'maskable' }));
    await writeFile(join(out, src), drawn.get(src));
  }
}

/** The digest that browsers check (Subresource Integrity). @param {Uint8Array | string} bytes */
export const integrityOf = (bytes) => `sha256-${digest(bytes)}`;

/** @param {string} out @param {string[]} files @returns {Promise<Record<string, string>>} */
async function integrities(out, files) {
  return Object.fromEntries(await Promise.all(files.map(async (file) => [file, integrityOf(await readFile(join(out, file)))])));
}

/** Links of index.html with version and digest of what they lead to. @param {string} html @param {string} version @param {Record<string, string>} digests */
function withIntegrity(html, version, digests) {
  for (const file of ['app.js', 'probe.js', 'style.css']) {
    const link = new RegExp(`(src|href)="${file}"`);
    if (!link.test(html)) throw new Error(`index.html: no ${file}`);
    html = html.replace(link, (_, name) => `${name}="${file}?v=${version}" integrity="${digests[file]}"`);
  }
  return html;
}

/** index.html with the list of its parts as a data block. @param {object} parts @param {Record<string, Record<string, string>>} languages */
export async function pageWithParts(parts, languages) {
  const html = await readFile(join(WEB, 'index.html'), 'utf8');
  const json = JSON.stringify(parts).replaceAll('<', '\\u003c');
  return withTexts(html, languages).replace('<!-- parts -->', () => `<script type="application/json" id="parts">${json}</script>`);
}

/**
 * The page is painted before any module runs: it has its English texts (data-t), which the page's code replaces where another language is wanted; what must be readable where
 * that code does not run stands there in all languages (data-all).
 * @param {string} html @param {Record<string, Record<string, string>>} languages
 */
function withTexts(html, languages) {
  const escaped = (/** @type {string} */ text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return html
    .replace(/(<(\w+)[^>]*) data-all="([\w.]+)"([^>]*)><\/\2>/g, (_, start, tag, key, rest) => {
      const texts = Object.entries(languages).map(([code, all]) => `<span lang="${code}">${escaped(all[key])}</span>`);
      return `${start}${rest}>${texts.join(' ')}</${tag}>`;
    })
    .replace(/(<(\w+)[^>]* data-t="([\w.]+)"[^>]*>)<\/\2>/g, (_, start, tag, key) => `${start}${escaped(languages.en[key])}</${tag}>`);
}

/** Packs what gains by it. Results are kept by content, so that a build that changed little is quick. */
async function pack(out, cacheFolder) {
  await mkdir(cacheFolder, { recursive: true });
  const kinds = [
    ['.br', (bytes) => promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } })],
    ['.gz', (bytes) => promisify(gzip)(bytes, { level: 9 })],
  ];
  for (const file of await filesUnder(out)) {
    if (!['.css', '.html', '.js', '.mjs', '.onnx', '.svg', '.wasm', '.webmanifest'].includes(extname(file))) continue;
    const bytes = await readFile(join(out, file));
    for (const [ending, compress] of kinds) {
      const cached = join(cacheFolder, digest(bytes, 'sha256', 'hex') + ending);
      if (!existsSync(cached)) {
        await writeFile(`${cached}.part`, await compress(bytes));
        await rename(`${cached}.part`, cached);
      }
      await cp(cached, join(out, file + ending));
    }
  }
}

/**
 * Threads load the glue by the address that it was itself loaded by, with the page's version in it, by which the service worker knows what to answer with. Emscripten leaves that
 * out.
 * @param {string} glue @param {string} variant
 */
function versionedThreads(glue, variant) {
  const [before, after, ...more] = glue.split('new Worker(new URL("negatoscope.mjs",import.meta.url)');
  if (more.length || variant.endsWith('-threads') !== (after !== undefined)) throw new Error(`${variant}: Emscripten starts threads in another way now`);
  return after === undefined ? glue : `${before}new Worker(new URL(import.meta.url)${after}`;
}

/** Makes the folder that is served. */
export async function buildSite({ wasm = WASM, models: modelFolder = MODELS, languages: languageFolder = LANGUAGES, out, packFiles = true }) {
  const variants = builtVariants(wasm);
  if (!variants.length) throw new Error(`no variant of the core stands in ${wasm}: build the preset wasm first`);
  const models = await shippedModels(modelFolder, wasm);
  const languages = await readLanguages(languageFolder);

  await rm(out, { recursive: true, force: true });
  await mkdir(join(out, 'models'), { recursive: true });
  await bundle('main.js', join(out, 'app.js'), { define: languageDefines(languages) });
  await bundle('style/index.css', join(out, 'style.css'), { format: undefined });
  for (const file of ['icon.svg', 'manifest.webmanifest', 'probe.js']) await cp(join(WEB, file), join(out, file));
  await writeIcons(out);
  await buildLessons(join(out, 'lessons'));
  for (const variant of variants) {
    await cp(join(wasm, variant, 'negatoscope.wasm'), join(out, 'wasm', variant, 'negatoscope.wasm'));
    await writeFile(join(out, 'wasm', variant, 'negatoscope.mjs'), versionedThreads(await readFile(join(wasm, variant, 'negatoscope.mjs'), 'utf8'), variant));
  }
  for (const file of ['codec.mjs', 'codec.wasm']) await cp(join(wasm, 'codec', file), join(out, 'wasm', 'codec', file));
  const listed = models.map(({ path, ...facts }) => ({ ...facts, file: `models/${facts.name}.onnx` }));
  for (const { path, name } of models) await cp(path, join(out, 'models', `${name}.onnx`));
  await writeFile(join(out, 'models', 'index.json'), `${JSON.stringify(listed, null, 2)}\n`);
  // Each part has the digests of what it loads: the page those of worker and core, the worker those of the codecs.
  const modules = await integrities(out, ['wasm/codec/codec.mjs', 'wasm/codec/codec.wasm']);
  await bundle('worker/main.js', join(out, 'worker.js'), { define: { __DIGESTS__: JSON.stringify(modules) } });
  const digests = await integrities(out, await filesUnder(out));
  const bare = await pageWithParts({}, languages);
  const version = digest(JSON.stringify([digests, bare]), 'sha256', 'hex').slice(0, 16);
  await writeFile(join(out, 'index.html'), withIntegrity(await pageWithParts({ version, variants, models: listed, digests }, languages), version, digests));
  const files = await integrities(out, await filesUnder(out));
  await bundle('worker/sw.js', join(out, 'sw.js'), {
    format: 'iife',
    define: { __BUILD__: JSON.stringify({ version, files, variants, policy: POLICY }) },
  });
  if (packFiles) await pack(out, join(dirname(out), 'packed'));
  return { variants, models: models.map(({ name }) => name), version };
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      wasm: { type: 'string', default: WASM },
      models: { type: 'string', default: MODELS },
      out: { type: 'string', default: join(ROOT, 'build/site') },
      'no-pack': { type: 'boolean', default: false },
    },
  });
  const { variants, models } = await buildSite({
    wasm: resolve(values.wasm),
    models: resolve(values.models),
    out: resolve(values.out),
    packFiles: !values['no-pack'],
  });
  process.stdout.write(`${resolve(values.out)}: ${variants.join(', ')}; models: ${models.join(', ') || 'none'}\n`);
}
