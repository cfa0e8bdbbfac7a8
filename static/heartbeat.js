export const PING_EVERY_MS = 1_000;

/** Is the other side there? Pure: time in ms comes in. */
export class Heartbeat {
  #silentMs;
  #heardAt;
  #beatAt;

  /** @param {number} now @param {number} silentMs a longer silence is none of a living side */
  constructor(now, silentMs) {
    this.#silentMs = silentMs;
    this.#heardAt = this.#beatAt = now;
  }

  /** Anything came from the other side. @param {number} now */
  heard(now) {
    this.#heardAt = now;
  }

  /**
   * Call at every ping. After a sleeping computer's gap the wait begins anew: nobody could have answered.
   * @param {number} now
   * @returns {boolean} whether the other side is still there
   */
  beat(now) {
    if (now - this.#beatAt > 2 * PING_EVERY_MS) this.#heardAt = now;
    this.#beatAt = now;
    return now - this.#heardAt <= this.#silentMs;
  }
}
