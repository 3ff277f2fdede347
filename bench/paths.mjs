/** Where things are. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const BENCH = join(ROOT, 'bench');
/** What a run makes: models, the bundle for the browser, the page with its models. */
export const SCRATCH = join(ROOT, 'build/bench');
/** NSC_WASM names another folder of builds of the core, which is then taken as it is. */
export const WASM = process.env.NSC_WASM || join(ROOT, 'build/wasm/emscripten');
export const ORT = join(ROOT, 'node_modules/onnxruntime-web/dist');
export const TFJS = join(BENCH, 'node_modules/@tensorflow/tfjs-backend-wasm/dist');
