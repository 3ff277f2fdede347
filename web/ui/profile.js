/** Where the time of a classification went, layer by layer: for teaching, and for those who choose a network for an old PC. */
import { formatMs, formatNumber, formatPercent, t } from '../i18n/i18n.js';
import { h } from './dom.js';

/**
 * @typedef {import('../shared/protocol.js').Profile} Profile
 * @typedef {{name: string, kind: string, output: number[], ms: number, macs: number, bytes: number}} Layer
 */

/** A node of the network may be several steps, one behind the other. @param {Profile['steps']} steps @returns {Layer[]} */
function layersOf(steps) {
  /** @type {Layer[]} */
  const layers = [];
  for (const step of steps) {
    const last = layers.at(-1);
    if (last && last.name === step.name && last.kind === step.kind) {
      last.ms += step.ms;
      last.macs += step.macs;
      last.bytes += step.bytes;
    } else layers.push({ ...step });
  }
  return layers;
}

/** @param {number} value */
const short = (value) => formatNumber(value, { maximumSignificantDigits: 3 });

export class ProfileView {
  /** @param {import('../client/client.js').Client} client */
  constructor(client) {
    this.client = client;
    this.open = false;
  }

  /** Of the picture that was classified last. */
  node() {
    const body = h('div.profile', { role: 'region', tabIndex: 0, 'aria-label': t('profile.title') });
    const node = /** @type {HTMLDetailsElement} */ (h('details.profile-facts', { id: 'profile', open: this.open }, h('summary', {}, t('profile.title')), body));
    const show = async () => {
      this.open = node.open;
      if (!node.open) return;
      try {
        body.replaceChildren(...this.#content(await this.client.request('profile', {})));
      } catch {
        // The model was left meanwhile.
        body.replaceChildren();
      }
    };
    node.addEventListener('toggle', () => void show());
    return node;
  }

  /** @param {Profile} profile */
  #content({ steps, ms, threads, packedBytes, arenaBytes }) {
    const layers = layersOf(steps);
    const slowest = Math.max(...layers.map((layer) => layer.ms));
    const flops = 2 * layers.reduce((sum, { macs }) => sum + macs, 0);
    const facts = t('profile.facts', {
      layers: layers.length,
      ms: formatMs(ms),
      gflop: short(flops / 1e9),
      rate: short(flops / ms / 1e6),
      threads,
      weights: short(packedBytes / 1e6),
      activations: short(arenaBytes / 1e6),
    });
    return [h('p.quiet', {}, facts), h('p.quiet', {}, t('profile.hint')), this.#table(layers, ms, slowest)];
  }

  /** @param {Layer[]} layers @param {number} total @param {number} slowest */
  #table(layers, total, slowest) {
    const heads = ['layer', 'time', 'rate', 'bytes'].map((key) => h('th', { scope: 'col' }, t(`profile.${key}`)));
    const rows = layers.map(({ name, kind, output, ms, macs, bytes }) => {
      const bar = h('span.profile-bar');
      bar.style.width = `${slowest > 0 ? (ms / slowest) * 100 : 0}%`;
      const share = formatPercent(total > 0 ? ms / total : 0);
      return h(
        'tr',
        {},
        h('th', { scope: 'row', title: name }, kind, h('small', {}, output.slice(1).join(' × '))),
        h('td', { title: share }, bar, h('span', {}, formatMs(ms))),
        h('td', {}, macs && ms > 0 ? short((2 * macs) / ms / 1e6) : '–'),
        h('td', {}, short(bytes / 1e6)),
      );
    });
    return h('table.profile-table', {}, h('thead', {}, h('tr', {}, ...heads)), h('tbody', {}, ...rows));
  }
}
