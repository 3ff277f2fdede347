/**
 * The service worker: keeps the page, whole, for use without a network, adds the headers that give it shared memory on hosts
 * that cannot send them, and takes in what other programs share with the installed page.
 *
 * A version is the set of files the build lists, each with its digest. What is precached and what is fetched later must
 * match it. A newer worker fills a cache of its own and waits until the page asks for it or every tab of the old version is
 * closed. Where it was asked for in one tab, others go on with theirs: their workers carry the version in their address, what they
 * ask for is answered from the old cache, and that goes when the last of them is gone.
 */
import { KEPT_SIGN, requestOf } from '../shared/requests.js';
import { probeFeatures, runnableVariants } from '../shared/variants.js';

/** Put here by the build. @type {{version: string, files: Record<string, string>, variants: string[], policy: string}} */
// @ts-ignore: defined at bundling
const BUILD = __BUILD__;

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const PREFIX = 'negatoscope-';
const CACHE = PREFIX + BUILD.version;
const BASE = new URL('./', worker.location.href);
/** Where the system posts shared files: share_target of the manifest. */
const SHARE = 'share';
/** How long shared files wait for the page that was opened for them. They are in this worker's memory and nowhere else. */
const SHARED_MS = 60_000;
/** What pages may take to answer, at most. */
const CLAIM_MS = 1000;

/** By the number that the page is opened with. @type {Map<string, {files: File[], taken: () => void}>} */
const shared = new Map();

/** The path below this worker's folder, or null for anything else. @param {string} href */
function pathOf(href) {
  const url = new URL(href);
  if (url.origin !== BASE.origin || !url.pathname.startsWith(BASE.pathname)) return null;
  return url.pathname.slice(BASE.pathname.length) || 'index.html';
}

/** @param {string} href */
const versionIn = (href) => new URL(href).searchParams.get('v');

/** @param {string} path */
async function fetchExactly(path) {
  // With the address that the page uses, so that what it loaded is not loaded twice.
  const response = await fetch(new Request(path === 'index.html' ? './' : `${path}?v=${BUILD.version}`, { integrity: BUILD.files[path], cache: 'no-cache' }));
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

/** With the headers that the page asks of a host, for hosts that cannot send them. @param {Response} response @param {boolean} wasKept */
function isolated(response, wasKept) {
  const headers = new Headers(response.headers);
  // The body is unpacked already.
  headers.delete('Content-Encoding');
  headers.delete('Content-Length');
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  headers.set('Cross-Origin-Resource-Policy', 'same-origin');
  headers.set('Content-Security-Policy', BUILD.policy);
  if (wasKept) headers.set('Server-Timing', KEPT_SIGN);
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

/** Versions that some tab runs, as its workers' addresses say. @returns {Promise<Set<string>>} */
async function versionsInUse() {
  const clients = await worker.clients.matchAll({ includeUncontrolled: true, type: 'worker' });
  return new Set([BUILD.version, ...clients.flatMap(({ url }) => versionIn(url) ?? [])]);
}

/** Deletes versions that no tab runs. */
async function tidy() {
  const inUse = await versionsInUse();
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && !inUse.has(name.slice(PREFIX.length))) await caches.delete(name);
  }
}

/**
 * Firefox asks every worker of a page when it is claimed or listed, and threads of the core that sleep do not answer. Until an activation ends no file is fetched,
 * so it does not wait for them for long.
 */
async function activate() {
  await Promise.race([Promise.all([worker.clients.claim(), tidy()]), new Promise((resolve) => setTimeout(resolve, CLAIM_MS))]);
}

/** @param {string} path */
async function answer(path) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(path);
  if (kept) return isolated(kept, true);
  const fresh = await fetchExactly(path);
  await cache.put(path, fresh.clone());
  return isolated(fresh, false);
}

/** Of a version before this one there is what was kept, and nothing else: the host has the new files. @param {string} path @param {string} version */
async function answerOld(path, version) {
  const kept = (await caches.has(PREFIX + version)) && (await (await caches.open(PREFIX + version)).match(path));
  return kept ? isolated(kept, true) : new Response('this version of the page is gone', { status: 410 });
}

/** Which version a request belongs to: what pages and their workers load carries it. @param {Request} request */
const versionFor = ({ mode, url }) => (mode === 'navigate' ? null : versionIn(url)) ?? BUILD.version;

/** @param {FetchEvent} event @param {string} path */
async function answerFor(event, path) {
  const version = versionFor(event.request);
  if (version !== BUILD.version) return answerOld(path, version);
  return Object.hasOwn(BUILD.files, path) ? answer(path) : fetch(event.request);
}

/** Keeps what was shared until the page, opened anew, asks for it; nothing of it goes to the host. @param {FetchEvent} event */
async function takeShared(event) {
  const form = await event.request.formData();
  const files = form.getAll('files').filter((each) => each instanceof File);
  const id = crypto.randomUUID();
  // A worker that waits for nothing may be ended at any time, and with it what it holds.
  const waiting = new Promise((resolve) => {
    const timer = setTimeout(resolve, SHARED_MS);
    shared.set(id, { files, taken: () => (clearTimeout(timer), resolve(null)) });
  });
  event.waitUntil(waiting.then(() => shared.delete(id)));
  return Response.redirect(`./?shared=${id}`, 303);
}

/** Requests of this worker since it was started, as the browser's own record says. */
const ownRequests = () => performance.getEntriesByType('resource').flatMap((entry) => requestOf(entry, performance.timeOrigin) ?? []);

/** What pages ask, by the member that the message has. @type {Record<string, (value: any, port: MessagePort | undefined) => Promise<unknown> | void>} */
const MESSAGES = {
  activate: () => worker.skipWaiting(),
  // The build that the page runs, where that is not the one guessed above.
  keep: async (variant) => {
    await keep(Object.keys(BUILD.files).filter((path) => path.startsWith(`wasm/${variant}/`)));
    await tidy();
  },
  shared: (id, port) => {
    const found = shared.get(id);
    port?.postMessage(found?.files ?? null);
    found?.taken();
  },
  requests: (_, port) => port?.postMessage(ownRequests()),
};

worker.addEventListener('install', (event) => event.waitUntil(keep(wanted())));
worker.addEventListener('activate', (event) => event.waitUntil(activate()));
worker.addEventListener('message', (event) => {
  // Pages of the first versions asked by a bare word.
  const message = typeof event.data === 'string' ? { [event.data]: true } : (event.data ?? {});
  for (const [name, value] of Object.entries(message)) {
    if (Object.hasOwn(MESSAGES, name)) event.waitUntil(Promise.resolve(MESSAGES[name](value, event.ports[0])));
  }
});
worker.addEventListener('fetch', (event) => {
  const path = pathOf(event.request.url);
  if (path === SHARE && event.request.method === 'POST') event.respondWith(takeShared(event));
  if (event.request.method !== 'GET' || !path) return;
  if (Object.hasOwn(BUILD.files, path) || versionIn(event.request.url)) event.respondWith(answerFor(event, path));
});
