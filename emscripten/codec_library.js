/**
 * The way from the core's module to that of the codecs (codec_import.c): copies bytes over, calls, copies bytes back. A
 * module that trapped is let go of; the core is untouched by it, and the worker loads another.
 */
addToLibrary({
  codec_call: (kind, bytes, size, frame, frameSize, samples, samplesSize, error, errorSize) => {
    const codec = Module['codec'];
    if (!codec) return -1;
    const sizes = [size, frameSize, samplesSize, errorSize];
    let places = [];
    try {
      places = sizes.map((length) => codec['_codec_alloc'](length) >>> 0);
      if (places.includes(0)) return -2;
      const [bytesThere, frameThere, samplesThere, errorThere] = places;
      let heap = new Uint8Array(codec['wasmMemory'].buffer);
      heap.set(HEAPU8.subarray(bytes >>> 0, (bytes >>> 0) + size), bytesThere);
      heap.set(HEAPU8.subarray(frame >>> 0, (frame >>> 0) + frameSize), frameThere);
      heap.fill(0, errorThere, errorThere + errorSize);
      const status = codec['_codec_decode'](kind, bytesThere, size, frameThere, samplesThere, errorThere);
      heap = new Uint8Array(codec['wasmMemory'].buffer); // it may have grown
      if (status === 0) HEAPU8.set(heap.subarray(samplesThere, samplesThere + samplesSize), samples >>> 0);
      HEAPU8.set(heap.subarray(errorThere, errorThere + errorSize), error >>> 0);
      return status;
    } catch {
      Module['codec'] = null;
      places = [];
      return -3;
    } finally {
      for (const place of places) if (place) codec['_codec_free'](place);
    }
  },
});
