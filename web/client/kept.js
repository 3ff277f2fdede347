/**
 * All that the page keeps in this browser, by what it is: looked over to be shown, and deleted. Names of ours begin alike, since a
 * host may serve other pages from the same origin.
 */
import { done } from './database.js';

const OURS = /^negatoscope-/;
/** A worker that was ended lets go of its files within this time. */
const RELEASE_MS = 3000;
const RETRY_MS = 100;
const TRAININGS = 'negatoscope-trainings';

/**
 * @typedef {object} Inventory
 * @property {string[]} caches
 * @property {string[]} databases
 * @property {string[]} folders  of the private file system
 * @property {string[]} settings  keys of localStorage and sessionStorage
 * @property {number} pageBytes  of the page itself
 * @property {number} trainingBytes
 * @property {Record<string, number>} records  of each database
 */

/** @template T @param {() => Promise<T> | T} use @param {T} otherwise */
async function ifAllowed(use, otherwise) {
  try {
    return await use();
  } catch {
    return otherwise; // private windows and pages from a file lack some of these
  }
}

/** @param {any} folder @returns {Promise<number>} */
async function folderBytes(folder) {
  let bytes = 0;
  for await (const handle of folder.values()) bytes += handle.kind === 'file' ? (await handle.getFile()).size : await folderBytes(handle);
  return bytes;
}

const cacheNames = () => ifAllowed(async () => (await caches.keys()).filter((name) => OURS.test(name)), []);
const databaseNames = () => ifAllowed(async () => (await indexedDB.databases()).flatMap(({ name }) => (name && OURS.test(name) ? name : [])), []);

async function folderNames() {
  return ifAllowed(async () => {
    /** @type {string[]} */
    const names = [];
    for await (const name of /** @type {any} */ (await navigator.storage.getDirectory()).keys()) if (OURS.test(name)) names.push(name);
    return names;
  }, []);
}

/** @returns {Array<[Storage, string]>} */
function settingsOfOurs() {
  try {
    return [localStorage, sessionStorage].flatMap((storage) => Object.keys(storage).flatMap((key) => (OURS.test(key) ? [/** @type {[Storage, string]} */ ([storage, key])] : [])));
  } catch {
    return [];
  }
}

/** @param {string} name @returns {Promise<number>} records of all its stores */
async function recordsOf(name) {
  const database = await done(indexedDB.open(name));
  try {
    const stores = [...database.objectStoreNames];
    if (!stores.length) return 0;
    const transaction = database.transaction(stores, 'readonly');
    const counts = await Promise.all(stores.map((store) => done(transaction.objectStore(store).count())));
    return counts.reduce((sum, count) => sum + count, 0);
  } finally {
    database.close();
  }
}

/** @param {string[]} names  of caches */
async function cachedBytes(names) {
  let bytes = 0;
  for (const name of names) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) bytes += (await (await cache.match(request))?.blob())?.size ?? 0;
  }
  return bytes;
}

/** @returns {Promise<Inventory>} */
export async function lookOver() {
  const [cached, databases, folders] = await Promise.all([cacheNames(), databaseNames(), folderNames()]);
  const trainingBytes = await ifAllowed(async () => {
    if (!folders.includes(TRAININGS)) return 0;
    return folderBytes(await (await navigator.storage.getDirectory()).getDirectoryHandle(TRAININGS));
  }, 0);
  const counts = await Promise.all(databases.map(async (name) => /** @type {[string, number]} */ ([name, await ifAllowed(() => recordsOf(name), 0)])));
  const settings = settingsOfOurs().map(([, key]) => key);
  const pageBytes = await ifAllowed(() => cachedBytes(cached), 0);
  return { caches: cached, databases, folders, settings, pageBytes, trainingBytes, records: Object.fromEntries(counts) };
}

/** What the browser says is used and may be used. @returns {Promise<{usage: number, quota: number} | null>} */
export async function storageEstimate() {
  return ifAllowed(async () => {
    const { usage = 0, quota = 0 } = await navigator.storage.estimate();
    return quota ? { usage, quota } : null;
  }, null);
}

/** @param {string} name */
async function deleteFolder(name) {
  const root = await navigator.storage.getDirectory();
  for (const started = Date.now(); ; ) {
    try {
      await root.removeEntry(name, { recursive: true });
      return;
    } catch (error) {
      if (Date.now() - started > RELEASE_MS) throw error;
      await new Promise((resume) => setTimeout(resume, RETRY_MS));
    }
  }
}

/** Connections that are open are told and close; another tab's may hold it up. @param {string} name */
function deleteDatabase(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve(null);
    request.onerror = () => reject(request.error);
    setTimeout(() => reject(new Error('still in use')), RELEASE_MS);
  });
}

/**
 * Deletes everything of ours; the page's workers must have ended. Service workers stay registered: they hold nothing then, and
 * without one a file that is shared with an installed page would go to the host.
 * @returns {Promise<string[]>} what is still there after all
 */
export async function deleteEverything() {
  const { caches: cached, databases, folders } = await lookOver();
  await Promise.all([
    ...cached.map((name) => ifAllowed(() => caches.delete(name), false)),
    ...databases.map((name) => ifAllowed(() => deleteDatabase(name), null)),
    ...folders.map((name) => ifAllowed(() => deleteFolder(name), undefined)),
  ]);
  for (const [storage, key] of settingsOfOurs()) storage.removeItem(key);
  const left = await lookOver();
  return [...left.caches, ...left.databases, ...left.folders, ...left.settings];
}
