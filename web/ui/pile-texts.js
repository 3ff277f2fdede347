/** What the list says of a series and of a study: the core's codes and numbers in words. */
import { formatNumber, hasText, t } from '../i18n/i18n.js';
import { nameOf, namesHidden, patientNumber } from './privacy.js';

/** @typedef {import('./piles.js').Pile} Pile */

/** DICOM writes "Family^Given". @param {string | null} name */
const personName = (name) => name?.replaceAll('^', ' ').trim() || '';

/** 20240229 as the reader writes dates. @param {string | null} date */
function dateText(date) {
  const [, year, month, day] = /^(\d{4})(\d{2})(\d{2})$/.exec(date ?? '') ?? [];
  return year ? `${year}-${month}-${day}` : (date ?? '');
}

/** @param {import('../shared/protocol.js').Study} study */
export function studyTexts({ patientName, patientId, date, description }) {
  if (namesHidden()) return { title: patientNumber(`${patientName}\n${patientId}`), detail: '' };
  const who = [personName(patientName), patientId].filter(Boolean).join(' · ');
  const what = [dateText(date), description].filter(Boolean).join(' · ');
  return { title: who || t('series.noPatient'), detail: what };
}

/** @param {Pile} pile */
export function pileName({ stack, items }) {
  const { description, number, part, parts, localizer } = stack;
  const described = namesHidden() ? '' : description;
  const name = described || (number !== null ? t('series.number', { number }) : nameOf(items[0]));
  const scout = localizer ? ` · ${t('series.scout')}` : '';
  return parts > 1 ? `${name}${scout} (${part + 1}/${parts})` : `${name}${scout}`;
}

/** @param {Pile} pile */
export function pileFacts({ stack, items }) {
  const { modality, width, height, spacing } = stack;
  return [
    modality,
    width && height ? t('overlay.size', { width, height }) : null,
    t('series.pictures', { count: items.length }),
    spacing ? t('overlay.mm', { length: formatNumber(spacing, { maximumFractionDigits: 2 }) }) : null,
  ]
    .filter(Boolean)
    .join(' · ');
}

/** What is odd about it, a line each. @param {Pile} pile */
export function pileReports({ stack }) {
  const short = (/** @type {number | undefined} */ mm) => formatNumber(mm ?? 0, { maximumFractionDigits: 2 });
  return stack.reports.map(({ code, count = 0, least, most }) => {
    const one = `series.report.${code}.one`;
    const key = count === 1 && hasText(one) ? one : `series.report.${code}`;
    return t(key, { count, least: short(least), most: short(most) });
  });
}
