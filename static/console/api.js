import { eventStream } from "./event_stream.js";

const TIMEOUT_MS = 15_000;
const KEPT = "antiphon.console.token";

/** A request that failed, with a sentence for the operator. `status` is 0 if the server did not answer. */
export class Failed extends Error {
  /** @param {string} sentence @param {number} status */
  constructor(sentence, status) {
    super(sentence);
    this.status = status;
  }
}

/** What operators may ask the server. The token is kept for this tab only. */
export class Api {
  #token = sessionStorage.getItem(KEPT) ?? "";
  /** Called when the server does not take the token. */
  onRefused = () => {};

  get known() {
    return this.#token !== "";
  }

  /** @param {string} token "" forgets it */
  use(token) {
    this.#token = token;
    if (token) sessionStorage.setItem(KEPT, token);
    else sessionStorage.removeItem(KEPT);
  }

  /** @param {string} path @param {Record<string, any>} [query] empty values are left out @param {AbortSignal} [signal] */
  async get(path, query = {}, signal = undefined) {
    return (await this.#ask(address(path, query), {}, signal)).json();
  }

  /** @param {string} path @param {object} body */
  async post(path, body) {
    const headers = { "content-type": "application/json" };
    return (await this.#ask(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
  }

  /** @param {string} path */
  async remove(path) {
    return (await this.#ask(path, { method: "DELETE" })).json();
  }

  /** @param {string} path @returns {Promise<string>} */
  async text(path) {
    return (await this.#ask(path)).text();
  }

  /** The whole response, such as a file. @param {string} path @param {AbortSignal} signal */
  file(path, signal) {
    return this.#ask(path, {}, signal);
  }

  /** Follow server-sent events until the signal says stop. @param {string} path @param {AbortSignal} signal */
  async *events(path, signal) {
    const response = await this.#ask(path, {}, signal);
    if (response.body) yield* eventStream(response.body);
  }

  /** @param {string} path @param {RequestInit} [init] @param {AbortSignal} [signal] replaces the usual time limit */
  async #ask(path, init = {}, signal = AbortSignal.timeout(TIMEOUT_MS)) {
    const headers = { ...init.headers, authorization: `Bearer ${this.#token}` };
    let response;
    try {
      response = await fetch(path, { ...init, headers, signal, cache: "no-store" });
    } catch (error) {
      if (/** @type {Error} */ (error).name === "AbortError") throw error;
      throw new Failed("The server does not answer.", 0);
    }
    if (response.ok) return response;
    if (response.status === 401) this.onRefused();
    throw new Failed(await reason(response), response.status);
  }
}

/** @param {string} path @param {Record<string, any>} query */
export function address(path, query) {
  const entries = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return entries.length ? `${path}?${new URLSearchParams(entries.map(([name, value]) => [name, String(value)]))}` : path;
}

/** The sentence in a refusal. @param {Response} response */
async function reason(response) {
  try {
    const { error } = await response.json();
    if (typeof error?.message === "string") return error.message;
  } catch {
    // It has no sentence for us.
  }
  return `The server refused this (${response.status}).`;
}
