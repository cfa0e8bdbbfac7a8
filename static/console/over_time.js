import { chart } from "./chart.js";
import { h } from "./dom.js";
import { seconds } from "./format.js";

const PERIODS = /** @type {Record<string, [string, string, number]>} */ ({
  "24h": ["the last day", "hour", 3_600_000],
  "7d": ["the last week", "day", 86_400_000],
  "30d": ["the last month", "day", 86_400_000],
});
const BY = { "": "all together", agent: "by agent", transport: "by way in", model: "by model", speech_to_text: "by speech-to-text", text_to_speech: "by text-to-speech", language: "by language" };

/** How the calls went over days: the gap before answers, interruptions, failures. */
export class OverTimeView {
  #api;
  #since;
  #by;
  #stop = new AbortController();
  #shown = h("div", { class: "charts" }, h("p", { class: "empty", role: "status" }, "Looking…"));
  #zone = h("p", { class: "hint" });
  title = "Over time";
  element;

  /** @param {import("./api.js").Api} api @param {URLSearchParams} query */
  constructor(api, query) {
    this.#api = api;
    this.#since = PERIODS[query.get("since") ?? ""] ? String(query.get("since")) : "7d";
    this.#by = (query.get("by") ?? "") in BY ? (query.get("by") ?? "") : "";
    const choice = (/** @type {string} */ name, /** @type {string} */ label, /** @type {[string, string][]} */ options, /** @type {string} */ chosen) =>
      h("label", {}, h("span", {}, label), h("select", { name, onchange: () => this.#choose() }, ...options.map(([value, word]) => h("option", { value, selected: value === chosen }, word))));
    this.element = h("div", { class: "over-time" }, h("h1", {}, "Over time"), h("form", { class: "search" },
      choice("since", "When", Object.entries(PERIODS).map(([value, [word]]) => [value, word]), this.#since), choice("by", "Show", Object.entries(BY), this.#by)), this.#shown, this.#zone);
    this.#load();
  }

  close() {
    this.#stop.abort();
  }

  #choose() {
    const wanted = new URLSearchParams([...new FormData(this.element.querySelector("form"))].filter(([, value]) => value).map(([name, value]) => [name, String(value)]));
    location.hash = `#/time?${wanted}`;
  }

  async #load() {
    const [, bucket, stepMs] = PERIODS[this.#since];
    try {
      const found = await this.#api.get("/api/figures", { since: this.#since, by: this.#by, bucket }, this.#stop.signal);
      const first = Math.floor(found.since_ms / stepMs) * stepMs;
      const starts = Array.from({ length: Math.ceil((found.until_ms - first) / stepMs) }, (_, at) => first + at * stepMs);
      const some = found.rows.length > 0;
      this.#shown.replaceChildren(...(some ? this.#charts(found.rows, starts, bucket) : [h("p", { class: "empty" }, "No calls in this time.")]));
      this.#zone.textContent = some && bucket === "day" ? "Each day begins at midnight in UTC." : "";
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#shown.replaceChildren(h("p", { class: "problem" }, /** @type {Error} */ (error).message));
    }
  }

  /** @param {any[]} rows @param {number[]} starts @param {string} bucket */
  #charts(rows, starts, bucket) {
    const label = (/** @type {number} */ ms) => bucket === "hour"
      ? new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : new Date(ms).toLocaleDateString([], { day: "numeric", month: "short", timeZone: "UTC" });
    const names = [...new Set(rows.map(({ name }) => name))].sort();
    const of = (/** @type {string} */ name, /** @type {(row: any) => number | null | undefined} */ value) => {
      const byStart = new Map(rows.filter((row) => row.name === name).map((row) => [row.start_ms, value(row) ?? null]));
      return starts.map((start) => byStart.get(start) ?? null);
    };
    const each = (/** @type {(row: any) => number | null | undefined} */ value) => names.map((name) => ({ name: name || "not known", values: of(name, value) }));
    const gap = (/** @type {string} */ key) => (/** @type {any} */ row) => row.measures?.gap?.[key] ?? row.measures?.first_packet?.[key];
    const common = { starts, label, shown: (/** @type {number} */ value) => String(Math.round(value)) };
    const late = { ...common, shown: seconds };
    const stages = [...new Set(rows.flatMap(({ failures }) => Object.keys(failures ?? {})))].sort();
    const counts = stages.map((stage) => ({ name: stage, values: starts.map((start) => rows.filter((row) => row.start_ms === start).reduce((total, row) => total + (row.failures?.[stage] ?? 0), 0)) }));
    const gaps = this.#by ? [["Answers, median", "p50_ms"], ["Answers, 95 %", "p95_ms"]].map(([title, key]) => chart({ ...late, title, series: each(gap(key)) }))
      : [chart({ ...late, title: "From the caller's last sound to the answer", series: [["median", "p50_ms"], ["95 %", "p95_ms"], ["99 %", "p99_ms"]].map(([name, key]) => ({ name, values: of("", gap(key)) })) })];
    return [...gaps,
      chart({ ...common, title: "Exchanges", bars: true, series: each((row) => row.exchanges) }),
      chart({ ...common, title: "Interruptions", bars: true, series: each((row) => row.interruptions) }),
      chart({ ...common, title: "Sounds taken for a voice", bars: true, series: each((row) => row.false_starts) }),
      stages.length ? chart({ ...common, title: "Failures by stage", bars: true, series: counts }) : h("p", { class: "empty" }, "No failures in this time.")];
  }
}
