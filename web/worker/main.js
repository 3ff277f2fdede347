/** The site's worker: the core's variants stand beside it, one folder each. */
import { serve } from './serve.js';

serve(/** @type {any} */ (self), async (variant) => {
  const { href } = new URL(`wasm/${variant}/negatoscope.mjs`, self.location.href);
  const { default: factory } = await import(href);
  return factory;
});
