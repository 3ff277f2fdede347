/** The software bill of materials of a release, as SPDX 2.3 in JSON (https://spdx.github.io/spdx-spec/v2.3). */
import { createHash } from 'node:crypto';

import { COMPONENTS } from './components.mjs';

const idOf = (/** @type {string} */ text) => `SPDXRef-${text.replace(/[^A-Za-z0-9.-]/g, '-')}`;

/**
 * @param {object} release
 * @param {string} release.version
 * @param {string} release.created  ISO 8601, of the sources and not of the build: the same sources give the same bytes
 * @param {string} release.emscripten  its version
 * @param {Record<string, {repository: string, commit: string}>} release.pinned
 * @param {Record<string, string>} release.npm  versions of packages
 * @param {Array<{path: string, sha256: string, sha1: string, parts: string[]}>} release.files  what is published, and the parts that are in it
 * @param {Array<{name: string, license: string, sha256: string}>} release.models  shipped ones
 */
export function billOfMaterials({ version, created, emscripten, pinned, npm, files, models }) {
  const components = COMPONENTS.map((component) => {
    const { name, source, license, supplier } = component;
    const pin = source ? pinned[source] : null;
    const versionInfo = pin?.commit ?? (component.npm ? npm[component.npm] : `of Emscripten ${emscripten}`);
    return {
      component,
      entry: {
        SPDXID: idOf(`Package-${name}`),
        name,
        versionInfo,
        supplier: `Organization: ${supplier}`,
        downloadLocation: pin ? `git+${pin.repository}@${pin.commit}` : 'NOASSERTION',
        filesAnalyzed: false,
        licenseConcluded: license,
        licenseDeclared: license,
        copyrightText: 'NOASSERTION',
      },
    };
  });
  const own = {
    SPDXID: idOf('Package-negatoscope'),
    name: 'negatoscope',
    versionInfo: version,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseConcluded: 'MIT',
    licenseDeclared: 'MIT',
    copyrightText: 'NOASSERTION',
  };
  const weights = models.map(({ name, license, sha256 }) => ({
    SPDXID: idOf(`Package-model-${name}`),
    name: `model ${name}`,
    versionInfo: version,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    checksums: [{ algorithm: 'SHA256', checksumValue: sha256 }],
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: 'NOASSERTION',
    licenseComments: license,
    copyrightText: 'NOASSERTION',
    primaryPackagePurpose: 'OTHER',
  }));
  const published = files.map(({ path, sha256, sha1 }) => ({
    SPDXID: idOf(`File-${path}`),
    fileName: `./${path}`,
    checksums: [
      { algorithm: 'SHA256', checksumValue: sha256 },
      { algorithm: 'SHA1', checksumValue: sha1 },
    ],
    licenseConcluded: 'NOASSERTION',
    copyrightText: 'NOASSERTION',
  }));
  const relate = (/** @type {string} */ from, /** @type {string} */ relationshipType, /** @type {string} */ to) => ({ spdxElementId: from, relationshipType, relatedSpdxElement: to });
  const relationships = [relate('SPDXRef-DOCUMENT', 'DESCRIBES', own.SPDXID)];
  for (const { path, parts } of files) {
    relationships.push(relate(idOf(`File-${path}`), 'GENERATED_FROM', own.SPDXID));
    for (const { component, entry } of components) {
      if (component.parts.some((part) => parts.includes(part))) relationships.push(relate(idOf(`File-${path}`), 'STATIC_LINK', entry.SPDXID));
    }
    for (const model of weights) relationships.push(relate(idOf(`File-${path}`), 'CONTAINS', model.SPDXID));
  }
  const content = { packages: [own, ...components.map(({ entry }) => entry), ...weights], files: published, relationships };
  const digest = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `negatoscope-${version}`,
    documentNamespace: `https://spdx.org/spdxdocs/negatoscope-${version}-${digest.slice(0, 32)}`,
    creationInfo: { created, creators: ['Tool: negatoscope-release'] },
    ...content,
  };
}
