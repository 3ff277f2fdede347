/**
 * A large file that stays outside of the core's memory, which never shrinks (a store of Core.addStore): the core copies
 * parts of it when it needs them. While a model is opened and made ready its bytes are in memory of their own, since each
 * read of a file takes the browser most of a millisecond; they are let go piece by piece while weights are packed. What is
 * asked for later is read from the file.
 */
import { CoreError, FAULT } from '../shared/protocol.js';

/** Bytes that are read at once: few enough that a progress bar moves. */
const PIECE = 1 << 24;

/** Bytes of a file from which on it stays outside: of a smaller one nobody misses the memory. */
const LARGE = 1 << 22;

/** In workers of a browser; elsewhere what was read stays. */
const READS_AT_ONCE = typeof FileReaderSync !== 'undefined';

export class FileBytes {
  /** @param {Blob} file */
  constructor(file) {
    this.file = file;
    /** @type {Array<Uint8Array | null>} of PIECE bytes; null for what was let go */
    this.pieces = [];
    this.packing = false;
  }

  /** @param {(done: number, total: number) => void} [onProgress] */
  async load(onProgress) {
    const { size } = this.file;
    for (let at = 0; at < size; at += PIECE) {
      const end = Math.min(at + PIECE, size);
      try {
        this.pieces.push(new Uint8Array(await this.file.slice(at, end).arrayBuffer()));
      } catch (error) {
        throw new CoreError(FAULT.READ, 'READ', error instanceof Error ? error.message : String(error));
      }
      onProgress?.(end, size);
    }
  }

  /** From now on each part is read once, mostly in the order of the file. */
  beginPacking() {
    this.packing = READS_AT_ONCE;
  }

  letGo() {
    if (READS_AT_ONCE) this.pieces.fill(null);
  }

  /** @param {number} at @param {Uint8Array} target */
  copy(at, target) {
    if (this.packing) this.pieces.fill(null, 0, Math.floor(at / PIECE));
    for (let done = 0; done < target.length; ) {
      const from = (at + done) % PIECE;
      const length = Math.min(PIECE - from, target.length - done);
      target.set(this.#part(at + done, length), done);
      done += length;
    }
  }

  /** Within one piece. @param {number} at @param {number} length */
  #part(at, length) {
    const piece = this.pieces[Math.floor(at / PIECE)];
    if (piece) return piece.subarray(at % PIECE, (at % PIECE) + length);
    return new Uint8Array(new FileReaderSync().readAsArrayBuffer(this.file.slice(at, at + length)));
  }
}

/**
 * A source of a file that stays outside of the core's memory; it drops the store when it ends.
 * @param {import('./core.js').Core} core
 * @param {import('./core.js').Store} store
 * @param {number} size
 * @returns {number}
 */
export function sourceOutside(core, store, size) {
  const id = core.addStore(store);
  try {
    core.call('bridge_source_outside', id, size);
  } catch (error) {
    core.dropStore(id);
    throw error;
  }
  return core.result();
}

/**
 * A model's file, or a file of weights beside it, as a source: a large one stays outside of the core's memory.
 * @param {import('./core.js').Core} core
 * @param {Blob} file
 * @param {(done: number, total: number) => void} [onProgress]
 * @returns {Promise<{source: number, outside: FileBytes[]}>} outside: those bytes, or none
 */
export async function modelSource(core, file, onProgress) {
  if (file.size < LARGE) return { source: await core.source(file, { onProgress }), outside: [] };
  const bytes = new FileBytes(file);
  const source = sourceOutside(core, bytes, file.size); // before anything is read: it refuses what is too large
  try {
    await bytes.load(onProgress);
  } catch (error) {
    core.freeSource(source);
    throw error;
  }
  return { source, outside: [bytes] };
}

/**
 * What makes a model ready, with its files let go meanwhile.
 * @template T
 * @param {FileBytes[]} outside
 * @param {() => T} make
 */
export async function withPacking(outside, make) {
  for (const bytes of outside) bytes.beginPacking();
  const made = await make();
  for (const bytes of outside) bytes.letGo();
  return made;
}
