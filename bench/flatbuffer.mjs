/**
 * Writes FlatBuffers: tables with numbered fields, vectors, strings. Offsets point ahead in the file, so what a table or a
 * vector refers to is written after it.
 *
 *   const bytes = flatBuffer('ABCD', table({ 0: int(3), 2: text('name'), 3: tables([table({ 0: ints([1, 2]) })]) }));
 */

/** Fields with their value in the table itself. */
export const byte = (value) => ({ size: 1, put: (view, at) => view.setInt8(at, value) });
export const int = (value) => ({ size: 4, put: (view, at) => view.setInt32(at, value, true) });

const bytesOf = (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

class File {
  pieces = [];
  size = 0;

  /** @returns {number} where the bytes are in the file. They may be changed until it is finished. */
  put(bytes) {
    this.pieces.push(bytes);
    this.size += bytes.length;
    return this.size - bytes.length;
  }

  /** Zeros until what comes after the next `ahead` bytes is at a multiple of `alignment`. */
  align(alignment, ahead = 0) {
    const past = (this.size + ahead) % alignment;
    if (past) this.put(new Uint8Array(alignment - past));
  }

  /** What is written stands for a reference: it goes to the end of the file, and its distance to `at` in `bytes`. */
  refer(bytes, start, at, write) {
    const distance = write(this) - (start + at);
    new DataView(bytes.buffer).setUint32(at, distance, true);
  }
}

/** @param {Record<number, any>} fields  those left out have the default of the schema */
export const table = (fields) => (file) => {
  // Larger ones first: each is then at a multiple of its size.
  const present = Object.entries(fields).map(([number, field]) => ({ number: Number(number), field, size: field.size ?? 4 }));
  present.sort((a, b) => b.size - a.size);
  const slots = new Uint16Array(2 + 1 + Math.max(-1, ...present.map(({ number }) => number)));
  let end = 4;
  for (const { number, size } of present) {
    slots[2 + number] = end;
    end += size;
  }
  slots[0] = slots.byteLength;
  slots[1] = end;
  file.align(4, slots.byteLength);
  file.put(bytesOf(slots));
  const bytes = new Uint8Array(end);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, slots.byteLength, true); // back to the slots
  const start = file.put(bytes);
  for (const { number, field } of present) {
    if (field.put) field.put(view, slots[2 + number]);
    else file.refer(bytes, start, slots[2 + number], field);
  }
  return start;
};

/** A vector of tables. */
export const tables = (list) => (file) => {
  file.align(4);
  const bytes = new Uint8Array(4 + 4 * list.length);
  new DataView(bytes.buffer).setUint32(0, list.length, true);
  const start = file.put(bytes);
  list.forEach((entry, i) => file.refer(bytes, start, 4 + 4 * i, entry));
  return start;
};

export const ints = (values) => (file) => {
  file.align(4);
  return file.put(bytesOf(Int32Array.of(values.length, ...values)));
};

/** A vector of bytes, the content of a typed array, at a multiple of `alignment`. */
export const content = (array, alignment) => (file) => {
  file.align(Math.max(4, alignment), 4);
  const start = file.put(bytesOf(Uint32Array.of(array.byteLength)));
  file.put(bytesOf(array));
  return start;
};

export const text = (string) => (file) => {
  const start = content(new TextEncoder().encode(string), 1)(file);
  file.put(new Uint8Array(1));
  return start;
};

/** @param {string} identifier  four letters @param {(file: File) => number} root  a table */
export function flatBuffer(identifier, root) {
  const file = new File();
  const head = new Uint8Array(8);
  head.set(new TextEncoder().encode(identifier), 4);
  file.refer(head, file.put(head), 0, root);
  return Buffer.concat(file.pieces);
}
