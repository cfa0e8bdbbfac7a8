import { duration, seconds } from "./sentences.js";

const STAGES = [
  ["endpoint_ms", "you were done"],
  ["transcript_ms", "your words were understood"],
  ["first_token_ms", "the model began"],
  ["first_clause_ms", "the voice began"],
  ["first_packet_ms", "the answer was sent"],
];

/** Shows how long the last answer took: one figure for people, and its stages when the caller opens it. */
export class Latency {
  #details;
  /** All answers so far, oldest first. @type {{reply: number, ms: number, typed: boolean}[]} */
  #answers = [];

  /** @param {HTMLDetailsElement} details */
  constructor(details) {
    this.#details = details;
  }

  /** How long each answer took, those to spoken words apart from those to typed ones. @returns {Record<"spoken" | "typed", number[]>} */
  get answersMs() {
    const those = (/** @type {boolean} */ typed) => this.#answers.filter((answer) => answer.typed === typed).map(({ ms }) => ms);
    return { spoken: those(false), typed: those(true) };
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
  show({ reply, metrics, gapMs, typed }) {
    const total = gapMs ?? metrics.first_packet_ms;
    if (this.#answers.at(-1)?.reply === reply) this.#answers.pop();
    this.#answers.push({ reply, ms: total, typed });
    const stages = STAGES.filter(([key]) => typeof metrics[key] === "number").map(([key, label]) => [label, metrics[key]]);
    if (gapMs !== null) stages.push(["you heard it", gapMs]);
    const longest = Math.max(...stages.map(([, ms]) => ms));
    this.#details.querySelector("summary").textContent = `answered in ${seconds(total)}`;
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
