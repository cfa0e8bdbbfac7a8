import { LINES, STATES, clock } from "./sentences.js";

/** What the page says about the call as a whole: who speaks, how it is carried, how long it has lasted. */
export class Status {
  #root = document.documentElement;
  #words;
  #line;
  #timer;
  #recorded;
  #announcer;
  #ticking = 0;
  /** When the call was connected, by the page's clock. @type {number | null} */
  #connectedAt = null;
  /** How long the call had lasted on earlier pages. */
  #beforeMs = 0;
  line = "";

  /**
   * @param {HTMLElement} words @param {HTMLElement} line @param {HTMLElement} timer
   * @param {HTMLElement} recorded @param {HTMLElement} announcer
   */
  constructor(words, line, timer, recorded, announcer) {
    this.#words = words;
    this.#line = line;
    this.#timer = timer;
    this.#recorded = recorded;
    this.#announcer = announcer;
  }

  get state() {
    return this.#root.dataset.state;
  }

  /** Show this state. @param {string} state idle, connecting, ended, failed, or a state of the floor */
  show(state) {
    this.#root.dataset.state = state;
    this.say(state);
  }

  /** Say the words of this state. @param {string} state one of STATES; for any other it says nothing */
  say(state) {
    if (this.line === "reconnecting" && state in STATES) state = "reconnecting";
    const [word, hint] = STATES[state] ?? ["", ""];
    const [bold, small] = this.#words.children;
    bold.textContent = word;
    small.textContent = hint;
  }

  /** Let screen readers read this out. @param {string} text */
  announce(text) {
    this.#announcer.textContent = text;
  }

  /** Show how the call is carried now. @param {"" | "slow" | "reconnecting"} line */
  setLine(line) {
    this.line = this.#root.dataset.line = line;
    this.#line.textContent = LINES[line].word;
    this.#line.hidden = !line;
    this.say(this.state);
  }

  /** Show whether the server records the call. @param {boolean} recorded */
  setRecorded(recorded) {
    this.#recorded.hidden = !recorded;
  }

  /** The call is connected: show its length, and keep it up to date. */
  startClock() {
    this.stopClock();
    this.#connectedAt = performance.now();
    const tick = () => (this.#timer.textContent = clock(this.lastedMs));
    tick();
    this.#ticking = setInterval(tick, 500);
  }

  stopClock() {
    clearInterval(this.#ticking);
  }

  /** Whether the call has been connected on this page. */
  get connected() {
    return this.#connectedAt !== null;
  }

  /** How long the call has lasted, in ms. */
  get lastedMs() {
    return this.#beforeMs + (this.#connectedAt === null ? 0 : performance.now() - this.#connectedAt);
  }

  /** Get ready for a call. @param {number} [beforeMs] how long it had lasted on earlier pages */
  clear(beforeMs = 0) {
    this.#connectedAt = null;
    this.#beforeMs = beforeMs;
    this.#timer.textContent = "";
    this.setLine("");
    this.setRecorded(false);
    this.announce("");
  }
}
