import { h } from "./dom.js";

const NEAR_END_PX = 40;

/** What both sides of a live call say, as it comes. The newest line stays in view, unless the operator has scrolled back. */
export class Transcript {
  /** @type {Map<string, HTMLElement>} */
  #lines = new Map();
  element = h("div", { class: "transcript", role: "log", "aria-live": "off", "aria-label": "What is said", tabindex: "0" });

  /** Take a message of the call. @param {{type: string, data: any}} event */
  take({ type, data }) {
    if (type === "transcription") this.#write(`caller ${data.utterance}`, "caller", data.text, data.final);
    else if (type === "response") {
      const marks = [...(data.tools ?? []), ...(data.interrupted ? ["interrupted"] : [])];
      this.#write(`agent ${data.reply}`, "agent", data.text, data.final, marks);
    } else if (type === "error") this.note(data.message);
    else if (type === "agent") this.note(`${data.agent} answers from here on.`);
  }

  /** Write something that nobody said. @param {string} text */
  note(text) {
    this.#keepInView(() => this.element.append(h("p", { class: "note" }, text)));
  }

  /** @param {string} key @param {"caller" | "agent"} who @param {string} text @param {boolean} final @param {string[]} [marks] */
  #write(key, who, text, final, marks = []) {
    const line = this.#lines.get(key);
    if (!text && final) return line?.remove();
    if (!text && !marks.length) return;
    const words = [
      h("span", { class: "who" }, who === "caller" ? "Caller" : "Agent"),
      h("span", { class: "words", dir: "auto" }, text),
      ...marks.map((mark) => h("span", { class: "aside" }, mark)),
    ];
    this.#keepInView(() => {
      const shown = line ?? h("p", { class: who });
      shown.dataset.final = String(final);
      shown.replaceChildren(...words);
      if (!line) this.element.append(shown);
      this.#lines.set(key, shown);
    });
  }

  /** @param {() => void} change */
  #keepInView(change) {
    const { scrollHeight, scrollTop, clientHeight } = this.element;
    const atEnd = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    change();
    if (atEnd) this.element.scrollTop = this.element.scrollHeight;
  }
}
