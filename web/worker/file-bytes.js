/**
 * A large file that stays outside of the core's memory, which never shrinks (a store of Core.addStore): the core copies
 * parts of it when it needs them. While much is asked for its bytes are in memory of their own, since each read of
 * a file takes the browser most of a millisecond; afterwards they are let go, and what is still asked for is read from
 * the file.
 */
import { CoreError, FAULT } from '../shared/protocol.js';

/** Bytes that are read at once: few enough that a progress bar moves. */
const PIECE = 1 << 24;

/** Bytes of a file from which on it stays outside: of a smaller one nobody misses the memory. */
const LARGE = 1 << 22;

class FileBytes {
  /** @param {Blob} file */
  constructor(file) {
    this.file = file;
    /** @type {Uint8Array[]} pieces of PIECE bytes, none once they were let go */
    this.pieces = [];
  }

  /** @param {(done: number, total: number) => void} [onProgress] */
  async load(onProgress) {
    const { size } = this.file;
    const pieces = [];
    for (let at = 0; at < size; at += PIECE) {
      const end = Math.min(at + PIECE, size);
      try {
        pieces.push(new Uint8Array(await this.file.slice(at, end).arrayBuffer()));
      } catch (error) {
        throw new CoreError(FAULT.READ, 'READ', error instanceof Error ? error.message : String(error));
      }
      onProgress?.(end, size);
    }
    this.pieces = pieces;
  }

  /** Where files can be read at once, which is in workers of a browser. */
  letGo() {
    if (typeof FileReaderSync !== 'undefined') this.pieces = [];
  }

  /** @param {number} at @param {Uint8Array} target */
  copy(at, target) {
    if (!this.pieces.length) {
      target.set(new Uint8Array(new FileReaderSync().readAsArrayBuffer(this.file.slice(at, at + target.length))));
      return;
    }
    for (let done = 0; done < target.length; ) {
      const piece = this.pieces[Math.floor((at + done) / PIECE)];
      const from = (at + done) % PIECE;
      const part = piece.subarray(from, Math.min(piece.length, from + target.length - done));
      target.set(part, done);
      done += part.length;
    }
  }
}

/**
 * A model's file, or a file of weights beside it, as a source: a large one stays outside of the core's memory.
 * @param {import('./core.js').Core} core
 * @param {Blob} file
 * @param {(done: number, total: number) => void} [onProgress]
 * @returns {Promise<{source: number, letGo: () => void}>} letGo: to be called once the model is ready, when little more is going to be read
 */
export async function modelSource(core, file, onProgress) {
  if (file.size < LARGE) return { source: await core.source(file, { onProgress }), letGo: () => {} };
  const bytes = new FileBytes(file);
  await bytes.load(onProgress);
  return { source: core.sourceOutside(bytes, file.size), letGo: () => bytes.letGo() };
}
