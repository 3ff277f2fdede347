/** The core's part for many files: headers, the index of series, DICOMDIRs, archives. Sees addresses only. */

/**
 * @typedef {import('./core.js').Core} Core
 * @typedef {import('../shared/protocol.js').Study} Study
 */

/**
 * What a file is, by its first bytes. Throws NSC_ERROR_TRUNCATED when more are needed.
 * @param {Core} core
 * @param {Uint8Array} bytes
 * @param {number} fileSize
 * @returns {{kind: import('../shared/protocol.js').FileKind, facts: string}} facts: nsc_header_json as it stands
 */
export function readHeader(core, bytes, fileSize) {
  core.withBytes(bytes, (address) => core.call('bridge_header', address, bytes.length, fileSize));
  const facts = core.ownedText();
  return { kind: JSON.parse(facts).kind, facts };
}

/** @param {Core} core @param {Uint8Array} bytes @returns {Array<{path: string, facts: object}>} */
export function readDirectory(core, bytes) {
  core.withBytes(bytes, (address) => core.call('bridge_dicomdir', address, bytes.length));
  return core.ownedJson();
}

/** Files by patient, study and series. */
export class CoreIndex {
  /** @param {Core} core */
  constructor(core) {
    this.core = core;
    core.call('bridge_index_create');
    this.handle = core.result();
  }

  /** @param {string | null} key  null: the file is missing @param {string} path @param {string} facts */
  add(key, path, facts) {
    this.core.withTexts([key, path, facts], (...texts) => this.core.call('bridge_index_add', this.handle, ...texts));
  }

  /** @param {string} key */
  remove(key) {
    this.core.removeFromIndex(this.handle, key);
  }

  /** @returns {Study[]} */
  list() {
    this.core.call('bridge_index_json', this.handle);
    return this.core.ownedJson();
  }
}

/** A ZIP archive, whole in the heap until it is freed. */
export class CoreArchive {
  /** @param {Core} core @param {number} source  taken over, also on failure */
  constructor(core, source) {
    this.core = core;
    this.handle = 0;
    core.handOver(source, () => core.call('bridge_archive_open', source));
    this.handle = core.result();
    core.call('bridge_archive_json', this.handle);
    /** @type {Array<{path: string, size: number}>} */
    this.entries = core.ownedJson();
  }

  /** @param {number} index */
  read(index) {
    this.core.call('bridge_archive_read', this.handle, index);
    return this.core.borrowedBytes();
  }

  free() {
    this.core.freeArchive(this.handle);
  }
}
