import { duration } from "./sentences.js";

const STAGES = [
  ["endpoint_ms", "you were done"],
  ["transcript_ms", "your words were clear"],
  ["first_token_ms", "the model began"],
  ["first_clause_ms", "the voice began"],
  ["first_packet_ms", "the answer was sent"],
];
/** The page and the server hear the same pause, a network apart: figures further apart than this are not of one pause. */
const EARLIER_MS = 100;
const LATER_MS = 1_000;

/** How long the last answer took: one line, its stages on demand. */
export class Latency {
  #details;
  /** @type {Record<string, number | undefined> | null} */
  #metrics = null;
  /** @type {number | null} */
  #gapMs = null;
  /** Every answer's, by its number. @type {Map<number, number>} */
  #answers = new Map();

  /** @param {HTMLDetailsElement} details */
  constructor(details) {
    this.#details = details;
  }

  get answersMs() {
    return [...this.#answers.values()];
  }

  clear() {
    this.#answers.clear();
    this.#metrics = this.#gapMs = null;
    this.close();
    this.#details.hidden = true;
  }

  /** The person speaks again: what comes next is another answer. */
  next() {
    this.#metrics = this.#gapMs = null;
  }

  /** @param {Record<string, number>} metrics */
  metrics(metrics) {
    if (typeof metrics.first_packet_ms !== "number") return;
    this.#answers.set(metrics.reply, metrics.first_packet_ms);
    this.#metrics = metrics;
    this.#show();
  }

  /** @param {number} ms */
  gap(ms) {
    this.#gapMs = ms;
    this.#show();
  }

  /** @returns {boolean} whether the stages were open */
  close() {
    const open = this.#details.open;
    this.#details.open = false;
    return open;
  }

  #show() {
    const metrics = this.#metrics;
    if (!metrics) return;
    const total = metrics.first_packet_ms;
    const after = (this.#gapMs ?? NaN) - total;
    const heard = after >= -EARLIER_MS && after <= LATER_MS;
    const stages = STAGES.filter(([key]) => typeof metrics[key] === "number").map(([key, label]) => [label, metrics[key]]);
    if (heard) stages.push(["you heard it", this.#gapMs]);
    const longest = Math.max(...stages.map(([, ms]) => ms));
    this.#details.querySelector("summary").textContent =
      `answered in ${duration(total)}` + (heard ? ` · heard after ${duration(this.#gapMs)}` : "");
    this.#details.querySelector("dl").replaceChildren(...stages.flatMap(([label, ms]) => row(label, ms, ms / longest)));
    this.#details.hidden = false;
  }
}

/** @param {string} label @param {number} ms @param {number} share of the longest, 0 to 1 */
function row(label, ms, share) {
  const term = document.createElement("dt");
  const value = document.createElement("dd");
  term.textContent = label;
  value.textContent = duration(ms);
  value.style.setProperty("--share", String(Math.max(0, share)));
  return [term, value];
}
