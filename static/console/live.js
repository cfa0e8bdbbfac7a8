import { h } from "./dom.js";
import { FollowedCall } from "./followed_call.js";
import { length, millis, percent, seconds, wayIn } from "./format.js";
import { Health } from "./health.js";
import { Polling } from "./polling.js";
import { Rows } from "./rows.js";

const EVERY_MS = 2_000;
const STATES = { listening: "listens", hearing: "caller speaks", thinking: "thinks", speaking: "agent speaks", overlap: "both speak", closed: "is over" };

/** The calls that live now. */
export class LiveView {
  #api;
  #health;
  #polling;
  #now = h("tbody");
  #rows = new Rows(this.#now);
  #none = h("p", { class: "empty" }, "Nobody calls at present.");
  #problem = h("p", { class: "problem", role: "alert" });
  #panel = h("div");
  /** @type {FollowedCall | null} */
  #followed = null;
  title = "Live";
  element;

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.#api = api;
    this.#health = new Health(api);
    const heads = ["State", "Agent", "Caller", "Way in", "Lasts", "Last answer", "Loss", "Round trip"];
    this.element = h("div", { class: "live" }, h("h1", {}, "Live"), this.#health.element, this.#problem, this.#panel,
      h("table", { class: "calls" }, h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", { scope: "col" }, head)))), this.#now),
      this.#none);
    this.#polling = new Polling(() => this.#look(), EVERY_MS);
  }

  close() {
    this.#polling.stop();
    this.#health.close();
    this.#followed?.close();
  }

  /** @param {string} key */
  key(key) {
    if (key === "Escape" && this.#followed) {
      this.#follow(null);
      return true;
    }
    return this.#rows.key(key);
  }

  async #look() {
    try {
      const { calls } = await this.#api.get("/api/calls");
      this.#problem.textContent = "";
      this.#show(calls);
    } catch (error) {
      this.#problem.textContent = /** @type {Error} */ (error).message;
    }
  }

  /** @param {any[]} calls */
  #show(calls) {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.id;
    this.#none.hidden = calls.length > 0;
    this.#now.closest("table").hidden = calls.length === 0;
    this.#now.replaceChildren(...calls.map((call) => this.#row(call)));
    if (focused) this.#now.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
    const same = calls.find(({ id }) => id === this.#followed?.id);
    if (same) this.#followed?.update(same);
  }

  /** @param {any} call */
  #row(call) {
    const state = call.transport === null ? "waits for its caller" : (STATES[call.state] ?? call.state);
    const open = h("button", { type: "button", class: "row", "data-id": call.id, onclick: () => this.#follow(call) }, call.agent || "Agent");
    return h("tr", { "data-state": call.transport === null ? "away" : call.state },
      h("td", { "data-head": "State", class: "state" }, h("span", { class: "dot", "aria-hidden": "true" }), state, call.muted && " (muted)"),
      h("td", { "data-head": "Agent" }, open),
      h("td", { "data-head": "Caller" }, call.caller || "–"),
      h("td", { "data-head": "Way in", class: "word" }, wayIn(call.transport)),
      h("td", { "data-head": "Lasts", class: "number" }, length(Date.now() - call.since_ms)),
      h("td", { "data-head": "Last answer", class: "number" }, seconds(call.waited_ms)),
      h("td", { "data-head": "Loss", class: "number" }, percent(call.lost_percent === null ? null : call.lost_percent / 100)),
      h("td", { "data-head": "Round trip", class: "number" }, millis(call.round_trip_ms)));
  }

  /** @param {any} call null: no one */
  #follow(call) {
    const before = this.#followed?.id;
    this.#followed?.close();
    this.#followed = call && new FollowedCall(this.#api, call, () => this.#follow(null));
    this.#panel.replaceChildren(...(this.#followed ? [this.#followed.element] : []));
    if (this.#followed) this.#followed.element.querySelector("input")?.focus();
    else if (before) this.#now.querySelector(`[data-id="${CSS.escape(before)}"]`)?.focus();
  }
}
