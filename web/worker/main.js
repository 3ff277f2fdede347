/** The site's worker: the core's variants and the codecs stand beside it, one folder each. */
import { serve } from './serve.js';

/** @param {string} path */
async function factoryAt(path) {
  const { href } = new URL(path, self.location.href);
  const { default: factory } = await import(href);
  return factory;
}

serve(/** @type {any} */ (self), (variant) => factoryAt(`wasm/${variant}/negatoscope.mjs`), {
  loadCodec: () => factoryAt('wasm/codec/codec.mjs'),
});
