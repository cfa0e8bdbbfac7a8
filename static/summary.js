import { clock, seconds } from "./sentences.js";

/** Says under a call that has ended how it ended, how long it was, and how soon the answers came. */
export class Summary {
  #line;

  /** @param {HTMLElement} line */
  constructor(line) {
    this.#line = line;
  }

  /**
   * Answers to typed words are counted apart. They come sooner, because nobody has to find out that the caller is done.
   * @param {string} ended how the call ended, or ""
   * @param {number} lastedMs how long it was; 0 if it never began
   * @param {{spoken: number[], typed: number[]}} answersMs how long each answer took
   * @returns {string} what it says
   */
  show(ended, lastedMs, { spoken, typed }) {
    const length = lastedMs ? `The call lasted ${clock(lastedMs)}.` : "";
    this.#line.textContent = [ended, length, answers(spoken, ""), answers(typed, " to typed words")].filter(Boolean).join(" ");
    this.#line.hidden = false;
    return this.#line.textContent;
  }

  hide() {
    this.#line.hidden = true;
  }
}

/** @param {number[]} ms @param {string} kind */
function answers(ms, kind) {
  if (!ms.length) return "";
  return ms.length === 1 ? `One answer${kind}, in ${seconds(ms[0])}.` : `${ms.length} answers${kind}, typically in ${seconds(median(ms))}.`;
}

/** @param {number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
