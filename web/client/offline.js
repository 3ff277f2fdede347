/**
 * Registers the service worker and says what it means for the user: the page is kept for use without a network, a new
 * version waits, or the page has to be loaded once more to get its threads.
 */

const RELOADED = 'negatoscope-reloaded-for-isolation';

/**
 * @param {{variant: string, isEmpty: () => boolean, onReady: () => void, onUpdate: (apply: () => void) => void}} page
 *   variant: the build that runs; isEmpty: nothing is opened that a reload would lose
 */
export async function keepOffline({ variant, isEmpty, onReady, onUpdate }) {
  const { serviceWorker } = navigator;
  const hadController = Boolean(serviceWorker.controller);
  let applying = false;

  serviceWorker.addEventListener('controllerchange', () => {
    if (applying) location.reload();
    else if (!hadController) reloadForIsolation(isEmpty);
  });

  try {
    const registration = await serviceWorker.register('sw.js', { updateViaCache: 'none' });
    watchForUpdate(registration, (waiting) => {
      onUpdate(() => {
        applying = true;
        waiting.postMessage('activate');
      });
    });
    const { active } = await serviceWorker.ready;
    active?.postMessage({ keep: variant });
    onReady();
  } catch {
    // Private windows and some policies forbid service workers. The page works without, only not offline.
  }
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
