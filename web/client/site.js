/**
 * Where the page's parts come from when it is served as a site. The single file has another module with the same
 * exports in its place.
 */
import { scriptAddresses } from '../shared/trusted.js';
import { Traffic } from './traffic.js';

/**
 * @typedef {{name: string, title: string, bytes: number, blob: () => Promise<Blob>}} ShippedModel
 * @typedef {object} Parts
 * @property {string} version  of the page as a whole
 * @property {readonly string[]} variants  builds of the core that were made
 * @property {(variant: string) => Promise<WebAssembly.Module>} compile
 * @property {(variant: string) => string} digest  of a build, as Subresource Integrity writes it; what was compiled has been checked
 * @property {() => Promise<Blob | null>} codec  bytes of the codecs' module; null where the worker fetches it by itself
 * @property {() => Worker} createWorker
 * @property {ShippedModel[]} models
 * @property {Traffic} traffic
 * @property {(language: string) => string | null} lessons  the address of the lessons in a language, where they came with the page
 * @property {(() => string) | null} offline  the address of the service worker that can keep the page; null: none can
 *
 * @typedef {object} Listed  what the build wrote into the page
 * @property {string} version
 * @property {string[]} variants
 * @property {Array<{name: string, title: string, bytes: number, file: string}>} models
 * @property {Record<string, string>} digests  by path
 */

const WORKER = 'worker.js';
const SERVICE_WORKER = 'sw.js';

/** @param {string} core @returns {string} where the build's wasm stands */
const wasmOf = (core) => `wasm/${core}/negatoscope.wasm`;

/** @returns {Listed} */
function manifest() {
  return { version: '', variants: [], models: [], digests: {}, ...JSON.parse(document.getElementById('parts')?.textContent ?? '{}') };
}

/** @returns {Parts} */
export function siteParts() {
  const { version, variants, models, digests } = manifest();
  /** Tells the service worker which version asks: another tab may have gone on to the next. @param {string} path */
  const versioned = (path) => `${path}?v=${version}`;
  /** The service worker compares digests before it keeps a file; to do so again would cost the start 50 ms. */
  const checked = Boolean(navigator.serviceWorker?.controller);
  /** Only what has the digest that the build wrote into the page. @param {string} path */
  const fetchGood = async (path) => {
    const response = await fetch(versioned(path), checked ? {} : { integrity: digests[path] });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${response.statusText}`);
    return response;
  };
  const ours = new Set([versioned(WORKER), SERVICE_WORKER].map((path) => new URL(path, location.href).href));
  const scriptAddress = scriptAddresses('negatoscope', (url) => ours.has(url));
  const traffic = new Traffic();
  return {
    version,
    traffic,
    variants,
    compile: async (variant) => {
      // Browsers check no digest of a worker's script and of what it imports by themselves.
      const scripts = checked ? [] : [WORKER, `wasm/${variant}/negatoscope.mjs`].map(fetchGood);
      const [module] = await Promise.all([WebAssembly.compileStreaming(fetchGood(wasmOf(variant))), ...scripts]);
      return module;
    },
    digest: (variant) => digests[wasmOf(variant)] ?? '',
    codec: async () => null,
    createWorker: () => traffic.listen(new Worker(scriptAddress(versioned(WORKER)), { type: 'module' })),
    models: models.map(({ file, ...facts }) => {
      /** Kept, so that choosing a model again or restarting the worker asks for nothing. @type {Promise<Blob> | null} */
      let blob = null;
      return {
        ...facts,
        blob: () => (blob ??= fetchGood(file).then((response) => response.blob())),
      };
    }),
    lessons: (language) => (`lessons/${language}.html` in digests ? `lessons/${language}.html` : null),
    offline: 'serviceWorker' in navigator ? () => scriptAddress(SERVICE_WORKER) : null,
  };
}
