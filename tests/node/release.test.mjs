/** What a release says of itself: its parts, as the build and the notices have them, and archives that are the same each time. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

import { packFolder } from '../../scripts/archive.mjs';
import { COMPONENTS, pinnedSources } from '../../scripts/components.mjs';
import { billOfMaterials } from '../../scripts/sbom.mjs';
import { ROOT } from './harness.mjs';

const read = (path) => readFileSync(join(ROOT, path), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'negatoscope-release-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const bill = () =>
  billOfMaterials({
    version: '1.2.3',
    created: '2026-01-02T03:04:05Z',
    emscripten: '3.1.69',
    pinned: pinnedSources(read('cmake/dependencies.cmake')),
    npm: { uplot: '1.6.32' },
    files: [
      { path: 'page.html', sha256: 'a'.repeat(64), sha1: 'b'.repeat(40), parts: ['page', 'wasm', 'codec'] },
      { path: 'command.tar.gz', sha256: 'c'.repeat(64), sha1: 'd'.repeat(40), parts: ['native'] },
    ],
    models: [{ name: 'tiny', license: 'CC BY 4.0', sha256: 'e'.repeat(64) }],
  });

test('one version in all places', () => {
  const { version } = JSON.parse(read('package.json'));
  assert.ok(read('CMakeLists.txt').includes(`project(negatoscope VERSION ${version} `));
});

describe('bill of materials', () => {
  test('names every source that the build takes, with its notice, and no other', () => {
    const pinned = pinnedSources(read('cmake/dependencies.cmake'));
    assert.deepEqual(COMPONENTS.flatMap(({ source }) => source ?? []).sort(), Object.keys(pinned).sort());
    const { devDependencies } = JSON.parse(read('package.json'));
    for (const { npm } of COMPONENTS) assert.ok(!npm || devDependencies[npm], npm);
    const notices = read('THIRD-PARTY-NOTICES');
    for (const { name } of COMPONENTS) assert.ok(notices.includes(name), `${name} has no notice`);
    const named = [...notices.matchAll(/^-{20,}\n(\S+).*—/gm)].map(([, name]) => name);
    assert.deepEqual(named.filter((name) => !COMPONENTS.some((each) => each.name === name)), []);
  });

  test('is SPDX 2.3: what it must say, and relations between what is there', () => {
    const document = bill();
    assert.equal(document.spdxVersion, 'SPDX-2.3');
    assert.match(document.creationInfo.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const ids = [document.SPDXID, ...document.packages.map(({ SPDXID }) => SPDXID), ...document.files.map(({ SPDXID }) => SPDXID)];
    assert.equal(new Set(ids).size, ids.length);
    for (const id of ids) assert.match(id, /^SPDXRef-[A-Za-z0-9.-]+$/);
    for (const { spdxElementId, relatedSpdxElement } of document.relationships) assert.ok(ids.includes(spdxElementId) && ids.includes(relatedSpdxElement));
    for (const each of document.packages) {
      assert.ok(each.name && each.versionInfo && each.downloadLocation && each.filesAnalyzed === false);
      assert.match(each.downloadLocation, /^(NOASSERTION|git\+https:\S+@\S+)$/);
    }
    const linked = (file) => document.relationships.filter(({ spdxElementId, relationshipType }) => spdxElementId === `SPDXRef-File-${file}` && relationshipType === 'STATIC_LINK').map((each) => each.relatedSpdxElement);
    assert.ok(linked('page.html').includes('SPDXRef-Package-uPlot') && !linked('page.html').includes('SPDXRef-Package-cpuinfo'));
    assert.ok(linked('command.tar.gz').includes('SPDXRef-Package-cpuinfo') && !linked('command.tar.gz').includes('SPDXRef-Package-uPlot'));
    assert.deepEqual(bill(), document);
  });
});

test('an archive does not tell when it was packed, nor by whom', async () => {
  const pack = async (name, seconds, order) => {
    const parent = join(folder, name);
    mkdirSync(join(parent, 'set/sub'), { recursive: true });
    for (const file of order) {
      const path = join(parent, 'set', file);
      writeFileSync(path, `content of ${file}`);
      utimesSync(path, seconds, seconds);
    }
    await packFolder(parent, 'set', join(folder, `${name}.tar.gz`), 1_700_000_000);
    return readFileSync(join(folder, `${name}.tar.gz`));
  };
  const first = await pack('first', 1_000_000_000, ['a', 'sub/b', 'c']);
  const second = await pack('second', 1_500_000_000, ['c', 'sub/b', 'a']);
  assert.ok(first.equals(second));
  const names = execFileSync('tar', ['tzf', join(folder, 'first.tar.gz')], { encoding: 'utf8' });
  assert.deepEqual(names.trim().split('\n'), ['set/', 'set/a', 'set/c', 'set/sub/', 'set/sub/b']);
  await assert.rejects(packFolder(folder, 'nothing', join(folder, 'nothing.tar.gz'), 0), /tar ended with/);
});
