/**
 * How files come in: pickers, drag and drop with whole folders, paste. Every file gets an answer, shown or refused with
 * its reason; what it is, the core decides from its content. Only models are known by their name, .onnx.
 */
import { CoreError, FAULT } from '../shared/protocol.js';
import { byId } from './dom.js';
import { phantomFile } from './phantom.js';

/**
 * @typedef {{file: File, path: string, synthetic?: boolean}} Found
 * @typedef {import('./desk.js').Item} Item
 */

const THUMB = 112;
const byPath = new Intl.Collator(undefined, { numeric: true }).compare;

/** All files under an entry of a drop. @param {FileSystemEntry} entry @returns {Promise<Found[]>} */
async function filesOf(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) =>
      /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject),
    );
    return [{ file, path: entry.fullPath.replace(/^\//, '') }];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const found = [];
  for (;;) {
    // A folder is told in portions; an empty one is the end.
    const portion = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (portion.length === 0) break;
    for (const child of portion) found.push(...(await filesOf(child)));
  }
  return found;
}

/**
 * @param {DataTransfer} transfer
 * @param {(name: string, reason: string) => void} complain  of a folder that the browser may not read
 * @returns {Promise<Found[]>}
 */
async function filesOfDrop(transfer, complain) {
  // Entries must be taken before the first await: the list is emptied after the event.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry !== null);
  if (!entries.length) return [...transfer.files].map((file) => ({ file, path: file.name }));
  const found = entries.map((entry) =>
    filesOf(/** @type {FileSystemEntry} */ (entry)).catch((error) => {
      complain(entry?.name ?? '', error instanceof Error ? error.message : String(error));
      return [];
    }),
  );
  return (await Promise.all(found)).flat();
}

export class Opening {
  /**
   * @param {import('./desk.js').Desk} desk
   * @param {import('../client/client.js').Client} client
   * @param {{openModel: (file: File) => void, complain: (name: string, reason: string) => void,
   *          divert: (found: Found[]) => boolean}} actions  divert: takes what is dropped or pasted in another workspace
   */
  constructor(desk, client, { openModel, complain, divert }) {
    this.desk = desk;
    this.client = client;
    this.openModel = openModel;
    this.complain = complain;
    this.divert = divert;
    /** @type {Promise<void>} */
    this.queue = Promise.resolve();
    this.#connectPickers();
    this.#connectDrop();
  }

  #connectPickers() {
    for (const [button, picker] of [
      ['open-files', 'pick-files'],
      ['open-folder', 'pick-folder'],
    ]) {
      const input = /** @type {HTMLInputElement} */ (byId(picker));
      for (const node of document.querySelectorAll(`[data-opens=${button}]`)) {
        node.addEventListener('click', () => input.click());
      }
      input.addEventListener('change', () => {
        const files = [...(input.files ?? [])];
        this.take(files.map((file) => ({ file, path: file.webkitRelativePath || file.name })));
        // The same file can be picked again.
        input.value = '';
      });
    }
    byId('try-example').addEventListener('click', () => {
      const file = phantomFile();
      this.take([{ file, path: file.name, synthetic: true }]);
    });
    addEventListener('paste', (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length) this.#receive(files.map((file) => ({ file, path: file.name })));
    });
  }

  #connectDrop() {
    const veil = byId('drop-veil');
    /** @param {DragEvent} event */
    const carriesFiles = (event) => event.dataTransfer?.types.includes('Files');
    addEventListener('dragover', (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      veil.hidden = false;
    });
    addEventListener('dragleave', (event) => {
      if (!event.relatedTarget) veil.hidden = true;
    });
    addEventListener('drop', async (event) => {
      veil.hidden = true;
      if (!carriesFiles(event) || !event.dataTransfer) return;
      event.preventDefault();
      this.#receive(await filesOfDrop(event.dataTransfer, this.complain));
    });
  }

  /** What came without a picker goes to the workspace that is up. @param {Found[]} found */
  #receive(found) {
    if (!this.divert(found)) this.take(found);
  }

  /** @param {Found[]} found */
  take(found) {
    const models = found.filter(({ path }) => /\.onnx$/i.test(path));
    const images = found.filter((each) => !models.includes(each)).sort((a, b) => byPath(a.path, b.path));
    if (models.length) this.openModel(models[models.length - 1].file);
    if (!images.length) return;
    const items = this.desk.add(images);
    this.queue = this.queue.then(() => this.#openAll(items));
  }

  /** @param {Item[]} items */
  async #openAll(items) {
    let seen = false;
    for (const item of items) {
      if (!this.desk.items.includes(item)) continue;
      await this.#open(item);
      // The first good one of a batch is put up at once, the others join the list.
      if (!seen && item.state === 'shown') {
        seen = true;
        this.desk.select(item);
      }
    }
  }

  /** @param {Item} item */
  async #open(item) {
    this.desk.update(item, { state: 'reading' });
    try {
      const { info, view, thumb } = await this.client.open(item.key, item.file, { thumb: THUMB });
      // The phantom's middle is where there is something to see; a patient's stack begins at its beginning.
      if (item.synthetic) view.frame = Math.floor(info.frames / 2);
      this.desk.update(item, { state: 'shown', info, view, firstView: view, thumb });
    } catch (error) {
      this.desk.refuse(item, error instanceof CoreError ? error : new CoreError(FAULT.READ, 'READ', String(error)));
    }
  }
}
