/** The walls of docs/ARCHITECTURE.md: who may include whom, and what may not be in the library at all. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const files = (folder, pattern) =>
  readdirSync(join(ROOT, folder), { recursive: true }).filter((f) => pattern.test(f)).map((f) => join(folder, f));
const read = (file) => readFileSync(join(ROOT, file), 'utf8');
/** Without comments and string literals: prose may speak of what code may not do. */
const code = (file) => read(file).replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"/g, (m) => (m[0] === '"' ? m : ' '));

const MAY_INCLUDE = {
  base: ['base'],
  codec: ['base', 'codec'],
  image: ['base', 'codec', 'image'],
  nn: ['base', 'nn'],
  train: ['base', 'nn', 'train'],
  explain: ['base', 'nn', 'train', 'explain'],
  pipeline: ['base', 'image', 'nn', 'train', 'explain', 'eval', 'pipeline'],
  eval: ['base', 'eval'],
  cli: ['base', 'train', 'pipeline', 'eval', 'cli'],
};

test('folders of src/ include only what stands below them', () => {
  for (const [folder, allowed] of Object.entries(MAY_INCLUDE)) {
    for (const file of files(`src/${folder}`, /\.[ch]$/)) {
      for (const [, path] of code(file).matchAll(/#include\s+"([^"]+)"/g)) {
        if (path === 'negatoscope.h' || path === 'stb_image.h') continue;
        assert.ok(allowed.includes(path.split('/')[0]), `${file} includes ${path}`);
      }
    }
  }
});

test('every folder of src/ has its wall', () => {
  assert.deepEqual(readdirSync(join(ROOT, 'src')).sort(), Object.keys(MAY_INCLUDE).sort());
});

test('only src/codec knows its three libraries', () => {
  for (const file of [...files('src', /\.[ch]$/), ...files('emscripten', /\.[ch]$/)]) {
    if (!/^src.codec/.test(file)) assert.doesNotMatch(code(file), /#include\s*[<"](openjpeg|charls|jpeglib)/, file);
  }
});

test('only src/nn knows XNNPACK, nothing in src or include knows Emscripten', () => {
  for (const file of [...files('src', /\.[ch]$/), ...files('include', /\.h$/), ...files('emscripten', /\.[ch]$/)]) {
    const text = code(file);
    if (!file.startsWith('src/nn/')) assert.doesNotMatch(text, /#include\s*[<"](xnnpack|pthreadpool)/, file);
    if (!file.startsWith('emscripten')) assert.doesNotMatch(text, /emscripten|EMSCRIPTEN/, file);
  }
});

test('the library neither prints nor ends the program', () => {
  for (const file of files('src', /\.[ch]$/).filter((f) => !f.startsWith('src/cli/'))) {
    assert.doesNotMatch(code(file), /\b(printf|puts|putchar|fprintf|fopen|abort|exit|_exit)\s*\(/, file);
  }
});

test('one module of the page touches the wasm heap, none fetches from elsewhere', () => {
  for (const file of files('web', /\.js$/)) {
    const text = code(file);
    if (file !== join('web', 'worker', 'core.js')) assert.doesNotMatch(text, /\bHEAPU?(8|16|32)\b|wasmMemory|new (Uint8|Float32)Array\(\w*[mM]emory/, file);
    assert.doesNotMatch(text, /https?:\/\/(?!www\.w3\.org)/, file);
  }
});

test('no file has outgrown one thought', () => {
  const sources = [...files('src', /\.[ch]$/), ...files('web', /\.(js|css|html)$/), ...files('emscripten', /\.[ch]$/)];
  for (const file of sources) assert.ok(read(file).split('\n').length <= 700, `${file} is longer than 700 lines`);
});
