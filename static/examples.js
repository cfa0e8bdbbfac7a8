/** The sentences that a caller can tap instead of saying them. A sentence that was asked is not offered again in that call. */
export class Examples {
  #area;
  #ask;

  /** @param {HTMLElement} area with a list @param {(sentence: string) => void} ask is called when a sentence is tapped */
  constructor(area, ask) {
    this.#area = area;
    this.#ask = ask;
  }

  /** @param {string[]} sentences */
  show(sentences) {
    this.#area.querySelector("ul").replaceChildren(...sentences.map((sentence) => this.#item(sentence)));
    this.renew();
  }

  /** Offer every sentence again, for a new call. */
  renew() {
    for (const item of this.#items) item.hidden = false;
    this.#area.hidden = !this.#items.length;
  }

  /** Do not offer this sentence any more, however it was written. @param {string} sentence */
  asked(sentence) {
    for (const item of this.#items) if (letters(item.textContent) === letters(sentence)) item.hidden = true;
    this.#area.hidden = this.#items.every((item) => item.hidden);
  }

  /** @returns {HTMLElement[]} */
  get #items() {
    return [...this.#area.querySelectorAll("li")];
  }

  /** @param {string} sentence */
  #item(sentence) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.dir = "auto";
    button.textContent = sentence;
    button.onclick = () => this.#ask(sentence);
    item.append(button);
    return item;
  }
}

/** @param {string} text */
function letters(text) {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}
