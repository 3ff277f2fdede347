/** The page's sources: both languages complete, no text missing, the walls between modules, the server's manners. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inflateSync } from 'node:zlib';

import { drawIcon } from '../../scripts/icons.mjs';
import { POLICY, createSiteServer, listen } from '../../scripts/serve.mjs';
import { toCsv } from '../../web/ui/batch.js';
import { ROOT } from './harness.mjs';

const WEB = join(ROOT, 'web');
const sources = readdirSync(WEB, { recursive: true })
  .map(String)
  .filter((name) => name.endsWith('.js'))
  .map((name) => ({ name, text: readFileSync(join(WEB, name), 'utf8') }));
const html = readFileSync(join(WEB, 'index.html'), 'utf8');

/** The words of a text with its placeholders in the order of the alphabet: another language may turn them round. */
const placeholders = (text) => text.match(/\{\w+\}/g)?.sort() ?? [];
const languages = readdirSync(join(WEB, 'i18n')).filter((name) => name.endsWith('.json')).map((name) => ({ code: name.slice(0, -5), texts: JSON.parse(readFileSync(join(WEB, 'i18n', name), 'utf8')) }));
const { texts: en } = languages.find(({ code }) => code === 'en');

test('all languages hold the same keys and the same placeholders, and have a name', () => {
  assert.ok(languages.length >= 2);
  for (const { code, texts } of languages) {
    assert.deepEqual(Object.keys(texts).sort(), Object.keys(en).sort(), code);
    assert.equal(new Intl.Locale(code).toString(), code, 'a code by BCP 47');
    for (const [key, text] of Object.entries(en)) {
      assert.ok(texts[key].trim(), `${code}: ${key}`);
      assert.deepEqual(placeholders(texts[key]), placeholders(text), `${code}: ${key}`);
    }
  }
  assert.equal(new Set(languages.map(({ texts }) => texts['language.name'])).size, languages.length);
});

/** Templates of keys, such as `error.${name}`: what is put in must be a word that some source has. */
const templates = sources.flatMap(({ text }) => [...text.matchAll(/`([\w-]+\.(?:[^`$]|\$\{(?:[^{}`]|\{[^{}]*\})*\})*\$\{(?:[^{}`]|\{[^{}]*\})*\}[\w.-]*)`/g)].map(([, template]) =>
  new RegExp(`^${template.split(/\$\{(?:[^{}]|\{[^{}]*\})*\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('(.+)')}$`)));

test('every text that is used is there, and every one that is there is used', () => {
  const asked = [
    ...sources.flatMap(({ text }) => [...text.matchAll(/\bt\('([\w.-]+)'/g)].map(([, key]) => key)),
    ...[...html.matchAll(/data-(?:t|t-label|t-title|t-placeholder|all)="([\w.-]+)"/g)].map(([, key]) => key),
  ];
  assert.ok(asked.length > 80);
  for (const key of asked) assert.ok(key in en, key);

  const core = ['src', 'include'].flatMap((folder) => readdirSync(join(ROOT, folder), { recursive: true }).filter((name) => /\.[ch]$/.test(name)).map((name) => readFileSync(join(ROOT, folder, name), 'utf8')));
  const everything = [...sources.map(({ text }) => text), html].join('\n');
  const quoted = new Set([...everything.matchAll(/['"`]([\w.-]+)['"`]/g)].map(([, word]) => word));
  const words = new Set([...core, everything].flatMap((text) => text.match(/[\w+-]+/g) ?? []));
  const known = (part) => part.split(/[\s.]+/).every((word) => words.has(word) || [...words].some((each) => each.toLowerCase() === word));
  const used = (key) => quoted.has(key) || templates.some((template) => template.exec(key)?.slice(1).every(known));
  assert.ok(!used('train.metric.nosuchword') && !used('nosuchplace.title'), 'what nobody uses is found');
  assert.deepEqual(Object.keys(en).filter((key) => !used(key)), []);
});

test('only core.js touches the heap, only the core computes', () => {
  for (const { name, text } of sources) {
    if (name === join('worker', 'core.js')) continue;
    assert.doesNotMatch(text, /wasmMemory|HEAPU?8|_bridge_|_nsc_/, name);
  }
});

test('pages know the client, and neither the worker nor its messages', () => {
  for (const { name, text } of sources) {
    if (name.startsWith('ui')) assert.doesNotMatch(text, /from '\.\.\/worker\//, name);
    if (name.startsWith('worker') || name.startsWith('shared')) {
      assert.doesNotMatch(text, /from '\.\.\/(ui|client|i18n)\//, name);
    }
    assert.doesNotMatch(text, /console\./, name);
  }
});

test('the page asks nobody else for anything', () => {
  for (const { name, text } of [...sources, { name: 'index.html', text: html }]) {
    const urls = [...text.matchAll(/https?:\/\/[^\s'"`)]+/g)].map(([url]) => url);
    assert.deepEqual(urls.filter((url) => url !== 'http://www.w3.org/2000/svg'), [], name);
  }
});

test('the policy of the page and of the server are one', () => {
  const [, policy] = html.match(/http-equiv="Content-Security-Policy" content="([^"]*)"/) ?? [];
  // A meta element cannot forbid being framed.
  assert.equal(`${policy}; frame-ancestors 'none'`, POLICY);
});

test('CSV follows RFC 4180 and starts no formulas', () => {
  const row = { model: 'm', scores: { a: 0.5 }, threshold: 0.4, verdict: 'a', applies: 'in range', error: null, review: 'agree', note: null };
  const text = toCsv([
    { ...row, file: '=1+1.png' },
    { ...row, file: 'a "quoted", name.png', scores: null, verdict: null, applies: null, error: 'broken', review: null, note: '=2+2' },
  ]);
  assert.equal(
    text,
    'file,model,verdict,threshold,applies,error,review,note,a\r\n' +
      "'=1+1.png,m,a,0.4,in range,,agree,,0.5\r\n" +
      '"a ""quoted"", name.png",m,,0.4,,broken,,' + "'=2+2,\r\n",
  );
});

test('the server: types, isolation, packing, revalidation, no way out', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'negatoscope-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'index.html'), '<p>page</p>');
  await writeFile(join(folder, 'a.wasm'), 'plain');
  await writeFile(join(folder, 'a.wasm.gz'), 'not really gzip');
  const server = createSiteServer(folder);
  const base = await listen(server, 0);
  const bare = createSiteServer(folder, { isolation: false });
  const bareBase = await listen(bare, Number(new URL(base).port));
  t.after(() => (server.close(), bare.close()));
  assert.notEqual(bareBase, base, 'a taken port is passed over');

  const page = await fetch(base);
  assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.equal(page.headers.get('cross-origin-embedder-policy'), 'require-corp');
  assert.match(page.headers.get('content-security-policy'), /default-src 'none'/);
  assert.equal((await fetch(bareBase)).headers.get('cross-origin-opener-policy'), null);

  const plain = await fetch(`${base}a.wasm`, { headers: { 'Accept-Encoding': 'identity' } });
  assert.equal(plain.headers.get('content-type'), 'application/wasm');
  assert.equal(await plain.text(), 'plain');
  const packed = await fetch(`${base}a.wasm`, { method: 'HEAD', headers: { 'Accept-Encoding': 'gzip' } });
  assert.equal(packed.headers.get('content-encoding'), 'gzip');

  const again = await fetch(base, { headers: { 'If-None-Match': page.headers.get('etag') } });
  assert.equal(again.status, 304);
  assert.equal((await fetch(`${base}..%2f..%2fetc%2fpasswd`)).status, 404);
  assert.equal((await fetch(`${base}missing`)).status, 404);
  assert.equal((await fetch(base, { method: 'POST' })).status, 405);
});

/** Colour and opacity of a pixel of a PNG as the build writes it: RGBA, no row filtered. */
function pixelOf(png, x, y) {
  const side = png.readUInt32BE(16);
  const at = png.indexOf('IDAT') + 4;
  const rows = inflateSync(png.subarray(at, at + png.readUInt32BE(at - 8)));
  return [...rows.subarray(y * (4 * side + 1) + 1 + 4 * x).subarray(0, 4)];
}

test('icons are the drawing: ground, frame, light, round corners; a maskable one is ground to its corners', () => {
  const svg = readFileSync(join(WEB, 'icon.svg'), 'utf8');
  const [GROUND, FRAME, LIGHT] = ['#0e1114', '#93a1ad', '#8fd0dc'].map((color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16)));
  const plain = drawIcon(svg, 64);
  // In units of the drawing, two pixels each: on the frame's left side, in the left light, between both.
  assert.deepEqual(pixelOf(plain, 8, 28), [...FRAME, 255]);
  assert.deepEqual(pixelOf(plain, 22, 28), [...LIGHT, 255]);
  assert.deepEqual(pixelOf(plain, 32, 28), [...GROUND, 255]);
  assert.equal(pixelOf(plain, 0, 0)[3], 0);
  const maskable = drawIcon(svg, 64, { maskable: true });
  for (const [x, y] of [[0, 0], [63, 0], [0, 63], [63, 63]]) assert.deepEqual(pixelOf(maskable, x, y), [...GROUND, 255]);
  // Everything but the ground within the circle that no mask cuts.
  for (let y = 0; y < 64; y++) {
    for (let x = 0; x < 64; x++) if (Math.hypot(x - 31.5, y - 31.5) > 0.4 * 64 + 1) assert.deepEqual(pixelOf(maskable, x, y), [...GROUND, 255], `${x}, ${y}`);
  }
  assert.throws(() => drawIcon(svg.replace('<rect', '<circle'), 64), /no element circle/);
});

test('no text of a page becomes markup or a script', () => {
  for (const { name, text } of sources) assert.doesNotMatch(text, /\.(inner|outer)HTML\b|insertAdjacentHTML|document\.write|srcdoc|new Function|\beval\(/, name);
});
