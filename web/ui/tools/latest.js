/** One at a time, and of all wishes that come meanwhile only the newest: for questions to the core while something moves. */

/** @param {() => Promise<void>} work @returns {() => void} */
export function latest(work) {
  let running = false;
  let again = false;
  const run = async () => {
    running = true;
    do {
      again = false;
      await work();
    } while (again);
    running = false;
  };
  return () => {
    if (running) again = true;
    else void run();
  };
}
