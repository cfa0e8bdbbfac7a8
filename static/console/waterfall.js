import { h } from "./dom.js";
import { millis, percent, seconds } from "./format.js";

const STAGES = /** @type {[string, string, string][]} */ ([
  ["endpoint_ms", "endpoint", "until the server decided that the caller was done"],
  ["transcript_ms", "transcript", "until the words were final"],
  ["first_token_ms", "model", "until the model's first text"],
  ["first_clause_ms", "first clause", "until the first clause went to text-to-speech"],
  ["first_packet_ms", "first packet", "until the answer's first packet was sent"],
  ["gap_ms", "heard", "until the caller's client heard the answer"],
]);

const OUTCOMES = { timed_out: "took too long", unknown: "has not returned" };

/**
 * How an answer came about: each stage from the caller's last sound on.
 * @param {Record<string, any>} figures
 * @returns {HTMLElement | null} null if nothing was measured
 */
export function waterfall(figures) {
  const stages = STAGES.filter(([name]) => figures[name] !== undefined);
  if (!stages.length) return null;
  const most = Math.max(500, ...stages.map(([name]) => figures[name]));
  const list = h("ol", { class: "waterfall", "aria-label": "From the caller's last sound to the answer" }, ...stages.map(([name, word, meaning]) =>
    h("li", { title: meaning, class: name === "gap_ms" ? "heard" : "" },
      h("span", { class: "stage" }, word), h("span", { class: "bar" }, h("i", { style: { width: `${(figures[name] / most) * 100}%` } })),
      h("span", { class: "number" }, millis(figures[name])))));
  const gap = figures.gap_ms ?? figures.first_packet_ms;
  return h("details", { class: "figures" }, h("summary", {}, gap === undefined ? "no answer came" : `answered in ${seconds(gap)}`),
    h("p", { class: "hint" }, "From the caller's last sound until:"), list, facts(figures));
}

/** What served this answer, and how the line was. @param {Record<string, any>} figures */
function facts(figures) {
  const { line = {}, tools = [] } = figures;
  const parts = /** @type {[string, any][]} */ ([
    ["Agent", figures.agent],
    ["Model", figures.model],
    ["Tokens", figures.input_tokens !== undefined && `${figures.input_tokens} in, ${figures.output_tokens ?? 0} out`],
    ["Speech-to-text", figures.speech_to_text],
    ["Text-to-speech", figures.text_to_speech],
    ["Language", figures.language],
    ["Answers begun", figures.attempts > 1 && figures.attempts],
    ["Tools", tools.length > 0 && tools.map((/** @type {any} */ tool) => `${tool.name}: ${OUTCOMES[tool.outcome] ?? tool.outcome}${tool.ms === undefined ? "" : ` after ${millis(tool.ms)}`}`).join("; ")],
    ["Line", line.codec && [line.codec, line.round_trip_ms !== undefined && `round trip ${millis(line.round_trip_ms)}`].filter(Boolean).join(", ")],
    ["Loss", loss(line)],
    ["Sound", line.r_out !== undefined && `R ${Math.round(line.r_out)} to the caller${line.r_in === undefined ? "" : `, R ${Math.round(line.r_in)} from the caller`} (93 is best)`],
  ]).filter(([, value]) => value);
  return h("dl", { class: "facts" }, ...parts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/** @param {Record<string, any>} line */
function loss(line) {
  const ways = [["from the caller", line.lost_in_percent], ["to the caller", line.lost_out_percent]];
  return ways.filter(([, share]) => share !== undefined).map(([way, share]) => `${percent(share / 100)} ${way}`).join(", ");
}
