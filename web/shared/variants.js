/**
 * Which build of the core a browser can run. Decided by asking it to validate tiny modules with the very instructions
 * that the builds use: engines have shipped parts of a proposal while feature lists said yes to all of it.
 */

/** @typedef {{simd: boolean, relaxed: boolean, threads: boolean}} Features */

/** All builds, the best first. */
export const VARIANTS = Object.freeze(['relaxed-threads', 'simd-threads', 'relaxed', 'simd']);

/**
 * A module with one function of type () → v128 whose body is the given instructions.
 * @param {number[]} code
 */
function moduleOf(code) {
  const body = [0, ...code, 0x0b];
  // prettier-ignore
  return new Uint8Array([
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00,
    0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b,
    0x03, 0x02, 0x01, 0x00,
    0x0a, body.length + 2, 0x01, body.length, ...body,
  ]);
}

/** i32.const 0, i32x4.splat: a vector of zeros in four bytes. */
const ZERO = [0x41, 0x00, 0xfd, 0x11];
/** f32x4.mul. */
const SIMD = [...ZERO, ...ZERO, 0xfd, 0xe6, 0x01];
/** f32x4.relaxed_madd, then i32x4.relaxed_dot_i8x16_i7x16_add_s: XNNPACK's relaxed kernels use both. */
const RELAXED = [...ZERO, ...ZERO, ...ZERO, 0xfd, 0x85, 0x02, ...ZERO, ...ZERO, 0xfd, 0x93, 0x02];

/** @param {number[]} code */
function validates(code) {
  try {
    return WebAssembly.validate(moduleOf(code));
  } catch {
    return false;
  }
}

function sharedMemoryWorks() {
  if (typeof SharedArrayBuffer === 'undefined') return false;
  if ('crossOriginIsolated' in globalThis && !globalThis.crossOriginIsolated) return false;
  try {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    return memory.buffer instanceof SharedArrayBuffer;
  } catch {
    return false;
  }
}

/** @returns {Features} */
export function probeFeatures() {
  return { simd: validates(SIMD), relaxed: validates(RELAXED), threads: sharedMemoryWorks() };
}

/** @param {string} variant @param {Features} features */
export function canRun(variant, features) {
  if (!features.simd) return false;
  if (variant.startsWith('relaxed') && !features.relaxed) return false;
  return !variant.endsWith('threads') || features.threads;
}

/**
 * The builds this browser can run, the best first.
 * @param {Features} features
 * @param {readonly string[]} [offered]
 */
export function runnableVariants(features, offered = VARIANTS) {
  return offered.filter((variant) => canRun(variant, features));
}

/**
 * Threads worth starting. Past eight, memory bandwidth is shared and small networks get slower.
 * @param {string} variant
 * @param {number} [cores]
 */
export function threadCount(variant, cores = globalThis.navigator?.hardwareConcurrency ?? 1) {
  return variant.endsWith('threads') ? Math.max(1, Math.min(8, cores)) : 1;
}
