/** Measurements in words, for the picture, the list and the table. */
import { formatNumber, t } from '../../i18n/i18n.js';

/**
 * @typedef {import('./marks.js').Mark} Mark
 * @typedef {import('../../shared/protocol.js').Measured} Measured
 */

/** @param {number} value @param {number} [digits] */
const fixed = (value, digits = 1) => formatNumber(value, { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** @param {number} value */
const short = (value) => formatNumber(value, { maximumSignificantDigits: 5, useGrouping: false });

/** @param {Measured} m */
function lengthLines({ length = null, pixels = 0 }) {
  return [length === null ? t('measure.pixels', { value: fixed(pixels) }) : t('overlay.mm', { length: fixed(length) })];
}

/** @param {Measured} m */
function regionLines({ area = null, pixels = 0, channels, unit }) {
  const size = area === null ? t('measure.count', { count: pixels }) : t('measure.area', { area: fixed(area) });
  if (!channels) return [size];
  const known = unit && unit !== 'US' ? ` ${unit}` : '';
  const values = channels.map(({ mean, sd }) => `${short(mean)} ± ${short(sd)}`).join(' · ');
  const range = channels.map(({ min, max }) => `${short(min)} … ${short(max)}`).join(' · ');
  return [values + known, range + known, size];
}

/** The lines beside a mark on the picture. @param {Mark} mark @param {Measured | null} measured @returns {string[]} */
export function markLines({ kind, text }, measured) {
  const own = text ? text.split('\n') : [];
  if (!measured) return own;
  if (kind === 'length') return [...own, ...lengthLines(measured)];
  if (kind === 'angle' || kind === 'cobb') {
    return measured.degrees === null || measured.degrees === undefined ? own : [...own, `${fixed(measured.degrees)}°`];
  }
  return [...own, ...regionLines(measured)];
}
