/**
 * Where the page's parts come from when it is served as a site. The single file has another module with the same
 * exports in its place.
 */

/**
 * @typedef {{name: string, title: string, bytes: number, blob: () => Promise<Blob>}} ShippedModel
 * @typedef {object} Parts
 * @property {readonly string[]} variants  builds of the core that were made
 * @property {(variant: string) => Promise<WebAssembly.Module>} compile
 * @property {() => Promise<Blob | null>} codec  bytes of the codecs' module; null where the worker fetches it by itself
 * @property {() => Worker} createWorker
 * @property {ShippedModel[]} models
 * @property {boolean} offline  whether a service worker can keep the page
 */

/** @param {string} url */
async function fetchGood(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return response;
}

/** What the build wrote into the page. @returns {{variants: string[], models: Array<{name: string, title: string, bytes: number, file: string}>}} */
function manifest() {
  return JSON.parse(document.getElementById('parts')?.textContent ?? '{}');
}

/** @returns {Parts} */
export function siteParts() {
  const { variants = [], models = [] } = manifest();
  return {
    variants,
    compile: (variant) => WebAssembly.compileStreaming(fetchGood(`wasm/${variant}/negatoscope.wasm`)),
    codec: async () => null,
    createWorker: () => new Worker('worker.js', { type: 'module' }),
    models: models.map(({ file, ...facts }) => {
      /** Kept, so that choosing a model again or restarting the worker asks for nothing. @type {Promise<Blob> | null} */
      let blob = null;
      return {
        ...facts,
        blob: () => (blob ??= fetchGood(file).then((response) => response.blob())),
      };
    }),
    offline: 'serviceWorker' in navigator,
  };
}
