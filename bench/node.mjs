/** Node as a place to measure in: a process for each job, no workers, one thread. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

import { BENCH, ORT, SCRATCH, TFJS, WASM } from './paths.mjs';

/** Before 22, Node keeps relaxed SIMD behind a flag. */
export const NODE_FLAGS = Number(process.versions.node.split('.')[0]) < 22 ? ['--experimental-wasm-relaxed-simd'] : [];

export function openNode() {
  return {
    version: process.versions.node,
    async measure(job, file) {
      const urls = {
        core: pathToFileURL(join(WASM, job.variant ?? '', 'negatoscope.mjs')).href,
        onnxruntime: pathToFileURL(join(ORT, 'ort.node.min.mjs')).href,
        tfjsWasm: `${TFJS}/`,
      };
      const child = spawn(process.execPath, [...NODE_FLAGS, join(BENCH, 'node-process.mjs')], { stdio: 'pipe' });
      const ended = new Promise((resolve) => child.on('close', resolve));
      child.stdin.end(JSON.stringify({ job: { ...job, urls }, model: join(SCRATCH, 'models', file) }));
      const [output, problems, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
      if (code !== 0) throw new Error(`${job.engine} in Node ended with ${code}: ${problems}`);
      return JSON.parse(output);
    },
    async close() {},
  };
}
