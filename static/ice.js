const URL = "api/ice-servers";
const TIMEOUT_MS = 3_000;

/**
 * The ICE servers for a call's peer connections: asks the server for STUN and TURN, and asks again before the credentials
 * expire.
 */
export class Ice {
  #relay;
  #pass;
  /** @type {Promise<RTCIceServer[]> | null} */
  #servers = null;
  #goodUntil = Infinity;

  /** @param {boolean} relay true to use only TURN @param {import("./pass.js").Pass} pass */
  constructor(relay, pass) {
    this.#relay = relay;
    this.#pass = pass;
  }

  /** @param {string} [sessionId] the conversation that goes on @returns {Promise<RTCConfiguration>} */
  async configuration(sessionId) {
    if (!this.#servers || performance.now() > this.#goodUntil) this.#servers = this.#ask(sessionId);
    return { iceServers: await this.#servers, iceTransportPolicy: this.#relay ? "relay" : "all" };
  }

  /**
   * Ask the server. Returns an empty list if it gives no answer: most calls need no ICE servers.
   * @param {string} [sessionId]
   */
  async #ask(sessionId) {
    const url = sessionId ? `${URL}?session_id=${encodeURIComponent(sessionId)}` : URL;
    try {
      const response = await fetch(url, { headers: this.#pass.headers, signal: AbortSignal.timeout?.(TIMEOUT_MS) });
      if (response.status >= 500) throw new Error("asked again for the next connection");
      if (!response.ok) return [];
      const { iceServers, ttl } = await response.json();
      // Half of their lifetime, because a connection goes on using them after it began.
      this.#goodUntil = performance.now() + 500 * ttl;
      return iceServers;
    } catch {
      this.#goodUntil = 0;
      return [];
    }
  }
}
