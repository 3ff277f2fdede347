/**
 * How files come in: pickers, drag and drop with whole folders, paste. Every file gets an answer, shown or refused with
 * its reason; what it is, the core decides from its content. Only models are known by their name, .onnx.
 */
import { CoreError, FAULT } from '../shared/protocol.js';
import { t } from '../i18n/i18n.js';
import { byId } from './dom.js';
import { isModel } from './models.js';
import { joinPairs } from './pairs.js';
import { phantomFile } from './phantom.js';
import { nameOf } from './privacy.js';
import { isWanted } from './room.js';
import { THUMB } from './thumbs.js';

/**
 * @typedef {{file: File, path: string, synthetic?: boolean}} Found
 * @typedef {import('./desk.js').Item} Item
 */

/** No file below this can be large when it is unpacked: deflate makes a thousandth of a file at best. */
const SMALL = 128 << 10;
/** Files whose headers are read with one request: the first one alone, so that it is up at once. */
const BATCHES = [1, 8, 24];
/** The list is put in order again this often while headers are read. */
const ORDER_MS = 400;
const byPath = new Intl.Collator(undefined, { numeric: true }).compare;

/** What comes in is a file. @param {Item} item @returns {import('../shared/protocol.js').Listed} */
const listedOf = ({ key, file, path }) => ({ key, file: /** @type {File} */ (file), path });

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
    const children = await Promise.all(portion.map(filesOf));
    for (const child of children) for (const each of child) found.push(each);
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
   * @param {import('./stacks.js').Stacks} stacks
   * @param {{models: import('./models.js').Models, complain: (name: string, reason: string) => void,
   *          divert: (found: Found[]) => boolean}} actions  divert: takes what is dropped or pasted in another workspace
   */
  constructor(desk, client, stacks, { models, complain, divert }) {
    this.desk = desk;
    this.client = client;
    this.stacks = stacks;
    this.models = models;
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
    const model = found.filter(({ path }) => isModel(path)).pop();
    const others = found.filter(({ path }) => !isModel(path));
    if (model) void this.#takeModel(model, others);
    else this.#takeImages(others);
  }

  /** A model, the files of its weights, and whatever else came with them. @param {Found} model @param {Found[]} others */
  async #takeModel(model, others) {
    const weights = await this.models.weightsOf(model, others);
    const taken = new Set(weights.map(({ found }) => found));
    void this.models.openFile(model.file, weights.map(({ name, found: { file } }) => ({ name, file })));
    this.#takeImages(others.filter((each) => !taken.has(each)));
  }

  /** @param {Found[]} found */
  #takeImages(found) {
    const images = joinPairs(found).sort((a, b) => byPath(a.path, b.path));
    if (!images.length) return;
    const items = this.desk.add(images);
    this.queue = this.queue.then(() => this.#openAll(items));
  }

  /**
   * First what each file is, by its header; then pictures that stand alone are opened, and of each series the middle one,
   * for the list. The first good one is put up as soon as it is found.
   * @param {Item[]} items
   */
  async #openAll(items) {
    const run = new Run(items);
    this.#progress(run);
    while (run.todo.length) {
      const batch = run.next();
      if (batch.length) await this.#look(run, batch);
      this.#progress(run);
      if (performance.now() - run.ordered > ORDER_MS) await this.#arrange(run);
    }
    await this.#arrange(run);
    byId('index-progress').hidden = true;
    for (const item of run.alone) await this.#openOne(run, item);
    for (const { pile, items: members } of this.desk.lines) {
      const middle = members[members.length >> 1];
      if (!pile) for (const item of members) await this.#openOne(run, item);
      else if (!middle.thumb && run.all.has(middle.key)) await this.stacks.open(middle, { thumb: THUMB });
    }
  }

  /** What a batch of files is. @param {Run} run @param {Item[]} batch */
  async #look(run, batch) {
    const listed = batch.filter((item) => this.desk.items.includes(item));
    /** @type {Map<string, Item>} */
    const byKey = new Map(listed.map((item) => [item.key, item]));
    /** @type {import('../shared/protocol.js').Header[]} */
    let headers;
    try {
      headers = await this.client.index(listed.map(listedOf));
    } catch (error) {
      // One of them ends the core: opened one by one, each gets its own answer.
      for (const item of listed) run.setAside(item, this.desk);
      return;
    }
    for (const { key, kind } of headers) {
      const item = /** @type {Item} */ (byKey.get(key));
      if (!(await this.#fits(item))) continue;
      if (kind === 'archive') await this.#unpack(run, item);
      else if (kind === 'directory') await this.#followDirectory(run, item);
      else if (kind === 'image') this.desk.learn(item, { state: 'indexed' });
      else run.setAside(item, this.desk);
      if (!run.seen && !['archive', 'directory'].includes(kind)) await this.#openOne(run, item);
    }
  }

  /** Asks about a file that takes more memory than there is, and leaves it out where that is not wanted. @param {Item} item */
  async #fits(item) {
    const { file } = listedOf(item);
    if (file.size < SMALL) return true;
    const bytes = await this.client.request('weigh', { file }).catch(() => file.size);
    if (await isWanted(nameOf(item), bytes, { title: t('room.file'), go: t('room.open') })) return true;
    this.desk.refuse(item, new CoreError(FAULT.REQUEST, 'LARGE', ''));
    return false;
  }

  /** @param {Run} run @param {Item} item */
  async #openOne(run, item) {
    if (!this.desk.items.includes(item)) return;
    if (item.state === 'indexed' && !item.synthetic) await this.stacks.open(item, { thumb: THUMB });
    else if (item.state === 'waiting' || item.synthetic) await this.#open(item);
    if (run.seen || item.state !== 'shown' || !run.all.has(item.key)) return;
    run.seen = true;
    this.desk.select(item);
  }

  /** @param {Run} run */
  async #arrange(run) {
    this.desk.arrange(await this.client.request('series', {}).catch(() => this.desk.studies));
    run.ordered = performance.now();
  }

  /** @param {Run} run */
  #progress(run) {
    const total = run.all.size;
    byId('index-progress').hidden = total < 2;
    const bar = /** @type {HTMLProgressElement} */ (byId('index-bar'));
    bar.max = total;
    bar.value = total - run.todo.length;
    byId('index-text').textContent = t('files.looking', { done: total - run.todo.length, total });
  }

  /** An archive makes room for its files. @param {Run} run @param {Item} item */
  async #unpack(run, item) {
    try {
      for (let from = /** @type {number | null} */ (0); from !== null; ) {
        const { found, next } = await this.client.request('unpack', { key: item.key, file: item.file, from });
        this.#takeUnpacked(run, item, found);
        from = next;
        // What is there already is looked at before the rest is unpacked.
        if (!run.seen && from !== null) while (!run.seen && run.todo.length) await this.#look(run, run.next());
      }
    } catch (error) {
      this.desk.refuse(item, error);
      return;
    }
    this.#leave(item);
  }

  /** @param {Run} run @param {Item} archive @param {import('../shared/protocol.js').Unpacked['found']} found */
  #takeUnpacked(run, archive, found) {
    const sorted = joinPairs(found.map((each) => ({ ...each, path: `${archive.path}/${each.path}` }))).sort((a, b) => byPath(a.path, b.path));
    const added = this.desk.add(sorted);
    added.forEach((item, i) => {
      const { error } = sorted[i];
      if (error) this.desk.refuse(item, CoreError.fromMessage(error));
    });
    run.add(added.filter(({ state }) => state === 'new'));
  }

  /** The files that a DICOMDIR names need not be looked at. @param {Run} run @param {Item} item */
  async #followDirectory(run, item) {
    const others = this.desk.items.filter((each) => each !== item && run.all.has(each.key)).map(listedOf);
    try {
      const { found, missing } = await this.client.directory(listedOf(item), others);
      if (!found.length && missing.length) throw new CoreError(FAULT.REQUEST, 'DIRECTORY', `${missing.length} files are named and none is there`);
      const keys = new Set(found.map((header) => header.key));
      for (const each of run.take(keys)) this.desk.learn(each, { state: 'indexed' });
      if (missing.length) this.complain(item.path, t('open.missing', { count: missing.length, name: missing[0] }));
    } catch (error) {
      this.desk.refuse(item, error);
      return;
    }
    this.#leave(item);
    await this.#arrange(run);
    const first = this.desk.lines.find(({ items }) => items[0].state === 'indexed')?.items[0];
    if (first && !run.seen) await this.#openOne(run, first);
  }

  /** @param {Item} item */
  #leave(item) {
    this.desk.remove([item]);
    void this.client.close(item.key).catch(() => {});
  }

  /** @param {Item} item */
  async #open(item) {
    this.desk.update(item, { state: 'reading' });
    try {
      const { info, view, thumb } = await this.client.open(item.key, listedOf(item).file, { thumb: THUMB });
      // The phantom's middle is where there is something to see; a patient's stack begins at its beginning.
      if (item.synthetic) view.frame = Math.floor(info.frames / 2);
      this.desk.update(item, { state: 'shown', info, view, firstView: view, thumb });
    } catch (error) {
      this.desk.refuse(item, error instanceof CoreError ? error : new CoreError(FAULT.READ, 'READ', String(error)));
    }
  }
}

/** Files that were opened together, on their way through #openAll. */
class Run {
  /** @param {Item[]} items */
  constructor(items) {
    /** @type {Set<string>} */
    this.all = new Set();
    /** Not looked at yet. @type {Item[]} */
    this.todo = [];
    /** No images of a series, to be opened one by one. @type {Item[]} */
    this.alone = [];
    this.batches = 0;
    this.seen = false;
    this.ordered = performance.now();
    this.add(items);
  }

  /** A DICOMDIR goes first: it spares looking at the others. @param {Item[]} items */
  add(items) {
    for (const { key } of items) this.all.add(key);
    const isDirectory = (/** @type {Item} */ { name }) => /^dicomdir$/i.test(name);
    this.todo = [...items.filter(isDirectory), ...this.todo, ...items.filter((item) => !isDirectory(item))];
  }

  /** The next ones to look at. */
  next() {
    const size = BATCHES[Math.min(this.batches++, BATCHES.length - 1)];
    return this.todo.splice(0, size);
  }

  /** @param {Set<string>} keys @returns {Item[]} */
  take(keys) {
    const taken = this.todo.filter(({ key }) => keys.has(key));
    this.todo = this.todo.filter(({ key }) => !keys.has(key));
    return taken;
  }

  /** @param {Item} item @param {import('./desk.js').Desk} desk */
  setAside(item, desk) {
    desk.learn(item, { state: 'waiting' });
    this.alone.push(item);
  }
}
