/**
 * Files that outlast a visit: the browser's private file system where there is one (OPFS), else a table of blobs in
 * IndexedDB, which pages opened from a file have too. A write is whole or not there at all.
 */
import { CoreError, FAULT } from '../shared/protocol.js';

/**
 * @typedef {object} Files
 * @property {() => Promise<string[]>} list
 * @property {(name: string) => Promise<Blob | null>} read
 * @property {(name: string, parts: Iterable<Uint8Array<ArrayBuffer>>) => Promise<number>} write  parts are asked for one by
 *   one, so that they need not all be in memory; says how many bytes they were
 * @property {(name: string) => Promise<void>} remove
 * @property {() => Promise<Scratch | null>} scratch  a place of this worker's own, of no use after it; null where bytes can
 *   only be kept by waiting for it
 *
 * @typedef {{read: (at: number, bytes: Uint8Array<ArrayBuffer>) => void, write: (at: number, bytes: Uint8Array<ArrayBuffer>) => void}} Scratch
 *   both work at once, on all bytes, or throw
 * @typedef {{size: number, read: (at: number, bytes: Uint8Array<ArrayBuffer>) => void}} Reading
 */

const FOLDER = 'negatoscope-trainings';
const PART = '.part';
/** What a worker that is no more has left can be removed; what one still has open cannot. */
const SCRATCH = `.scratch${PART}`;

/** What the browser says when it keeps nothing, in our words. @param {unknown} error */
function storageError(error) {
  if (error instanceof CoreError) return error;
  const full = error instanceof DOMException && error.name === 'QuotaExceededError';
  return new CoreError(FAULT.STORAGE, full ? 'QUOTA' : 'STORAGE', error instanceof Error ? error.message : String(error));
}

/** @template T @param {() => Promise<T>} work @returns {Promise<T>} */
async function guarded(work) {
  try {
    return await work();
  } catch (error) {
    throw storageError(error);
  }
}

/** @param {FileSystemFileHandle} handle @param {Iterable<Uint8Array<ArrayBuffer>>} parts @returns {Promise<number>} bytes */
async function fill(handle, parts) {
  const access = await handle.createSyncAccessHandle();
  try {
    access.truncate(0);
    let at = 0;
    for (const part of parts) {
      const written = access.write(part, { at });
      if (written !== part.length) throw new DOMException('the disk is full', 'QuotaExceededError');
      at += written;
    }
    access.flush();
    return at;
  } finally {
    access.close();
  }
}

/** @param {FileSystemSyncAccessHandle} access @returns {Scratch} */
const scratchOf = (access) => ({
  read(at, bytes) {
    if (access.read(bytes, { at }) !== bytes.length) throw new DOMException('the file is cut off', 'NotReadableError');
  },
  write(at, bytes) {
    if (access.write(bytes, { at }) !== bytes.length) throw new DOMException('the disk is full', 'QuotaExceededError');
  },
});

/**
 * A blob that can be read at once, piece by piece: in a worker of a browser without having it in memory.
 * @param {Blob} blob
 * @returns {Promise<Reading>}
 */
export async function readable(blob) {
  if (typeof FileReaderSync === 'function') {
    const reader = new FileReaderSync();
    return {
      size: blob.size,
      read: (at, bytes) => bytes.set(new Uint8Array(reader.readAsArrayBuffer(blob.slice(at, at + bytes.length)))),
    };
  }
  const all = new Uint8Array(await blob.arrayBuffer());
  return { size: all.length, read: (at, bytes) => bytes.set(all.subarray(at, at + bytes.length)) };
}

/** @implements {Files} */
class PrivateFiles {
  /** @param {FileSystemDirectoryHandle} folder */
  constructor(folder) {
    this.folder = folder;
  }

  static async open() {
    const root = await navigator.storage.getDirectory();
    return new PrivateFiles(await root.getDirectoryHandle(FOLDER, { create: true }));
  }

  list() {
    return guarded(async () => {
      const names = [];
      for await (const name of /** @type {any} */ (this.folder).keys()) if (!name.endsWith(PART)) names.push(name);
      return names;
    });
  }

  /** @param {string} name */
  async read(name) {
    try {
      return await (await this.folder.getFileHandle(name)).getFile();
    } catch (error) {
      if (error instanceof DOMException && error.name === 'NotFoundError') return null;
      throw storageError(error);
    }
  }

  /** Under a temporary name first: a tab that is closed in between leaves no half file under the real one.
   * @param {string} name @param {Iterable<Uint8Array<ArrayBuffer>>} parts */
  write(name, parts) {
    return guarded(async () => {
      const handle = await this.folder.getFileHandle(name + PART, { create: true });
      try {
        const bytes = await fill(handle, parts);
        const { move } = /** @type {any} */ (handle);
        if (move) await move.call(handle, name);
        else {
          const whole = new Uint8Array(await (await handle.getFile()).arrayBuffer());
          await fill(await this.folder.getFileHandle(name, { create: true }), [whole]);
          await this.remove(name + PART);
        }
        return bytes;
      } catch (error) {
        await this.remove(name + PART);
        throw error;
      }
    });
  }

  /** @param {string} name */
  async remove(name) {
    await this.folder.removeEntry(name).catch(() => {});
  }

  async scratch() {
    for await (const name of /** @type {any} */ (this.folder).keys()) if (name.endsWith(SCRATCH)) await this.remove(name);
    const handle = await this.folder.getFileHandle(`${crypto.randomUUID()}${SCRATCH}`, { create: true });
    return scratchOf(await handle.createSyncAccessHandle());
  }
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @implements {Files} */
class DatabaseFiles {
  /** @param {IDBDatabase} database */
  constructor(database) {
    this.database = database;
  }

  static async open() {
    const request = indexedDB.open(FOLDER, 1);
    request.onupgradeneeded = () => request.result.createObjectStore('files');
    const database = await settled(request);
    database.onversionchange = () => database.close();
    return new DatabaseFiles(database);
  }

  /**
   * One transaction, waited for to its end: only then the bytes are safe.
   * @template T
   * @param {IDBTransactionMode} mode
   * @param {(files: IDBObjectStore) => IDBRequest<T>} work
   * @returns {Promise<T>}
   */
  #transact(mode, work) {
    return guarded(async () => {
      const transaction = this.database.transaction('files', mode);
      const done = new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = transaction.onerror = () => reject(transaction.error);
      });
      const request = work(transaction.objectStore('files'));
      await done;
      return request.result;
    });
  }

  async list() {
    return (await this.#transact('readonly', (files) => files.getAllKeys())).map(String);
  }

  /** @param {string} name @returns {Promise<Blob | null>} */
  async read(name) {
    return (await this.#transact('readonly', (files) => files.get(name))) ?? null;
  }

  /** @param {string} name @param {Iterable<Uint8Array<ArrayBuffer>>} parts */
  async write(name, parts) {
    // The browser may put a blob on the disk, and not a list of arrays.
    const blob = new Blob(Array.from(parts, (part) => new Blob([part])));
    await this.#transact('readwrite', (files) => files.put(blob, name));
    return blob.size;
  }

  /** @param {string} name */
  async remove(name) {
    await this.#transact('readwrite', (files) => files.delete(name)).catch(() => {});
  }

  async scratch() {
    return null;
  }
}

/** @returns {Promise<Files>} */
export async function openFiles() {
  try {
    return await PrivateFiles.open();
  } catch {
    // Pages from a file and some private windows have none.
  }
  return guarded(() => DatabaseFiles.open());
}
