/**
 * Draws web/icon.svg as PNG, for systems that take no SVG for an installed page. It knows what that drawing is made of: rounded rectangles
 * and paths of straight lines, filled or stroked with round ends; anything else is refused, so that a new drawing cannot come out wrong.
 */
import { crc32 as zlibCrc32, deflateSync } from 'node:zlib';

/** Samples of a pixel along each side. */
const SAMPLES = 4;
/** Of a maskable icon whatever lies outside this share may be cut off (W3C, Web Application Manifest, "icon masks": a circle of 80 %). */
const SAFE = 0.8;

/** @typedef {(x: number, y: number) => boolean} Inside */

/** Distance from a rectangle with rounded corners, negative within. */
function roundedDistance({ x, y, width, height, rx = 0 }, px, py) {
  const dx = Math.abs(px - x - width / 2) - width / 2 + rx;
  const dy = Math.abs(py - y - height / 2) - height / 2 + rx;
  return Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - rx;
}

/** Lines of a path of M, H, V, Z and their small letters: lists of points. */
function linesOf(d) {
  const lines = [];
  let [x, y] = [0, 0];
  for (const [, letter, rest] of d.matchAll(/([A-Za-z])([^A-Za-z]*)/g)) {
    const [a, b] = (rest.match(/-?[\d.]+/g) ?? []).map(Number);
    if (letter === 'M') lines.push([([x, y] = [a, b])]);
    else if (letter === 'H') lines.at(-1).push([(x = a), y]);
    else if (letter === 'h') lines.at(-1).push([(x += a), y]);
    else if (letter === 'V') lines.at(-1).push([x, (y = a)]);
    else if (letter === 'v') lines.at(-1).push([x, (y += a)]);
    else if (letter === 'z' || letter === 'Z') lines.at(-1).push(lines.at(-1)[0]);
    else throw new Error(`icon.svg: no path command ${letter} here`);
  }
  return lines;
}

/** By the even-odd rule. @returns {boolean} */
function withinLines(lines, px, py) {
  let inside = false;
  for (const line of lines) {
    for (let i = 1; i < line.length; i++) {
      const [[ax, ay], [bx, by]] = [line[i - 1], line[i]];
      if (ay > py !== by > py && px < ax + ((py - ay) / (by - ay)) * (bx - ax)) inside = !inside;
    }
  }
  return inside;
}

function distanceToLines(lines, px, py) {
  let least = Infinity;
  for (const line of lines) {
    for (let i = 1; i < line.length; i++) {
      const [[ax, ay], [bx, by]] = [line[i - 1], line[i]];
      const along = ((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2 || 1);
      const at = Math.min(1, Math.max(0, along));
      least = Math.min(least, Math.hypot(px - ax - at * (bx - ax), py - ay - at * (by - ay)));
    }
  }
  return least;
}

const colorOf = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));

/** What is painted, from back to front. @returns {Array<{inside: Inside, color: number[]}>} */
function shapesOf(svg) {
  const shapes = [];
  for (const [, tag, text] of svg.matchAll(/<(\w+)([^>]*?)\/?>/g)) {
    if (tag === 'svg') continue;
    const given = Object.fromEntries([...text.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
    const half = Number(given['stroke-width'] ?? 1) / 2;
    if (tag === 'rect') {
      const box = Object.fromEntries(['x', 'y', 'width', 'height', 'rx'].map((name) => [name, Number(given[name] ?? 0)]));
      if (given.fill !== 'none') shapes.push({ inside: (x, y) => roundedDistance(box, x, y) <= 0, color: colorOf(given.fill) });
      if (given.stroke) shapes.push({ inside: (x, y) => Math.abs(roundedDistance(box, x, y)) <= half, color: colorOf(given.stroke) });
    } else if (tag === 'path') {
      const lines = linesOf(given.d);
      if (given.fill && given.fill !== 'none') shapes.push({ inside: (x, y) => withinLines(lines, x, y), color: colorOf(given.fill) });
      if (given.stroke) shapes.push({ inside: (x, y) => distanceToLines(lines, x, y) <= half, color: colorOf(given.stroke) });
    } else throw new Error(`icon.svg: no element ${tag} here`);
  }
  return shapes;
}

/** CRC-32 as PNG (ISO 15948, annex D) and ZIP have it. Node 20.15 knows it; older ones get the definition of RFC 1952. */
export const crc32 =
  zlibCrc32 ??
  ((bytes) => {
    let crc = ~0;
    for (const byte of bytes) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc >>> 0;
  });

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const bytes = Buffer.alloc(body.length + 8);
  bytes.writeUInt32BE(data.length, 0);
  body.copy(bytes, 4);
  bytes.writeUInt32BE(crc32(body), body.length + 4);
  return bytes;
}

function pngOf(rgba, side) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 6], 8);
  const rows = Buffer.alloc(side * (4 * side + 1));
  for (let y = 0; y < side; y++) rows.set(rgba.subarray(4 * side * y, 4 * side * (y + 1)), y * (4 * side + 1) + 1);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))]);
}

/**
 * @param {string} svg  32 units a side; its first shape is the ground
 * @param {number} side  in pixels
 * @param {{maskable?: boolean}} [options]  maskable: the ground goes to the edges, the drawing stays where no mask cuts
 * @returns {Buffer} a PNG
 */
export function drawIcon(svg, side, { maskable = false } = {}) {
  const shapes = shapesOf(svg);
  const [ground] = shapes;
  if (maskable) shapes[0] = { ...ground, inside: () => true };
  const scale = 32 / side / (maskable ? SAFE : 1);
  const rgba = new Uint8Array(4 * side * side);
  for (let at = 0; at < side * side; at++) {
    const sum = [0, 0, 0, 0];
    for (let sample = 0; sample < SAMPLES ** 2; sample++) {
      const x = 16 + ((at % side) + ((sample % SAMPLES) + 0.5) / SAMPLES - side / 2) * scale;
      const y = 16 + (Math.floor(at / side) + (Math.floor(sample / SAMPLES) + 0.5) / SAMPLES - side / 2) * scale;
      const top = shapes.findLast(({ inside }) => inside(x, y));
      if (!top) continue;
      top.color.forEach((value, channel) => (sum[channel] += value));
      sum[3]++;
    }
    if (!sum[3]) continue;
    for (let channel = 0; channel < 3; channel++) rgba[4 * at + channel] = Math.round(sum[channel] / sum[3]);
    rgba[4 * at + 3] = Math.round((255 * sum[3]) / SAMPLES ** 2);
  }
  return pngOf(rgba, side);
}
