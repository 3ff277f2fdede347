/**
 * Whether this computer has room for what is to be loaded, and the question where it may not: a browser that runs out of memory
 * ends the page without a word.
 */
import { formatBytes, t } from '../i18n/i18n.js';
import { byId } from './dom.js';

const GB = 1e9;
/** Of a computer whose browser does not say. */
const ASSUMED_GB = 4;
/** Of the memory: the rest is the system's, the browser's and that of other tabs. */
const SHARE = 0.5;
/** What the core's 4 GiB leave beside the program, a model and what was opened before. */
const CORE_GB = 3.5;

/** Bytes that something large may take here, about. */
export function usableBytes() {
  const { deviceMemory } = /** @type {{deviceMemory?: number}} */ (/** @type {unknown} */ (navigator));
  return Math.min((deviceMemory || ASSUMED_GB) * SHARE, CORE_GB) * GB;
}

/** One question after the other. @type {Promise<unknown>} */
let asked = Promise.resolve();

/**
 * A sentence and a choice.
 * @param {{title: string, name: string, text: string, go: string}} words
 * @returns {Promise<boolean>}
 */
export function askLarge(words) {
  const answer = asked.then(() => ask(words));
  asked = answer;
  return answer;
}

/** @param {Parameters<typeof askLarge>[0]} words */
async function ask({ title, name, text, go }) {
  const dialog = /** @type {HTMLDialogElement} */ (byId('large-dialog'));
  byId('large-title').textContent = title;
  byId('large-file').textContent = name;
  byId('large-text').textContent = text;
  byId('large-go').textContent = go;
  dialog.returnValue = '';
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener('close', resolve, { once: true }));
  return dialog.returnValue === 'load';
}

/**
 * Asks when something takes more than there is.
 * @param {string} name
 * @param {number} bytes
 * @param {{title: string, go: string}} words
 */
export async function isWanted(name, bytes, { title, go }) {
  const usable = usableBytes();
  if (bytes <= usable) return true;
  return askLarge({ title, name, text: t('room.text', { bytes: formatBytes(bytes), usable: formatBytes(usable) }), go });
}
