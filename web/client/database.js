/** IndexedDB as promises. */

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
export const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** @param {IDBTransaction} transaction @returns {Promise<void>} when what it wrote is there */
export const completed = (transaction) =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });

/** @param {string} name @param {(database: IDBDatabase) => void} create  makes its stores @returns {Promise<IDBDatabase>} */
export function openDatabase(name, create) {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => create(request.result);
  // Whoever deletes it would wait for this connection.
  request.addEventListener('success', () => (request.result.onversionchange = () => request.result.close()));
  return done(request);
}
