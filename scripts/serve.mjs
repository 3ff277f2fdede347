#!/usr/bin/env node
/**
 * Serves a folder to this machine only.
 *
 *   node scripts/serve.mjs [FOLDER] [--port N] [--no-isolation]
 *
 * FOLDER is build/site unless given. A port that is taken is passed over for a free one. Responses carry the
 * cross-origin isolation headers that threads need; --no-isolation leaves them out, as many hosts do. Files with a .br
 * or .gz beside them are sent packed.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.onnx': 'application/octet-stream',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
};

/** The policy of index.html as a header: it then covers workers, too. frame-ancestors works only here. */
export const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  // Reports open under this policy: their style (src/pipeline/record_style.h).
  "style-src 'self' 'sha256-4sXxeKeJXydrW4P/+3bybAKctyooE0y90kjilg9Erxk='",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  // No text becomes code, and only the page's own addresses become workers: web/shared/trusted.js.
  "require-trusted-types-for 'script'",
  'trusted-types negatoscope default',
  "frame-ancestors 'none'",
].join('; ');

const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

async function fileSize(path) {
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : null;
  } catch {
    return null;
  }
}

/** The packed form to send, when the browser takes one and it stands beside the file. */
async function packed(path, accepted) {
  for (const [encoding, ending] of [['br', '.br'], ['gzip', '.gz']]) {
    const offered = new RegExp(`(^|[\\s,])${encoding}\\s*(,|$|;\\s*q=(?!0(\\.0*)?\\s*(,|$)))`).test(accepted);
    if (offered && (await fileSize(path + ending)) !== null) return { path: path + ending, encoding };
  }
  return { path, encoding: null };
}

/** A digest of the content: revalidation stays right when a build writes the same bytes anew. Kept by time and size. */
function etagger() {
  const known = new Map();
  return async (path) => {
    const { mtimeMs, size } = await stat(path);
    const key = `${path}\0${mtimeMs}\0${size}`;
    if (!known.has(key)) {
      const digest = createHash('sha256').update(await readFile(path)).digest('base64url').slice(0, 22);
      known.set(key, `"${digest}"`);
    }
    return known.get(key);
  };
}

function plain(response, status, text, headers = {}) {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...headers });
  response.end(`${text}\n`);
}

/**
 * @param {string} folder
 * @param {{isolation?: boolean, onRequest?: (path: string, method: string) => void}} [options]
 */
export function createSiteServer(folder, { isolation = true, onRequest } = {}) {
  const root = resolve(folder);
  const etagOf = etagger();

  /** The file behind a request's path, or null when it leads outside. */
  function locate(url) {
    let path;
    try {
      path = decodeURIComponent(new URL(url, 'http://localhost').pathname);
    } catch {
      return null;
    }
    if (path.includes('\0')) return null;
    const full = normalize(join(root, path.endsWith('/') ? `${path}index.html` : path));
    return full.startsWith(root + sep) ? full : null;
  }

  return createServer(async (request, response) => {
    try {
      onRequest?.(request.url ?? '/', request.method ?? '');
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        plain(response, 405, 'only GET and HEAD', { Allow: 'GET, HEAD' });
        return;
      }
      const path = locate(request.url ?? '/');
      if (!path || (await fileSize(path)) === null) {
        plain(response, 404, 'not found');
        return;
      }
      const body = await packed(path, request.headers['accept-encoding'] ?? '');
      const etag = await etagOf(body.path);
      const headers = {
        'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream',
        'Content-Security-Policy': POLICY,
        'X-Content-Type-Options': 'nosniff',
        'Referrer-Policy': 'no-referrer',
        // Names stay the same from build to build: keep, but ask every time.
        'Cache-Control': 'no-cache',
        Vary: 'Accept-Encoding',
        ETag: etag,
        ...(isolation ? ISOLATION : {}),
        ...(body.encoding ? { 'Content-Encoding': body.encoding } : {}),
      };
      if (request.headers['if-none-match']?.split(/\s*,\s*/).includes(etag)) {
        response.writeHead(304, headers);
        response.end();
        return;
      }
      response.writeHead(200, { ...headers, 'Content-Length': await fileSize(body.path) });
      if (request.method === 'HEAD') response.end();
      else await pipeline(createReadStream(body.path), response);
    } catch (error) {
      // The browser closed the connection, or a build replaced the file meanwhile.
      if (!response.headersSent) plain(response, 500, error instanceof Error ? error.message : 'failed');
      else response.destroy();
    }
  });
}

/**
 * Listens on localhost. A port that is taken is passed over for one that the system picks.
 * @returns {Promise<string>} the address
 */
export function listen(server, port) {
  return new Promise((done, failed) => {
    server.once('error', (error) => {
      if (error.code !== 'EADDRINUSE' || port === 0) failed(error);
      else listen(server, 0).then(done, failed);
    });
    server.listen(port, '127.0.0.1', () => done(`http://localhost:${server.address().port}/`));
  });
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { port: { type: 'string', default: '8080' }, 'no-isolation': { type: 'boolean', default: false } },
  });
  const folder = positionals[0] ?? fileURLToPath(new URL('../build/site', import.meta.url));
  const address = await listen(createSiteServer(folder, { isolation: !values['no-isolation'] }), Number(values.port));
  process.stdout.write(`${address}\n`);
}
