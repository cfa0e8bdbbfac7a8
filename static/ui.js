import * as bookmark from "./bookmark.js";
import { Call } from "./call.js";
import { Captions } from "./captions.js";
import { Choice } from "./choice.js";
import { rememberedMicrophone } from "./devices.js";
import { CallError } from "./errors.js";
import { Examples } from "./examples.js";
import { introduce, whoAnswers } from "./intro.js";
import { Latency } from "./latency.js";
import { Notice } from "./notice.js";
import { Pass, takeToken } from "./pass.js";
import { LINES, RESUMED, STATES, failure } from "./sentences.js";
import { Status } from "./status.js";
import { Summary } from "./summary.js";
import { Voices } from "./voices.js";

const $ = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));

/** The page: it holds one call at a time, and shows it. */
class Page {
  /** @type {Call | null} */
  #call = null;
  #typed = false;
  #resuming = false;
  /** The browser does not play the sound until the caller clicks. */
  #blocked = false;
  /** The page went away during a call. The browser may keep it and show it again. */
  #away = false;
  /** The agent's name, as far as the page knows it. */
  #agent = "Agent";
  /** A sentence that was tapped before the call. It is asked as soon as the agent listens. */
  #question = "";
  #server = whoAnswers();
  #pass = new Pass(takeToken(), this.#server);
  #status = new Status($("status"), $("line"), $("timer"), $("recorded"), $("announcer"));
  #voices = new Voices($("stage"));
  #latency = new Latency($("latency"));
  #captions = new Captions($("captions"), (text) => this.#status.announce(text));
  #notice = new Notice($("notice"));
  #summary = new Summary($("summary"));
  #examples = new Examples($("examples"), (sentence) => (this.#call ? this.#say(sentence) : this.#start(false, sentence)));
  #choice = new Choice($("mic-choice"), async (deviceId) => !this.#call || this.#attempt(this.#call.useMicrophone(deviceId)));

  constructor() {
    $("call").onclick = () => this.#start(false);
    $("without").onclick = () => this.#start(true);
    $("hangup").onclick = () => this.#call?.hangUp();
    $("interrupt").onclick = () => this.#call?.interrupt();
    $("mute").onclick = () => this.#toggleMute();
    $("type").onsubmit = (/** @type {SubmitEvent} */ event) => this.#type(event);
    addEventListener("click", () => this.#unblock());
    addEventListener("keydown", (event) => this.#onKey(event));
    addEventListener("pagehide", () => this.#leave());
    addEventListener("pageshow", () => this.#comeBack());
    this.#introduce();
  }

  async #introduce() {
    const { name, examples } = introduce($("intro"), await this.#server);
    if (name && !this.#status.connected) this.#name(name); // A call knows the name better.
    this.#examples.show(examples);
  }

  /** Begin a new call. @param {boolean} typed true for a call without a microphone @param {string} [question] to ask at once */
  #start(typed, question = "") {
    if (this.#call) return;
    this.#clear();
    this.#question = question;
    this.#connect({ typed });
  }

  /** @param {{typed: boolean, muted?: boolean, ticket?: import("./call.js").Ticket}} how */
  #connect(how) {
    if (!("RTCPeerConnection" in window)) return this.#onOver(new CallError("unsupported"));
    const call = (this.#call = new Call(this.#pass));
    window.antiphon = { call };
    this.#typed = how.typed;
    this.#listen(call);
    this.#status.show("connecting");
    $("status").focus();
    call.start({ ...how, deviceId: rememberedMicrophone(), relay: new URLSearchParams(location.search).has("relay") });
  }

  /** The page goes away: leave a bookmark, so that the next page can go on with the call. */
  #leave() {
    const muted = this.#call?.muted;
    const ticket = this.#call?.leave();
    if (!ticket) return;
    bookmark.keep({ ticket, typed: this.#typed, muted, talkedMs: this.#status.lastedMs, captions: this.#captions.kept() });
    this.#status.clear();
    this.#call = null;
    this.#away = true;
  }

  /** Go on with the call that this tab had before the page was reloaded, if there was one. */
  #comeBack() {
    const left = this.#call ? null : bookmark.take();
    const away = this.#away;
    this.#away = false;
    if (!left) return away && this.#onOver(new CallError("lost"));
    this.#clear(left.talkedMs);
    this.#captions.restore(left.captions);
    this.#resuming = true;
    this.#onLine("reconnecting");
    this.#connect(left);
  }

  /** @param {Call} call */
  #listen(call) {
    const on = (/** @type {string} */ type, /** @type {(detail: any) => void} */ then) =>
      call.addEventListener(type, (event) => then(/** @type {CustomEvent} */ (event).detail));
    on("asking", () => this.#status.state === "connecting" && this.#status.say("asking"));
    on("microphone", (label) => this.#onMicrophone(label));
    on("connected", (line) => this.#onConnected(line));
    on("line", (line) => this.#onLine(line));
    on("session", (message) => this.#onSession(message));
    on("agent", ({ agent }) => this.#name(agent));
    on("state", ({ state }) => this.#onState(state));
    on("transcription", (message) => this.#onTranscription(message));
    on("response", (message) => this.#captions.response(message));
    on("exchange", (figures) => this.#latency.show(figures));
    on("trouble", (error) => this.#notice.show(failure(error)));
    on("blocked", () => this.#onBlocked());
    on("over", ({ reason }) => this.#onOver(reason));
  }

  /** Get ready for a call. @param {number} [talkedMs] how long it had lasted on earlier pages */
  #clear(talkedMs = 0) {
    this.#captions.clear();
    this.#latency.clear();
    this.#notice.hide();
    this.#status.clear(talkedMs);
    this.#examples.renew();
    this.#resuming = this.#blocked = false;
    this.#summary.hide();
    $("typed").value = "";
    $("mute").setAttribute("aria-pressed", "false");
  }

  /** @param {string | null} label null when the microphone was unplugged */
  #onMicrophone(label) {
    if (label === null) {
      this.#notice.show({ title: "The microphone is gone.", text: "Choose another one, or type instead of speaking." });
    } else {
      this.#typed = false;
      this.#notice.hide();
      if (this.#status.state === "connecting") this.#status.say("connecting");
    }
    this.#showMute();
    this.#choice.refresh();
  }

  /** @param {"" | "slow"} line */
  #onConnected(line) {
    this.#status.startClock();
    this.#voices.start(() => this.#call?.levels() ?? { caller: 0, agent: 0 });
    this.#showMute();
    this.#status.show("listening");
    this.#status.setLine(line);
    this.#status.announce(this.#resuming ? RESUMED : line ? LINES[line].said : "Connected.");
  }

  /** @param {{agent: string, resumed?: boolean, recorded?: boolean}} message */
  #onSession({ agent, resumed = false, recorded = false }) {
    if (agent) this.#name(agent);
    this.#status.setRecorded(recorded);
    if (recorded && !resumed) this.#status.announce("Connected. This call is recorded.");
    this.#captions.renew();
  }

  /** @param {"" | "slow" | "reconnecting"} line */
  #onLine(line) {
    if (this.#status.connected && line !== this.#status.line) this.#status.announce(LINES[line].said);
    this.#status.setLine(line);
  }

  /** @param {string} state */
  #onState(state) {
    if (!(state in STATES)) return;
    if (state === "hearing") this.#notice.pass();
    if (state === "listening" && this.#question) this.#say(this.#question);
    this.#keepingFocus(() => this.#status.show(state));
  }

  /** @param {{utterance: number, text: string, final: boolean}} message */
  #onTranscription(message) {
    this.#captions.transcription(message);
    if (message.final) this.#keepingFocus(() => this.#examples.asked(message.text));
  }

  /** Give the focus to the status if a change hides the button that has it. @param {() => void} change */
  #keepingFocus(change) {
    const focused = /** @type {HTMLElement} */ (document.activeElement);
    change();
    if (focused !== document.body && !focused.offsetParent) $("status").focus({ preventScroll: true });
  }

  #onBlocked() {
    this.#blocked = true;
    this.#notice.show({ title: "The browser has blocked the sound." }, "Turn the sound on");
  }

  /** Play the sound after any click: another notice may have replaced the one with the button for it. */
  #unblock() {
    if (!this.#blocked) return;
    this.#blocked = false;
    if (this.#notice.hasRemedy) this.#notice.hide();
    this.#call?.play();
  }

  /** @param {"hangup" | "agent" | CallError} reason */
  #onOver(reason) {
    this.#status.stopClock();
    this.#status.setLine("");
    this.#status.setRecorded(false);
    this.#voices.stop();
    this.#captions.settle();
    this.#call = null;
    delete window.antiphon;
    $("call").textContent = "Call again";
    this.#notice.hide();
    if (reason instanceof CallError) this.#explain(reason);
    else this.#status.show("ended");
    this.#summarise(reason);
    $("call").focus({ preventScroll: true });
  }

  /** @param {CallError} error */
  #explain(error) {
    const known = failure(error);
    this.#status.show("failed");
    if (known.type) this.#notice.show(known, "Call without a microphone", () => this.#start(true, this.#question));
    else this.#notice.show(known);
  }

  /** @param {"hangup" | "agent" | CallError} reason */
  #summarise(reason) {
    if (!this.#status.connected && reason instanceof CallError) return;
    const ended = { hangup: "You hung up.", agent: `${this.#agent} ended the call.` }[String(reason)] ?? "";
    this.#status.announce(this.#summary.show(ended, this.#status.lastedMs, this.#latency.answersMs));
  }

  async #toggleMute() {
    if (this.#call) await this.#attempt(this.#call.mute(!this.#call.muted));
    this.#showMute();
  }

  #showMute() {
    const muted = this.#call?.muted ?? false;
    $("mute").setAttribute("aria-pressed", String(muted));
    $("mute").querySelector("span").textContent = muted ? "Muted" : "Mute";
  }

  /**
   * Wait for a change of the microphone. If it fails, show why; the call goes on.
   * @param {Promise<void>} change @returns {Promise<boolean>} whether it worked
   */
  async #attempt(change) {
    const call = this.#call;
    try {
      await change;
      return true;
    } catch (error) {
      if (call === this.#call) this.#notice.show(failure(error));
      return false;
    }
  }

  /** Send what the caller has typed. @param {SubmitEvent} event */
  #type(event) {
    event.preventDefault();
    const text = $("typed").value.trim();
    if (!text || !this.#call || !this.#status.connected) return;
    this.#say(text);
    $("typed").value = "";
  }

  /** Send words in place of speech. @param {string} text */
  #say(text) {
    this.#question = "";
    this.#notice.pass();
    this.#captions.typed(text);
    this.#keepingFocus(() => this.#examples.asked(text));
    this.#call.type(text);
  }

  /**
   * Escape goes back one step: it closes the stages, else clears the typed text, else ends the call.
   * @param {KeyboardEvent} event
   */
  #onKey(event) {
    // A key that is held down counts once.
    if (event.repeat && ["Enter", "Escape"].includes(event.key)) event.preventDefault();
    if (event.key !== "Escape" || event.isComposing || event.defaultPrevented) return;
    if (this.#latency.close()) return;
    if ($("typed").value) $("typed").value = "";
    else this.#call?.hangUp();
  }

  /** Show this name of the agent everywhere. @param {string} agent */
  #name(agent) {
    this.#agent = this.#captions.agent = agent;
    document.querySelector(".agent-name").textContent = agent;
  }
}

new Page();
