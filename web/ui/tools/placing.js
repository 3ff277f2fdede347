/** Where the picture of a viewer lies, for what is drawn over it on a canvas of its own. */
import { SMOOTHING } from '../../shared/protocol.js';

/**
 * Draws a picture of the image's size as the viewer places it: zoomed, turned, mirrored.
 * @param {CanvasRenderingContext2D} context  of a canvas as large as the viewer's
 * @param {import('../viewer.js').Viewer} viewer
 * @param {CanvasImageSource} picture
 */
export function drawPlaced(context, viewer, picture) {
  if (!viewer.item?.info) return;
  context.save();
  context.imageSmoothingEnabled = viewer.smoothing !== SMOOTHING.NEAREST;
  context.imageSmoothingQuality = 'high';
  context.setTransform(viewer.matrix());
  context.drawImage(picture, 0, 0);
  context.restore();
}

/** The box around the picture on the viewer's canvas, in CSS pixels. @param {import('../viewer.js').Viewer} viewer */
export function pictureBox(viewer) {
  const { width, height } = viewer.item?.info ?? { width: 0, height: 0 };
  const a = viewer.placeOf({ x: 0, y: 0 });
  const b = viewer.placeOf({ x: width, y: height });
  return { left: Math.min(a.x, b.x), right: Math.max(a.x, b.x), top: Math.min(a.y, b.y), bottom: Math.max(a.y, b.y) };
}

/** A picture that the core sent, as something that can be drawn. @param {import('../../shared/protocol.js').Pixels} pixels @param {HTMLCanvasElement} canvas */
export function putPixels({ rgba, width, height }, canvas) {
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d')?.putImageData(new ImageData(rgba, width, height), 0, 0);
}

/** A canvas over the viewer's, made as large as it. @param {HTMLCanvasElement} layer @param {HTMLCanvasElement} canvas @returns {CanvasRenderingContext2D} cleared, in CSS pixels */
export function clearLayer(layer, canvas) {
  const width = Math.round(canvas.clientWidth * devicePixelRatio);
  const height = Math.round(canvas.clientHeight * devicePixelRatio);
  if (layer.width !== width || layer.height !== height) {
    layer.width = width;
    layer.height = height;
  }
  const context = /** @type {CanvasRenderingContext2D} */ (layer.getContext('2d'));
  context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  return context;
}

/**
 * Texts over the picture on a canvas, where and as they stand on the page: for a picture that is saved.
 * @param {CanvasRenderingContext2D} context  in CSS pixels of the viewer's canvas
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLElement[]} nodes
 */
export function paintTexts(context, canvas, nodes) {
  const origin = canvas.getBoundingClientRect();
  context.save();
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.lineJoin = 'round';
  for (const node of nodes.filter((each) => each.textContent && each.checkVisibility())) {
    const { left, top, width, height } = node.getBoundingClientRect();
    const at = /** @type {const} */ ([left - origin.left + width / 2, top - origin.top + height / 2]);
    const { font, color } = getComputedStyle(node);
    context.font = font;
    context.strokeStyle = '#000';
    context.lineWidth = 3;
    context.strokeText(node.textContent ?? '', ...at);
    context.fillStyle = color;
    context.fillText(node.textContent ?? '', ...at);
  }
  context.restore();
}
