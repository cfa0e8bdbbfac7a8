import { h } from "./dom.js";
import { iso, length, seconds, wayIn, when } from "./format.js";
import { recording } from "./recording.js";
import { Spoken } from "./spoken.js";
import { Track } from "./track.js";

/** One conversation that is kept: both sides on a timeline, its sound, its tools, and how each answer came about. */
export class ConversationView {
  #api;
  #id;
  #list;
  #stop = new AbortController();
  /** @type {import("./recording.js").Part[]} */
  #parts = [];
  #part = -1;
  #audio = h("audio", { controls: true, hidden: true, preload: "none" });
  #problem = h("p", { class: "problem", role: "alert" });
  #body = h("div", {}, h("p", { class: "empty", role: "status" }, "Loading…"));
  /** @type {Spoken | null} */
  #spoken = null;
  /** @type {Track | null} */
  #track = null;
  title = "Conversation";
  element;

  /** @param {import("./api.js").Api} api @param {string} id @param {string} list the address of the list that the operator came from */
  constructor(api, id, list) {
    this.#api = api;
    this.#id = id;
    this.#list = list;
    this.element = h("article", { class: "conversation" }, h("p", {}, h("a", { href: list, class: "back" }, "← Conversations")), this.#problem, this.#body);
    this.#audio.addEventListener("timeupdate", () => this.#onTime());
    this.#audio.addEventListener("ended", () => this.#part + 1 < this.#parts.length && this.#play(this.#parts[this.#part + 1].startMs));
    this.#load();
  }

  close() {
    this.#stop.abort();
    this.#audio.pause();
    for (const { url } of this.#parts) URL.revokeObjectURL(url);
  }

  /** @param {string} key */
  key(key) {
    if (key === "Escape") location.hash = this.#list;
    else if (key === " " && this.#parts.length) this.#audio.paused ? this.#resume() : this.#audio.pause();
    else return this.#spoken?.key(key) ?? false;
    return true;
  }

  get #path() {
    return `/api/conversations/${encodeURIComponent(this.#id)}`;
  }

  async #load() {
    try {
      const [conversation, server] = await Promise.all([this.#path, "/console/server"].map((path) => this.#api.get(path, {}, this.#stop.signal)));
      this.#show(conversation, traceUrl(server, conversation));
      this.#parts = await recording(this.#api, this.#id, conversation.created_ms, this.#stop.signal);
      if (this.#parts.length) this.#hear();
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#problem.textContent = /** @type {Error} */ (error).message;
      if (!this.#track) this.#body.replaceChildren();
    }
  }

  /** @param {any} conversation @param {string} trace the address of its trace; "" if there is none */
  #show(conversation, trace) {
    this.#spoken = new Spoken(conversation, (ms) => this.#play(ms));
    const said = conversation.exchanges.flatMap((/** @type {any} */ exchange) => exchange.said);
    this.#track = new Track(said, marks(conversation), (ms) => {
      this.#spoken?.show(ms, true);
      this.#play(ms);
    });
    this.#body.replaceChildren(
      h("h1", {}, conversation.agent || "A conversation"), about(conversation), this.#actions(trace),
      said.length ? this.#track.element : "", this.#audio,
      said.length ? this.#spoken.element : h("p", { class: "empty" }, "Nothing was said."));
  }

  /** @param {string} trace */
  #actions(trace) {
    const save = (/** @type {string} */ name, /** @type {string} */ path, /** @type {string} */ file) =>
      h("button", { type: "button", onclick: () => this.#save(path, file) }, name);
    return h("div", { class: "actions" },
      save("JSON", `${this.#path}/export?format=json`, `${this.#id}.json`), save("WebVTT", `${this.#path}/export?format=vtt`, `${this.#id}.vtt`),
      h("button", { type: "button", id: "save-sound", hidden: true, onclick: () => this.#saveSound() }, "Sound"),
      trace && h("a", { class: "button", href: trace, rel: "noopener", target: "_blank" }, "Trace"),
      h("button", { type: "button", class: "danger", onclick: () => this.#delete() }, "Delete"));
  }

  #hear() {
    this.#track?.hear(this.#parts);
    this.#audio.hidden = false;
    this.element.querySelector("#save-sound").hidden = false;
    this.#choose(0);
  }

  /** Take this part of the recording into the player. @param {number} part */
  #choose(part) {
    if (part === this.#part) return;
    this.#part = part;
    this.#audio.src = this.#parts[part].url;
  }

  /** Play from a moment of the conversation. @param {number} ms */
  #play(ms) {
    if (!this.#parts.length) return;
    const part = this.#parts.findLastIndex(({ startMs }) => startMs <= ms);
    this.#choose(Math.max(0, part));
    this.#audio.currentTime = Math.max(0, ms - this.#parts[this.#part].startMs) / 1000;
    this.#resume();
  }

  #resume() {
    this.#audio.play().catch((/** @type {Error} */ error) => {
      if (error.name !== "AbortError") this.#problem.textContent = "The browser does not play this sound. Save it instead.";
    });
  }

  #onTime() {
    const ms = this.#parts[this.#part].startMs + this.#audio.currentTime * 1000;
    this.#track?.play(ms);
    this.#spoken?.show(ms, false);
  }

  /** @param {string} path @param {string} name */
  async #save(path, name) {
    try {
      const url = URL.createObjectURL(await (await this.#api.file(path, this.#stop.signal)).blob());
      download(url, name);
      URL.revokeObjectURL(url);
    } catch (error) {
      this.#problem.textContent = /** @type {Error} */ (error).message;
    }
  }

  #saveSound() {
    this.#parts.forEach(({ url }, index) => download(url, `${this.#id}.${index + 1}.opus`));
  }

  async #delete() {
    if (!confirm("Delete the words and the sound of this conversation for ever?")) return;
    try {
      await this.#api.remove(this.#path);
      location.hash = this.#list;
    } catch (error) {
      this.#problem.textContent = /** @type {Error} */ (error).message;
    }
  }
}

/** The address of the trace of a conversation. @param {any} server @param {any} conversation */
function traceUrl({ trace_url }, { traceparent }) {
  const traceId = (traceparent ?? "").split("-")[1];
  return trace_url && traceId ? trace_url.replaceAll("{trace_id}", traceId) : "";
}

/** @param {string} url @param {string} name */
function download(url, name) {
  h("a", { href: url, download: name }).click();
}

/** @param {any} conversation */
function about({ id, created_ms, ended_ms, caller, transport, end_reason, exchanges }) {
  const gaps = exchanges.map((/** @type {any} */ { figures }) => figures?.gap_ms ?? figures?.first_packet_ms).filter((/** @type {any} */ gap) => gap !== undefined);
  const slowest = gaps.length ? [["Slowest answer", seconds(Math.max(...gaps))]] : [];
  const facts = [["Began", h("time", { datetime: iso(created_ms) }, when(created_ms))],
    ["Lasted", ended_ms === null ? "not ended" : length(ended_ms - created_ms)], ["Caller", caller || "not known by name"], ["Way in", wayIn(transport)],
    ["Exchanges", exchanges.length], ...slowest, ...(end_reason ? [["Ended by", end_reason.replaceAll("_", " ")]] : []), ["Id", h("code", {}, id)]];
  return h("dl", { class: "about" }, ...facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** What the timeline marks. @param {any} conversation @returns {{ms: number, kind: string, title: string}[]} */
function marks({ exchanges }) {
  const found = [];
  for (const { said, figures } of exchanges) {
    const last = said.at(-1);
    if (!last) continue;
    for (const each of said) if (each.interrupted) found.push({ ms: each.end_ms, kind: "cut", title: "The caller interrupted" });
    for (const each of said) if (each.tools?.length) found.push({ ms: each.start_ms, kind: "tool", title: each.tools.map((/** @type {any} */ tool) => tool.name).join(", ") });
    for (const { stage, sentence } of figures?.failures ?? []) found.push({ ms: last.start_ms, kind: "failure", title: `${stage}: ${sentence}` });
    for (const ms of figures?.resumed_ms ?? []) found.push({ ms, kind: "resumed", title: "The agent went on after a sound that was no interruption" });
  }
  return found;
}
