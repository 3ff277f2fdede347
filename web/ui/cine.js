/**
 * Plays the frames of a file or the slices of a series, round and round. No picture is left out where pictures take longer
 * than the rate allows: it plays more slowly.
 */
import { onLanguage, t } from '../i18n/i18n.js';
import { byId, h, icon } from './dom.js';

const RATES = [2, 5, 10, 15, 20, 25, 30, 60];
/** Without a frame time in the file: slow enough to see, fast enough for motion. */
const USUAL_RATE = 10;

export class Cine {
  /**
   * @param {import('./desk.js').Desk} desk
   * @param {import('./panes/panes.js').Panes} viewer
   */
  constructor(desk, viewer) {
    this.desk = desk;
    this.viewer = viewer;
    this.playing = false;
    this.rate = USUAL_RATE;
    this.due = 0;
    this.button = byId('cine-play');
    this.select = /** @type {HTMLSelectElement} */ (byId('cine-rate'));
    this.button.addEventListener('click', () => this.toggle());
    this.select.addEventListener('change', () => (this.rate = Number(this.select.value)));
    desk.on('select', () => {
      if (!desk.stepped) this.#begin();
    });
    onLanguage(() => this.#fill());
  }

  /** Another stack: it stands still, at its own rate. */
  #begin() {
    this.#set(false);
    const ms = this.desk.current?.info?.frameMs ?? 0;
    this.rate = ms > 0 ? Number((1000 / ms).toPrecision(3)) : USUAL_RATE;
    this.#fill();
  }

  #fill() {
    const rates = [...new Set([...RATES, this.rate])].sort((a, b) => a - b);
    this.select.replaceChildren(...rates.map((rate) => h('option', { value: String(rate) }, t('cine.perSecond', { rate }))));
    this.select.value = String(this.rate);
    this.#set(this.playing);
  }

  /** @param {boolean} playing */
  #set(playing) {
    this.playing = playing;
    this.button.replaceChildren(icon(playing ? 'pause' : 'play'));
    this.button.setAttribute('aria-pressed', String(playing));
    for (const name of ['aria-label', 'title']) this.button.setAttribute(name, t(playing ? 'cine.pause' : 'cine.play'));
  }

  toggle() {
    if (!this.playing && this.desk.place.count < 2) return;
    this.#set(!this.playing);
    this.due = performance.now();
    if (this.playing) requestAnimationFrame((now) => this.#tick(now));
  }

  /** @param {number} now */
  #tick(now) {
    const { at, count } = this.desk.place;
    if (!this.playing) return;
    if (now >= this.due && !this.viewer.rendering && !this.desk.wanted) {
      this.due = Math.max(this.due + 1000 / this.rate, now);
      this.desk.goTo((at + 1) % count);
    }
    requestAnimationFrame((next) => this.#tick(next));
  }
}
