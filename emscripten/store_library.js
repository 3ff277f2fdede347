/**
 * A nsc_store on the page (store_import.c): Module.stores holds, by number, objects with `read(at, bytes)` and
 * `write(at, bytes)` that work at once, such as files of the browser's private file system. Bytes go in copies of a
 * megabyte: files take no memory that threads share. An object with `copy(at, bytes)` sets bytes of the heap itself.
 */
addToLibrary({
  store_read: (id, at, bytes, size) => {
    try {
      const store = Module['stores'].get(id);
      if (store['copy']) {
        store['copy'](at, HEAPU8.subarray(bytes >>> 0, (bytes >>> 0) + size));
        return 0;
      }
      const [to, copy] = [bytes >>> 0, new Uint8Array(Math.min(size, 1 << 20))];
      for (let done = 0; done < size; done += copy.length) {
        const part = copy.subarray(0, Math.min(copy.length, size - done));
        store['read'](at + done, part);
        HEAPU8.set(part, to + done);
      }
      return 0;
    } catch {
      return -1;
    }
  },

  store_drop: (id) => {
    Module['stores'].delete(id);
  },

  store_write: (id, at, bytes, size) => {
    try {
      const store = Module['stores'].get(id);
      const from = bytes >>> 0;
      for (let done = 0; done < size; done += 1 << 20) {
        store['write'](at + done, HEAPU8.slice(from + done, from + Math.min(done + (1 << 20), size)));
      }
      return 0;
    } catch {
      return -1;
    }
  },
});
