import { CallError } from "./errors.js";

const OFFER_URL = "api/offer";
const TIMEOUT_MS = 8_000;
const CODES = { 404: "gone", 503: "limit" };
const BATCH_MS = 50;
const BATCH = 32; // what the server takes at once

/** One connection's signaling over HTTP: the offer, the candidates found after it, and the end. */
export class Signaling {
  /** @type {string | null} */
  #pcId = null;
  /** @type {{candidate: string, sdp_mid: string, sdp_mline_index: number}[]} */
  #found = [];
  #timer = 0;
  #closed = false;
  #ended = false;

  /** @returns {string | null} the call's name in requests, once there is an answer */
  get pcId() {
    return this.#pcId;
  }

  /**
   * Post the offer at once, without waiting for candidates.
   * @param {string} sdp
   * @param {import("./call.js").Ticket | null} ticket the conversation to go on with; null for a new one
   * @returns {Promise<string>} the answer's SDP
   * @throws {CallError} limit, refused, gone, unreachable
   */
  async offer(sdp, ticket) {
    const answer = await this.#post({ sdp, type: "offer", ...continuation(ticket) });
    this.#pcId = answer.pc_id;
    if (this.#ended) endCall(this.#pcId);
    if (!this.#closed) this.#send();
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
    if (this.#pcId && !this.#timer && !this.#closed) this.#timer = setTimeout(() => this.#send(), BATCH_MS);
  }

  /** Nothing more is sent. The call itself may go on by another way. */
  close() {
    clearTimeout(this.#timer);
    this.#closed = true;
  }

  /** End the call at the server, as soon as it has one. */
  end() {
    this.close();
    this.#ended = true;
    if (this.#pcId) endCall(this.#pcId);
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
    throw new CallError(CODES[response.status] ?? "refused", typeof said === "string" ? said : "");
  }

  /** A batch that does not arrive is no failure by itself: the connection's own state tells. */
  #send() {
    this.#timer = 0;
    while (this.#found.length) {
      const candidates = this.#found.splice(0, BATCH);
      fetch(OFFER_URL, request("PATCH", { pc_id: this.#pcId, candidates })).catch(() => {});
    }
  }
}

/** End a call at the server; outlives the page. @param {string} pcId */
export function endCall(pcId) {
  fetch(`${OFFER_URL}?pc_id=${encodeURIComponent(pcId)}`, { method: "DELETE", keepalive: true }).catch(() => {});
}

/** By the name of a call that lives, or by the token of one that has lost its connection: the server takes what is good. @param {import("./call.js").Ticket | null} ticket */
function continuation(ticket) {
  if (!ticket) return {};
  const { pcId, sessionId, resume } = ticket;
  return { ...(pcId && { pc_id: pcId }), requestData: { session_id: sessionId, resume } };
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
    signal: AbortSignal.timeout?.(TIMEOUT_MS), // Safari 15 has none.
  };
}
