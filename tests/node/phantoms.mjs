/**
 * Stacks with something in them whose place is known, in mm of the patient: a body, two lungs and a ball. They are written by
 * the fixtures' own writer, and computed from the definition.
 */
import { ctSeries } from './fixtures.mjs';

const SPACING = 0.5;
const FIRST = -100;

/** The ball: its middle on a voxel of both series below, radius in mm, HU. */
export const BALL = { x: -88, y: -80, z: 0, radius: 6, hu: 400 };

/** HU at a place. */
export function huAt(x, y, z, size) {
  const middle = FIRST + (size * SPACING) / 2;
  const inside = (cx, cy, cz, rx, ry, rz) => ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 + ((z - cz) / rz) ** 2 <= 1;
  if (inside(BALL.x, BALL.y, BALL.z, BALL.radius, BALL.radius, BALL.radius)) return BALL.hu;
  const reach = (size * SPACING) / 2;
  for (const side of [-1, 1]) if (inside(middle + side * 0.45 * reach, middle, 0, 0.3 * reach, 0.5 * reach, 0.9 * reach)) return -800;
  return inside(middle, middle, 0, 0.92 * reach, 0.75 * reach, 4 * reach) ? 40 : -1000;
}

/** Axial slices 3 mm apart from -60 mm on; slice n is at 3 n - 63 mm, and the ball's middle at slice 21. */
export function chestSeries({ size = 96, count = 41, ...rest } = {}) {
  return ctSeries({
    size,
    count,
    stored: (x, y, n) => Math.max(0, huAt(FIRST + x * SPACING, FIRST + y * SPACING, 3 * n - 63, size) + 1024),
    ...rest,
  });
}

/** One coronal picture through the ball, in the same frame of reference: columns 0.5 mm from -100 on, rows down from z = 60. */
export function coronalPicture({ size = 96, space = '2.25.70' } = {}) {
  return ctSeries({
    count: 1,
    size,
    series: '2.25.7.9',
    number: 9,
    space,
    stored: (x, y) => Math.max(0, huAt(FIRST + x * SPACING, BALL.y, 60 - y * SPACING, size) + 1024),
    more: { 0x00200032: ['DS', `${FIRST}\\${BALL.y}\\60`], 0x00200037: ['DS', '1\\0\\0\\0\\0\\-1'], 0x0008103e: ['LO', 'Coronal'] },
  }).map((file) => ({ ...file, name: 'coronal' }));
}
