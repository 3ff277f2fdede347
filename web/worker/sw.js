/**
 * The service worker: keeps one version of the page, whole, for use without a network, and adds the headers that give
 * it shared memory on hosts that cannot send them.
 *
 * A version is the set of files the build lists, each with its digest. What is precached and what is fetched later must
 * match it, so a session never mixes two versions: a newer worker fills its own cache and waits until the page asks for
 * it or every tab of the old version is closed.
 */
import { probeFeatures, runnableVariants } from '../shared/variants.js';

/** Put here by the build. @type {{version: string, files: Record<string, string>, variants: string[]}} */
// @ts-ignore: defined at bundling
const BUILD = __BUILD__;

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const PREFIX = 'negatoscope-';
const CACHE = PREFIX + BUILD.version;

/** The path of a file of this version, or null for anything else. @param {string} href */
function ownPath(href) {
  const url = new URL(href);
  const base = new URL('./', worker.location.href);
  if (url.origin !== base.origin || !url.pathname.startsWith(base.pathname)) return null;
  const path = url.pathname.slice(base.pathname.length) || 'index.html';
  return Object.hasOwn(BUILD.files, path) ? path : null;
}

/** @param {string} path */
async function fetchExactly(path) {
  const response = await fetch(new Request(path, { integrity: BUILD.files[path], cache: 'no-cache' }));
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response;
}

/**
 * Everything but the builds of the core that this browser will not use; the codecs are one build for all. With the isolation headers from here it will use
 * threads where it has them, whether or not this first visit could.
 */
function wanted() {
  const features = { ...probeFeatures(), threads: typeof SharedArrayBuffer !== 'undefined' || 'Atomics' in self };
  const best = runnableVariants(features, BUILD.variants)[0];
  return Object.keys(BUILD.files).filter((path) => !path.startsWith('wasm/') || ['codec', best].includes(path.split('/')[1]));
}

/** @param {Response} response */
function isolated(response) {
  const headers = new Headers(response.headers);
  // The body is unpacked already.
  headers.delete('Content-Encoding');
  headers.delete('Content-Length');
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  headers.set('Cross-Origin-Resource-Policy', 'same-origin');
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

/** @param {string[]} paths */
async function keep(paths) {
  const cache = await caches.open(CACHE);
  await Promise.all(
    paths.map(async (path) => {
      if (!(await cache.match(path))) await cache.put(path, await fetchExactly(path));
    }),
  );
}

async function activate() {
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
  }
  await worker.clients.claim();
}

/** @param {string} path */
async function answer(path) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(path);
  if (kept) return isolated(kept);
  const fresh = await fetchExactly(path);
  await cache.put(path, fresh.clone());
  return isolated(fresh);
}

worker.addEventListener('install', (event) => event.waitUntil(keep(wanted())));
worker.addEventListener('activate', (event) => event.waitUntil(activate()));
worker.addEventListener('message', (event) => {
  if (event.data === 'activate') event.waitUntil(worker.skipWaiting());
  // The build that the page runs, where that is not the one guessed above.
  const variant = event.data?.keep;
  if (typeof variant === 'string') {
    event.waitUntil(keep(Object.keys(BUILD.files).filter((path) => path.startsWith(`wasm/${variant}/`))));
  }
});
worker.addEventListener('fetch', (event) => {
  if (event.request.method !== 'GET') return;
  const path = ownPath(event.request.url);
  if (path) event.respondWith(answer(path));
});
