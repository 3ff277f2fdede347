/** A training under way: how far it is, how fast, how well, and the buttons that stop it. Updated in place. */
import { formatBytes, formatNumber, formatPercent, onLanguage, t } from '../../i18n/i18n.js';
import { byId, h } from '../dom.js';
import { describeError } from '../filelist.js';
import { Chart, COLOURS } from './charts.js';
import { button, warning } from './parts.js';
import { phaseText } from './transfer.js';

/**
 * @typedef {import('./lab.js').Lab} Lab
 * @typedef {import('../../shared/training.js').TrainingStatus} TrainingStatus
 */

/** @type {Intl.NumberFormatOptions} */
const SECONDS = { style: 'unit', unit: 'second', unitDisplay: 'short', maximumFractionDigits: 1 };
/** Readers of the screen hear of an epoch at most this often. */
const ANNOUNCE_MS = 15_000;
const COLUMNS = ['epoch', 'trainLoss', 'validationLoss', 'validationAccuracy', 'seconds'];
const FIGURES = ['speed', 'perEpoch', 'left', 'rate', 'best', 'memory', 'kept'];

/** 75 s as "1:15", hours before it when there are any. @param {number} seconds */
export function formatDuration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (/** @type {number} */ number) => String(number).padStart(2, '0');
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** @param {TrainingStatus} status @returns {number} 0 to 1 */
function share({ state, epoch, epochs, batch, batches, autoencoder }) {
  if (state === 'finished') return 1;
  if (state === 'autoencoder') return autoencoder ? autoencoder.epoch / autoencoder.epochs : 0;
  return Math.min(1, (Math.max(0, epoch - 1) + (batches ? batch / batches : 0)) / Math.max(1, epochs));
}

export class Progress {
  /**
   * @param {Lab} lab
   * @param {HTMLElement} outcome  stands below once there is something to use
   */
  constructor(lab, outcome) {
    this.lab = lab;
    this.outcome = outcome;
    this.page = byId('lab-progress');
    /** @type {Chart[]} */
    this.charts = [];
    /** Epochs before and in the present part, as the table shows them. */
    this.rowsShown = '';
    this.builtIn = '';
    this.announced = 0;
    for (const type of ['data', 'begun']) lab.on(type, () => this.render());
    for (const type of ['status', 'keep']) lab.on(type, () => this.#update());
    onLanguage(() => this.render());
    lab.on('begun', () => this.#announce());
  }

  render() {
    const { loaded, status } = this.lab;
    if (!loaded || !status) {
      this.#endCharts();
      const text = t(loaded ? 'train.progress.ready' : 'train.data.none');
      this.page.replaceChildren(h('div.lab-note', {}, h('p.welcome-title', {}, t('train.progress.none')), h('p.welcome-text', {}, text)));
      return;
    }
    // Built once for a training and a language; the buttons keep their focus while numbers change.
    if (!this.charts.length || this.builtIn !== t('language')) this.#build();
    this.#buttons();
    this.#update();
  }

  #endCharts() {
    for (const chart of this.charts) chart.end();
    this.charts = [];
  }

  #build() {
    this.#endCharts();
    this.builtIn = t('language');
    this.rowsShown = '';
    const best = () => (this.lab.status?.bestEpoch ? this.#epochsBefore + this.lab.status.bestEpoch : null);
    const seam = () => this.#epochsBefore || null;
    const lines = (/** @type {string} */ name) => [
      { label: t('train.split.train'), colour: COLOURS.train },
      { label: t('train.split.validation'), colour: COLOURS.validation, points: true },
    ].slice(name === 'loss' ? 0 : 1);
    const x = t('train.progress.epoch');
    this.charts = [
      new Chart({ title: t('train.progress.loss'), x, lines: lines('loss'), epochs: true, mark: best, seam }),
      new Chart({ title: t('train.progress.accuracy'), x, lines: lines('accuracy'), epochs: true, yRange: [0, 1.02], mark: best, seam }),
    ];
    this.title = h('h2', { id: 'train-state' });
    this.controls = h('div.controls');
    this.bar = /** @type {HTMLProgressElement} */ (h('progress', { max: 1, value: 0, 'aria-label': t('train.progress.none') }));
    this.figures = FIGURES.map((name) => h('dd', { 'data-figure': name }, '–'));
    this.problem = h('div');
    this.partNote = h('p.quiet', {}, t('train.progress.parts'));
    this.table = h('tbody');
    this.page.replaceChildren(
      h('div.run-head', {}, this.title, this.controls),
      this.bar,
      h('dl.figures', {}, ...this.figures.map((node, index) => h('div', {}, h('dt', {}, t(`train.figure.${FIGURES[index]}`)), node))),
      this.problem,
      h('div.charts', {}, ...this.charts.map(({ node }) => node)),
      h('p.quiet', {}, t('train.progress.mark')),
      this.partNote,
      this.#history(),
      this.outcome,
    );
  }

  #history() {
    const head = h('tr', {}, ...COLUMNS.map((name) => h('th', { scope: 'col' }, t(`train.column.${name}`))));
    return h('details.more', {}, h('summary', {}, t('train.progress.table')), h('div.table-scroll', {}, h('table', { id: 'train-history' }, h('thead', {}, head), this.table)));
  }

  #buttons() {
    const { lab } = this;
    const wanted = !lab.open ? '' : lab.running ? 'running' : 'paused';
    if (!this.controls || this.controls.dataset.state === wanted) return;
    this.controls.dataset.state = wanted;
    const stop = button(t('train.stop'), 'stop', () => void lab.endTraining(), { id: 'train-stop' });
    const pause = button(t('train.pause'), 'pause', () => lab.pause(), { id: 'train-pause' });
    const go = button(t('train.continue'), 'play', () => lab.resume(), { kind: 'primary', id: 'train-continue' });
    const had = this.controls.contains(document.activeElement);
    this.controls.replaceChildren(...(wanted === 'running' ? [pause, stop] : wanted === 'paused' ? [go, stop] : []));
    if (had) this.controls.querySelector('button')?.focus();
  }

  #stateText() {
    const { status, open, running } = this.lab;
    if (!status) return '';
    return phaseText(this.lab) + this.#epochText(status, open, running);
  }

  /** @param {TrainingStatus} status @param {boolean} open @param {boolean} running */
  #epochText(status, open, running) {
    const { epoch, epochs, batch, batches, state } = status;
    const done = status.history.length;
    if (state === 'finished') return t(done < epochs ? 'train.state.early' : 'train.state.finished', { done, epochs });
    if (state === 'autoencoder') return this.#autoencoderText(status, open, running);
    if (!open) return t('train.state.stopped', { done, epochs });
    const values = { epoch: Math.max(1, epoch), epochs, batch, batches };
    return t(running ? 'train.state.running' : 'train.state.paused', values);
  }

  /** @param {TrainingStatus} status @param {boolean} open @param {boolean} running */
  #autoencoderText({ autoencoder, history, epochs }, open, running) {
    if (!open) return t('train.state.autoencoderStopped', { done: history.length, epochs });
    if (!running) return t('train.state.autoencoderPaused');
    if (!autoencoder) return t('train.state.autoencoderStarting');
    return t('train.state.autoencoder', { epoch: Math.min(autoencoder.epoch + 1, autoencoder.epochs), epochs: autoencoder.epochs });
  }

  #announce() {
    this.announced = performance.now();
    byId('live').textContent = this.#stateText();
  }

  #update() {
    const { status } = this.lab;
    if (!status || !this.charts.length || !this.title || !this.bar) return;
    const text = this.#stateText();
    if (this.title.textContent !== text) this.title.textContent = text;
    this.bar.value = share(status);
    this.#showFigures(status);
    this.#showProblem();
    this.#showCharts(status);
    this.outcome.hidden = !this.lab.hasWeights;
  }

  /** @param {TrainingStatus} status */
  #showFigures(status) {
    const { secondsLeft, rate, bestEpoch, bytes, history } = status;
    // At the beginning of an epoch there is no speed yet; the last one's will do.
    const speed = status.imagesPerSecond ?? history.at(-1)?.imagesPerSecond;
    const training = this.lab.loaded?.data.samples.filter(([, split]) => split === 0).length ?? 0;
    const last = history.at(-1)?.seconds ?? (speed ? training / speed : null);
    const best = history.find(({ epoch }) => epoch === bestEpoch);
    const accuracy = best?.validationAccuracy;
    const texts = {
      speed: speed ? formatNumber(speed, { maximumFractionDigits: speed < 10 ? 1 : 0 }) : '–',
      perEpoch: last === null ? '–' : last < 10 ? formatNumber(last, SECONDS) : formatDuration(last),
      left: this.lab.running && secondsLeft !== null && secondsLeft !== undefined ? formatDuration(secondsLeft) : '–',
      rate: rate < 1e-4 && rate > 0 ? rate.toExponential(1) : formatNumber(rate, { maximumSignificantDigits: 2 }),
      best: best ? `${bestEpoch}${accuracy === null || accuracy === undefined ? '' : ` · ${formatPercent(accuracy)}`}` : '–',
      memory: formatBytes(bytes),
      kept: this.lab.keptEpoch ? t('train.figure.keptTo', { epoch: this.lab.keptEpoch }) : '–',
    };
    for (const node of this.figures ?? []) {
      const text = texts[/** @type {keyof typeof texts} */ (node.dataset.figure)];
      if (node.textContent !== text) node.textContent = text;
    }
  }

  /** A failure to keep checkpoints stays in sight: training goes on, but a closed tab would lose it. */
  #showProblem() {
    const error = this.lab.keepError;
    if (this.problem?.dataset.error === (error?.message ?? '')) return;
    if (!this.problem) return;
    this.problem.dataset.error = error?.message ?? '';
    if (!error) return this.problem.replaceChildren();
    const { title, detail } = describeError(error);
    this.problem.replaceChildren(warning(h('strong', {}, t('train.keep.failed')), h('p', {}, `${title}. ${detail}`)));
  }

  /** @param {TrainingStatus} status */
  #showCharts(status) {
    const { history, epoch, batch, batches, loss, state } = status;
    const [lossChart, accuracyChart] = this.charts;
    const before = this.#epochsBefore;
    const all = [...(this.lab.before?.history ?? []), ...history];
    const xs = all.map((_, index) => index + 1);
    const train = all.map(({ trainLoss }) => trainLoss);
    const validation = all.map(({ validationLoss }) => validationLoss);
    const accuracy = all.map(({ validationAccuracy }) => validationAccuracy);
    // The epoch under way stands where it has come to, so that there is something to see from the first batches on.
    const live = state === 'training' && loss !== null && loss !== undefined && batches > 0 && batch > 0;
    const ahead = live ? before + Math.max(1, epoch) - 1 + batch / batches : null;
    const withLive = ahead !== null && ahead > (xs.at(-1) ?? 0);
    accuracyChart.node.hidden = this.lab.survives;
    lossChart.show(withLive ? [[...xs, ahead], [...train, loss], [...validation, null]] : [xs, train, validation]);
    if (this.partNote) this.partNote.hidden = !before;
    const rows = `${before} ${history.length}`;
    if (this.rowsShown === rows) return;
    this.rowsShown = rows;
    if (performance.now() - this.announced > ANNOUNCE_MS) this.#announce();
    accuracyChart.show([xs, accuracy]);
    this.#fillTable(history);
  }

  /** Epochs of the part that the present one follows. */
  get #epochsBefore() {
    return this.lab.before?.history.length ?? 0;
  }

  /** @param {TrainingStatus['history']} history */
  #fillTable(history) {
    const number = (/** @type {number | null} */ value) =>
      value === null || value === undefined ? '–' : formatNumber(value, { minimumFractionDigits: 3, maximumFractionDigits: 3 });
    const { before, status } = this.lab;
    /** @param {TrainingStatus['history'][number]} of @param {number} best @param {string} part */
    const row = ({ epoch, trainLoss, validationLoss, validationAccuracy, seconds }, best, part) =>
      h(
        'tr',
        { 'data-part': part, className: epoch === best ? 'best' : '' },
        h('th', { scope: 'row' }, formatNumber(epoch)),
        h('td', {}, number(trainLoss)),
        h('td', {}, number(validationLoss)),
        h('td', {}, validationAccuracy === null || validationAccuracy === undefined ? '–' : formatPercent(validationAccuracy)),
        h('td', {}, formatNumber(seconds, { maximumFractionDigits: 1 })),
      );
    const title = (/** @type {string} */ text) => h('tr.part', {}, h('th', { scope: 'rowgroup', colSpan: COLUMNS.length }, text));
    const first = before ? [title(t('train.phase.head')), ...before.history.map((epoch) => row(epoch, 0, 'before')), title(t('train.phase.last'))] : [];
    this.table?.replaceChildren(...first, ...history.map((epoch) => row(epoch, status?.bestEpoch ?? 0, 'present')));
    const last = history.at(-1);
    if (!last) return;
    this.charts[0].describe(`${t('train.progress.loss')}: ${number(last.trainLoss)}, ${number(last.validationLoss)}`);
    if (last.validationAccuracy !== null) this.charts[1].describe(`${t('train.progress.accuracy')}: ${formatPercent(last.validationAccuracy)}`);
  }
}
