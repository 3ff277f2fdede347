/** The worker of the measuring page: engines run where the product's core runs, off the main thread. */
import { measure } from './measure.mjs';

addEventListener('message', async ({ data: { job, model } }) => {
  // Engines with threads start workers that report here, too; only the page sends a job.
  if (!job) return;
  try {
    const bytes = new Uint8Array(await (await fetch(model)).arrayBuffer());
    postMessage({ result: await measure(job, bytes) });
  } catch (error) {
    postMessage({ error: String(error?.stack ?? error) });
  }
});
