/** One measurement in Node: a job in JSON on standard input, its result on standard output. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';

import { measure } from './measure.mjs';

// Standard output is for the result; what engines print goes where it does no harm.
console.log = console.info = console.error;
const { job, model } = JSON.parse(await text(process.stdin));
const result = await measure(job, new Uint8Array(await readFile(model)));
process.stdout.write(JSON.stringify(result), () => process.exit(0));
