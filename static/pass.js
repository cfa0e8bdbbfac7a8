import { CallError } from "./errors.js";
import { whoAnswers } from "./intro.js";

const TIMEOUT_MS = 8_000;

/**
 * The caller's token, where the server takes calls only with one. It comes with the page's address (`?token=…`), or from the
 * address that the server names (`token_url`). It is kept in memory only.
 */
export class Pass {
  #given;
  /** @type {Promise<import("./intro.js").Agent | null>} */
  #agent;
  #token = "";

  /**
   * @param {string} given the token of the page's address, or ""
   * @param {Promise<import("./intro.js").Agent | null>} agent what the server says of itself; null if it did not answer
   */
  constructor(given, agent) {
    this.#given = given;
    this.#agent = agent;
  }

  /** Get a token for a new call, if it needs one. @throws {CallError} token-needed, token-missing */
  async begin() {
    this.#token = this.#given;
    await this.renew();
  }

  /** Get a token to go on with a call, if there is none any more. @throws {CallError} token-needed, token-missing */
  async renew() {
    if (this.#token) return;
    this.#agent = Promise.resolve((await this.#agent) ?? (await whoAnswers()));
    const { access, token_url: url } = (await this.#agent) ?? {};
    if (access !== "token") return;
    if (!url) throw new CallError("token-needed");
    this.#token = await fetchToken(url);
  }

  /** The server has refused the token. Another one is fetched for the next request, if there is an address for it. */
  refused() {
    this.#agent.then((agent) => agent?.token_url && (this.#token = this.#given = ""));
  }

  /** The headers that let a request in. @returns {Record<string, string>} */
  get headers() {
    return this.#token ? { authorization: `Bearer ${this.#token}` } : {};
  }

  /** The subprotocols that let a WebSocket in. @returns {string[]} */
  get protocols() {
    return this.#token ? ["antiphon", `bearer.${this.#token}`] : [];
  }
}

/** Read the token in the page's address, and remove it there: addresses are copied, sent and remembered. */
export function takeToken() {
  const url = new URL(location.href);
  const token = url.searchParams.get("token") ?? "";
  if (url.searchParams.has("token")) {
    url.searchParams.delete("token");
    history.replaceState(history.state, "", url);
  }
  return token;
}

/** @param {string} url @returns {Promise<string>} @throws {CallError} token-missing */
async function fetchToken(url) {
  try {
    const signal = AbortSignal.timeout?.(TIMEOUT_MS); // Safari 15 does not have it.
    const response = await fetch(url, { method: "POST", credentials: "omit", cache: "no-store", signal });
    const { token } = response.ok ? await response.json() : {};
    if (token && typeof token === "string") return token;
  } catch (error) {
    throw new CallError("token-missing", "", error);
  }
  throw new CallError("token-missing");
}
