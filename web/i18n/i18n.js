/**
 * The page's texts. A key names a place, `{name}` in a text stands for a value. Each language is a file of this folder, named by its
 * code (BCP 47); the build takes all that are there (scripts/languages.mjs). All hold the same keys; a test checks that.
 */
import en from './en.json' with { type: 'json' };

/** @typedef {Record<string, string>} Texts */

/** By code, those that the build found; without a build there is English. @type {Record<string, Texts>} */
export const LANGUAGES = typeof __LANGUAGES__ === 'undefined' ? { en } : __LANGUAGES__;

const STORED = 'negatoscope-language';
let language = 'en';
/** @type {Set<() => void>} */
const listeners = new Set();

/** @param {string} key @param {Record<string, string | number>} [values] */
export function t(key, values = {}) {
  const text = LANGUAGES[language][key] ?? LANGUAGES.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Whether a text stands under this key. @param {string} key */
export function hasText(key) {
  return key in LANGUAGES.en;
}

export function currentLanguage() {
  return language;
}

/** The one of these that the page's language is, or the first: the core writes reports in some languages only. @param {string[]} codes */
export const languageAmong = (codes) => (codes.includes(language) ? language : codes[0]);

/** Calls back now and after every change of language. @param {() => void} listener */
export function onLanguage(listener) {
  listeners.add(listener);
  listener();
}

/** @param {string} code */
export function setLanguage(code) {
  if (!(code in LANGUAGES)) return;
  language = code;
  document.documentElement.lang = code;
  try {
    localStorage.setItem(STORED, code);
  } catch {
    // Storage may be forbidden; the choice then lasts for this visit.
  }
  for (const listener of listeners) listener();
}

/** The language without script and region: zh of zh-TW. @param {string} code */
const primary = (code) => code.toLowerCase().split('-')[0];

/** The choice of an earlier visit, or what the browser asks for. @param {URLSearchParams} query */
export function chooseLanguage(query) {
  let stored = null;
  try {
    stored = localStorage.getItem(STORED);
  } catch {
    // As above.
  }
  const wishes = [query.get('lang'), stored, ...navigator.languages];
  for (const wish of wishes) {
    if (!wish) continue;
    const code = wish in LANGUAGES ? wish : Object.keys(LANGUAGES).find((each) => primary(each) === primary(wish));
    if (code) return setLanguage(code);
  }
  setLanguage('en');
}

/**
 * Fills the texts of the static page: data-t is the text, data-t-label the label, and of a button the tooltip, too; data-t-title
 * is a tooltip alone, of what has a text of its own; data-t-placeholder is what stands in an empty field.
 */
export function translatePage(root = document.body) {
  for (const node of root.querySelectorAll('[data-t]')) {
    node.textContent = t(/** @type {HTMLElement} */ (node).dataset.t ?? '');
  }
  for (const node of root.querySelectorAll('[data-t-title]')) {
    /** @type {HTMLElement} */ (node).title = t(/** @type {HTMLElement} */ (node).dataset.tTitle ?? '');
  }
  for (const node of root.querySelectorAll('[data-t-placeholder]')) {
    /** @type {HTMLInputElement} */ (node).placeholder = t(/** @type {HTMLElement} */ (node).dataset.tPlaceholder ?? '');
  }
  // web/probe.js
  delete document.documentElement.dataset.untranslated;
  document.querySelector('meta[name=description]')?.setAttribute('content', t('page.description'));
  for (const node of root.querySelectorAll('[data-t-label]')) {
    const label = t(/** @type {HTMLElement} */ (node).dataset.tLabel ?? '');
    node.setAttribute('aria-label', label);
    if (node instanceof HTMLButtonElement) node.title = label;
  }
}

/** Making one takes a tenth of a millisecond. @type {Map<string, Intl.NumberFormat>} */
const formats = new Map();

/** @param {number} value @param {Intl.NumberFormatOptions} [options] */
export function formatNumber(value, options) {
  const key = language + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(language, options));
  return /** @type {Intl.NumberFormat} */ (formats.get(key)).format(value);
}

/** @param {number} probability 0 to 1 */
export function formatPercent(probability) {
  return formatNumber(probability, { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 });
}

/** @param {number} ms */
export function formatMs(ms) {
  return `${formatNumber(ms, { maximumFractionDigits: ms < 10 ? 1 : 0 })} ms`;
}

/** @param {number} bytes */
export function formatBytes(bytes) {
  const units = ['B', 'KB', 'MB', 'GB'];
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${formatNumber(value, { maximumFractionDigits: value < 10 && unit ? 1 : 0 })} ${units[unit]}`;
}
