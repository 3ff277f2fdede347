/** onnxruntime-web: its "wasm" execution provider, as its documentation sets it up. */

/** @param {import('../measure.mjs').Job} job */
export async function load({ urls, threads, batch = 1 }) {
  const ort = await import(urls.onnxruntime);
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = 'error';
  if (urls.onnxruntimeWasm) ort.env.wasm.wasmPaths = urls.onnxruntimeWasm;
  return {
    channelsLast: false,
    // The module itself is compiled when the first session is made: that stands in its creation time.
    async create(bytes, size) {
      const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
      const [input] = session.inputNames;
      const [output] = session.outputNames;
      return {
        async run(values) {
          const results = await session.run({ [input]: new ort.Tensor('float32', values, [batch, ...size]) });
          return results[output].data;
        },
      };
    },
  };
}
