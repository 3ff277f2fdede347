/**
 * Where the page's parts come from in the single file: data blocks of the page itself, gzip in base64. Nothing is
 * fetched, so the file works by double click and its policy forbids every connection.
 */

/** @param {string} id @returns {Promise<Blob>} */
async function block(id) {
  const text = document.getElementById(id)?.textContent?.trim();
  if (!text) throw new Error(`the file lacks its part ${id}`);
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).blob();
}

/** @returns {Promise<import('./site.js').Parts>} */
export async function singleParts() {
  const { variants, models } = JSON.parse(document.getElementById('parts')?.textContent ?? '{}');
  const script = await block('worker');
  const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
  return {
    variants,
    compile: async (variant) => WebAssembly.compile(await (await block(`wasm-${variant}`)).arrayBuffer()),
    codec: () => block('wasm-codec'),
    createWorker: () => new Worker(url),
    models: models.map((/** @type {{name: string, title: string, bytes: number}} */ facts) => ({
      ...facts,
      blob: () => block(`model-${facts.name}`),
    })),
    offline: false,
  };
}
