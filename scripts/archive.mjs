/** Archives whose bytes say nothing of when and by whom they were packed. */
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

/**
 * Packs a folder as .tar.gz: names in order, one time for all, no owners (GNU tar; https://reproducible-builds.org/docs/archives). Node's gzip writes no time.
 * @param {string} parent
 * @param {string} folder  in it
 * @param {string} out
 * @param {number} seconds  since 1970: the time of all files
 */
export async function packFolder(parent, folder, out, seconds) {
  const options = ['--sort=name', `--mtime=@${seconds}`, '--owner=0', '--group=0', '--numeric-owner', '--mode=u+rw,go+r,go-w,a+X', '--format=ustar'];
  const tar = spawn('tar', [...options, '-C', parent, '-c', folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(tar, 'close');
  await pipeline(tar.stdout, createGzip({ level: 9 }), createWriteStream(out));
  const [code] = await ended;
  if (code !== 0) throw new Error(`tar ended with ${code}`);
}
