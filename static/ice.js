const URL = "api/ice-servers";
const TIMEOUT_MS = 3_000;

/** How a call's peer connections find their way: the server's STUN and TURN, asked for again before they expire. */
export class Ice {
  #relay;
  /** @type {Promise<RTCIceServer[]> | null} */
  #servers = null;
  #goodUntil = Infinity;

  /** @param {boolean} relay by TURN alone */
  constructor(relay) {
    this.#relay = relay;
  }

  /** @returns {Promise<RTCConfiguration>} */
  async configuration() {
    if (!this.#servers || performance.now() > this.#goodUntil) this.#servers = this.#ask();
    return { iceServers: await this.#servers, iceTransportPolicy: this.#relay ? "relay" : "all" };
  }

  /** Nothing if the server says nothing: most calls do without. */
  async #ask() {
    try {
      const response = await fetch(URL, { signal: AbortSignal.timeout?.(TIMEOUT_MS) });
      if (response.status >= 500) throw new Error("asked again for the next connection");
      if (!response.ok) return [];
      const { iceServers, ttl } = await response.json();
      this.#goodUntil = performance.now() + 500 * ttl; // Half their life: a connection that begins late needs them longer.
      return iceServers;
    } catch {
      this.#goodUntil = 0;
      return [];
    }
  }
}
