/** Tells the page which requests this worker made: each thread of the browser has a record of its own. */
import { requestOf } from '../shared/requests.js';

/** @param {{postMessage: (message: unknown) => void}} port  of the worker */
export function reportRequests(port) {
  if (typeof PerformanceObserver === 'undefined') return;
  const report = (/** @type {PerformanceObserverEntryList} */ list) => {
    const requests = list.getEntries().flatMap((entry) => requestOf(entry, performance.timeOrigin) ?? []);
    if (requests.length) port.postMessage({ op: 'requests', requests });
  };
  new PerformanceObserver(report).observe({ type: 'resource', buffered: true });
}
