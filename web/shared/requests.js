/** What the browser's own record (Resource Timing, W3C) says of requests; page, workers and service worker read it alike. */

/**
 * @typedef {{url: string, at: number, kept: boolean}} Request  at: when it began, in ms since 1970; kept: answered with the copy
 *   that the service worker has, without the network
 */

/** With this the service worker marks what it had (Server-Timing). */
export const KEPT_SIGN = 'kept';

/**
 * @param {PerformanceEntry} entry
 * @param {number} origin  of its times
 * @returns {Request | null} null for what lies in this tab's memory: blobs and texts have addresses, too
 */
export function requestOf(entry, origin) {
  if (/^(blob|data|about):/.test(entry.name)) return null;
  const { serverTiming = [] } = /** @type {PerformanceResourceTiming} */ (entry);
  return { url: entry.name, at: origin + entry.startTime, kept: serverTiming.some(({ name }) => name === KEPT_SIGN) };
}
