/** Do something now and again and again, while the page can be seen. One try at a time. */
export class Polling {
  #job;
  #everyMs;
  #timer = 0;
  #over = false;

  /** @param {() => Promise<void>} job it deals with its failures itself @param {number} everyMs */
  constructor(job, everyMs) {
    this.#job = job;
    this.#everyMs = everyMs;
    document.addEventListener("visibilitychange", this.#onVisible);
    this.#go();
  }

  stop() {
    this.#over = true;
    clearTimeout(this.#timer);
    document.removeEventListener("visibilitychange", this.#onVisible);
  }

  async #go() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    await this.#job();
    if (!this.#over && !document.hidden) this.#timer = setTimeout(() => this.#go(), this.#everyMs);
  }

  #onVisible = () => {
    if (!document.hidden && this.#timer === 0) this.#go();
    if (document.hidden) {
      clearTimeout(this.#timer);
      this.#timer = 0;
    }
  };
}
