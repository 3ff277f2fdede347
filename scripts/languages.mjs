/** The languages of the page: every JSON file of web/i18n, English first. One more file there is one more language. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const LANGUAGES = fileURLToPath(new URL('../web/i18n', import.meta.url));

/** Texts by code. @param {string} [folder] @returns {Promise<Record<string, Record<string, string>>>} */
export async function readLanguages(folder = LANGUAGES) {
  const codes = (await readdir(folder)).filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
  codes.sort((a, b) => Number(b === 'en') - Number(a === 'en') || (a < b ? -1 : 1));
  return Object.fromEntries(await Promise.all(codes.map(async (code) => [code, JSON.parse(await readFile(join(folder, `${code}.json`), 'utf8'))])));
}

/** What the bundle of the page is told of them (web/i18n/i18n.js). @param {Awaited<ReturnType<typeof readLanguages>>} languages */
export const languageDefines = (languages) => ({ __LANGUAGES__: JSON.stringify(languages) });
