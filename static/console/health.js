import { h } from "./dom.js";
import { millis } from "./format.js";
import { Polling } from "./polling.js";
import { quantile, samples, sum } from "./prometheus.js";
import { Sparkline } from "./sparkline.js";

const EVERY_MS = 5_000;
const FAILURES = "antiphon_call_failures_total";

/** A few figures of the server, from its metrics, and what its health check says. */
export class Health {
  #api;
  #before = /** @type {ReturnType<typeof samples> | null} */ (null);
  #state = h("p", { class: "state" });
  #calls = new Sparkline("Calls", (value) => String(value), "Calls that are connected at present");
  #gap = new Sparkline("Answer, 95 %", (value) => `≤ ${millis(value * 1000)}`, "From the caller's last sound to the answer, as clients heard it in the last 5 s");
  #late = new Sparkline("Loop late, 95 %", (value) => `≤ ${millis(value * 1000)}`, "How late the loop that carries all sound was in the last 5 s");
  #failures = new Sparkline("Failures", (value) => String(value), "Failures that callers noticed in the last 5 s");
  #polling;
  element = h("section", { class: "health", "aria-label": "Health of the server" }, this.#state,
    h("dl", {}, this.#calls.element, this.#gap.element, this.#late.element, this.#failures.element));

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.#api = api;
    this.#polling = new Polling(() => this.#look(), EVERY_MS);
  }

  close() {
    this.#polling.stop();
  }

  async #look() {
    const [state, now] = await Promise.all([this.#readiness(), this.#metrics()]);
    this.#state.replaceChildren(...state);
    if (!now?.size) return; // nothing is measured here
    this.#calls.add(sum(now, "antiphon_call_live", 'state="connected"'));
    if (this.#before) {
      this.#gap.add(quantile(now, this.#before, "antiphon_exchange_gap_seconds", 0.95));
      this.#late.add(quantile(now, this.#before, "antiphon_loop_lag_seconds", 0.95));
      this.#failures.add(Math.max(0, sum(now, FAILURES) - sum(this.#before, FAILURES))); // a new server counts from 0
    }
    this.#before = now;
  }

  async #readiness() {
    try {
      const { status, reason } = await (await fetch("/health/ready", { cache: "no-store" })).json();
      if (status === "ready") return [h("span", { class: "good" }, "Ready"), " for calls."];
      return [h("span", { class: "bad" }, "Not ready."), ` ${reason ?? ""}`];
    } catch {
      return [h("span", { class: "bad" }, "The server does not answer.")];
    }
  }

  /** The metrics; null where the server has none. */
  async #metrics() {
    try {
      return samples(await this.#api.text("/metrics"));
    } catch {
      return null;
    }
  }
}
