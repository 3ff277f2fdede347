#!/usr/bin/env node
/**
 * Makes build/single/negatoscope.html: page, styles, worker, core and models in one file that works by double click,
 * with a policy that forbids every connection.
 *
 *   node scripts/build-single.mjs [--wasm FOLDER] [--models FOLDER] [--out FILE]
 *
 * Builds of the core with threads are left out: shared memory needs response headers, and a file has none.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

import { languageDefines, readLanguages } from './languages.mjs';
import { MODELS, TARGET, WASM, integrityOf, pageWithParts, shippedModels } from './build-web.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const VARIANTS = ['relaxed', 'simd'];

async function bundle(entry, options = {}) {
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, 'web', entry)],
    write: false,
    outdir: 'unused',
    bundle: true,
    minify: true,
    format: 'iife',
    target: TARGET,
    legalComments: 'none',
    logLevel: 'error',
    ...options,
  });
  return outputFiles[0].text;
}

/** The worker with Emscripten's glue of each variant in it; the parts for Node are never reached. */
function bundleWorker(wasm) {
  return bundle('worker/single.js', {
    alias: {
      'glue-codec': join(wasm, 'codec', 'codec.mjs'),
      ...Object.fromEntries(VARIANTS.map((variant) => [`glue-${variant}`, join(wasm, variant, 'negatoscope.mjs')])),
    },
    define: { 'import.meta.url': '"data:,"' },
    external: ['module', 'fs', 'path', 'url', 'worker_threads'],
  });
}

/** A data block: gzip in base64. A script element of an unknown type is not run and not subject to the policy. */
function block(id, bytes) {
  return `<script type="text/plain" id="${id}">${gzipSync(bytes, { level: 9 }).toString('base64')}</script>`;
}

function hash(text) {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** What the page lets in by its digest: the style of reports, which open under the page's own policy. */
function reportStyle(html) {
  const [digest] = html.match(/(?<=style-src 'self' )'sha256-[^']+'/) ?? [];
  if (!digest) throw new Error('index.html: no style of reports in its policy');
  return digest;
}

/** Only the very script and styles of this file may run; the worker comes from a blob that the script makes. */
function policy(scripts, style, report) {
  return [
    "default-src 'none'",
    `script-src ${scripts.map(hash).join(' ')} 'wasm-unsafe-eval' blob:`,
    'worker-src blob:',
    `style-src ${hash(style)} ${report}`,
    'img-src data: blob:',
    "connect-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types negatoscope',
  ].join('; ');
}

/** Replaces what must be there once; a change of index.html that breaks the single file is noticed. */
function replaceOnce(html, pattern, text) {
  if (html.match(new RegExp(pattern.source, 'g'))?.length !== 1) throw new Error(`index.html: no single ${pattern}`);
  return html.replace(pattern, () => text);
}

export async function buildSingle({ wasm = WASM, models: modelFolder = MODELS, out }) {
  for (const variant of VARIANTS) {
    if (!existsSync(join(wasm, variant, 'negatoscope.wasm'))) throw new Error(`the variant ${variant} is not built`);
  }
  const models = await shippedModels(modelFolder, wasm);
  const languages = await readLanguages();
  const script = (await bundle('main-single.js', { define: languageDefines(languages) })).replaceAll('</script', '<\\/script').trim();
  const probe = (await readFile(join(ROOT, 'web/probe.js'), 'utf8')).trim();
  const style = (await bundle('style/index.css')).trim();
  const worker = await bundleWorker(wasm);
  const icon = (await readFile(join(ROOT, 'web/icon.svg'))).toString('base64');

  const blocks = [block('worker', worker)];
  const digests = {};
  for (const variant of VARIANTS) {
    const bytes = await readFile(join(wasm, variant, 'negatoscope.wasm'));
    digests[variant] = integrityOf(bytes);
    blocks.push(block(`wasm-${variant}`, bytes));
  }
  blocks.push(block('wasm-codec', await readFile(join(wasm, 'codec', 'codec.wasm'))));
  for (const { name, path } of models) blocks.push(block(`model-${name}`, await readFile(path)));

  const version = createHash('sha256').update(script).update(style).update(blocks.join()).digest('hex').slice(0, 16);
  const listed = models.map(({ path, ...facts }) => facts);
  let html = await pageWithParts({ version, variants: VARIANTS, models: listed, digests }, languages);
  html = replaceOnce(html, /(?<=http-equiv="Content-Security-Policy" content=")[^"]*/, policy([probe, script], style, reportStyle(html)));
  html = replaceOnce(html, /href="icon\.svg"/, `href="data:image/svg+xml;base64,${icon}"`);
  html = replaceOnce(html, /<script src="probe\.js"><\/script>/, `<script>${probe}</script>`);
  html = replaceOnce(html, /\s*<link rel="manifest"[^>]*>/, '');
  html = replaceOnce(html, /<link rel="stylesheet"[^>]*>/, `<style>${style}</style>`);
  html = replaceOnce(html, /\s*<script type="module"[^>]*><\/script>/, '');
  html = replaceOnce(html, /<\/body>/, `${blocks.join('\n')}\n<script>${script}</script>\n</body>`);

  await rm(out, { force: true });
  await mkdir(dirname(out), { recursive: true });
  await writeFile(out, html);
  return { bytes: Buffer.byteLength(html), models: models.map(({ name }) => name) };
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      wasm: { type: 'string', default: WASM },
      models: { type: 'string', default: MODELS },
      out: { type: 'string', default: join(ROOT, 'build/single/negatoscope.html') },
    },
  });
  const out = resolve(values.out);
  const { bytes, models } = await buildSingle({ wasm: resolve(values.wasm), models: resolve(values.models), out });
  process.stdout.write(`${out}: ${(bytes / 1e6).toFixed(2)} MB; models: ${models.join(', ') || 'none'}\n`);
}
