/** The card that says what is wrong, and what can be done about it. */
export class Notice {
  #card;
  #remedy;
  #then = () => {};

  /** @param {HTMLElement} card */
  constructor(card) {
    this.#card = card;
    this.#remedy = card.querySelector("button");
    this.#remedy.onclick = () => this.#then();
  }

  /** @param {{title: string, text?: string}} words @param {string} [remedy] what the button says @param {() => void} [then] */
  show({ title, text = "" }, remedy = "", then = () => {}) {
    this.#card.querySelector(".title").textContent = title;
    this.#card.querySelector(".text").textContent = text;
    this.#remedy.textContent = remedy;
    this.#remedy.hidden = !remedy;
    this.#card.hidden = false;
    this.#then = then;
  }

  hide() {
    this.show({ title: "" });
    this.#card.hidden = true;
  }

  get hasRemedy() {
    return !this.#remedy.hidden;
  }
}
