/** Tables of files and labels as CSV (RFC 4180), separated by commas, semicolons or tabs, as spreadsheets write them. */

/** Names under which a column is known, in small letters. */
const COLUMNS = {
  file: ['file', 'filename', 'file_name', 'path', 'image', 'image_path', 'filepath'],
  label: ['label', 'class', 'target', 'diagnosis'],
  patient: ['patient', 'patient_id', 'patientid', 'subject', 'subject_id'],
  split: ['split', 'set', 'fold', 'subset'],
  time: ['time', 'duration', 'survival_time', 'follow_up', 'followup'],
  event: ['event', 'status', 'death', 'died', 'dead'],
};

/**
 * @typedef {{line: number, file: string, label: string, patient: string | null, split: string | null}} Row
 * @typedef {{time: string, event: string, values: Record<string, string>}} Outcome  texts, as they stand there; values: of the other
 *   columns
 */

/** The separator that the first line has most of. @param {string} text */
function separatorOf(text) {
  const [first = ''] = text.split(/\r?\n/, 1);
  const count = (/** @type {string} */ mark) => first.split(mark).length;
  return [',', ';', '\t'].reduce((best, mark) => (count(mark) > count(best) ? mark : best));
}

/**
 * @param {string} text
 * @returns {Array<{line: number, cells: string[]}>} lines that are not empty
 */
export function parseCsv(text) {
  const separator = separatorOf(text);
  /** @type {Array<{line: number, cells: string[]}>} */
  const rows = [];
  /** @type {string[]} */
  let cells = [];
  let cell = '';
  let quoted = false;
  let line = 1;
  let begin = 1;
  const endRow = () => {
    cells.push(cell);
    if (cells.some((each) => each.trim())) rows.push({ line: begin, cells: cells.map((each) => each.trim()) });
    cells = [];
    cell = '';
    begin = line;
  };
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '\n') line++;
    if (quoted) {
      if (char !== '"') cell += char;
      else if (text[at + 1] === '"') cell += text[++at];
      else quoted = false;
    } else if (char === '"' && !cell.trim()) {
      quoted = true;
      cell = '';
    } else if (char === separator) {
      cells.push(cell);
      cell = '';
    } else if (char === '\n') endRow();
    else if (char !== '\r') cell += char;
  }
  if (cell || cells.length) endRow();
  return rows;
}

/**
 * A table without labels may have times and events.
 * @param {string} text
 * @returns {{rows: Array<Row & {outcome?: Outcome}>, missing: string | null, others: string[] | null}} `missing` names a column
 *   that must be there and is not; others: columns of a table of times and events that may say something of the patient
 */
export function readTable(text) {
  const [head, ...lines] = parseCsv(text.replace(/^\uFEFF/, ''));
  const names = (head?.cells ?? []).map((name) => name.toLowerCase());
  const at = (/** @type {keyof typeof COLUMNS} */ column) => names.findIndex((name) => COLUMNS[column].includes(name));
  const places = { file: at('file'), label: at('label'), patient: at('patient'), split: at('split'), time: at('time'), event: at('event') };
  const timed = places.label < 0 && places.time >= 0 && places.event >= 0;
  if (places.file < 0) return { rows: [], missing: 'file', others: null };
  if (places.label < 0 && !timed) return { rows: [], missing: 'label', others: null };
  const known = Object.values(places);
  const others = timed ? names.filter((name, index) => name && !known.includes(index)) : null;
  const outcomeOf = (/** @type {string[]} */ cells) => ({
    time: cells[places.time] ?? '',
    event: cells[places.event] ?? '',
    values: Object.fromEntries((others ?? []).map((name) => [name, cells[names.indexOf(name)] ?? ''])),
  });
  const rows = lines.map(({ line, cells }) => ({
    line,
    file: cells[places.file] ?? '',
    label: cells[places.label] ?? '',
    patient: cells[places.patient] || null,
    split: cells[places.split] || null,
    ...(timed && { outcome: outcomeOf(cells) }),
  }));
  return { rows, missing: null, others };
}
