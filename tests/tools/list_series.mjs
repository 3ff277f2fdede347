/** The series of a folder as the core lists them, with paths for keys: node tests/tools/list_series.mjs FOLDER */
import { openAsBlob, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { Catalogue } from '../../web/worker/catalogue.js';
import { createCore } from '../node/harness.mjs';

const folder = process.argv[2];
const paths = readdirSync(folder, { recursive: true }).filter((path) => statSync(join(folder, path)).isFile());
const core = await createCore();
const catalogue = new Catalogue(core);
const files = await Promise.all(
  paths.map(async (path) => ({ key: path, path, file: /** @type {File} */ (await openAsBlob(join(folder, path))) })),
);
const headers = await catalogue.headers(files);
const directory = files.find(({ key }) => headers.find((each) => each.key === key)?.kind === 'directory');
const result = { studies: catalogue.index.list(), directory: null };
// In an index of its own: what the records say, without the headers of the files.
if (directory) result.directory = await new Catalogue(core).directory(directory, files);
process.stdout.write(JSON.stringify(result));
