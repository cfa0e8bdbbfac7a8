const START_MS = 60; // How much sound to gather before playing. The server sends 100 ms ahead; the rest may be on its way.
const REPORT_MS = 200; // How often to report what was played.
const MOST_MS = 10_000; // How much sound to keep. More is not a late network but a fault, and the newest sound is refused.

/**
 * The jitter buffer for answers that come by WebSocket. It plays them, knows how much of each answer it has played, and
 * can drop an answer at once. Pure: time is counted in samples. A report {reply, ms} says how many ms it has played of
 * what came of that answer.
 */
export class Playback {
  #rate;
  /** @type {{reply: number, samples: Float32Array, from: number}[]} */
  #queue = [];
  #buffered = 0;
  #waited = 0;
  #playing = false;
  #reply = -1;
  #played = 0;
  #reported = 0;

  /** @param {number} rateHz */
  constructor(rateHz) {
    this.#rate = rateHz;
  }

  /** Take more sound of an answer. @param {number} reply @param {Float32Array} samples */
  push(reply, samples) {
    if (!samples.length || this.#buffered > this.#samples(MOST_MS)) return;
    this.#queue.push({ reply, samples, from: 0 });
    this.#buffered += samples.length;
  }

  /** Drop the rest of an answer, because it is over. Returns a report if this answer was playing. @param {number} reply */
  drop(reply) {
    this.#queue = this.#queue.filter((piece) => piece.reply !== reply);
    this.#buffered = this.#queue.reduce((sum, { samples, from }) => sum + samples.length - from, 0);
    if (!this.#buffered) this.#rest();
    return this.#reply === reply ? this.#report() : null;
  }

  /**
   * Fill `output` with the next sound, and with silence where there is none.
   * @param {Float32Array} output
   * @returns {{reply: number, ms: number} | null} a report when one is due
   */
  pull(output) {
    output.fill(0);
    if (!this.#starts(output.length)) return null;
    let done = 0;
    while (done < output.length && this.#queue.length) done += this.#play(output.subarray(done));
    this.#buffered -= done;
    if (!this.#buffered) this.#rest();
    const due = this.#played - this.#reported >= this.#samples(REPORT_MS) || !this.#playing;
    return due ? this.#report() : null;
  }

  /**
   * Whether to play now. Gathers START_MS of sound first, but never waits longer than START_MS for it.
   * @param {number} length samples that pass with this step
   */
  #starts(length) {
    if (this.#playing || !this.#buffered) return this.#playing;
    this.#waited += length;
    this.#playing = Math.max(this.#buffered, this.#waited) >= this.#samples(START_MS);
    return this.#playing;
  }

  /** Play as much of the first piece as fits. @param {Float32Array} output @returns {number} samples played */
  #play(output) {
    const piece = this.#queue[0];
    const part = piece.samples.subarray(piece.from, piece.from + output.length);
    output.set(part);
    piece.from += part.length;
    if (piece.from === piece.samples.length) this.#queue.shift();
    if (piece.reply !== this.#reply) [this.#reply, this.#played, this.#reported] = [piece.reply, 0, 0];
    this.#played += part.length;
    return part.length;
  }

  #rest() {
    this.#playing = false;
    this.#waited = 0;
  }

  #report() {
    this.#reported = this.#played;
    return { reply: this.#reply, ms: (1000 * this.#played) / this.#rate };
  }

  /** @param {number} ms */
  #samples(ms) {
    return (ms * this.#rate) / 1000;
  }
}
