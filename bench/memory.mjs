/**
 * Finds the memories of the WebAssembly modules that load after the call, whoever makes them: what an engine holds is
 * then read the same way for all engines. Memories never shrink, so their size at the end is the peak.
 */

/** @returns {() => number} bytes of all memories so far */
export function watchMemories() {
  const memories = new Set();
  const note = (value) => {
    if (value instanceof Original) memories.add(value);
  };
  const noteInstance = (instance) => Object.values(instance.exports).forEach(note);

  const Original = WebAssembly.Memory;
  WebAssembly.Memory = new Proxy(Original, {
    construct(target, args) {
      const memory = Reflect.construct(target, args);
      note(memory);
      return memory;
    },
  });
  WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
    construct(target, args) {
      const instance = Reflect.construct(target, args);
      noteInstance(instance);
      return instance;
    },
  });
  for (const name of ['instantiate', 'instantiateStreaming']) {
    const call = WebAssembly[name];
    if (!call) continue;
    WebAssembly[name] = async (...args) => {
      const made = await call.apply(WebAssembly, args);
      noteInstance(made.instance ?? made);
      return made;
    };
  }
  return () => [...memories].reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
}
