/** Puts the workspace for training together and switches between it and the viewer. */
import { t } from '../../i18n/i18n.js';
import { TrainingClient } from '../../client/training.js';
import { CoreError } from '../../shared/protocol.js';
import { byId } from '../dom.js';
import { describeError } from '../filelist.js';
import { veiled } from '../privacy.js';
import { Bases } from './bases.js';
import { Entry } from './entry.js';
import { EvaluationPanel } from './evaluation.js';
import { Lab } from './lab.js';
import { NeighboursPanel } from './neighbours.js';
import { Outcome } from './outcome.js';
import { Progress } from './progress.js';
import { Samples } from './samples.js';
import { Settings } from './settings.js';
import { Summary } from './summary.js';

/**
 * @typedef {import('../../client/client.js').Client} Client
 * @typedef {import('./plan.js').Found} Found
 */

/** A mark that something is kept, so that the page can say so without starting a second core. */
const KEPT_MARK = 'negatoscope-training-kept';
/** Width and height of small copies. */
const THUMB = 96;
/** For a reload of the same tab. */
const PLACE = 'negatoscope-workspace';

/**
 * Storage may be forbidden; nothing here is lost without it.
 * @template T
 * @param {() => T} use
 * @returns {T | null}
 */
function ifAllowed(use) {
  try {
    return use();
  } catch {
    return null;
  }
}

/** @param {boolean} kept */
function markKept(kept) {
  ifAllowed(() => (kept ? localStorage.setItem(KEPT_MARK, '1') : localStorage.removeItem(KEPT_MARK)));
}

/** Channels that differ by more than JPEG's rounding are colour. @param {import('../../shared/protocol.js').Pixels} pixels */
function isColoured({ rgba }) {
  const tolerance = 6;
  for (let at = 0; at < rgba.length; at += 4) {
    if (Math.abs(rgba[at] - rgba[at + 1]) > tolerance || Math.abs(rgba[at + 1] - rgba[at + 2]) > tolerance) return true;
  }
  return false;
}

export class TrainingWorkspace {
  /**
   * @param {object} parts
   * @param {Client} parts.client  the viewer's, for its worker and its reader of pictures
   * @param {import('../status.js').Status} parts.status
   * @param {(file: File) => Promise<void>} parts.useModel
   * @param {import('../../client/site.js').ShippedModel[]} parts.shipped
   * @param {import('../desk.js').Desk} parts.desk  what the viewer shows
   * @param {import('../../shared/protocol.js').Constants} parts.constants
   */
  constructor({ client, status, useModel, shipped, desk, constants }) {
    this.desk = desk;
    this.constants = constants;
    this.viewer = client;
    this.status = status;
    this.useModel = useModel;
    this.lab = new Lab(new TrainingClient(client.createWorker, client.build, { test: client.test }));
    this.bases = new Bases(shipped, {
      describe: (file) => this.lab.describe(file),
      complain: (name, error) => {
        const { title, detail } = describeError(error);
        status.notify(t('model.failed', { name: veiled(name, t('privacy.value')) }), `${title}. ${detail}`);
      },
    });
    this.visited = false;
    this.nextLook = 1;
    this.#connectPanels();
    this.#connectSwitch();
    this.#connectLab();
    byId('train-news').hidden = !ifAllowed(() => localStorage.getItem(KEPT_MARK));
    if (ifAllowed(() => sessionStorage.getItem(PLACE)) === 'train') this.show('train');
  }

  get isUp() {
    return document.body.dataset.workspace === 'train';
  }

  /** What was dropped or pasted here. @param {Found[]} found @returns {boolean} whether it was taken */
  take(found) {
    if (!this.isUp || found.every(({ path }) => /\.onnx$/i.test(path))) return false;
    const asks = this.lab.loaded && document.body.dataset.labStage === 'neighbours';
    if (asks) void this.neighbours?.ask({ file: found[0].file, name: found[0].file.name, frame: 0 });
    else if (this.lab.open) this.status.notify(t('train.problem.busy'), t('train.problem.busyHint'));
    else void this.entry?.take(found);
    return true;
  }

  /** @param {'view' | 'train'} name */
  show(name) {
    document.body.dataset.workspace = name;
    byId('lab').hidden = name !== 'train';
    byId('desk').hidden = name === 'train';
    for (const node of document.querySelectorAll('button[data-workspace]')) {
      node.setAttribute('aria-pressed', String(/** @type {HTMLElement} */ (node).dataset.workspace === name));
    }
    ifAllowed(() => sessionStorage.setItem(PLACE, name));
    if (name !== 'train' || this.visited) return;
    this.visited = true;
    void this.lab.refreshKept();
  }

  #connectSwitch() {
    for (const node of document.querySelectorAll('button[data-workspace]')) {
      const { workspace } = /** @type {HTMLElement} */ (node).dataset;
      node.addEventListener('click', () => this.show(workspace === 'train' ? 'train' : 'view'));
    }
    for (const node of document.querySelectorAll('button[data-lab]')) {
      node.addEventListener('click', () => this.#showPage(/** @type {HTMLElement} */ (node).dataset.lab ?? ''));
    }
    this.#showPage('pictures');
  }

  /** Tabs of a wide page, sheets of a narrow one; both know the same names. @param {string} name */
  #showPage(name) {
    document.body.dataset.lab = name;
    const wide = ['pictures', 'progress', 'evaluation', 'neighbours'].includes(name);
    // The picture that the viewer shows may be another by now.
    if (name === 'neighbours') this.neighbours?.render();
    if (wide) document.body.dataset.labStage = name;
    for (const node of document.querySelectorAll('button[data-lab]')) {
      const button = /** @type {HTMLElement} */ (node);
      const chosen = button.closest('#lab-tabs') ? button.dataset.lab === name : button.dataset.lab === document.body.dataset.labStage;
      button.setAttribute(button.closest('#lab-tabs') ? 'aria-pressed' : 'aria-selected', String(chosen));
    }
  }

  #connectPanels() {
    const { lab } = this;
    const looks = { peek: this.#peek.bind(this), open: () => this.#openPicture() };
    const channelsOf = async (/** @type {File} */ file) => (await this.#lookAt(file)).channels;
    this.entry = new Entry(lab, { ...looks, channelsOf, hold: this.#hold.bind(this) }, this.constants);
    const samples = new Samples(lab);
    new Summary(lab, samples);
    new Settings(lab, samples, this.bases);
    const evaluation = new EvaluationPanel(lab, samples);
    const evaluate = (/** @type {number} */ k) => {
      this.#showPage('evaluation');
      void evaluation.runNeighbours(k, this.bases.chosen?.title ?? '');
    };
    this.neighbours = new NeighboursPanel({ lab, samples, bases: this.bases, evaluate, ...looks });
    const outcome = new Outcome(lab, {
      use: async (file) => {
        await this.useModel(file);
        this.show('view');
        this.status.notify(t('train.outcome.used'), t('train.outcome.usedHint'), { kind: 'news' });
      },
      evaluate: () => {
        this.#showPage('evaluation');
        void evaluation.run();
      },
      complain: (error) => this.#complain('train.problem.model', error),
      thresholdOf: () => evaluation.chosenThreshold,
    });
    new Progress(lab, outcome.node);
  }

  #connectLab() {
    const { lab } = this;
    let wasRunning = false;
    lab.on('begun', () => {
      if (lab.running && !wasRunning) this.#showPage('progress');
      wasRunning = lab.running;
    });
    lab.on('data', () => this.#showPage(lab.open ? 'progress' : 'pictures'));
    lab.on('keep', () => {
      markKept(Boolean(lab.kept) || lab.keptEpoch > 0);
      byId('train-news').hidden = !lab.kept || Boolean(lab.loaded);
    });
    // Without data there is one thing to do; the panels around it come with the data.
    const showEmpty = () => {
      document.body.classList.toggle('lab-empty', !lab.loaded);
      if (lab.loaded) byId('train-news').hidden = true;
    };
    // Neighbours vote for labels.
    lab.on('data', () => {
      for (const node of document.querySelectorAll('[data-lab=neighbours]')) /** @type {HTMLElement} */ (node).hidden = lab.survives;
    });
    lab.on('data', showEmpty);
    showEmpty();
    lab.on('problem', ({ key, error }) => this.#complain(key, error));
  }

  /** @param {string} key @param {import('../../shared/protocol.js').CoreError} error */
  #complain(key, error) {
    const { title, detail } = describeError(error);
    const offer = key === 'train.problem.trap' && this.lab.keptEpoch >= 0;
    this.status.notify(t(key), `${title}. ${detail}`, offer ? { action: { text: t('train.kept.continue'), run: () => void this.lab.restore() } } : {});
  }

  /** The viewer's core looks at a picture; it keeps nothing of it. Many grey films are saved with three channels. @param {File} file */
  async #lookAt(file) {
    const key = `training-look-${this.nextLook++}`;
    const { info, view, thumb } = await this.viewer.request('open', { key, file, thumb: THUMB });
    const { pixels } = info.channels === 3 ? await this.viewer.request('render', { key, view, buffer: null }) : { pixels: null };
    await this.viewer.request('close', { key });
    return { thumb, channels: pixels && isColoured(pixels) ? 3 : 1 };
  }

  /** A picture that stays with the viewer's core, to be read in one way and another. @type {import('./preview.js').Hold} */
  async #hold(file) {
    const key = `training-look-${this.nextLook++}`;
    const { viewer } = this;
    await viewer.open(key, file);
    return {
      prepare: async (frame, recipe) => (await viewer.request('prepare', { key, frame, recipe })).pixels,
      close: () => void viewer.close(key).catch(() => {}),
    };
  }

  /** @type {import('./made.js').Peek} */
  async #peek(file, name) {
    try {
      return await this.#lookAt(file);
    } catch (error) {
      if (!(error instanceof CoreError)) throw error;
      const { title, detail } = describeError(error);
      this.status.notify(t('open.unreadable', { name }), `${title}. ${detail}`);
      return null;
    }
  }

  /** @returns {import('./made.js').OpenPicture} */
  #openPicture() {
    const { current } = this.desk;
    return current?.file ? { file: current.file, name: current.name, frame: current.view?.frame ?? 0 } : null;
  }
}
