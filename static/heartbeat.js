export const PING_EVERY_MS = 1_000;

/** Decides whether the other side is still there. Pure: the time comes in as an argument, in ms. */
export class Heartbeat {
  #silentMs;
  #heardAt;
  #beatAt;

  /** @param {number} now @param {number} silentMs after a longer silence the other side counts as gone */
  constructor(now, silentMs) {
    this.#silentMs = silentMs;
    this.#heardAt = this.#beatAt = now;
  }

  /** Something came from the other side. @param {number} now */
  heard(now) {
    this.#heardAt = now;
  }

  /**
   * Call this at every ping. If the last call is too long ago, the computer has slept, and the wait begins again from now:
   * no answer could have arrived meanwhile.
   * @param {number} now
   * @returns {boolean} whether the other side is still there
   */
  beat(now) {
    if (now - this.#beatAt > 2 * PING_EVERY_MS) this.#heardAt = now;
    this.#beatAt = now;
    return now - this.#heardAt <= this.#silentMs;
  }
}
