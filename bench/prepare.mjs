/** What measurements of engines need in place: builds of the core that nothing changes meanwhile, and facts of the machine. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';

import { VARIANTS } from '../web/shared/variants.js';
import { ROOT, SCRATCH, WASM } from './paths.mjs';

/** @param {string | undefined} from  a folder of builds, or this checkout's */
export function copyBuilds(from) {
  rmSync(WASM, { recursive: true, force: true });
  for (const folder of [...VARIANTS, 'codec']) {
    const name = folder === 'codec' ? 'codec' : 'negatoscope';
    for (const file of [`${name}.mjs`, `${name}.wasm`]) {
      cpSync(join(from || join(ROOT, 'build/wasm/emscripten'), folder, file), join(WASM, folder, file));
    }
  }
  mkdirSync(join(SCRATCH, 'models'), { recursive: true });
}

/** @param {string} chromium  its version */
export function describeMachine(chromium) {
  const found = cpus();
  const versionOf = (folder) => JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')).version;
  const field = (file, pattern) => (existsSync(file) ? pattern.exec(readFileSync(file, 'utf8'))?.[1] : null);
  return {
    cpu: found[0].model.trim(),
    logicalCores: found.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${field('/etc/os-release', /PRETTY_NAME="(.*)"/) ?? process.platform}, kernel ${release()}`,
    chromium,
    node: process.versions.node,
    negatoscope: versionOf('.'),
    onnxruntime: versionOf('node_modules/onnxruntime-web'),
    tfjs: versionOf('bench/node_modules/@tensorflow/tfjs-backend-wasm'),
    litert: versionOf('bench/node_modules/@litertjs/core'),
    lighthouse: versionOf('bench/node_modules/lighthouse'),
  };
}
