/**
 * How much earlier or later the page's gap may be than the server's figure of the same pause. Both measure the same pause, from
 * two ends of the network. Figures further apart than this belong to different pauses.
 */
const EARLIER_MS = 100;
const LATER_MS = 1_000;

/** One exchange: joins the server's figures and the gap that the page heard, if both belong to the same answer. Pure. */
export class Exchange {
  /** Whether a gap may still come: the caller has spoken, and no answer was heard since. */
  #spoken = false;
  #typed = false;
  /** @type {Record<string, number> | null} */
  #metrics = null;
  /** @type {number | null} */
  #gapMs = null;

  /** The caller says something, so the next answer is a new one. @param {boolean} spoken false if it was typed */
  begin(spoken) {
    this.#spoken = spoken;
    this.#typed = !spoken;
    this.#metrics = this.#gapMs = null;
  }

  /** Take the server's figures. @param {Record<string, number>} metrics @returns {Figures | null} */
  metrics(metrics) {
    if (typeof metrics.first_packet_ms !== "number") return null;
    this.#metrics = metrics;
    return this.#figures();
  }

  /**
   * Take a gap that the page heard. Only the first one after each utterance counts; a later one is a pause inside an
   * answer.
   * @param {number} ms
   * @returns {Figures | null}
   */
  gap(ms) {
    if (!this.#spoken) return null;
    this.#spoken = false;
    this.#gapMs = ms;
    return this.#figures();
  }

  /**
   * What is known about the exchange so far; null without the server's figures.
   * @typedef {{reply: number, metrics: Record<string, number>, gapMs: number | null, typed: boolean}} Figures
   */
  #figures() {
    if (!this.#metrics) return null;
    const later = (this.#gapMs ?? NaN) - this.#metrics.first_packet_ms;
    const gapMs = later >= -EARLIER_MS && later <= LATER_MS ? this.#gapMs : null;
    return { reply: this.#metrics.reply, metrics: this.#metrics, gapMs, typed: this.#typed };
  }
}
