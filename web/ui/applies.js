/** Whether the model may judge a picture, in words. A score of a picture that it may not is hidden until somebody asks for it. */
import { t } from '../i18n/i18n.js';
import { h, icon } from './dom.js';

/** @typedef {import('../shared/protocol.js').Applies} Applies */

/** @param {{result: {applies: Applies | null} | null, asked?: boolean}} finding */
export function isHidden({ result, asked }) {
  return result?.applies?.verdict === 'out of range' && !asked;
}

/** What stands in lists: what the model at hand says. @param {import('./desk.js').Finding | null} finding @param {import('../shared/protocol.js').ModelInfo | null} model */
export function shownVerdict(finding, model) {
  if (!finding?.result || finding.model !== model) return null;
  return isHidden(finding) ? t('applies.outShort') : finding.result.verdict;
}

/** The way to what is hidden. @param {() => void} show */
export const showAnyway = (show) => h('button.button.small', { type: 'button', id: 'show-score', onclick: show }, t('applies.showAnyway'));

/** @param {Applies | null} applies @param {...HTMLElement} more */
export function appliesNote(applies, ...more) {
  if (!applies) return h('p.quiet.applies', { id: 'applies', 'data-verdict': 'unknown' }, t('applies.unknown'));
  if (applies.verdict === 'in range') return h('p.quiet.applies', { id: 'applies', 'data-verdict': 'in' }, t('applies.in'));
  const out = applies.verdict === 'out of range';
  return h(
    'div.applies',
    { id: 'applies', 'data-verdict': out ? 'out' : 'doubtful', role: 'note' },
    h('p.applies-title', {}, icon('warning'), h('strong', {}, t(out ? 'applies.out' : 'applies.doubtful'))),
    h('ul', {}, ...applies.reasons.map((reason) => h('li', {}, t(`applies.${reason}`)))),
    h('p.quiet', {}, t(out ? 'applies.outHint' : 'applies.doubtfulHint')),
    ...more,
  );
}
