import { h } from "./dom.js";
import { counted, iso, length, seconds, wayIn, when } from "./format.js";
import { Rows } from "./rows.js";

const LIMIT = 50;
const PERIODS = { "": "any time", "24h": "the last day", "7d": "the last week", "30d": "the last month" };
const WAYS = { "": "any way in", webrtc: "WebRTC", websocket: "WebSocket", sip: "SIP", telephone: "telephone" };
const ORDERS = { newest: "newest first", slowest: "slowest answers first" };
const FAILURES = { "": "all calls", any: "any failure", model: "the model", agent: "the agent", tool: "a tool", "speech-to-text": "speech-to-text", "text-to-speech": "text-to-speech", server: "the server" };

/** The conversations that are kept: a search, and its results. The search is in the address, so it can be sent to others. */
export class ConversationsView {
  #api;
  #query;
  #found = h("tbody");
  #rows = new Rows(this.#found);
  #more = h("button", { type: "button", class: "more", hidden: true, onclick: () => this.#load() }, "Show more");
  #state = h("p", { class: "empty", role: "status" });
  #next = "";
  #count = 0;
  #stop = new AbortController();
  title = "Conversations";
  element;

  /** @param {import("./api.js").Api} api @param {URLSearchParams} query */
  constructor(api, query) {
    this.#api = api;
    this.#query = query;
    const heads = ["When", "Agent", "Caller", "Way in", "Length", "Exchanges", "Answers, median", "Slowest", "Remarks"];
    this.element = h("div", { class: "conversations" }, h("h1", {}, "Conversations"), this.#form(),
      h("table", { class: "calls" }, h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", { scope: "col" }, head)))), this.#found),
      this.#state, this.#more);
    this.#load();
  }

  close() {
    this.#stop.abort();
  }

  /** @param {string} key */
  key(key) {
    if (key === "/") {
      this.element.querySelector("input")?.focus();
      return true;
    }
    return this.#rows.key(key);
  }

  #form() {
    const text = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ type = "text") =>
      h("label", {}, h("span", {}, label), h("input", { name, type, maxlength: "100", autocomplete: "off", value: this.#query.get(name) ?? "" }));
    const choice = (/** @type {string} */ name, /** @type {string} */ label, /** @type {Record<string, string>} */ usual) => {
      const wanted = this.#query.get(name) ?? Object.keys(usual)[0];
      const options = wanted in usual ? usual : { ...usual, [wanted]: wanted }; // an address may ask for more than we offer
      return h("label", {}, h("span", {}, label), h("select", { name, onchange: () => form.requestSubmit() }, ...Object.entries(options).map(([value, shown]) =>
        h("option", { value, selected: value === wanted }, shown))));
    };
    const form = h("form", { class: "search", role: "search", onsubmit: (/** @type {SubmitEvent} */ event) => this.#search(event) },
      text("word", "Words that were said", "search"), text("agent", "Agent"), text("caller", "Caller"), text("tool", "Tool"),
      choice("failure", "Failure", FAILURES), choice("transport", "Way in", WAYS), choice("since", "When", PERIODS), choice("sort", "Order", ORDERS),
      h("label", {}, h("span", {}, "Before"), h("input", { name: "until", type: "datetime-local", value: local(this.#query.get("until")) })),
      h("button", { type: "submit", class: "main" }, "Search"));
    return form;
  }

  /** @param {SubmitEvent} event */
  #search(event) {
    event.preventDefault();
    const wanted = new URLSearchParams();
    for (const [name, value] of new FormData(/** @type {HTMLFormElement} */ (event.target))) {
      const text = String(value).trim();
      if (text && text !== "newest") wanted.set(name, name === "until" ? new Date(text).toISOString() : text);
    }
    const hash = `#/conversations${wanted.size ? `?${wanted}` : ""}`;
    if (hash !== location.hash) location.hash = hash;
  }

  async #load() {
    this.#more.disabled = true;
    if (!this.#count) this.#state.textContent = "Looking…";
    try {
      const query = { ...Object.fromEntries(this.#query), limit: LIMIT, before: this.#next };
      const { conversations, next } = await this.#api.get("/api/conversations", query, this.#stop.signal);
      this.#found.append(...conversations.map((/** @type {any} */ each) => this.#row(each)));
      this.#count += conversations.length;
      this.#next = next ?? "";
      const more = next ? (conversations.length ? "" : " The search has looked at a part of them; go on to look at older ones.") : "";
      this.#state.textContent = this.#count ? (next ? "" : `${counted(this.#count, "conversation")}.`) : `No conversation is like this.${more}`;
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#state.textContent = /** @type {Error} */ (error).message;
    }
    this.#found.closest("table").hidden = this.#count === 0;
    this.#more.hidden = !this.#next;
    this.#more.disabled = false;
  }

  /** @param {any} call */
  #row(call) {
    const remarks = [
      ...(call.failures ?? []).map((/** @type {string} */ stage) => h("span", { class: "badge bad" }, `${stage} failed`)),
      call.interruptions > 0 && h("span", { class: "badge" }, counted(call.interruptions, "interruption")),
      call.false_starts > 0 && h("span", { class: "badge" }, counted(call.false_starts, "false start")),
      ...(call.tools ?? []).map((/** @type {string} */ tool) => h("span", { class: "badge ran" }, tool)),
    ];
    const lasted = call.ended_ms === null ? "not ended" : length(call.ended_ms - call.created_ms);
    return h("tr", {},
      h("td", { "data-head": "When" }, h("a", { href: `#/conversations/${encodeURIComponent(call.id)}` }, h("time", { datetime: iso(call.created_ms) }, when(call.created_ms)))),
      h("td", { "data-head": "Agent" }, call.agents?.length ? call.agents.join(", ") : call.agent),
      h("td", { "data-head": "Caller" }, call.caller || "–"),
      h("td", { "data-head": "Way in", class: "word" }, wayIn(call.transport)),
      h("td", { "data-head": "Length", class: "number" }, lasted),
      h("td", { "data-head": "Exchanges", class: "number" }, call.exchanges),
      h("td", { "data-head": "Answers, median", class: "number" }, seconds(call.gap_p50_ms)),
      h("td", { "data-head": "Slowest", class: "number" }, seconds(call.gap_max_ms)),
      h("td", { "data-head": "Remarks", class: "marks" }, ...remarks));
  }
}

/** A moment as an input for local time has it. @param {string | null} moment in ISO 8601, with a zone @returns {string} "" if it is none */
function local(moment) {
  const at = new Date(moment ?? "");
  return Number.isNaN(at.getTime()) ? "" : new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
