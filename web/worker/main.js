/**
 * The site's worker: the core's variants and the codecs stand beside it, one folder each. The page has checked this script and the
 * core's before it made the worker; the codecs, which are loaded when a file needs them, must have the digests that the build put here.
 */
import { scriptAddresses } from '../shared/trusted.js';
import { reportRequests } from './requests.js';
import { serve } from './serve.js';

/** By path. @type {Record<string, string>} */
// @ts-ignore: defined at bundling
const DIGESTS = __DIGESTS__;

const GLUE = /^wasm\/[\w-]+\/negatoscope\.mjs$/;

/** With the version of this worker, so that the service worker answers with files of the same. @param {string} path */
const addressOf = (path) => new URL(path + self.location.search, self.location.href).href;

/** @param {string} path */
async function fetchGood(path) {
  const response = await fetch(addressOf(path), { integrity: DIGESTS[path] });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response;
}

/** @param {string} path */
async function factoryAt(path) {
  const { default: factory } = await import(addressOf(path));
  return factory;
}

// Emscripten makes its threads by an address in a text, which the server's policy forbids (Trusted Types) unless a policy of this
// name lets it pass: the core's own glue and nothing else.
scriptAddresses('default', (url) => {
  const { origin, pathname } = new URL(url);
  const { href } = new URL('./', self.location.href);
  return (origin + pathname).startsWith(href) && GLUE.test((origin + pathname).slice(href.length));
});
reportRequests(self);
serve(/** @type {any} */ (self), (variant) => factoryAt(`wasm/${variant}/negatoscope.mjs`), {
  loadCodec: async () => {
    await fetchGood('wasm/codec/codec.mjs');
    return factoryAt('wasm/codec/codec.mjs');
  },
  codecBytes: async () => (await fetchGood('wasm/codec/codec.wasm')).arrayBuffer(),
});
