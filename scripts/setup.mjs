/**
 * Everything a fresh machine lacks: system packages, Emscripten and third-party sources, npm packages; and the builds.
 * What is already there costs milliseconds. Debian 12 and 13, Ubuntu; elsewhere it says what to install by hand.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'negatoscope');
const TOOLCHAIN = process.env.NSC_TOOLCHAIN || join(CACHE, 'toolchain');

process.env.NSC_TOOLCHAIN = TOOLCHAIN;
process.env.CCACHE_DIR ||= join(CACHE, 'ccache');
process.env.CCACHE_NOHASHDIR ||= '1'; // clones in different folders share results
process.env.CCACHE_BASEDIR ||= ROOT;
process.env.EM_COMPILER_WRAPPER ||= onPath('ccache'); // emcc wants the whole path
if (!process.env.EM_COMPILER_WRAPPER) delete process.env.EM_COMPILER_WRAPPER;

export function onPath(program) {
  const found = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' });
  return found.status === 0 ? found.stdout.trim() : '';
}

/** Where progress goes: the command line tool keeps standard output for its own results. */
export const output = { stdout: 'inherit' };

export function say(text) {
  (output.stdout === 2 ? console.error : console.log)(`\x1b[2m${new Date().toTimeString().slice(0, 8)}\x1b[0m ${text}`);
}

/** Runs a command with its output shown; rejects when it fails. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['inherit', output.stdout, 'inherit'], ...options });
    child.on('error', reject);
    child.on('exit', (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`${command} ${args.slice(0, 3).join(' ')}… ended with ${signal ?? code}`)));
  });
}

function installed(name) {
  const query = spawnSync('dpkg-query', ['-W', '-f=${Status}', name], { encoding: 'utf8' });
  return query.status === 0 && query.stdout.endsWith('install ok installed');
}

async function installPackages(names) {
  const missing = names.filter((name) => !installed(name));
  if (missing.length === 0) return;
  if (!onPath('apt-get')) throw new Error(`please install: ${missing.join(' ')}`);
  const root = process.getuid?.() === 0 ? [] : ['sudo'];
  const apt = (...args) => {
    const [command, ...rest] = [...root, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', ...args];
    return run(command, rest);
  };
  say(`installing ${missing.join(' ')}`);
  await apt('update', '-qq');
  await apt('install', '-y', '-qq', '--no-install-recommends', ...missing);
}

/** Is the distribution's own Emscripten new enough (3.1.60 or newer)? */
function emscriptenPackageIsNew() {
  const policy = spawnSync('apt-cache', ['policy', 'emscripten'], { encoding: 'utf8' }).stdout ?? '';
  const [, major, minor, patch] = /Candidate: (\d+)\.(\d+)\.(\d+)/.exec(policy) ?? [];
  return Number(major) > 3 || (Number(major) === 3 && (Number(minor) > 1 || Number(patch) >= 60));
}

const COMPILERS = ['clang-19', 'lld-19', 'llvm-19', 'libclang-rt-19-dev', 'g++', 'cmake', 'ninja-build', 'ccache', 'python3',
                   'xz-utils', 'bzip2', 'ca-certificates', 'debian-archive-keyring'];

function hash(...files) {
  const sum = createHash('sha256');
  for (const file of files) sum.update(readFileSync(join(ROOT, file)));
  return sum.digest('hex');
}

/** Calls `make` unless it was already done for the same content of `files`. `stamp` lives where the result does. */
async function once(stamp, files, make) {
  const key = hash(...files);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return;
  await make();
  writeFileSync(stamp, key);
}

/** Compilers, Emscripten, sources. */
export async function setUpCompilers() {
  await installPackages(COMPILERS);
  const emsdk = existsSync(join(TOOLCHAIN, 'emsdk'));
  if (!emsdk && !onPath('emcc') && emscriptenPackageIsNew()) await installPackages(['emscripten']);
  mkdirSync(TOOLCHAIN, { recursive: true });
  await once(join(TOOLCHAIN, 'stamp'), ['scripts/toolchain.sh'], async () => {
    say(`fetching the toolchain and third-party sources into ${TOOLCHAIN}`);
    await run('sh', ['scripts/toolchain.sh', TOOLCHAIN]);
  });
}

export async function setUpNode() {
  if (existsSync(join(ROOT, 'node_modules', 'stamp')) === false) say('installing npm packages');
  mkdirSync(join(ROOT, 'node_modules'), { recursive: true });
  await once(join(ROOT, 'node_modules', 'stamp'), ['package.json', 'package-lock.json'], () =>
    run('npm', ['ci', '--no-progress', '--loglevel=error']));
}

/** A Chromium for the tests: $CHROMIUM, one on the PATH, or Debian's package. */
export async function setUpChromium() {
  const find = () => process.env.CHROMIUM || ['chromium', 'chromium-browser', 'google-chrome'].map(onPath).find(Boolean);
  if (!find()) await installPackages(['chromium']);
  const path = find();
  if (!path) throw new Error('no Chromium found: install one, or name it in CHROMIUM');
  process.env.CHROMIUM = path;
}

/** Lines of ninja, every few seconds: a log keeps readable and nobody wonders whether anything happens. */
function showProgress(stream) {
  let last = Date.now();
  let rest = '';
  stream.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const step = /^\s*\[(\d+)\/(\d+)/.exec(line);
      if (step && Date.now() - last < 5000) continue;
      if (line.includes('no work to do') || line.startsWith('ninja: Entering')) continue;
      last = Date.now();
      say(step ? `  ${step[1]} of ${step[2]}` : line);
    }
  });
}

/** Configures a CMake preset if it never was, then builds targets; ninja itself sees what changed. */
export async function buildPreset(preset, targets = []) {
  const folder = join(ROOT, 'build', preset);
  if (!existsSync(join(folder, 'build.ninja'))) {
    say(`configuring ${preset}`);
    await run('cmake', ['--preset', preset], { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  say(`building ${preset}${targets.length ? `: ${targets.join(' ')}` : ''}`);
  await new Promise((resolve, reject) => {
    const ninja = spawn('ninja', ['-C', folder, ...targets], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
    showProgress(ninja.stdout);
    ninja.on('error', reject);
    ninja.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`building ${preset} failed`))));
  });
}

export const VARIANT_TARGETS = ['simd', 'simd-threads', 'relaxed', 'relaxed-threads', 'codec'].map((v) => `negatoscope-${v}`);

/** The other engines that benchmarks compare with live in bench/node_modules, which nothing else needs. */
export async function installEngines() {
  const lock = readFileSync(join(ROOT, 'bench/package-lock.json'));
  const key = createHash('sha256').update(lock).digest('hex');
  const stamp = join(ROOT, 'bench/node_modules/stamp');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return;
  say('installing the other engines');
  await run('npm', ['ci', '--no-progress', '--loglevel=error'], { cwd: join(ROOT, 'bench') });
  writeFileSync(stamp, key);
}

/** Everything that a comparison of engines needs. @param {string | undefined} wasm  a folder of builds of the core that are to be taken as they are */
export async function setUpEngines(wasm) {
  if (!wasm) await setUpCompilers();
  await setUpNode();
  await installEngines();
  await setUpChromium();
  if (!wasm) await buildPreset('wasm', VARIANT_TARGETS);
}
