import { h, svg } from "./dom.js";

const KEPT = 60;
const [WIDTH, HEIGHT] = [120, 28];

/** A figure of the server with its last few minutes. */
export class Sparkline {
  #shown;
  #value = h("dd", {}, "–");
  #line = svg("path", { class: "spark" });
  /** @type {(number | null)[]} */
  #values = [];
  element;

  /** @param {string} name @param {(value: number) => string} shown @param {string} [title] what it means */
  constructor(name, shown, title = "") {
    this.#shown = shown;
    const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" }, this.#line);
    this.element = h("div", { class: "figure", title }, h("dt", {}, name), this.#value, picture);
  }

  /** @param {number | null} value null: nothing was measured */
  add(value) {
    this.#values = [...this.#values, value].slice(-KEPT);
    this.#value.textContent = value === null ? "–" : this.#shown(value);
    const most = Math.max(1e-9, ...this.#values.map((each) => each ?? 0));
    const step = WIDTH / (KEPT - 1);
    const begin = KEPT - this.#values.length;
    const y = (/** @type {number} */ each) => (HEIGHT - 2 - (each / most) * (HEIGHT - 4)).toFixed(1);
    const pieces = this.#values.map((each, index) => {
      if (each === null) return "";
      const alone = (this.#values[index - 1] ?? null) === null;
      return `${alone ? "M" : "L"}${((begin + index) * step).toFixed(1)} ${y(each)}${alone ? "h.1" : ""}`; // a dot, if it stays alone
    });
    this.#line.setAttribute("d", pieces.join(""));
  }
}
