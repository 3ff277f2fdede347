/** What tells one model from another, whatever its file is called: a hash of its bytes and of how the page was told to use it. */

/** Bytes of a file that are hashed at once, so that a large model is never in memory as a whole. */
const PIECE = 8 << 20;

/** @param {ArrayBuffer | Uint8Array<ArrayBuffer>} bytes @returns {Promise<Uint8Array>} */
const digest = async (bytes) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));

/** @param {Blob} file */
async function hashOf(file) {
  const parts = [];
  for (let at = 0; at < file.size; at += PIECE) parts.push(await digest(await file.slice(at, at + PIECE).arrayBuffer()));
  return digest(await new Blob(/** @type {BlobPart[]} */ (parts)).arrayBuffer());
}

const hex = (/** @type {Uint8Array} */ bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/**
 * @param {{file: Blob, options: import('../shared/protocol.js').ModelOptions, weights: import('../shared/protocol.js').Weights[]}} model
 * @returns {Promise<string | null>} null where the browser does not hash: on a page without encryption from another machine
 */
export async function modelFingerprint({ file, options, weights }) {
  if (!globalThis.crypto?.subtle) return null;
  const hashes = [];
  for (const each of [file, ...weights.map((weight) => weight.file)]) hashes.push(hex(await hashOf(each)));
  const { recipe, labels, output } = options;
  const text = JSON.stringify([hashes, weights.map(({ name }) => name), recipe, labels, output]);
  return hex(await digest(new TextEncoder().encode(text))).slice(0, 32);
}
