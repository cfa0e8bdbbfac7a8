import { h, svg } from "./dom.js";
import { length } from "./format.js";
import { peakMs } from "./recording.js";

const LANE = 44;
const [TOP, GAP] = [24, 6];
const HEIGHT = TOP + 2 * LANE + GAP;
const ZOOMS = [1, 2, 4, 8];
const LABELS = 8;

/**
 * A conversation along time: the caller above, the agent below, with what they said, the sound, and what happened.
 * A click asks for a moment.
 */
export class Track {
  #said;
  #parts = /** @type {import("./recording.js").Part[]} */ ([]);
  #marks;
  #lengthMs;
  #zoom = 0;
  #playhead = svg("line", { class: "playhead", y1: 0, y2: HEIGHT, visibility: "hidden" });
  #picture = svg("svg", { height: HEIGHT, "aria-hidden": "true" });
  #scroller = h("div", { class: "scroller" }, this.#picture);
  element;

  /**
   * @typedef {{who: string, start_ms: number, end_ms: number, interrupted?: boolean}} Said
   * @param {Said[]} said
   * @param {{ms: number, kind: string, title: string}[]} marks
   * @param {(ms: number) => void} onSeek
   */
  constructor(said, marks, onSeek) {
    this.#said = said;
    this.#marks = marks;
    this.#lengthMs = Math.max(1000, ...said.map(({ end_ms }) => end_ms), ...marks.map(({ ms }) => ms));
    this.#picture.addEventListener("click", (/** @type {MouseEvent} */ event) => onSeek(this.#momentAt(event)));
    const zoom = (/** @type {string} */ sign, /** @type {string} */ name, /** @type {number} */ by) =>
      h("button", { type: "button", "aria-label": name, onclick: () => this.#zoomBy(by) }, sign);
    this.element = h("figure", { class: "track" }, this.#scroller,
      h("figcaption", {}, h("span", { class: "caller" }, "Caller above"), h("span", { class: "agent" }, "agent below"),
        h("span", { class: "zoom" }, zoom("−", "Show more time", -1), zoom("+", "Show less time", 1))));
    new ResizeObserver(() => this.#draw()).observe(this.#scroller);
  }

  /** Show the sound, too. @param {import("./recording.js").Part[]} parts */
  hear(parts) {
    this.#parts = parts;
    this.#lengthMs = Math.max(this.#lengthMs, ...parts.map(({ startMs, lengthMs }) => startMs + lengthMs));
    this.#draw();
  }

  /** The sound is here now. @param {number} ms */
  play(ms) {
    const x = this.#x(ms);
    this.#playhead.setAttribute("x1", x);
    this.#playhead.setAttribute("x2", x);
    this.#playhead.setAttribute("visibility", "visible");
    const { scrollLeft, clientWidth } = this.#scroller;
    if (x < scrollLeft || x > scrollLeft + clientWidth) this.#scroller.scrollLeft = x - clientWidth / 4;
  }

  get #width() {
    return Math.max(200, this.#scroller.clientWidth * ZOOMS[this.#zoom]);
  }

  /** @param {number} ms */
  #x(ms) {
    return (ms / this.#lengthMs) * this.#width;
  }

  /** @param {MouseEvent} event */
  #momentAt(event) {
    return ((event.clientX - this.#picture.getBoundingClientRect().left) / this.#width) * this.#lengthMs;
  }

  /** @param {number} by */
  #zoomBy(by) {
    const middle = (this.#scroller.scrollLeft + this.#scroller.clientWidth / 2) / this.#width;
    this.#zoom = Math.max(0, Math.min(ZOOMS.length - 1, this.#zoom + by));
    this.#draw();
    this.#scroller.scrollLeft = middle * this.#width - this.#scroller.clientWidth / 2;
  }

  #draw() {
    this.#picture.setAttribute("width", this.#width);
    this.#picture.replaceChildren(...this.#ruler(), ...this.#said.map((said) => this.#block(said)), ...this.#waves(), ...this.#marks.map((mark) => this.#mark(mark)), this.#playhead);
  }

  *#ruler() {
    const count = LABELS * ZOOMS[this.#zoom];
    const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200];
    const step = (steps.find((each) => each * 1000 * count >= this.#lengthMs) ?? 7200) * 1000;
    for (let ms = 0; ms < this.#lengthMs; ms += step) {
      yield svg("line", { class: "tick", x1: this.#x(ms), x2: this.#x(ms), y1: 0, y2: HEIGHT });
      yield svg("text", { x: this.#x(ms) + 3, y: 10 }, length(ms));
    }
  }

  /** @param {Said} said */
  #block({ who, start_ms, end_ms, interrupted }) {
    const width = Math.max(2, this.#x(end_ms - start_ms));
    return svg("rect", { class: `said ${who}${interrupted ? " interrupted" : ""}`, x: this.#x(start_ms), y: lane(who), width, height: LANE, rx: 3 });
  }

  *#waves() {
    for (const { startMs, peaks } of this.#parts) {
      for (const [side, who] of /** @type {[number, string][]} */ ([[0, "caller"], [1, "agent"]])) {
        const middle = lane(who) + LANE / 2;
        const heights = [...(peaks?.[side] ?? [])].map((peak, index) => [this.#x(startMs + peakMs(index)).toFixed(1), Math.max(0.3, Math.sqrt(peak) * (LANE / 2 - 2))]);
        if (!heights.length) continue;
        const up = heights.map(([x, height]) => `${x},${(middle - Number(height)).toFixed(1)}`);
        const down = heights.reverse().map(([x, height]) => `${x},${(middle + Number(height)).toFixed(1)}`);
        yield svg("polygon", { class: `wave ${who}`, points: [...up, ...down].join(" ") });
      }
    }
  }

  /** @param {{ms: number, kind: string, title: string}} mark */
  #mark({ ms, kind, title }) {
    const x = this.#x(ms);
    return svg("g", { class: `event ${kind}` }, svg("title", {}, title), svg("path", { d: `M${x - 4} ${TOP - 10}h8l-4 8z` }), svg("line", { x1: x, x2: x, y1: TOP - 4, y2: HEIGHT }));
  }
}

/** @param {string} who */
const lane = (who) => TOP + (who === "caller" ? 0 : LANE + GAP);
