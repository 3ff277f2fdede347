/** This project's core, through the same module that the page's worker loads. */
import { Core } from '../../web/worker/core.js';
import { sourceOutside } from '../../web/worker/file-bytes.js';

/** @param {import('../measure.mjs').Job} job */
export async function load({ urls, threads, stock = false, batch = 1, decisions = 0 }) {
  const { default: factory } = await import(urls.core);
  const core = await Core.create(factory, { threads });
  if (decisions) core.assumeDecisions(decisions);
  const { module } = core;

  const check = (status) => {
    if (status === 0) return;
    const heap = new Uint8Array(module.wasmMemory.buffer);
    const at = module._bridge_error_text() >>> 0;
    throw new Error(new TextDecoder().decode(heap.slice(at, heap.indexOf(0, at))));
  };
  const result = () => module._bridge_result(0) >>> 0;
  const floats = (address, count) => new Float32Array(module.wasmMemory.buffer, address, count);

  const stepsOf = (session) => {
    check(module._bridge_session_json(session));
    const at = result();
    const heap = new Uint8Array(module.wasmMemory.buffer);
    const text = new TextDecoder().decode(heap.slice(at, heap.indexOf(0, at)));
    module._nsc_text_free(at);
    return JSON.parse(text);
  };

  return {
    channelsLast: true,
    decisions: () => core.decisions(),
    async create(bytes) {
      const store = { copy: (at, target) => target.set(bytes.subarray(at, at + target.length)) };
      const model = core.openModel(sourceOutside(core, store, bytes.length));
      const said = stock || batch > 1 ? null : core.modelMemory(model, threads, { recipe: null, labels: null, output: null });
      check(module._bridge_session_create(model, threads, stock, batch));
      const session = result();
      const { outputs } = core.modelInfo(model);
      const room = batch * outputs[0].shape.slice(1).reduce((a, b) => a * b, 1);
      let input = 0;
      let output = 0;
      return {
        run(values) {
          input ||= module._bridge_alloc(values.byteLength) >>> 0;
          output ||= module._bridge_alloc(room * 4) >>> 0;
          floats(input, values.length).set(values);
          check(module._bridge_session_run(session, input, values.length, output, room));
          return floats(output, room).slice();
        },
        steps: () => stepsOf(session),
        /** What the core says it takes, before there is a session: bytes. */
        said: said && said.peakMB * 1e6,
      };
    },
  };
}
