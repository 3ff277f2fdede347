/**
 * No engine, but what one could reach at most: 32-bit multiply-adds on twelve independent vectors in registers, fused
 * (relaxed SIMD) or as a multiplication and an addition (SIMD). Processors differ in how much faster the first is.
 */

const LOOPS = 4e6;
const CHAINS = 12;
/** Four lanes, a multiplication and an addition each. */
export const FLOPS = LOOPS * CHAINS * 8;

const get = (local) => [0x20, local];
const set = (local) => [0x21, local];
const constant = (value) => [0x43, ...new Uint8Array(Float32Array.of(value).buffer)];
const SPLAT = [0xfd, 0x13];
const ADD = [0xfd, 0xe4, 0x01];
const MUL = [0xfd, 0xe6, 0x01];
const MADD = [0xfd, 0x85, 0x02];
const FIRST_LANE = [0xfd, 0x1f, 0];

/** Numbers below 2^14, in the two bytes that LEB128 may take for each of them. */
const size = (value) => [(value & 0x7f) | 0x80, value >> 7];
const section = (id, content) => [id, ...size(content.length), ...content];

/** Exports "run", (loops: i32) → f32. Local 0 counts down, 1 to CHAINS are the sums, the last two the factors. */
function moduleBytes(step) {
  const a = CHAINS + 1;
  const b = CHAINS + 2;
  const chains = Array.from({ length: CHAINS }, (_, i) => i + 1);
  const body = [
    ...[1, CHAINS + 2, 0x7b],
    ...chains.flatMap((chain) => [...constant(chain), ...SPLAT, ...set(chain)]),
    ...[...constant(0.999), ...SPLAT, ...set(a), ...constant(0.001), ...SPLAT, ...set(b)],
    ...[0x03, 0x40],
    ...chains.flatMap((chain) => [...get(chain), ...get(a), ...step(get(b)), ...set(chain)]),
    ...[...get(0), 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b],
    ...chains.flatMap((chain) => (chain === 1 ? get(chain) : [...get(chain), ...ADD])),
    ...[...FIRST_LANE, 0x0b],
  ];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, 1, 0x7f, 1, 0x7d]),
    ...section(3, [1, 0]),
    ...section(7, [1, 3, 0x72, 0x75, 0x6e, 0, 0]),
    ...section(10, [1, ...size(body.length), ...body]),
  ]);
}

const STEPS = { fused: (b) => [...b, ...MADD], separate: (b) => [...MUL, ...b, ...ADD] };

/** @param {import('../measure.mjs').Job} job */
export async function load({ variant }) {
  const { instance } = await WebAssembly.instantiate(moduleBytes(STEPS[variant]));
  return { channelsLast: false, create: async () => ({ run: () => [instance.exports.run(LOOPS)] }) };
}
