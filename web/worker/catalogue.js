/**
 * Looks at many files without opening them: what each is, which series it belongs to, what a DICOMDIR says of them, what
 * lies in an archive. Only the beginning of a file is read.
 */
import { CoreError, FAULT } from '../shared/protocol.js';
import { isTrap } from './core.js';
import { CoreArchive, CoreIndex, readDirectory, readHeader } from './core-files.js';

/**
 * @typedef {import('./core.js').Core} Core
 * @typedef {import('../shared/protocol.js').Listed} Listed
 * @typedef {import('../shared/protocol.js').Header} Header
 * @typedef {import('../shared/protocol.js').Unpacked} Unpacked
 */

/** Headers of CT slices take 2 to 10 KB; private elements in front of the pixels some 100 KB. */
const HEAD = 64 << 10;
/** When the header goes on, this many times more is read. */
const MORE = 8;
/** Bytes unpacked for one answer, so that pictures can be asked for in between. */
const PORTION = 32 << 20;

/** @param {Blob} file @param {number} size */
async function firstBytes(file, size) {
  try {
    return new Uint8Array(await file.slice(0, size).arrayBuffer());
  } catch (error) {
    throw new CoreError(FAULT.READ, 'READ', error instanceof Error ? error.message : String(error));
  }
}

/** How paths are compared: a DICOMDIR writes upper case, a disc's files may have a version (";1") or a bare dot behind. @param {string} path */
const plainPath = (path) => path.toLowerCase().replace(/;\d+$|\.$/, '');

export class Catalogue {
  /** @param {Core} core */
  constructor(core) {
    this.core = core;
    this.index = new CoreIndex(core);
    /** Keys in the index. @type {Set<string>} */
    this.known = new Set();
    /** Being unpacked. @type {{key: string, archive: CoreArchive} | null} */
    this.open = null;
  }

  /** @param {Listed} listed @returns {Promise<Header>} */
  async #header({ key, file }) {
    try {
      for (let size = HEAD; ; size *= MORE) {
        const bytes = await firstBytes(file, size);
        try {
          const { kind, facts } = readHeader(this.core, bytes, file.size);
          return { key, kind, facts: kind === 'image' ? facts : null };
        } catch (error) {
          if (!(error instanceof CoreError) || error.name !== 'NSC_ERROR_TRUNCATED' || size >= file.size) throw error;
        }
      }
    } catch (error) {
      if (isTrap(error)) throw error;
      // Whoever opens the file is told what is wrong with it.
      return { key, kind: 'unknown', facts: null };
    }
  }

  /**
   * Bytes that a file takes when it is opened, about: itself, and unpacked once more where all of it is gzip, which says at its end how
   * long it is unpacked, without what goes beyond 4 GiB (RFC 1952, 2.3.1).
   * @param {Blob} file
   */
  async weigh(file) {
    const [first, second] = await firstBytes(file, 2);
    if (first !== 0x1f || second !== 0x8b || file.size < 18) return file.size;
    const end = await firstBytes(file.slice(file.size - 4), 4);
    return file.size + Math.max(file.size, new DataView(end.buffer).getUint32(0, true));
  }

  /** @param {Listed[]} files */
  async headers(files) {
    const headers = await Promise.all(files.map((each) => this.#header(each)));
    // In the order of the files, whichever was read first.
    headers.forEach((header, i) => this.adopt({ ...files[i], facts: header.facts }));
    return headers;
  }

  /**
   * Takes the files that a DICOMDIR names into the index, by what its records say.
   * @param {Listed} directory
   * @param {Listed[]} files  those that were opened with it
   * @returns {Promise<{found: Header[], missing: string[]}>}  found: without those that were in the index before
   */
  async directory({ file, path }, files) {
    const records = readDirectory(this.core, await firstBytes(file, file.size));
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    const byPath = new Map(files.map((each) => [plainPath(each.path), each]));
    /** @type {Header[]} */
    const found = [];
    const missing = [];
    const known = records.map((record) => ({ ...record, listed: byPath.get(plainPath(folder + record.path)) }));
    // A directory without any of its files says nothing that could be shown.
    if (!known.some(({ listed }) => listed)) return { found, missing: records.map((record) => record.path) };
    for (const { path: name, facts, listed } of known) {
      const text = JSON.stringify(facts);
      if (!listed) {
        this.index.add(null, folder + name, text);
        missing.push(name);
      } else if (!this.known.has(listed.key)) {
        this.adopt({ ...listed, facts: text });
        found.push({ key: listed.key, kind: 'image', facts: text });
      }
    }
    return { found, missing };
  }

  /**
   * The next files of an archive, some 32 MB of them.
   * @param {string} key
   * @param {Blob} file
   * @param {number} from
   * @param {(done: number, total: number) => void} onProgress
   * @returns {Promise<Unpacked>}
   */
  async unpack(key, file, from, onProgress) {
    if (this.open?.key !== key) {
      this.#close();
      const source = await this.core.source(file, { onProgress });
      this.open = { key, archive: new CoreArchive(this.core, source) };
    }
    const { archive } = this.open;
    const { entries } = archive;
    /** @type {Unpacked['found']} */
    const found = [];
    let next = from;
    for (let bytes = 0; next < entries.length && bytes < PORTION; next++) {
      const { path, size } = entries[next];
      bytes += size;
      found.push(this.#entry(archive, next, path));
    }
    if (next >= entries.length) this.#close();
    return { found, next: next < entries.length ? next : null, total: entries.length };
  }

  /** @param {CoreArchive} archive @param {number} index @param {string} path @returns {Unpacked['found'][number]} */
  #entry(archive, index, path) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    try {
      return { path, file: new File([archive.read(index)], name), error: null };
    } catch (error) {
      if (isTrap(error)) throw error;
      return { path, file: new File([], name), error: CoreError.toMessage(error) };
    }
  }

  #close() {
    this.open?.archive.free();
    this.open = null;
  }

  /** A file whose facts are known, from its header or from an earlier worker. @param {Listed & {facts: string | null}} listed */
  adopt({ key, path, facts }) {
    if (!facts || this.known.has(key)) return;
    this.index.add(key, path, facts);
    this.known.add(key);
  }

  /** @param {string} key */
  forget(key) {
    if (this.known.delete(key)) this.index.remove(key);
    if (this.open?.key === key) this.#close();
  }
}
