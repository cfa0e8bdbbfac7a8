import { h, svg } from "./dom.js";

const [WIDE, NARROW, HEIGHT] = [640, 320, 180];
const [LEFT, BOTTOM, TOP] = [48, 22, 8];
/** What the label of a time takes of the width. */
const LABEL = 90;
/** The colours of charts.css. */
const COLOURS = 8;

/**
 * Lines or bars over time, with the same numbers as a table for those who cannot see them.
 * @param {{title: string, starts: number[], label: (startMs: number) => string, shown: (value: number) => string,
 *   series: {name: string, values: (number | null)[]}[], bars?: boolean}} what
 * `values` has one for each of `starts`; null: nothing was measured. With `bars` the series are stacked.
 */
export function chart({ title, starts, label, shown, series, bars = false }) {
  const width = matchMedia("(max-width: 48rem)").matches ? NARROW : WIDE; // so that its text is as large on a telephone
  const sums = starts.map((_, at) => series.reduce((total, { values }) => total + (values[at] ?? 0), 0));
  const most = nice(Math.max(0, ...(bars ? sums : series.flatMap(({ values }) => values.map((value) => value ?? 0)))));
  const y = (/** @type {number} */ value) => HEIGHT - BOTTOM - (value / most) * (HEIGHT - BOTTOM - TOP);
  const slot = (width - LEFT) / Math.max(1, starts.length);
  const x = (/** @type {number} */ at) => LEFT + (at + 0.5) * slot;
  const picture = svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": title });
  for (const share of [0, 0.5, 1]) {
    picture.append(svg("line", { class: "tick", x1: LEFT, x2: width, y1: y(share * most), y2: y(share * most) }),
      svg("text", { x: LEFT - 6, y: y(share * most) + 4, "text-anchor": "end" }, shown(share * most)));
  }
  const every = Math.ceil((starts.length * LABEL) / (width - LEFT));
  starts.forEach((start, at) => at % every === 0 && picture.append(svg("text", { x: x(at), y: HEIGHT - 6, "text-anchor": "middle" }, label(start))));
  picture.append(...(bars ? stacked(series, starts.length, x, y, slot) : series.flatMap((each, index) => line(each, index, x, y))));
  const legend = h("ul", { class: "legend" }, ...series.map(({ name }, index) => h("li", { class: colour(index) }, name)));
  return h("figure", { class: "chart" }, h("figcaption", {}, h("h2", {}, title), series.length > 1 && legend), picture, table(starts, label, shown, series));
}

/** @param {{name: string, values: (number | null)[]}} series @param {number} index @param {(at: number) => number} x @param {(value: number) => number} y */
function line({ values }, index, x, y) {
  const pieces = /** @type {string[][]} */ ([[]]);
  values.forEach((value, at) => {
    if (value === null) pieces.push([]);
    else pieces[pieces.length - 1].push(`${x(at).toFixed(1)},${y(value).toFixed(1)}`);
  });
  const drawn = pieces.filter((points) => points.length);
  const alone = drawn.filter((points) => points.length === 1).map(([point]) => point.split(","));
  return [...drawn.map((points) => svg("polyline", { class: colour(index), points: points.join(" ") })),
    ...alone.map(([cx, cy]) => svg("circle", { class: colour(index), cx, cy, r: 2.5 }))];
}

/** @param {{values: (number | null)[]}[]} series @param {number} count @param {(at: number) => number} x @param {(value: number) => number} y @param {number} slot */
function stacked(series, count, x, y, slot) {
  const bars = [];
  for (let at = 0; at < count; at++) {
    let below = 0;
    series.forEach(({ values }, index) => {
      const value = values[at] ?? 0;
      if (value > 0) bars.push(svg("rect", { class: colour(index), x: x(at) - slot * 0.35, width: Math.max(1, slot * 0.7), y: y(below + value), height: y(below) - y(below + value) }));
      below += value;
    });
  }
  return bars;
}

/** @param {number[]} starts @param {(startMs: number) => string} label @param {(value: number) => string} shown @param {{name: string, values: (number | null)[]}[]} series */
function table(starts, label, shown, series) {
  const rows = starts.map((start, at) => h("tr", {}, h("th", { scope: "row" }, label(start)), ...series.map(({ values }) => h("td", {}, values[at] === null ? "–" : shown(values[at] ?? 0)))));
  return h("details", { class: "numbers" }, h("summary", {}, "As numbers"),
    h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "From"), ...series.map(({ name }) => h("th", { scope: "col" }, name)))), h("tbody", {}, ...rows)));
}

/** A round number that is not below this one. Its half is a whole number, too. @param {number} value */
function nice(value) {
  if (!(value > 0)) return 2;
  const power = 10 ** Math.max(0, Math.floor(Math.log10(value)));
  return [2, 4, 6, 10].map((step) => step * power).find((each) => each >= value) ?? value;
}

/** @param {number} index of a series */
const colour = (index) => `series s${index % COLOURS}`;
