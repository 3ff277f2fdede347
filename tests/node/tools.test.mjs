/** Overlay planes, real world values and colours across the boundary to wasm. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ctDicom } from './fixtures.mjs';
import { createCore, openImage } from './harness.mjs';

const overlay = (bits) => ({
  0x60000010: ['US', 4],
  0x60000011: ['US', 4],
  0x60000050: ['SS', Buffer.from([1, 0, 1, 0])],
  0x60000100: ['US', 1],
  0x60000102: ['US', 0],
  0x60003000: ['OW', bits],
});

test('overlay planes come as transparent pixels with a colour where they are', async () => {
  const core = await createCore();
  const before = core.memory().used;
  const bits = Buffer.from([0b10010110, 0b00001111]);
  const image = await openImage(core, ctDicom({ width: 4, height: 4, more: overlay(bits) }));
  const info = core.imageInfo(image);
  assert.equal(info.overlays.length, 1);
  const { rgba } = core.overlays(image, 0, 0x123456, 4, 4);
  for (let i = 0; i < 16; i++) {
    const set = (bits[i >> 3] >> (i & 7)) & 1;
    assert.deepEqual([...rgba.subarray(4 * i, 4 * i + 4)], set ? [0x12, 0x34, 0x56, 255] : [0, 0, 0, 0]);
  }
  assert.throws(() => core.overlays(image, 1, 0, 4, 4), /no frame 1/);
  core.freeImage(image);
  assert.equal(core.memory().used, before);
});

test('colours are laid on after filters, and shades are what filters see', async () => {
  const core = await createCore();
  const image = await openImage(core, ctDicom({ width: 8, height: 8, stored: (x) => 864 + 50 * x }));
  const { colorMaps, filters } = core.constants();
  const colors = colorMaps.findIndex(({ name }) => name === 'hot-iron');
  const table = Buffer.from(colorMaps[colors].colors, 'hex');
  const view = core.view(image, 'default', 0, 0);
  const { step, parameters } = filters[0];
  const steps = [{ step, ...Object.fromEntries(parameters.map((each) => [each.name, each.default])) }];
  for (const through of [null, steps]) {
    const grey = core.render(image, view, 8, 8, null, through).rgba;
    const colored = core.render(image, { ...view, colors }, 8, 8, null, through).rgba;
    for (let i = 0; i < 64; i++) {
      const expected = [...table.subarray(3 * grey[4 * i], 3 * grey[4 * i] + 3), 255];
      assert.deepEqual([...colored.subarray(4 * i, 4 * i + 4)], expected);
    }
  }
  assert.throws(() => core.render(image, { ...view, colors: colorMaps.length }, 8, 8), /colour map/);

  // The same as it lies on a screen, beside which all stays black.
  const screen = core.createScreen();
  const place = { width: 10, height: 8, x: 5, y: 4, scaleX: 1, scaleY: 1, turn: 0, mirrored: false, smoothing: 0 };
  for (const through of [null, steps]) {
    const grey = core.renderPlaced(screen, image, view, place, null, through).rgba;
    const colored = core.renderPlaced(screen, image, { ...view, colors: 9 }, place, null, through).rgba;
    const viridis = Buffer.from(colorMaps[9].colors, 'hex');
    for (let i = 0; i < 80; i++) {
      const beside = i % 10 === 0 || i % 10 === 9;
      const expected = beside ? [0, 0, 0] : [...viridis.subarray(3 * grey[4 * i], 3 * grey[4 * i] + 3)];
      assert.deepEqual([...colored.subarray(4 * i, 4 * i + 4)], [...expected, 255]);
    }
  }
  core.module._nsc_screen_free(screen);
  core.freeImage(image);
});

test('real world values are told, and null where the file maps nothing', async () => {
  const core = await createCore();
  const image = await openImage(core, ctDicom({ width: 4, height: 4 }));
  assert.equal(core.realWorld(image, 0, 1, 1), null);
  assert.deepEqual(core.imageInfo(image).realWorld, []);
  assert.throws(() => core.realWorld(image, 0, 4, 0), /no pixel/);
  core.freeImage(image);
});
