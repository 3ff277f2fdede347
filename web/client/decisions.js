/**
 * What the core measured about this browser on this processor (nsc_decisions), kept from one visit to the next: a model is
 * then ready some tens of milliseconds earlier. It says nothing about what was opened.
 */

const STORED = 'negatoscope-decisions';
/** A measurement that something disturbed is not believed for ever. */
const MOST_MS = 30 * 24 * 3600e3;

/** Changes with what the core measures, and what its answers mean. */
const MEANING = 3;

/** Another browser, another version of it or another build measures anew. @param {string} variant */
const conditions = (variant) => `${MEANING} ${variant} ${navigator.hardwareConcurrency} ${navigator.userAgent}`;

/** @param {string} variant @returns {number} 0 where nothing is known */
export function keptDecisions(variant) {
  try {
    const { on, at, decisions } = JSON.parse(localStorage.getItem(STORED) ?? '{}');
    const known = on === conditions(variant) && Date.now() - at < MOST_MS && Number.isInteger(decisions);
    return known ? decisions : 0;
  } catch {
    return 0; // storage may be forbidden
  }
}

/** @param {string} variant @param {number} decisions */
export function keepDecisions(variant, decisions) {
  if (!decisions || decisions === keptDecisions(variant)) return;
  try {
    localStorage.setItem(STORED, JSON.stringify({ on: conditions(variant), at: Date.now(), decisions }));
  } catch {
    // The next visit measures again.
  }
}
