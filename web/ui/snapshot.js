/** The picture as it is on the screen, with its measurements unless they are hidden: as a PNG file, or to paste elsewhere. */
import { t } from '../i18n/i18n.js';
import { download } from './dom.js';

export class Snapshot {
  /**
   * @param {import('./panes/panes.js').Panes} viewer
   * @param {import('./measure/measuring.js').Measuring} measuring
   * @param {import('./status.js').Status} status
   */
  constructor(viewer, measuring, status) {
    this.viewer = viewer;
    this.measuring = measuring;
    this.status = status;
    /**
     * Canvases over the viewer's that belong to the picture, and what is painted over them.
     * @type {() => {layers: HTMLCanvasElement[], parts: Array<{paintOn: (context: CanvasRenderingContext2D) => void}>}}
     */
    this.over = () => ({ layers: [], parts: [] });

  }

  /** @returns {Promise<Blob>} */
  #png() {
    const shown = this.viewer.canvas;
    const canvas = document.createElement('canvas');
    canvas.width = shown.width;
    canvas.height = shown.height;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    const { layers, parts } = this.over();
    for (const layer of [shown, ...layers.filter((each) => !each.hidden)]) context.drawImage(layer, 0, 0, shown.width, shown.height);
    context.scale(shown.width / shown.clientWidth, shown.height / shown.clientHeight);
    for (const part of [this.measuring.drawing, ...parts]) part.paintOn(context);
    return new Promise((resolve, reject) =>
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('the browser made no PNG'))), 'image/png'),
    );
  }

  async save() {
    download('picture.png', 'image/png', await this.#png());
  }

  async copy() {
    try {
      await navigator.clipboard.write([new ClipboardItem({ 'image/png': this.#png() })]);
      this.status.notify(t('snapshot.copied'), '');
    } catch (error) {
      this.status.notify(t('snapshot.notCopied'), String(/** @type {Error} */ (error).message));
    }
  }
}
