import { crc32 } from './fixtures.mjs';

/**
 * A zip of stored entries with arrays of bytes, as numpy.savez writes them.
 * @param {Array<[name: string, shape: number[], bytes: Uint8Array]>} arrays
 */
export function npz(arrays) {
  const parts = [];
  const directory = [];
  let at = 0;
  for (const [name, shape, bytes] of arrays) {
    const dict = `{'descr': '|u1', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
    const head = Buffer.alloc(10 + Math.ceil((dict.length + 11) / 64) * 64 - 10, ' ');
    head.write('\x93NUMPY\x01\x00', 'latin1');
    head.writeUInt16LE(head.length - 10, 8);
    head.write(dict, 10);
    head[head.length - 1] = 10;
    const body = Buffer.concat([head, bytes]);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc32(body), 10);
    common.writeUInt32LE(body.length, 14);
    common.writeUInt32LE(body.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, Buffer.from(name), body]);
    const entry = Buffer.alloc(14);
    entry.writeUInt32LE(at, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, entry, Buffer.from(name));
    parts.push(local);
    at += local.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(arrays.length, 8);
  end.writeUInt16LE(arrays.length, 10);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, listed, end]);
}
