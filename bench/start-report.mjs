/** docs/BENCHMARKS-START.md. */
import { CATEGORIES, TIMES } from './lighthouse.mjs';
import { summary } from './statistics.mjs';
import { kb, ms, table } from './text.mjs';

const MB = 1e6;
const MARKS = ['ready', 'model', 'result'];
const VISITS = {
  cold: 'first visit, empty profile',
  warm: 'second visit, same browser',
  restarted: 'third visit, browser started again',
  offline: 'fourth visit, browser started again, server gone',
  single: 'the one file, from the disk, empty profile',
};

/** @returns {Array<{text: string, value: string, reached: boolean}>} */
function targetsOf({ page, times, lighthouse }) {
  const targets = [];
  const below = (text, value, unit, bound, digits = 0) => targets.push({ text: `${text}: at most ${bound} ${unit}`, value: `${value.toFixed(digits)} ${unit}`, reached: value <= bound });
  below('The core, largest of its four variants, raw wasm', page.wasm / MB, 'MB', 1.5, 3);
  below('First view (page, core, model), brotli', page.firstView.brotli / MB, 'MB', 1.5, 2);
  below('From its cache to the first result, same browser', times.warm.result.median, 'ms', 700);
  below('From its cache to the first result, browser started again', times.restarted.result.median, 'ms', 700);
  below('The same with the server gone', times.offline.result.median, 'ms', 1000);
  below('One file to the first result', times.single.result.median, 'ms', 2500);
  for (const [device, { scores }] of Object.entries(lighthouse)) {
    for (const name of CATEGORIES) {
      const bound = name === 'performance' ? 95 : 100;
      targets.push({ text: `Lighthouse, ${device}, ${name}: at least ${bound}`, value: scores[name].toFixed(0), reached: scores[name] >= bound });
    }
  }
  return targets;
}

/** @returns {{text: string, targets: ReturnType<typeof targetsOf>}} */
export function reportStart({ page, lighthouse, facts }) {
  const { machine } = facts;
  const of = (kind, mark) => summary(page.starts.map((start) => start[kind][mark]));
  const times = Object.fromEntries(Object.keys(VISITS).map((kind) => [kind, Object.fromEntries(MARKS.map((mark) => [mark, of(kind, mark)]))]));
  const targets = targetsOf({ page, times, lighthouse });
  const time = ({ median, min, p90 }) => [ms(median), ms(min), ms(p90)];
  const text = `# How the page starts

Written by \`${facts.command}\`; do not edit. Begun ${facts.began} (UTC). ${machine.cpu}, ${machine.logicalCores} logical cores, ${machine.memoryGiB} GiB; ${machine.system}; Chromium
${machine.chromium}, headless; Lighthouse ${machine.lighthouse}. Load before: ${facts.load.before.toFixed(2)}, after: ${facts.load.after.toFixed(2)} (the run itself makes 1 to 2).

## Targets

${table(['target', 'measured', 'reached'], targets.map(({ text: target, value, reached }) => [target, value, reached ? 'yes' : '**no**']))}

## Bytes to download

${table(['part', 'raw KB', 'brotli KB'], page.downloads.map(({ name, raw, brotli }) => [name, kb(raw), kb(brotli)]))}

For comparison, the engines alone: ${page.others.map(({ name, raw, brotli }) => `${name} ${kb(raw)} KB (brotli ${kb(brotli)} KB)`).join('; ')}.

## From navigation to the first result

The shipped model \`${page.model}\`, a grey PNG of 1024×1024 (${kb(page.imageBytes)} KB), core: ${page.core}; ${page.starts.length} profiles.

${table(
  ['visit', 'page takes files: median ms', 'min', 'p90', 'model loaded: median', 'min', 'p90', 'first result drawn: median', 'min', 'p90'],
  Object.entries(VISITS).map(([kind, name]) => [name, ...MARKS.flatMap((mark) => time(times[kind][mark]))]),
)}

Time since the navigation began, by the page's own clock. The picture is put into the page's file input in the moment the page takes files. The server is on the same
machine: a network adds its own time to the first visit. The browser had 1.5 s to start before each navigation.

## Lighthouse

Medians of ${facts.judged} runs on the served page, first visits; *mobile* simulates a phone with a slow network, which Lighthouse takes unless told otherwise.

${table(
  ['device', ...CATEGORIES, ...Object.values(TIMES).map((name) => `${name}, ms`)],
  Object.entries(lighthouse).map(([device, found]) => [
    device, ...CATEGORIES.map((name) => found.scores[name].toFixed(0)), ...Object.keys(TIMES).map((name) => found.times[name].toFixed(0)),
  ]),
)}
`;
  return { text, targets };
}
