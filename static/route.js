/**
 * Decides by which way a call goes, and what to do when that way breaks: first WebRTC, then a new offer, then the WebSocket,
 * and from there back to WebRTC. Pure: events and the time come in, orders go out. It knows no connection, no timer and no
 * page.
 *
 * A link is one try to connect; it has a number. At most one link is `current` (it carries the call), and at most one is
 * `pending` (it tries to take the current one's place). The newer one wins, at the server too. An event of any other link is
 * late, and is ignored.
 *
 * @typedef {"rtc" | "ws"} Way
 * @typedef {{order: "open", link: number, way: Way} | {order: "close", link: number} | {order: "wait", ms: number} |
 *   {order: "end", code: "no-path" | "lost" | "elsewhere"}} Order
 */

// How long to try before the call is over: as long as the server keeps a conversation (ANTIPHON_RESUME_S).
const GIVE_UP_MS = 60_000;
const RETRY_MS = [500, 1_000, 1_500, 2_000]; // Waits before the next try. The last one repeats.
// Waits on the WebSocket before WebRTC is tried again. The last one repeats.
const RETURN_MS = [5_000, 10_000, 20_000, 40_000, 60_000];
// How often the server may answer that it does not know the conversation, before the call is over. A server that restarts
// does not know it for a moment.
const TIMES_GONE = 4;
const OURS_MS = 5_000; // How long a try that we gave up may still win at the server.

/** State → event → next state. A pair that is not in the table is a fault. */
const TABLE = {
  idle: { start: "calling", resume: "renewing" },
  calling: { "rtc stands": "direct", "no-path": "calling slow", failed: "over", gone: "over", online: "calling" },
  "calling slow": { "ws stands": "slow", "no-path": "over", failed: "over", gone: "over", online: "calling slow" },
  direct: { lost: "renewing", superseded: "over", reconnect: "waiting", online: "direct" },
  renewing: { "rtc stands": "direct", "no-path": "falling", failed: "waiting", gone: "waiting", online: "renewing" },
  falling: { "ws stands": "slow", "no-path": "waiting", failed: "waiting", gone: "waiting", online: "falling" },
  slow: { due: "returning", online: "returning", lost: "falling", superseded: "over", reconnect: "waiting" },
  returning: {
    ...{ "rtc stands": "direct", "no-path": "slow", failed: "slow", gone: "slow", online: "returning" },
    ...{ lost: "renewing", reconnect: "waiting" },
  },
  waiting: { due: "renewing", online: "renewing" },
};
/** The way that a state opens when it is entered, unless a link is pending. @type {Record<string, Way | undefined>} */
const OPENS = { calling: "rtc", "calling slow": "ws", renewing: "rtc", falling: "ws", returning: "rtc" };
/** What the page shows of each state. */
const LINES = {
  ...{ idle: "", calling: "", "calling slow": "", direct: "", over: "" },
  ...{ renewing: "reconnecting", falling: "reconnecting", waiting: "reconnecting", slow: "slow", returning: "slow" },
};
const OF_PENDING = ["stands", "no-path", "failed", "gone"]; // events of the pending link
const OF_CURRENT = ["lost", "superseded", "reconnect"]; // events of the current link

export class Route {
  state = "idle";
  /** @type {number | null} */
  current = null;
  /** @type {{link: number, way: Way} | null} */
  pending = null;
  #links = 0;
  #stood = false;
  /** Since when no link carries the call. @type {number | null} */
  #brokenAt = null;
  #gaveUpAt = -Infinity;
  #retries = 0;
  #returns = 0;
  #gone = 0;

  /** @returns {"" | "reconnecting" | "slow"} */
  get line() {
    return LINES[this.state];
  }

  /**
   * Take an event, and say what to do.
   * @param {string} event one of
   *   - `start` a call, or `resume` a call that another page began;
   *   - of the pending link: `stands` (it is connected), `no-path` (nothing gets through), `failed` (the server refuses it),
   *     `gone` (the server does not know the conversation);
   *   - of the current link: `lost`, `superseded` (a newer connection has the call), `reconnect` (the server is about to stop);
   *   - `due`: the wait that was ordered is over; `online`: the network has changed
   * @param {number} now ms
   * @param {number} [link] the link that the event belongs to
   * @returns {Order[] | null} orders, to be carried out in this order; null for an event that comes too late
   */
  receive(event, now, link) {
    if (this.state === "over" || !this.#concerns(event, link)) return null;
    const name = this.#name(event, now);
    const next = TABLE[this.state][name];
    if (!next) throw new Error(`${name} cannot happen while ${this.state}`);
    const closed = this.#settle(name, now);
    return [...closed, ...this.#enter(this.#bounded(next, now), name)];
  }

  /** @param {string} event @param {number} [link] */
  #concerns(event, link) {
    if (OF_PENDING.includes(event)) return this.pending?.link === link;
    if (OF_CURRENT.includes(event)) return this.current === link;
    return true;
  }

  /**
   * The event's name in the table. `superseded` becomes `lost` if our own try may have won before we know it: then the call
   * has not gone to another window.
   * @param {string} event @param {number} now
   */
  #name(event, now) {
    if (event === "stands") return `${this.pending.way} stands`;
    const ours = this.pending !== null || now - this.#gaveUpAt < OURS_MS;
    return event === "superseded" && ours ? "lost" : event;
  }

  /**
   * Update the links after the event; returns the orders to close those that are over.
   * @param {string} name
   * @param {number} now
   * @returns {Order[]}
   */
  #settle(name, now) {
    if (name.endsWith("stands")) return this.#take();
    const links = name === "reconnect" ? [this.current, this.pending?.link] : [];
    if (OF_PENDING.includes(name)) links.push(this.pending.link);
    if (["lost", "superseded"].includes(name)) links.push(this.current);
    if (links.includes(this.pending?.link)) [this.pending, this.#gaveUpAt] = [null, now];
    if (links.includes(this.current)) this.current = null;
    if (name === "gone") this.#gone += 1;
    if (this.current === null) this.#brokenAt ??= now;
    return links.filter((link) => typeof link === "number").map((link) => ({ order: "close", link }));
  }

  /** Let the pending link carry the call from now on. @returns {Order[]} */
  #take() {
    const before = this.current;
    this.current = this.pending.link;
    if (this.pending.way === "rtc") this.#returns = 0;
    this.pending = this.#brokenAt = null;
    this.#retries = this.#gone = 0;
    this.#stood = true;
    return before === null ? [] : [{ order: "close", link: before }];
  }

  /** End the call instead of waiting, if that has lasted too long. @param {string} next @param {number} now */
  #bounded(next, now) {
    if (next !== "waiting") return next;
    const tooLong = this.#brokenAt !== null && now - this.#brokenAt >= GIVE_UP_MS;
    return tooLong || this.#gone >= TIMES_GONE ? "over" : next;
  }

  /** Enter a state. @param {string} state @param {string} name the event that led here @returns {Order[]} */
  #enter(state, name) {
    this.state = state;
    if (state === "waiting") return [{ order: "wait", ms: nth(RETRY_MS, this.#retries++) }];
    if (state === "slow") return [{ order: "wait", ms: nth(RETURN_MS, this.#returns++) }];
    if (state === "over") return [{ order: "end", code: this.#verdict(name) }];
    const way = OPENS[state];
    if (!way || this.pending) return [];
    this.pending = { link: ++this.#links, way };
    return [{ order: "open", ...this.pending }];
  }

  /** Why the call is over. @param {string} name the event that ended it */
  #verdict(name) {
    if (name === "superseded") return "elsewhere";
    return this.#stood || name === "gone" ? "lost" : "no-path";
  }
}

/** @param {number[]} steps @param {number} index an index beyond the end gives the last step */
function nth(steps, index) {
  return steps[Math.min(index, steps.length - 1)];
}
