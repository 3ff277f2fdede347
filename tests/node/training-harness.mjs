/** The worker that trains, without a worker, and a memory in the place of the browser's files. */
import assert from 'node:assert/strict';

import { startService } from './harness.mjs';

/** A place that keeps bytes outside of the core, and counts what goes through it. */
function memoryScratch() {
  let bytes = new Uint8Array(0);
  const scratch = {
    written: 0,
    read: (at, into) => into.set(bytes.subarray(at, at + into.length)),
    write: (at, from) => {
      if (at + from.length > bytes.length) {
        const grown = new Uint8Array(at + from.length);
        grown.set(bytes);
        bytes = grown;
      }
      bytes.set(from, at);
      scratch.written += from.length;
    },
  };
  return scratch;
}

/** Files that live as long as a test: what a browser keeps; with `scratch`, as in its private file system. */
export function memoryFiles({ scratch = false } = {}) {
  const stored = new Map();
  const scratches = [];
  return {
    stored,
    scratches,
    open: async () => ({
      scratch: async () => {
        if (scratch) scratches.push(memoryScratch());
        return scratches.at(-1) ?? null;
      },
      list: async () => [...stored.keys()],
      read: async (name) => stored.get(name) ?? null,
      write: async (name, parts) => {
        stored.set(name, new Blob([...parts]));
        return stored.get(name).size;
      },
      remove: async (name) => void stored.delete(name),
    }),
  };
}

export async function startTraining({ variant = 'simd', threads = 1, files = memoryFiles() } = {}) {
  const service = await startService(variant, { service: 'training', threads, test: true, files: files.open });
  assert.equal(service.ready.ok, true, service.ready.error?.message);
  return { ...service, files };
}

/** The answer's result; a failure fails the test. */
export async function good(answer) {
  const { ok, result, error } = await answer;
  assert.ok(ok, error && `${error.name}: ${error.message}`);
  return result;
}

export async function runToEnd(ask, ms = 20) {
  for (let slices = 0; slices < 2000; slices++) {
    const { finished, status } = await good(ask('run', { ms }));
    if (finished) return status;
  }
  return assert.fail('training did not end');
}
