/** How the page was left: layout, links, smoothing, own windows, the chosen model, the tour. It says nothing about pictures or people. */

const STORED = 'negatoscope-preferences';

/**
 * @typedef {{center: number, width: number}} OwnWindow
 * @typedef {object} Preferences
 * @property {string} [layout]
 * @property {Record<string, boolean>} [links]
 * @property {boolean} [lines]
 * @property {number} [smoothing]
 * @property {OwnWindow[]} [windows]
 * @property {boolean} [letters]  whether letters alone are keys
 * @property {string} [model]  "shipped:NAME" or "kept:ID"
 * @property {'seen'} [tour]  it was gone through, or left
 */

/** @returns {Preferences} */
export function preferences() {
  try {
    const stored = JSON.parse(localStorage.getItem(STORED) ?? '{}');
    return stored && typeof stored === 'object' ? stored : {};
  } catch {
    return {}; // storage may be forbidden
  }
}

/** @param {Preferences} changes */
export function prefer(changes) {
  try {
    localStorage.setItem(STORED, JSON.stringify({ ...preferences(), ...changes }));
  } catch {
    // It then lasts for this visit.
  }
}
