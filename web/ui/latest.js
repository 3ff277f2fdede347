/** One at a time, and of all wishes that come meanwhile only the newest: for questions to the core while something moves. */
export class Latest {
  #again = false;

  /** @param {() => Promise<void>} work  reads what is wished when it begins */
  constructor(work) {
    this.work = work;
    this.running = false;
  }

  ask() {
    if (this.running) this.#again = true;
    else void this.#run();
  }

  async #run() {
    this.running = true;
    try {
      do {
        this.#again = false;
        await this.work();
      } while (this.#again);
    } finally {
      this.running = false;
    }
  }
}
