/**
 * nsc_charset_to_utf8 (src/codec/charset.h) by the browser: its TextDecoder knows the sets of two bytes, whose tables are
 * larger than the rest of the core.
 */
addToLibrary({
  nsc_charset_to_utf8: (name, bytes, size, out, room) => {
    try {
      const [from, to, label] = [bytes >>> 0, out >>> 0, name >>> 0];
      // slice copies: neither reads nor writes of these two are allowed in memory that threads share.
      const text = new TextDecoder(
        String.fromCharCode(...HEAPU8.slice(label, HEAPU8.indexOf(0, label))),
      ).decode(HEAPU8.slice(from, from + size));
      const utf8 = new TextEncoder().encode(text).subarray(0, room);
      HEAPU8.set(utf8, to);
      return utf8.length;
    } catch {
      return 0;
    }
  },
});
