import { duration } from "./sentences.js";

const STAGES = [
  ["endpoint_ms", "you were done"],
  ["transcript_ms", "your words were understood"],
  ["first_token_ms", "the model began"],
  ["first_clause_ms", "the voice began"],
  ["first_packet_ms", "the answer was sent"],
];

/** Shows how long the last answer took: one line, and its stages when the caller opens it. */
export class Latency {
  #details;
  /** All answers so far, oldest first. @type {{reply: number, ms: number}[]} */
  #answers = [];

  /** @param {HTMLDetailsElement} details */
  constructor(details) {
    this.#details = details;
  }

  get answersMs() {
    return this.#answers.map(({ ms }) => ms);
  }

  clear() {
    this.#answers = [];
    this.close();
    this.#details.hidden = true;
  }

  /**
   * Show the figures of an answer. It may be called again for the same answer when more is known.
   * @param {import("./exchange.js").Figures} figures
   */
  show({ reply, metrics, gapMs }) {
    const total = metrics.first_packet_ms;
    if (this.#answers.at(-1)?.reply === reply) this.#answers.pop();
    this.#answers.push({ reply, ms: total });
    const stages = STAGES.filter(([key]) => typeof metrics[key] === "number").map(([key, label]) => [label, metrics[key]]);
    if (gapMs !== null) stages.push(["you heard it", gapMs]);
    const longest = Math.max(...stages.map(([, ms]) => ms));
    this.#details.querySelector("summary").textContent =
      `answered in ${duration(total)}` + (gapMs === null ? "" : ` · heard after ${duration(gapMs)}`);
    this.#details.querySelector("dl").replaceChildren(...stages.flatMap(([label, ms]) => row(label, ms, ms / longest)));
    this.#details.hidden = false;
  }

  /** Close the stages. @returns {boolean} whether they were open */
  close() {
    const open = this.#details.open;
    this.#details.open = false;
    return open;
  }
}

/** One stage. @param {string} label @param {number} ms @param {number} share of the longest stage, 0 to 1 */
function row(label, ms, share) {
  const term = document.createElement("dt");
  const value = document.createElement("dd");
  term.textContent = label;
  value.textContent = duration(ms);
  value.style.setProperty("--share", String(Math.max(0, share)));
  return [term, value];
}
