/**
 * What a release is made of besides our own code: for the bill of materials. tests/node/release.test.mjs compares it with cmake/dependencies.cmake, package.json
 * and THIRD-PARTY-NOTICES.
 *
 * `parts` are those of a release: `page` (site and single file), `wasm` (the core in both), `codec` (compressed DICOM frames, in both), `native` (the command).
 */
export const COMPONENTS = [
  { name: 'XNNPACK', source: 'xnnpack', license: 'BSD-3-Clause', supplier: 'Google LLC', parts: ['wasm', 'native'] },
  { name: 'pthreadpool', source: 'pthreadpool', license: 'BSD-2-Clause', supplier: 'Google LLC', parts: ['wasm', 'native'] },
  { name: 'FXdiv', source: 'fxdiv', license: 'MIT', supplier: 'Google LLC', parts: ['wasm', 'native'] },
  { name: 'cpuinfo', source: 'cpuinfo', license: 'BSD-2-Clause', supplier: 'Google LLC', parts: ['native'] },
  { name: 'stb_image', source: 'stb', license: 'MIT OR Unlicense', supplier: 'Sean Barrett', parts: ['wasm', 'native'] },
  { name: 'libdeflate', source: 'libdeflate', license: 'MIT', supplier: 'Eric Biggers', parts: ['wasm', 'native'] },
  { name: 'OpenJPEG', source: 'openjpeg', license: 'BSD-2-Clause', supplier: 'Universite catholique de Louvain', parts: ['codec', 'native'] },
  { name: 'CharLS', source: 'charls', license: 'BSD-3-Clause', supplier: 'Team CharLS', parts: ['codec', 'native'] },
  { name: 'libjpeg-turbo', source: 'libjpeg-turbo', license: 'IJG AND BSD-3-Clause', supplier: 'The libjpeg-turbo Project', parts: ['codec', 'native'] },
  { name: 'uPlot', npm: 'uplot', license: 'MIT', supplier: 'Leon Sorokin', parts: ['page'] },
  { name: 'musl', emscripten: true, license: 'MIT', supplier: 'musl', parts: ['wasm', 'codec'] },
  { name: 'compiler-rt', emscripten: true, license: 'Apache-2.0 WITH LLVM-exception', supplier: 'LLVM', parts: ['wasm', 'codec'] },
  { name: 'dlmalloc', emscripten: true, license: 'CC0-1.0', supplier: 'Doug Lea', parts: ['wasm', 'codec'] },
];

/** Where each source comes from: name to {repository, commit}, as cmake/dependencies.cmake has it. @param {string} cmake  its text */
export function pinnedSources(cmake) {
  /** @type {Record<string, {repository: string, commit: string}>} */
  const pinned = {};
  for (const [, name, repository, commit] of cmake.matchAll(/nsc_find_source\((\S+) (https:\S+) (\S+)\)/g)) pinned[name] = { repository, commit };
  return pinned;
}
