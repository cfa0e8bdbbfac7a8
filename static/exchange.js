/** The page and the server hear the same pause, a network apart: figures further apart than this are not of one pause. */
const EARLIER_MS = 100;
const LATER_MS = 1_000;

/** One exchange: the server's figures and the gap as it was heard here, joined when both are of the same answer. Pure. */
export class Exchange {
  #spoken = false;
  /** @type {Record<string, number> | null} */
  #metrics = null;
  /** @type {number | null} */
  #gapMs = null;

  /** The person says something: what comes next is another answer. @param {boolean} spoken and not typed */
  begin(spoken) {
    this.#spoken = spoken;
    this.#metrics = this.#gapMs = null;
  }

  /** @param {Record<string, number>} metrics @returns {Figures | null} */
  metrics(metrics) {
    if (typeof metrics.first_packet_ms !== "number") return null;
    this.#metrics = metrics;
    return this.#figures();
  }

  /** A gap counts once after each utterance: a pause inside an answer is none. @param {number} ms @returns {Figures | null} */
  gap(ms) {
    if (!this.#spoken) return null;
    this.#spoken = false;
    this.#gapMs = ms;
    return this.#figures();
  }

  /**
   * What is known of the exchange.
   * @typedef {{reply: number, metrics: Record<string, number>, gapMs: number | null}} Figures
   */
  #figures() {
    if (!this.#metrics) return null;
    const later = (this.#gapMs ?? NaN) - this.#metrics.first_packet_ms;
    const gapMs = later >= -EARLIER_MS && later <= LATER_MS ? this.#gapMs : null;
    return { reply: this.#metrics.reply, metrics: this.#metrics, gapMs };
  }
}
