import { h } from "./dom.js";
import { length } from "./format.js";
import { waterfall } from "./waterfall.js";

/** What both sides of a conversation said, with the tools that ran, and the figures of each answer. */
export class Spoken {
  #onPlay;
  /** @type {{startMs: number, element: HTMLElement}[]} */
  #lines = [];
  #at = -1;
  element = h("ol", { class: "spoken" });

  /** @param {any} conversation @param {(ms: number) => void} onPlay plays the sound from a moment */
  constructor(conversation, onPlay) {
    this.#onPlay = onPlay;
    for (const exchange of conversation.exchanges) {
      const figures = exchange.figures && waterfall(exchange.figures);
      const last = exchange.said.at(-1);
      for (const said of exchange.said) this.#add(said, conversation.agent, said === last ? exchange.figures : null, said === last ? figures : null);
    }
  }

  /** @param {string} key @returns {boolean} whether it was one of ours */
  key(key) {
    if (key !== "j" && key !== "k") return false;
    const focused = this.#lines.findIndex(({ element }) => element.contains(document.activeElement));
    const at = Math.max(0, Math.min(this.#lines.length - 1, (focused >= 0 ? focused : this.#at) + (key === "j" ? 1 : -1)));
    this.#lines[at]?.element.querySelector("button")?.focus();
    return true;
  }

  /** Mark what is said at this moment. @param {number} ms @param {boolean} scroll bring it into view */
  show(ms, scroll) {
    const at = this.#lines.findLastIndex(({ startMs }) => startMs <= ms + 50);
    if (at === this.#at && !scroll) return;
    this.#lines[this.#at]?.element.removeAttribute("aria-current");
    this.#at = at;
    this.#lines[at]?.element.setAttribute("aria-current", "true");
    if (scroll) this.#lines[at]?.element.scrollIntoView({ block: "center", behavior: "smooth" });
  }

  /** @param {any} said @param {string} agent @param {any} figures @param {HTMLElement | null} shown */
  #add(said, agent, figures, shown) {
    const who = said.who === "caller" ? "Caller" : said.name || agent || "Agent";
    const element = h("li", { class: said.who },
      h("button", { type: "button", class: "moment", title: "Play from here", onclick: () => this.#onPlay(said.start_ms) }, length(said.start_ms)),
      h("div", { class: "said" }, h("span", { class: "who" }, who),
        h("span", { class: "words", dir: "auto" }, said.text || (said.tools?.length ? "" : "(nothing was heard)")),
        said.interrupted && h("span", { class: "badge" }, "interrupted"),
        figures?.resumed > 0 && h("span", { class: "badge" }, figures.resumed === 1 ? "went on after a sound" : `went on after ${figures.resumed} sounds`),
        ...(said.tools ?? []).map(tool),
        ...(figures?.failures ?? []).map((/** @type {any} */ { stage, sentence }) => h("p", { class: "failed" }, `${stage} failed: ${sentence}`)),
        shown));
    this.#lines.push({ startMs: said.start_ms, element });
    this.element.append(element);
  }
}

/** @param {{name: string, arguments: string, result: string}} use */
function tool({ name, arguments: given, result }) {
  return h("details", { class: "tool" }, h("summary", {}, name), h("dl", {},
    h("dt", {}, "Arguments"), h("dd", {}, h("pre", {}, pretty(given))), h("dt", {}, "Result"), h("dd", {}, h("pre", {}, pretty(result)))));
}

/** @param {string} text JSON or not */
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
