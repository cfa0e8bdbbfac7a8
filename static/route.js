/**
 * By which way a call goes, and what is done when that way breaks: WebRTC first, then a new offer, then the WebSocket, and
 * from there back to WebRTC. Pure: events and the time come in, orders go out; it knows no connection, no timer, no page.
 *
 * A link is one try to connect, by its number. At most one is `current` (it carries the call) and one is `pending` (it is to
 * take its place). The newer one wins, at the server too; what comes from any other link is late, and nothing.
 *
 * @typedef {"rtc" | "ws"} Way
 * @typedef {{order: "open", link: number, way: Way} | {order: "close", link: number} | {order: "wait", ms: number} |
 *   {order: "end", code: "no-path" | "lost" | "elsewhere"}} Order
 */

const GIVE_UP_MS = 60_000; // The server keeps a conversation for as long: ANTIPHON_RESUME_S.
const RETRY_MS = [500, 1_000, 1_500, 2_000];
const RETURN_MS = [5_000, 10_000, 20_000, 40_000, 60_000];
const TIMES_GONE = 4; // A server that restarts does not know the conversation for a moment.
const OURS_MS = 5_000; // So long after we gave a try up it may still win at the server.

/** State → event → state; a pair that is not here is a fault. */
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
/** What a state opens when it is entered, unless something is pending. @type {Record<string, Way | undefined>} */
const OPENS = { calling: "rtc", "calling slow": "ws", renewing: "rtc", falling: "ws", returning: "rtc" };
/** What the person is told of it. */
const LINES = {
  ...{ idle: "", calling: "", "calling slow": "", direct: "", over: "" },
  ...{ renewing: "reconnecting", falling: "reconnecting", waiting: "reconnecting", slow: "slow", returning: "slow" },
};
const OF_PENDING = ["stands", "no-path", "failed", "gone"];
const OF_CURRENT = ["lost", "superseded", "reconnect"];

export class Route {
  state = "idle";
  /** @type {number | null} */
  current = null;
  /** @type {{link: number, way: Way} | null} */
  pending = null;
  #links = 0;
  #stood = false;
  /** Since when nothing carries the call. @type {number | null} */
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
   * @param {string} event `start` a call or `resume` one that another page began; of a pending link: `stands`, `no-path`
   *   (nothing gets through), `failed` (the server does not take it), `gone` (it does not know the conversation); of the
   *   current one: `lost`, `superseded` (a newer connection has the call), `reconnect` (the server goes); `due`: the time
   *   that was to be waited is over; `online`: the network has changed
   * @param {number} now ms
   * @param {number} [link] whose event it is
   * @returns {Order[] | null} in order; null for an event that comes too late
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

  /** As the table has it: where a try of ours has won before we know, the call is not elsewhere. @param {string} event @param {number} now */
  #name(event, now) {
    if (event === "stands") return `${this.pending.way} stands`;
    const ours = this.pending !== null || now - this.#gaveUpAt < OURS_MS;
    return event === "superseded" && ours ? "lost" : event;
  }

  /** What the event means for the links. @param {string} name @param {number} now @returns {Order[]} */
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

  /** The pending link carries the call from now on. @returns {Order[]} */
  #take() {
    const before = this.current;
    this.current = this.pending.link;
    if (this.pending.way === "rtc") this.#returns = 0;
    this.pending = this.#brokenAt = null;
    this.#retries = this.#gone = 0;
    this.#stood = true;
    return before === null ? [] : [{ order: "close", link: before }];
  }

  /** Nobody waits for ever. @param {string} next @param {number} now */
  #bounded(next, now) {
    if (next !== "waiting") return next;
    const tooLong = this.#brokenAt !== null && now - this.#brokenAt >= GIVE_UP_MS;
    return tooLong || this.#gone >= TIMES_GONE ? "over" : next;
  }

  /** @param {string} state @param {string} name of the event that led here @returns {Order[]} */
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

  /** @param {string} name */
  #verdict(name) {
    if (name === "superseded") return "elsewhere";
    return this.#stood || name === "gone" ? "lost" : "no-path";
  }
}

/** @param {number[]} steps @param {number} index the last step is repeated */
function nth(steps, index) {
  return steps[Math.min(index, steps.length - 1)];
}
