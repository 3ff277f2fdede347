/** Pieces that several panels of this workspace are made of. */
import { formatNumber, t } from '../../i18n/i18n.js';
import { h, icon } from '../dom.js';

/**
 * @param {string} text
 * @param {string | null} name  of an icon
 * @param {() => void} act
 * @param {{kind?: string, id?: string}} [look]  kind: classes beside `button`
 */
export function button(text, name, act, { kind = '', id } = {}) {
  const made = h(`button.button${kind && `.${kind}`}`, { type: 'button', id }, name && icon(name), h('span', {}, text));
  made.addEventListener('click', act);
  return /** @type {HTMLButtonElement} */ (made);
}

/**
 * A control under its name.
 * @param {string} text
 * @param {HTMLElement} control
 * @param {string | HTMLElement} [hint]
 */
export function field(text, control, hint = '') {
  return h('label.field', {}, h('span', {}, text), control, hint && h('small', {}, hint));
}

/** @param {string} text @param {HTMLInputElement} box @param {string} [hint] */
export function checkField(text, box, hint = '') {
  return h('label.check-field', {}, box, h('span', {}, text, hint && h('small', {}, hint)));
}

/**
 * @param {string} name
 * @param {number | string} value
 * @param {Record<string, any>} [more]
 */
export function numberInput(name, value, more = {}) {
  return /** @type {HTMLInputElement} */ (h('input', { type: 'number', name, value: String(value), required: true, step: 'any', ...more }));
}

/**
 * @param {string} name
 * @param {string} value
 * @param {Array<{value: string, text: string, disabled?: boolean}>} options
 */
export function choice(name, value, options) {
  const select = h('select', { name }, ...options.map(({ text, ...rest }) => h('option', rest, text)));
  /** @type {HTMLSelectElement} */ (select).value = value;
  return /** @type {HTMLSelectElement} */ (select);
}

/** What became of a case, in the order of the core's labels. */
const OUTCOMES = ['train.survival.censored', 'train.survival.event'];

/** A class as it is called on the page: those of times to an event have names of the page's own. @param {unknown} survives @param {string} name @param {number} label */
export const labelName = (survives, name, label) => (survives ? t(OUTCOMES[label]) : name);

/** @param {number} count */
export function countPictures(count) {
  return count === 1 ? t('train.pictures.one') : t('train.pictures.count', { count: formatNumber(count) });
}

/** @param {...(Node | string)} children */
export function warning(...children) {
  return h('div.notice', {}, icon('warning'), h('div', {}, ...children));
}

/** A canvas of its own: the bitmap stays the caller's. @param {ImageBitmap} bitmap */
export function thumbnail(bitmap) {
  const { width, height } = bitmap;
  const canvas = /** @type {HTMLCanvasElement} */ (h('canvas', { width, height, 'aria-hidden': 'true' }));
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0);
  return canvas;
}

/** @param {import('../../shared/protocol.js').Pixels} pixels @param {string} label */
export function picture({ rgba, width, height }, label) {
  const canvas = /** @type {HTMLCanvasElement} */ (h('canvas', { width, height, role: 'img', 'aria-label': label }));
  canvas.getContext('2d')?.putImageData(new ImageData(rgba, width, height), 0, 0);
  return canvas;
}
