/** The card that says what went wrong, with a button for what the caller can do about it. */
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

  /**
   * @param {{title: string, text?: string}} words
   * @param {string} [remedy] the button's label; "" for no button
   * @param {() => void} [then] what the button does
   */
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

  /** Hide it, unless there is something that the caller can do about it. */
  pass() {
    if (!this.hasRemedy) this.hide();
  }

  get hasRemedy() {
    return !this.#remedy.hidden;
  }
}
