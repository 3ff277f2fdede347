/**
 * Hiding whom pictures show, for lessons and screens that others see: names of files, patients, studies and series, dates,
 * identifiers and free texts are replaced on the page and in what it saves, until it is switched off. Which elements of a
 * file say nothing about anybody, the core decides. The choice is kept; the pictures' own pixels stay as they are.
 */
import { onLanguage, t } from '../i18n/i18n.js';

/** @typedef {import('./desk.js').Item} Item */

const STORED = 'negatoscope-hide-names';
/** @type {Set<() => void>} */
const listeners = new Set();
/** Numbers in place of patients, in the order they were met. @type {Map<string, number>} */
const patients = new Map();

function readStored() {
  try {
    return localStorage.getItem(STORED) === 'yes';
  } catch {
    return false; // storage may be forbidden
  }
}
let hidden = readStored();

export const namesHidden = () => hidden;

/** Calls back now and whenever it is switched. @param {() => void} listener */
export function onPrivacy(listener) {
  listeners.add(listener);
  listener();
}

export function togglePrivacy() {
  hidden = !hidden;
  try {
    localStorage.setItem(STORED, hidden ? 'yes' : 'no');
  } catch {
    // As above; it then lasts for this visit.
  }
  for (const listener of listeners) listener();
}

/** @param {Item} item */
const fileNumber = ({ key }) => t('privacy.file', { number: key.replace(/\D/g, '') });

/** What a file is called on the page. @param {Item} item */
export const nameOf = (item) => (hidden ? fileNumber(item) : item.name);

/** The same with its folders, whose names may be a patient's too. @param {Item} item */
export const pathOf = (item) => (hidden ? fileNumber(item) : item.path);

/** A name that belongs to no open file. @param {string} name @param {string} otherwise */
export const veiled = (name, otherwise) => (hidden ? otherwise : name);

/** A patient by number. @param {string} who  whatever tells patients apart */
export function patientNumber(who) {
  if (!patients.has(who)) patients.set(who, patients.size + 1);
  return t('privacy.patient', { number: patients.get(who) ?? 0 });
}

/**
 * The switch, and the sign that it is on.
 * @param {HTMLElement} button
 * @param {HTMLElement} sign
 */
export function connectPrivacy(button, sign) {
  button.addEventListener('click', togglePrivacy);
  const show = () => {
    button.setAttribute('aria-pressed', String(hidden));
    sign.hidden = !hidden;
    sign.textContent = t('privacy.on');
    // Notices that are still there may name a file.
    if (hidden) document.getElementById('toasts')?.replaceChildren();
  };
  onPrivacy(show);
  onLanguage(show);
}
