import { CallError } from "./errors.js";

const OFFER_URL = "api/offer";
const TIMEOUT_MS = 8_000;
const CODES = { 404: "gone", 429: "limit", 503: "limit" };
const BATCH_MS = 50; // How long a candidate waits for others, to be sent with them in one request.
const BATCH = 32; // How many candidates the server takes in one request.

/** The signaling of one connection over HTTP: the offer, the candidates that are found after it, and the end. */
export class Signaling {
  #pass;
  /** @type {string | null} */
  #pcId = null;
  /** @type {{candidate: string, sdp_mid: string, sdp_mline_index: number}[]} */
  #found = [];
  #timer = 0;
  #closed = false;
  #ended = false;

  /** @param {import("./pass.js").Pass} pass */
  constructor(pass) {
    this.#pass = pass;
  }

  /** @returns {string | null} the name of the call in requests; null until there is an answer */
  get pcId() {
    return this.#pcId;
  }

  /**
   * Post the offer at once, without waiting for candidates.
   * @param {string} sdp
   * @param {import("./call.js").Ticket | null} ticket of the conversation to go on with; null for a new one
   * @returns {Promise<string>} the answer's SDP
   * @throws {CallError} limit, refused, gone, unreachable
   */
  async offer(sdp, ticket) {
    const answer = await this.#post({ sdp, type: "offer", ...continuation(ticket) });
    this.#pcId = answer.pc_id;
    if (this.#ended) endCall(this.#pcId, this.#pass);
    if (!this.#closed) this.#send();
    return answer.sdp;
  }

  /**
   * Send a candidate of this client. It waits for the answer, and is then sent together with others.
   * @param {RTCIceCandidate | null} candidate null says that there are no more
   */
  add(candidate) {
    this.#found.push({
      candidate: candidate?.candidate ?? "",
      sdp_mid: candidate?.sdpMid ?? "0",
      sdp_mline_index: candidate?.sdpMLineIndex ?? 0,
    });
    if (this.#pcId && !this.#timer && !this.#closed) this.#timer = setTimeout(() => this.#send(), BATCH_MS);
  }

  /** Send nothing more. The call itself may go on over another connection. */
  close() {
    clearTimeout(this.#timer);
    this.#closed = true;
  }

  /** End the call at the server, as soon as the server has answered. */
  end() {
    this.close();
    this.#ended = true;
    if (this.#pcId) endCall(this.#pcId, this.#pass);
  }

  /** @param {object} body */
  async #post(body) {
    await this.#pass.renew();
    let response;
    try {
      response = await fetch(OFFER_URL, this.#request("POST", body));
      if (response.ok) return await response.json();
    } catch (error) {
      throw new CallError("unreachable", "", error);
    }
    if (response.status === 401) this.#pass.refused();
    const said = (await response.json().catch(() => null))?.error?.message;
    throw new CallError(CODES[response.status] ?? "refused", typeof said === "string" ? said : "");
  }

  /**
   * Send the candidates that wait. A batch that does not arrive is no failure: the connection's own state shows whether it
   * works.
   */
  #send() {
    this.#timer = 0;
    while (this.#found.length) {
      const candidates = this.#found.splice(0, BATCH);
      fetch(OFFER_URL, this.#request("PATCH", { pc_id: this.#pcId, candidates })).catch(() => {});
    }
  }

  /**
   * @param {string} method
   * @param {object} body
   * @returns {RequestInit}
   */
  #request(method, body) {
    return {
      method,
      headers: { "content-type": "application/json", ...this.#pass.headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout?.(TIMEOUT_MS), // Safari 15 does not have it.
    };
  }
}

/**
 * End a call at the server. The request goes on even if the page is closed.
 * @param {string} pcId
 * @param {import("./pass.js").Pass} pass
 */
export function endCall(pcId, pass) {
  const how = { method: "DELETE", headers: pass.headers, keepalive: true };
  fetch(`${OFFER_URL}?pc_id=${encodeURIComponent(pcId)}`, how).catch(() => {});
}

/**
 * What an offer needs to go on with a call: the call's name, if it is live, and the token, if it has lost its connection. The
 * server uses what is valid.
 * @param {import("./call.js").Ticket | null} ticket
 */
function continuation(ticket) {
  if (!ticket) return {};
  const { pcId, sessionId, resume } = ticket;
  return { ...(pcId && { pc_id: pcId }), requestData: { session_id: sessionId, resume } };
}
