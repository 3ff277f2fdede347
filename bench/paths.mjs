/** Where things are. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const BENCH = join(ROOT, 'bench');
/** What a run makes: models, the bundle for the browser, the page with its models. */
export const SCRATCH = join(ROOT, 'build/bench');
/** Builds of the core, copied: a build that goes on meanwhile changes nothing. */
export const WASM = join(SCRATCH, 'wasm');
export const ORT = join(ROOT, 'node_modules/onnxruntime-web/dist');
export const LITERT = join(BENCH, 'node_modules/@litertjs/core/wasm');
export const TFJS = join(BENCH, 'node_modules/@tensorflow/tfjs-backend-wasm/dist');
