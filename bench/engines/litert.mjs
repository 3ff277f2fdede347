/**
 * LiteRT.js with its accelerator "wasm" (XNNPACK), in browsers only. Which of its builds is loaded is its own choice; the
 * one with threads has to be asked for.
 */
import { Tensor, loadAndCompile, loadLiteRt } from '@litertjs/core';

/** @param {import('../measure.mjs').Job} job */
export async function load({ urls, threads, batch = 1 }) {
  let build = '';
  // Its loader asks for importScripts, which workers of modules refuse: the same script is run in the same scope.
  globalThis.importScripts = (url) => {
    const request = new XMLHttpRequest();
    request.open('GET', url, false);
    request.send();
    if (request.status !== 200) throw new Error(`${url}: ${request.status}`);
    (0, eval)(request.responseText);
    build = url;
  };
  // Found beside the worker otherwise.
  globalThis.Module = {
    locateFile: (name) => `${urls.litertWasm}${name}`,
    get mainScriptUrlOrBlob() { return build; },
  };
  const { liteRtWasm } = await loadLiteRt(urls.litertWasm, { threads: threads > 1 });
  return {
    channelsLast: true,
    facts: () => ({ build: build.split('/').at(-1), threads: Math.min(threads, liteRtWasm.getThreadCount()) }),
    async create(bytes, [channels, height, width]) {
      const model = await loadAndCompile(bytes, { accelerator: 'wasm', cpuOptions: { numThreads: threads } });
      return {
        async run(values) {
          const input = new Tensor(values, [batch, height, width, channels]);
          const [output] = await model.run(input);
          const numbers = output.toTypedArray();
          input.delete();
          output.delete();
          return numbers;
        },
      };
    },
  };
}
