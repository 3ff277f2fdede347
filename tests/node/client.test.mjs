/** What the page does with its workers: starts them, replaces them, stops what they do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Client } from '../../web/client/client.js';
import { startWorker } from '../../web/client/starting.js';
import { CoreError, FAULT } from '../../web/shared/protocol.js';

const file = (text) => new Blob([text]);
const NO_OPTIONS = { recipe: null, labels: null, output: null };

/** A worker that answers by a script. */
class FakeWorker extends EventTarget {
  /** @param {(message: any, reply: (answer: object) => void) => void} script */
  constructor(script) {
    super();
    this.script = script;
  }

  postMessage(message) {
    const reply = (answer) => this.dispatchEvent(new MessageEvent('message', { data: { id: message.id, ...answer } }));
    queueMicrotask(() => !this.ended && this.script(message, reply));
  }

  terminate() {
    this.ended = true;
  }
}

const READY = { ok: true, result: { constants: {}, variant: 'simd', threads: 1, cancel: null } };
const BUILD = { variant: 'simd', threads: 1, module: null };
const TRAP = { ok: false, error: { code: FAULT.TRAP, name: 'TRAP', message: 'unreachable' } };

test('after a trap the next worker gets files and model, and waiting requests go on', async () => {
  const log = [];
  const client = new Client(
    () =>
      new FakeWorker((message, reply) => {
        log.push(message.op);
        if (message.op === 'init') reply(READY);
        else if (message.op === 'trap') reply(TRAP);
        else if (message.op === 'probe' && log.filter((op) => op === 'init').length === 1) return;
        else reply({ ok: true, result: message.op });
      }),
    BUILD,
  );
  await client.start();
  await client.open('a', file('x'));
  await client.loadModel(file('m'), NO_OPTIONS);
  const restarted = new Promise((resolve) => client.addEventListener('restart', (event) => resolve(event.detail)));
  const probe = client.request('probe', {});
  await assert.rejects(client.request('trap', {}), (error) => error instanceof CoreError && error.code === FAULT.TRAP);
  assert.equal((await restarted).reason, 'trap');
  assert.equal(await probe, 'probe');
  assert.deepEqual(log.slice(-4), ['init', 'adopt', 'model', 'probe']);
});

test('without shared memory a cancelled request ends its worker and the others go on', async () => {
  let workers = 0;
  const client = new Client(() => {
    workers++;
    return new FakeWorker((message, reply) => {
      if (message.op === 'init') reply(READY);
      else if (message.op !== 'classify') reply({ ok: true, result: workers });
    });
  }, BUILD);
  await client.start();
  const stop = new AbortController();
  const classify = client.request('classify', {}, { signal: stop.signal });
  stop.abort();
  await assert.rejects(classify, (error) => error.code === FAULT.CANCELLED);
  assert.equal(await client.request('probe', {}), 2);
  await assert.rejects(client.request('probe', {}, { signal: stop.signal }), (error) => error.code === FAULT.CANCELLED);
});

test('a worker that traps again and again is given up', async () => {
  const client = new Client(
    () => new FakeWorker((message, reply) => reply(message.op === 'init' ? READY : TRAP)),
    BUILD,
  );
  await client.start();
  const dead = new Promise((resolve) => client.addEventListener('dead', resolve));
  for (let round = 0; round < 6; round++) await client.request('probe', {}).catch(() => {});
  await dead;
  await assert.rejects(client.request('probe', {}), (error) => error.code === FAULT.LOAD);
});

const THREADED = { variant: 'simd-threads', threads: 4, module: null, codec: null };

/** Starts workers of which the first few never answer. @returns {Promise<{threads: number[], workers: FakeWorker[], started: object}>} threads: what each was asked for */
async function startAfterSilence(silent) {
  const threads = [];
  const workers = [];
  const create = () => {
    const worker = new FakeWorker(({ args }, reply) => threads.push(args.threads) > silent && reply(READY));
    workers.push(worker);
    return worker;
  };
  const started = await startWorker(create, THREADED, { test: false }, new AbortController().signal, 20);
  return { threads, workers, started };
}

test('a worker that does not answer is ended, and another is started', async () => {
  const { threads, workers, started } = await startAfterSilence(1);
  assert.deepEqual(threads, [4, 4]);
  assert.deepEqual(workers.map(({ ended }) => ended === true), [true, false]);
  assert.equal(started.worker, workers[1]);
  assert.equal(started.ready, READY.result);
});

test('a core whose threads never start goes without them, however long that takes', async () => {
  assert.deepEqual((await startAfterSilence(2)).threads, [4, 4, 1]);
});

test('a core that refuses to start is not asked again', async () => {
  const workers = [];
  const refusal = { ok: false, error: { code: FAULT.LOAD, name: 'LOAD', message: 'no memory' } };
  const create = () => workers[workers.push(new FakeWorker((_, reply) => reply(refusal))) - 1];
  await assert.rejects(startWorker(create, THREADED, { test: false }, new AbortController().signal), (error) => error.code === FAULT.LOAD && error.message === 'no memory');
  assert.deepEqual(workers.map(({ ended }) => ended), [true]);
});

test('no worker is started for a client that was ended', async () => {
  const workers = [];
  const create = () => workers[workers.push(new FakeWorker(() => {})) - 1];
  const life = new AbortController();
  void startWorker(create, THREADED, { test: false }, life.signal, 20);
  life.abort();
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.deepEqual(workers.map(({ ended }) => ended), [true]);
});
