#!/usr/bin/env node
/** npm run -s cli -- ARGUMENTS: runs the native command from a checkout; builds it first when needed. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT, buildPreset, output, setUpCompilers } from './setup.mjs';

const program = join(ROOT, 'build/native/negatoscope');

/** Standard output belongs to the command: what building prints goes to standard error. */
async function build() {
  const upToDate = existsSync(program) &&
    spawnSync('ninja', ['-C', join(ROOT, 'build/native'), '-n', 'negatoscope'], { encoding: 'utf8' })
      .stdout?.includes('no work to do');
  if (upToDate) return;
  output.stdout = 2;
  await setUpCompilers();
  await buildPreset('native', ['negatoscope']);
}

try {
  await build();
  // npm changes to the package's folder; paths are meant from where the user stands.
  const child = spawn(program, process.argv.slice(2), { stdio: 'inherit', cwd: process.env.INIT_CWD || process.cwd() });
  child.on('exit', (code, signal) => { process.exitCode = signal ? 1 : code; });
} catch (error) {
  console.error(`negatoscope: ${error.message}`);
  process.exitCode = 1;
}
