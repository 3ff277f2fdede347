/**
 * Damaged copies of good files, the same ones for the same seed: bits flipped, lengths and counts replaced by numbers that
 * parsers trip over, blocks lost, repeated, exchanged, taken from another file, the end cut off.
 */

/** Numbers from 0 to 1, the same after each seed (Marsaglia's xorshift on 32 bits). */
function generator(seed) {
  let state = Math.imul(seed + 1, 0x9e3779b9) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const NUMBERS = [0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

/** Where the header is most is decided. @param {() => number} random @param {number} size */
const place = (random, size) => Math.floor(random() * (random() < 0.3 ? Math.min(size, 600) : size));

const KINDS = [
  function flipBits(bytes, random) {
    for (let n = 1 + Math.floor(random() * 8); n > 0; n--) bytes[place(random, bytes.length)] ^= 1 << Math.floor(random() * 8);
    return bytes;
  },
  function replaceNumber(bytes, random) {
    const width = [1, 2, 4, 8][Math.floor(random() * 4)];
    if (bytes.length < width) return bytes;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const at = Math.min(place(random, bytes.length), bytes.length - width);
    const number = random() < 0.2 ? bytes.length + Math.floor(random() * 3) - 1 : NUMBERS[Math.floor(random() * NUMBERS.length)];
    const little = random() < 0.5;
    if (width === 1) view.setUint8(at, number);
    else if (width === 2) view.setUint16(at, number, little);
    else if (width === 4) view.setUint32(at, number, little);
    else view.setBigUint64(at, random() < 0.5 ? BigInt(number) : (1n << 63n) + BigInt(number), little);
    return bytes;
  },
  function cut(bytes, random) {
    return bytes.slice(0, Math.floor(random() * bytes.length));
  },
  function loseBlock(bytes, random) {
    const at = place(random, bytes.length);
    const size = Math.floor(random() * Math.min(64, bytes.length - at));
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)]);
  },
  function repeatBlock(bytes, random) {
    const at = place(random, bytes.length);
    const block = bytes.subarray(at, at + Math.floor(random() * Math.min(256, bytes.length - at)));
    return Buffer.concat([bytes.subarray(0, at), block, block, bytes.subarray(at)]);
  },
  function exchangeBlocks(bytes, random) {
    const size = Math.floor(random() * Math.min(32, bytes.length / 2));
    const [a, b] = [place(random, bytes.length - size), place(random, bytes.length - size)];
    const kept = bytes.slice(a, a + size);
    bytes.copyWithin(a, b, b + size);
    bytes.set(kept, b);
    return bytes;
  },
  function fillBlock(bytes, random) {
    const at = place(random, bytes.length);
    const end = Math.min(bytes.length, at + 1 + Math.floor(random() * 32));
    for (let i = at; i < end; i++) bytes[i] = Math.floor(random() * 256);
    return bytes;
  },
];

/** The beginning of one file and the end of another. */
function splice(bytes, other, random) {
  return Buffer.concat([bytes.subarray(0, Math.floor(random() * bytes.length)), other.subarray(Math.floor(random() * other.length))]);
}

/**
 * @param {Uint8Array} bytes  a good file, which stays as it is
 * @param {number} seed
 * @param {Uint8Array} [other]  another one to take a piece of
 * @returns {Buffer}
 */
export function mutate(bytes, seed, other) {
  const random = generator(seed);
  let result = Buffer.from(bytes);
  for (let n = 1 + Math.floor(random() * 2); n > 0; n--) {
    if (other && random() < 0.1) result = splice(result, other, random);
    else result = Buffer.from(KINDS[Math.floor(random() * KINDS.length)](result, random));
  }
  return result;
}
