/**
 * A picture to try the page with, made on the spot and of nobody: a stack through ellipsoids after Shepp and Logan (1974)
 * with values of tissues in Hounsfield units, written as an uncompressed multi-frame DICOM file.
 */

const SIZE = 256;
const FRAMES = 24;
const MM = 0.9;

/**
 * Ellipsoids in a cube of −1…1: centre, half axes, turn about the long axis in degrees, HU. The last that holds a point
 * decides it.
 * @type {Array<[number, number, number, number, number, number, number, number]>}
 */
// prettier-ignore
const ELLIPSOIDS = [
  [0, 0, 0, 0.74, 0.95, 0.95, 0, 900],
  [0, -0.012, 0, 0.69, 0.895, 0.9, 0, 36],
  [0, 0.36, -0.1, 0.22, 0.27, 0.5, 0, 45],
  [0.23, 0, -0.08, 0.12, 0.33, 0.45, -18, 8],
  [-0.25, 0, -0.08, 0.16, 0.42, 0.5, 18, 8],
  [0, 0.1, 0.2, 0.05, 0.05, 0.07, 0, 62],
  [0, -0.1, -0.15, 0.05, 0.05, 0.07, 0, 62],
  [-0.09, -0.61, 0.05, 0.05, 0.025, 0.12, 0, 55],
  [0.07, -0.61, 0.05, 0.025, 0.05, 0.12, 0, 55],
  [0.42, 0.44, 0.1, 0.09, 0.09, 0.14, 0, 75],
  [0.42, 0.44, 0.1, 0.03, 0.03, 0.05, 0, 320],
];

/** @param {number} x @param {number} y @param {number} z */
function hounsfield(x, y, z) {
  let value = -1000;
  for (const [cx, cy, cz, a, b, c, turn, hu] of ELLIPSOIDS) {
    const angle = (turn * Math.PI) / 180;
    const dx = (x - cx) * Math.cos(angle) + (y - cy) * Math.sin(angle);
    const dy = (y - cy) * Math.cos(angle) - (x - cx) * Math.sin(angle);
    if ((dx / a) ** 2 + (dy / b) ** 2 + ((z - cz) / c) ** 2 <= 1) value = hu;
  }
  return value;
}

/** Stored values: HU + 1024 and a grain of the same seed every time, so that windows have something to show. */
function pixels() {
  const stored = new Uint16Array(SIZE * SIZE * FRAMES);
  let seed = 0x2545f491;
  let at = 0;
  for (let frame = 0; frame < FRAMES; frame++) {
    const z = ((frame + 0.5) / FRAMES) * 1.6 - 0.8;
    for (let row = 0; row < SIZE; row++) {
      for (let column = 0; column < SIZE; column++) {
        seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
        const grain = ((seed >>> 24) + ((seed >>> 16) & 255) - 255) / 32;
        const value = hounsfield((column + 0.5) / (SIZE / 2) - 1, (row + 0.5) / (SIZE / 2) - 1, z);
        stored[at++] = Math.max(0, Math.round(value + 1024 + grain));
      }
    }
  }
  return stored;
}

/** Value representations with a reserved field and a length of four bytes: PS3.5 7.1.2. */
const LONG = new Set(['OB', 'OW', 'SQ', 'UN', 'UT']);

/**
 * One element in explicit little endian.
 * @param {number} group
 * @param {number} element
 * @param {string} vr
 * @param {string | number | Uint8Array<ArrayBuffer>} value
 */
function element(group, element, vr, value) {
  let bytes;
  if (typeof value === 'number') {
    bytes = new Uint8Array(vr === 'UL' ? 4 : 2);
    const view = new DataView(bytes.buffer);
    if (vr === 'UL') view.setUint32(0, value, true);
    else view.setUint16(0, value, true);
  } else if (typeof value === 'string') {
    bytes = new TextEncoder().encode(value.length % 2 ? value + (vr === 'UI' ? '\0' : ' ') : value);
  } else {
    bytes = value;
  }
  const head = new Uint8Array(LONG.has(vr) ? 12 : 8);
  const view = new DataView(head.buffer);
  view.setUint16(0, group, true);
  view.setUint16(2, element, true);
  head.set([vr.charCodeAt(0), vr.charCodeAt(1)], 4);
  if (LONG.has(vr)) view.setUint32(8, bytes.length, true);
  else view.setUint16(6, bytes.length, true);
  return [head, bytes];
}

/** @returns {File} */
export function phantomFile() {
  const uid = '2.25.311834926417735206414938251744936418121';
  const meta = [
    element(0x0002, 0x0002, 'UI', '1.2.840.10008.5.1.4.1.1.7.3'),
    element(0x0002, 0x0003, 'UI', uid),
    element(0x0002, 0x0010, 'UI', '1.2.840.10008.1.2.1'),
  ].flat();
  const metaLength = meta.reduce((sum, part) => sum + part.length, 0);
  const body = [
    element(0x0008, 0x0016, 'UI', '1.2.840.10008.5.1.4.1.1.7.3'),
    element(0x0008, 0x0018, 'UI', uid),
    element(0x0008, 0x0060, 'CS', 'CT'),
    element(0x0008, 0x103e, 'LO', 'Synthetic phantom'),
    element(0x0028, 0x0002, 'US', 1),
    element(0x0028, 0x0004, 'CS', 'MONOCHROME2'),
    element(0x0028, 0x0008, 'IS', String(FRAMES)),
    element(0x0028, 0x0010, 'US', SIZE),
    element(0x0028, 0x0011, 'US', SIZE),
    element(0x0028, 0x0030, 'DS', `${MM}\\${MM}`),
    element(0x0028, 0x0100, 'US', 16),
    element(0x0028, 0x0101, 'US', 12),
    element(0x0028, 0x0102, 'US', 11),
    element(0x0028, 0x0103, 'US', 0),
    element(0x0028, 0x1050, 'DS', '40\\300'),
    element(0x0028, 0x1051, 'DS', '160\\2000'),
    element(0x0028, 0x1052, 'DS', '-1024'),
    element(0x0028, 0x1053, 'DS', '1'),
    element(0x0028, 0x1054, 'LO', 'HU'),
    element(0x0028, 0x1055, 'LO', 'Phantom\\Phantom bone'),
    element(0x7fe0, 0x0010, 'OW', new Uint8Array(pixels().buffer)),
  ].flat();
  const preamble = new Uint8Array(132);
  preamble.set(new TextEncoder().encode('DICM'), 128);
  const parts = [preamble, ...element(0x0002, 0x0000, 'UL', metaLength), ...meta, ...body];
  return new File(parts, 'synthetic-phantom.dcm', { type: 'application/dicom' });
}
