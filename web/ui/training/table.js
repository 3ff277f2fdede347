/** Tables of files and labels as CSV (RFC 4180), separated by commas, semicolons or tabs, as spreadsheets write them. */

/** Names under which a column is known, in small letters. */
const COLUMNS = {
  file: ['file', 'filename', 'file_name', 'path', 'image', 'image_path', 'filepath'],
  label: ['label', 'class', 'target', 'diagnosis'],
  patient: ['patient', 'patient_id', 'patientid', 'subject', 'subject_id'],
  split: ['split', 'set', 'fold', 'subset'],
};

/** @typedef {{line: number, file: string, label: string, patient: string | null, split: string | null}} Row */

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
 * @param {string} text
 * @returns {{rows: Row[], missing: string | null}} `missing` names a column that must be there and is not
 */
export function readTable(text) {
  const [head, ...lines] = parseCsv(text.replace(/^\uFEFF/, ''));
  const names = (head?.cells ?? []).map((name) => name.toLowerCase());
  const at = (/** @type {keyof typeof COLUMNS} */ column) => names.findIndex((name) => COLUMNS[column].includes(name));
  const places = { file: at('file'), label: at('label'), patient: at('patient'), split: at('split') };
  if (places.file < 0) return { rows: [], missing: 'file' };
  if (places.label < 0) return { rows: [], missing: 'label' };
  const rows = lines.map(({ line, cells }) => ({
    line,
    file: cells[places.file] ?? '',
    label: cells[places.label] ?? '',
    patient: cells[places.patient] || null,
    split: cells[places.split] || null,
  }));
  return { rows, missing: null };
}
