/**
 * NIfTI's and Analyze's pairs: X.hdr with the header and X.img with the samples, both perhaps in gzip. The core reads one
 * behind the other; here they only become one file.
 */

/** @typedef {import('./opening.js').Found} Found */

/** The path without its ending, which must be this one; null for other files. @param {string} path @param {'hdr' | 'img'} ending */
function stemOf(path, ending) {
  const [, stem, name, gz = ''] = /^(.*)\.(hdr|img)(\.gz)?$/i.exec(path) ?? [];
  return name?.toLowerCase() === ending ? `${stem.toLowerCase()}${gz.toLowerCase()}` : null;
}

/**
 * Headers with their samples; all other files as they are.
 * @template {Found} T
 * @param {T[]} found
 * @returns {T[]}
 */
export function joinPairs(found) {
  const samples = new Map(found.map((each) => [stemOf(each.path, 'img'), each]));
  samples.delete(null);
  /** @type {Set<T>} */
  const joined = new Set();
  const files = found.map((each) => {
    const stem = stemOf(each.path, 'hdr');
    const partner = stem && samples.get(stem);
    if (!partner) return each;
    joined.add(partner);
    return { ...each, file: new File([each.file, partner.file], each.file.name) };
  });
  return files.filter((each) => !joined.has(each));
}
