/** Windows that somebody set by hand and keeps: a group of the presets, with the lines that add one and take one away. */
import { prefer, preferences } from '../client/preferences.js';
import { t } from '../i18n/i18n.js';
import { h } from './dom.js';

/** @typedef {import('../client/preferences.js').OwnWindow} OwnWindow */

/** More would make the list a search. */
const MOST = 12;

/** @returns {OwnWindow[]} */
export function ownWindows() {
  const { windows } = preferences();
  const fits = (/** @type {any} */ each) => Number.isFinite(each?.center) && each?.width > 0;
  return Array.isArray(windows) ? windows.filter(fits) : [];
}

/** @param {{center: number, width: number}} view */
const sameAs = (view) => (/** @type {OwnWindow} */ { center, width }) => center === view.center && width === view.width;

/** @param {{center: number, width: number}} view @returns {number} its number among the kept ones, or -1 */
export const ownWindowOf = (view) => ownWindows().findIndex(sameAs(view));

/** @param {{center: number, width: number}} view */
export function keepWindow({ center, width }) {
  const windows = ownWindows();
  if (!windows.some(sameAs({ center, width }))) prefer({ windows: [...windows, { center, width }].slice(-MOST) });
}

/** @param {{center: number, width: number}} view */
export function forgetWindow(view) {
  prefer({ windows: ownWindows().filter((each) => !sameAs(view)(each)) });
}

/** Lines of the list of windows: `kept:N`, `keep`, `forget`. @param {{center: number, width: number} | null} view  as it is now */
export function windowLines(view) {
  const windows = ownWindows();
  const lines = windows.map(({ center, width }, index) => h('option', { value: `kept:${index}` }, t('overlay.window', { center, width })));
  const own = view !== null && ownWindowOf(view) >= 0;
  const add = own ? h('option', { value: 'forget' }, t('window.forget')) : h('option', { value: 'keep' }, t('window.keep'));
  return [...lines, ...(view ? [add] : [])];
}
