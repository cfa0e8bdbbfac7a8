import { CallError } from "./errors.js";

const OFFER_URL = "api/offer";
const ICE_SERVERS_URL = "api/ice-servers";
const TIMEOUT_MS = 15_000;
const ICE_SERVERS_TIMEOUT_MS = 3_000;
const BATCH_MS = 50;
const BATCH = 32; // what the server takes at once

/** One call's signaling over HTTP: the offer, the candidates found after it, and the end. */
export class Signaling {
  /** @type {string | null} */
  #pcId = null;
  /** @type {{candidate: string, sdp_mid: string, sdp_mline_index: number}[]} */
  #found = [];
  #timer = 0;
  #closed = false;

  /**
   * What the server says of STUN and TURN; nothing if it says nothing: most calls do without.
   * @returns {Promise<RTCIceServer[]>}
   */
  async iceServers() {
    try {
      const response = await fetch(ICE_SERVERS_URL, { signal: AbortSignal.timeout(ICE_SERVERS_TIMEOUT_MS) });
      return response.ok ? (await response.json()).iceServers : [];
    } catch {
      return [];
    }
  }

  /**
   * Post the offer at once, without waiting for candidates.
   * @param {string} sdp
   * @returns {Promise<string>} the answer's SDP
   * @throws {CallError} limit, refused, unreachable
   */
  async offer(sdp) {
    const answer = await this.#post({ sdp, type: "offer" });
    this.#pcId = answer.pc_id;
    if (this.#closed) this.close();
    this.#send();
    return answer.sdp;
  }

  /**
   * A candidate, or null when there are no more. Waits for the answer, then leaves with its neighbours.
   * @param {RTCIceCandidate | null} candidate
   */
  add(candidate) {
    this.#found.push({
      candidate: candidate?.candidate ?? "",
      sdp_mid: candidate?.sdpMid ?? "0",
      sdp_mline_index: candidate?.sdpMLineIndex ?? 0,
    });
    if (this.#pcId && !this.#timer) this.#timer = setTimeout(() => this.#send(), BATCH_MS);
  }

  /** The server has ended the call: there is nothing left to tell it. */
  forget() {
    clearTimeout(this.#timer);
    this.#pcId = null;
  }

  /** End the call at the server, as soon as it has one; outlives the page. Safe at any time, more than once. */
  close() {
    clearTimeout(this.#timer);
    this.#closed = true;
    if (!this.#pcId) return;
    const url = `${OFFER_URL}?pc_id=${encodeURIComponent(this.#pcId)}`;
    this.#pcId = null;
    fetch(url, { method: "DELETE", keepalive: true }).catch(() => {});
  }

  /** @param {object} body */
  async #post(body) {
    let response;
    try {
      response = await fetch(OFFER_URL, request("POST", body));
      if (response.ok) return await response.json();
    } catch (error) {
      throw new CallError("unreachable", "", error);
    }
    const said = (await response.json().catch(() => null))?.error?.message;
    throw new CallError(response.status === 503 ? "limit" : "refused", typeof said === "string" ? said : "");
  }

  /** A batch that does not arrive is no failure by itself: the connection's own state tells. */
  #send() {
    this.#timer = 0;
    if (!this.#pcId) return;
    while (this.#found.length) {
      const candidates = this.#found.splice(0, BATCH);
      fetch(OFFER_URL, request("PATCH", { pc_id: this.#pcId, candidates })).catch(() => {});
    }
  }
}

/**
 * @param {string} method
 * @param {object} body
 * @returns {RequestInit}
 */
function request(method, body) {
  return {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  };
}
