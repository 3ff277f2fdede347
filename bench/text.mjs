/** Numbers and tables as the reports write them. */

export const ms = (value) => (value < 100 ? value.toFixed(1) : value.toFixed(0));
export const mb = (bytes) => (bytes / 1e6).toFixed(0);
export const kb = (bytes) => (bytes / 1e3).toFixed(0);

export function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i ? '--:' : '---'))), ...rows.map(line)].join('\n');
}
