/**
 * Registers the service worker and says what it means for the user: the page is kept for use without a network, a new
 * version waits, or the page has to be loaded once more to get its threads. And what reaches an installed page from outside: files that
 * it is to open, files that another program shares.
 */
import { askServiceWorker } from './traffic.js';

const RELOADED = 'negatoscope-reloaded-for-isolation';

/**
 * @param {{address: string, variant: string, isEmpty: () => boolean, onReady: () => void, onUpdate: (apply: () => void) => void}} page
 *   address: of the service worker; variant: the build that runs; isEmpty: nothing is opened that a reload would lose
 */
export async function keepOffline({ address, variant, isEmpty, onReady, onUpdate }) {
  const { serviceWorker } = navigator;
  const hadController = Boolean(serviceWorker.controller);
  let applying = false;

  serviceWorker.addEventListener('controllerchange', () => {
    if (applying) location.reload();
    else if (!hadController) reloadForIsolation(isEmpty);
  });

  try {
    const registration = await serviceWorker.register(address, { updateViaCache: 'none' });
    watchForUpdate(registration, (waiting) => {
      onUpdate(() => {
        applying = true;
        waiting.postMessage({ activate: true });
      });
    });
    const active = await atWork(registration);
    if (!active) return;
    active.postMessage({ keep: variant });
    onReady();
  } catch {
    // Private windows and some policies forbid service workers. The page works without, only not offline.
  }
}

/** @param {ServiceWorkerRegistration} registration @returns {Promise<ServiceWorker | null>} null when it could not be installed: a file was missing or damaged */
function atWork(registration) {
  return new Promise((resolve) => {
    void navigator.serviceWorker.ready.then(({ active }) => resolve(active));
    const { installing } = registration;
    installing?.addEventListener('statechange', () => installing.state === 'redundant' && resolve(registration.active));
    if (!installing && !registration.waiting && !registration.active) resolve(null);
  });
}

/**
 * A worker that takes control of the first visit adds the isolation headers from the next load on: load again, once,
 * and only where it helps and nothing is lost. A hard reload bypasses the worker; the mark prevents a loop then.
 * @param {() => boolean} isEmpty
 */
function reloadForIsolation(isEmpty) {
  if (globalThis.crossOriginIsolated || !globalThis.isSecureContext || !isEmpty()) return;
  try {
    if (sessionStorage.getItem(RELOADED)) return;
    sessionStorage.setItem(RELOADED, '1');
  } catch {
    return;
  }
  location.reload();
}

/** @param {ServiceWorkerRegistration} registration @param {(waiting: ServiceWorker) => void} found */
function watchForUpdate(registration, found) {
  const tell = () => {
    if (registration.waiting && navigator.serviceWorker.controller) found(registration.waiting);
  };
  tell();
  registration.addEventListener('updatefound', () => {
    registration.installing?.addEventListener('statechange', tell);
  });
}

/**
 * Files of which the system says that the installed page is to open them.
 * @param {(files: File[]) => void} open
 */
export function openLaunched(open) {
  const { launchQueue } = /** @type {any} */ (globalThis);
  launchQueue?.setConsumer(async (/** @type {{files: FileSystemFileHandle[]}} */ { files }) => {
    if (files?.length) open(await Promise.all(files.map((handle) => handle.getFile())));
  });
}

/**
 * What another program shared, if that is why the page was opened. The service worker hands it over once and keeps nothing.
 * @returns {Promise<File[] | null>} empty when it is gone
 */
export async function takeShared() {
  const query = new URLSearchParams(location.search);
  const id = query.get('shared');
  if (!id) return null;
  query.delete('shared');
  // A reload would ask for it in vain.
  history.replaceState(null, '', `${location.pathname}${String(query) && `?${query}`}`);
  const registration = await navigator.serviceWorker?.getRegistration();
  return (registration?.active && (await askServiceWorker(registration.active, { shared: id }))) ?? [];
}
