/**
 * Where the page's parts come from in the single file: data blocks of the page itself, gzip in base64. Nothing is
 * fetched, so the file works by double click and its policy forbids every connection.
 */
import { scriptAddresses } from '../shared/trusted.js';
import { Traffic } from './traffic.js';

/** @param {string} id @returns {Promise<Blob>} */
async function block(id) {
  const text = document.getElementById(id)?.textContent?.trim();
  if (!text) throw new Error(`the file lacks its part ${id}`);
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).blob();
}

/** @param {ArrayBuffer} bytes @param {string} expected  as Subresource Integrity writes it */
async function hasDigest(bytes, expected) {
  // Browsers that give pages from a file no cryptography check nothing; what is damaged then does not compile.
  if (!globalThis.crypto?.subtle) return true;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return `sha256-${btoa(String.fromCharCode(...digest))}` === expected;
}

/** @returns {Promise<import('./site.js').Parts>} */
export async function singleParts() {
  const { version, variants, models, digests } = JSON.parse(document.getElementById('parts')?.textContent ?? '{}');
  const script = await block('worker');
  const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
  const scriptAddress = scriptAddresses('negatoscope', (address) => address === url);
  const traffic = new Traffic();
  return {
    version,
    traffic,
    variants,
    compile: async (variant) => {
      const bytes = await (await block(`wasm-${variant}`)).arrayBuffer();
      if (!(await hasDigest(bytes, digests[variant]))) throw new Error(`the file is damaged: wasm-${variant}`);
      return WebAssembly.compile(bytes);
    },
    digest: (variant) => digests[variant] ?? '',
    codec: () => block('wasm-codec'),
    createWorker: () => traffic.listen(new Worker(scriptAddress(url))),
    models: models.map((/** @type {{name: string, title: string, bytes: number}} */ facts) => ({
      ...facts,
      blob: () => block(`model-${facts.name}`),
    })),
    lessons: () => null,
    offline: null,
  };
}
