/**
 * The single file's worker. The build bundles Emscripten's glue of the two builds without threads, and of the codecs,
 * into it under the names below: shared memory needs response headers, which a file does not have.
 */
import codec from 'glue-codec';
import relaxed from 'glue-relaxed';
import simd from 'glue-simd';
import { reportRequests } from './requests.js';
import { serve } from './serve.js';

/** @type {Record<string, import('./core.js').Factory>} */
const factories = { relaxed, simd };

reportRequests(self);
serve(/** @type {any} */ (self), async (variant) => factories[variant], { loadCodec: async () => codec });
