const START_MS = 60; // The server sends 100 ms ahead: what is kept here is safe from the network, the rest is under way.
const REPORT_MS = 200;
const MOST_MS = 10_000; // More than that is not a late network but a fault; the newest is refused.

/**
 * The jitter buffer of answers that come by WebSocket: plays what comes, knows how much of each answer it has played, and
 * drops one at once. Pure: time is counted in samples. Reports are {reply, ms}: so much of what came of it was played.
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

  /** @param {number} reply @param {Float32Array} samples */
  push(reply, samples) {
    if (!samples.length || this.#buffered > this.#samples(MOST_MS)) return;
    this.#queue.push({ reply, samples, from: 0 });
    this.#buffered += samples.length;
  }

  /** The answer is over. @param {number} reply */
  drop(reply) {
    this.#queue = this.#queue.filter((piece) => piece.reply !== reply);
    this.#buffered = this.#queue.reduce((sum, { samples, from }) => sum + samples.length - from, 0);
    if (!this.#buffered) this.#rest();
    return this.#reply === reply ? this.#report() : null;
  }

  /**
   * The next sound, in the place of what is in `output`; silence where there is none.
   * @param {Float32Array} output
   * @returns {{reply: number, ms: number} | null} a report, now and then
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

  /** A little is gathered first: for as long, at most, as it would take to play it. @param {number} length */
  #starts(length) {
    if (this.#playing || !this.#buffered) return this.#playing;
    this.#waited += length;
    this.#playing = Math.max(this.#buffered, this.#waited) >= this.#samples(START_MS);
    return this.#playing;
  }

  /** Of the first piece, what there is place for. @param {Float32Array} output */
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
