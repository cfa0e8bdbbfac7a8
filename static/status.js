import { LINES, STATES, clock } from "./sentences.js";

/** What the page says of the call as a whole: who speaks, what carries it, how long it has lasted. */
export class Status {
  #root = document.documentElement;
  #words;
  #line;
  #timer;
  #announcer;
  #ticking = 0;
  agent = "Agent";
  line = "";

  /** @param {HTMLElement} words @param {HTMLElement} line @param {HTMLElement} timer @param {HTMLElement} announcer */
  constructor(words, line, timer, announcer) {
    this.#words = words;
    this.#line = line;
    this.#timer = timer;
    this.#announcer = announcer;
  }

  get state() {
    return this.#root.dataset.state;
  }

  /** The page's face: idle, connecting, ended, failed, or the state of the floor. @param {string} state */
  show(state) {
    this.#root.dataset.state = state;
    this.say(state);
  }

  /** @param {string} state one of STATES, or nothing is said */
  say(state) {
    if (this.line === "reconnecting" && state in STATES) state = "reconnecting";
    const [word, hint] = STATES[state] ?? ["", ""];
    const [bold, small] = this.#words.children;
    bold.textContent = state === "speaking" ? this.agent : word;
    small.textContent = hint;
  }

  /** To those who do not see it. @param {string} text */
  announce(text) {
    this.#announcer.textContent = text;
  }

  /** What carries the call now. @param {"" | "slow" | "reconnecting"} line */
  setLine(line) {
    this.line = this.#root.dataset.line = line;
    this.#line.textContent = LINES[line].word;
    this.#line.hidden = !line;
    this.say(this.state);
  }

  /** @param {() => number} talkedMs */
  startClock(talkedMs) {
    this.stopClock();
    const tick = () => (this.#timer.textContent = clock(talkedMs()));
    tick();
    this.#ticking = setInterval(tick, 500);
  }

  stopClock() {
    clearInterval(this.#ticking);
  }

  clear() {
    this.#timer.textContent = "";
    this.setLine("");
    this.announce("");
  }
}
