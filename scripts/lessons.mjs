#!/usr/bin/env node
/**
 * The lessons of docs/lessons as pages to read and to print, one in each language: lessons/en.html and lessons/zh-CN.html, with each
 * handout on a sheet of its own. scripts/build-web.mjs lays them beside the page.
 *
 *   node scripts/lessons.mjs [--out FOLDER]          build/lessons-pages unless given
 *
 * Of Markdown it knows what the lessons use: headings, paragraphs, lists, tables, code, bold, emphasis, links.
 */
import { cp, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LESSONS = join(ROOT, 'docs/lessons');
export const LANGUAGES = ['en', 'zh-CN'];
const TITLES = { en: 'Lessons with Negatoscope', 'zh-CN': '用观片灯 Negatoscope 上课' };

/** @param {string} text */
const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** Where a link of a lesson leads on the page that holds all of them; null: nowhere, what it names is not beside the page. @param {string} target */
function addressOf(target) {
  const [, handout, name] = /^(?:\.\.\/)?(handouts\/)?(\d-[a-z]+)(?:\.zh-CN)?\.md$/.exec(target) ?? [];
  if (name) return `#${handout ? 'handout-' : ''}${name}`;
  return target.startsWith('#') ? target : null;
}

/** Bold, emphasis, code and links within a line. @param {string} text */
function inline(text) {
  const parts = escaped(text).split(/(`[^`]+`)/);
  return parts
    .map((part) => {
      if (part.startsWith('`')) return `<code>${part.slice(1, -1)}</code>`;
      return part
        .replace(/\[([^\]]+)\]\(([^)]+)\)/g, (_, words, target) => (addressOf(target) ? `<a href="${addressOf(target)}">${words}</a>` : words))
        .replace(/\*\*([^*]+)\*\*/g, '<b>$1</b>')
        .replace(/\*([^*]+)\*/g, '<em>$1</em>');
    })
    .join('');
}

/** @param {string[]} rows  of a table, without the line under its head */
function table([head, , ...rows]) {
  const cells = (/** @type {string} */ row, /** @type {string} */ tag) =>
    row.trim().replace(/^\||\|$/g, '').split('|').map((cell) => `<${tag}>${inline(cell.trim())}</${tag}>`).join('');
  return `<table><thead><tr>${cells(head, 'th')}</tr></thead><tbody>${rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('')}</tbody></table>`;
}

/** What a block of lines is. @param {string[]} lines @returns {string} */
function block(lines) {
  const [first] = lines;
  const heading = /^(#{1,3}) (.*)$/.exec(first);
  if (heading) {
    const level = heading[1].length;
    return `<h${level}>${inline(heading[2])}</h${level}>${lines.length > 1 ? block(lines.slice(1)) : ''}`;
  }
  if (lines.every((line) => line.startsWith('    '))) return `<pre>${escaped(lines.map((line) => line.slice(4)).join('\n'))}</pre>`;
  if (first.startsWith('|')) return table(lines);
  const mark = /^(\d+\.|-) /.exec(first);
  if (mark) {
    const kind = mark[1] === '-' ? 'ul' : 'ol';
    /** @type {string[]} */
    const items = [];
    for (const line of lines) {
      if (/^(\d+\.|-) /.test(line)) items.push(line.replace(/^(\d+\.|-) /, ''));
      else items[items.length - 1] += ` ${line.trim()}`;
    }
    return `<${kind}>${items.map((item) => `<li>${inline(item)}</li>`).join('')}</${kind}>`;
  }
  return `<p>${inline(lines.map((line) => line.trim()).join(' '))}</p>`;
}

/** @param {string} markdown */
export function toHtml(markdown) {
  return markdown
    .trim()
    .split(/\n\s*\n/)
    .map((part) => block(part.split('\n')))
    .join('\n');
}

/** Files of a folder in one language, in order. @param {string} folder @param {string} language */
async function filesIn(folder, language) {
  const names = (await readdir(folder)).filter((name) => /^\d-.*\.md$/.test(name) && name.endsWith('.zh-CN.md') === (language === 'zh-CN'));
  return Promise.all(names.sort().map(async (name) => ({ name: name.split('.')[0], text: await readFile(join(folder, name), 'utf8') })));
}

/** @param {string} language */
export async function lessonsPage(language) {
  const lessons = await filesIn(LESSONS, language);
  const handouts = await filesIn(join(LESSONS, 'handouts'), language);
  const contents = lessons.map(({ name, text }) => `<li><a href="#${name}">${inline(/^# (.*)/.exec(text)?.[1] ?? name)}</a></li>`);
  const sections = lessons.map(({ name, text }) => {
    const handout = handouts.find((each) => each.name === name);
    return `<section id="${name}">${toHtml(text)}</section>\n<section id="handout-${name}" class="handout">${toHtml(handout?.text ?? '')}</section>`;
  });
  const intro = await readFile(join(LESSONS, language === 'en' ? 'README.md' : 'README.zh-CN.md'), 'utf8');
  return `<!doctype html>
<html lang="${language}">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'">
    <title>${TITLES[language]}</title>
    <link rel="stylesheet" href="lessons.css">
  </head>
  <body>
<header>${toHtml(intro)}<nav><ol>${contents.join('')}</ol></nav></header>
${sections.join('\n')}
  </body>
</html>
`;
}

/** @param {string} out */
export async function buildLessons(out) {
  await mkdir(out, { recursive: true });
  for (const language of LANGUAGES) await writeFile(join(out, `${language}.html`), await lessonsPage(language));
  await cp(join(LESSONS, 'lessons.css'), join(out, 'lessons.css'));
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { out: { type: 'string', default: join(ROOT, 'build/lessons-pages') } } });
  await buildLessons(resolve(values.out));
  process.stdout.write(`${resolve(values.out)}: ${LANGUAGES.map((language) => `${language}.html`).join(', ')}\n`);
}
