import { LINES, STATES, clock } from "./sentences.js";

/** What the page says about the call as a whole: who speaks, how it is carried, how long it has lasted. */
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
    bold.textContent = state === "speaking" ? this.agent : word;
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

  /** Show the length of the call, and keep it up to date. @param {() => number} talkedMs */
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
