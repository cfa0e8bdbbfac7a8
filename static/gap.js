const CALLER_FLOOR = 0.006; // Softer sound of the caller is not speech. RMS of full scale: about −44 dBFS.
const CALLER_OVER_NOISE = 4; // How many times louder than the noise the caller's speech has to be.
const NOISE_RISES = 1.003; // Factor by which the noise estimate may rise in a frame: it doubles in about 2.3 s.
const AGENT_FLOOR = 0.003; // Softer sound of the agent is silence.
const RUN_MS = 50; // A shorter sound of the caller is a click.
const SPEECH_MS = 200; // How long the caller has to speak before a gap is measured.
const SILENCE_MS = 200; // How long the agent has to be silent before its next sound begins an answer.
const LONGEST_MS = 8_000; // A longer gap is not reported: the sound after it is no answer to this speech.

/**
 * Measures the gap as the caller hears it: from the end of the caller's speech to the first sound of the answer.
 * Pure: takes the loudness (RMS, 0 to 1) of both sides, frame by frame.
 */
export class GapMeter {
  #frameMs;
  #noise = CALLER_FLOOR;
  #run = 0; // ms that the caller's present sound has lasted
  #spoken = 0; // ms of the caller's speech since the last answer
  #since = Infinity; // ms since the caller's speech ended
  #silence = 0; // ms since the agent was last heard

  /** @param {number} frameMs */
  constructor(frameMs) {
    this.#frameMs = frameMs;
  }

  /**
   * Take the loudness of both sides in one frame.
   * @param {number} caller
   * @param {number} agent
   * @returns {number | null} the gap in ms, in the frame in which an answer begins; otherwise null
   */
  push(caller, agent) {
    this.#hearCaller(caller);
    return this.#hearAgent(agent);
  }

  /** @param {number} rms */
  #hearCaller(rms) {
    this.#noise = Math.min(Math.max(rms, 1e-5), this.#noise * NOISE_RISES);
    this.#since += this.#frameMs;
    const voiced = rms > Math.max(CALLER_FLOOR, this.#noise * CALLER_OVER_NOISE);
    this.#run = voiced ? this.#run + this.#frameMs : 0;
    if (this.#run < RUN_MS) return;
    this.#spoken += this.#frameMs;
    this.#since = 0;
  }

  /** @param {number} rms */
  #hearAgent(rms) {
    if (rms < AGENT_FLOOR) {
      this.#silence += this.#frameMs;
      return null;
    }
    const begins = this.#silence >= SILENCE_MS;
    this.#silence = 0;
    if (!begins || this.#spoken < SPEECH_MS) return null;
    this.#spoken = 0;
    return this.#since > 0 && this.#since < LONGEST_MS ? this.#since : null;
  }
}
