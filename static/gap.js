const CALLER_FLOOR = 0.006; // RMS of full scale: about −44 dBFS
const CALLER_OVER_NOISE = 4;
const NOISE_RISES = 1.003; // a frame: doubles in about 2.3 s
const AGENT_FLOOR = 0.003;
const RUN_MS = 50; // shorter sounds are clicks
const SPEECH_MS = 200;
const SILENCE_MS = 200;
const LONGEST_MS = 8_000;

/**
 * The gap as the person hears it: from the end of their speech to the first sound of the answer.
 * Pure: takes the loudness (RMS, 0 to 1) of both sides frame by frame.
 */
export class GapMeter {
  #frameMs;
  #noise = CALLER_FLOOR;
  #run = 0; // ms of the sound that is going on
  #spoken = 0; // ms of speech since the last answer
  #since = Infinity; // ms since the speech ended
  #silence = 0; // ms since the agent was heard

  /** @param {number} frameMs */
  constructor(frameMs) {
    this.#frameMs = frameMs;
  }

  /**
   * @param {number} caller
   * @param {number} agent
   * @returns {number | null} ms, in the frame in which an answer begins
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
