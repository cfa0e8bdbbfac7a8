import * as bookmark from "./bookmark.js";
import { Call } from "./call.js";
import { Captions } from "./captions.js";
import { Choice } from "./choice.js";
import { rememberedMicrophone } from "./devices.js";
import { CallError } from "./errors.js";
import { Latency } from "./latency.js";
import { Notice } from "./notice.js";
import { LINES, RESUMED, STATES, failure, summary } from "./sentences.js";
import { Status } from "./status.js";
import { Voices } from "./voices.js";

const $ = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));

/** The page: one call at a time, and what it shows of it. */
class Page {
  /** @type {Call | null} */
  #call = null;
  #typed = false;
  #resuming = false;
  /** The browser holds the sound back. */
  #blocked = false;
  /** The page went away in a call; it may come back whole. */
  #away = false;
  /** By the page's clock; null until the call stands. @type {number | null} */
  #connectedAt = null;
  /** How long it lasted on the page before this one. */
  #talkedMs = 0;
  #status = new Status($("status"), $("line"), $("timer"), $("announcer"));
  #voices = new Voices($("stage"));
  #latency = new Latency($("latency"));
  #captions = new Captions($("captions"), (text) => this.#status.announce(text));
  #notice = new Notice($("notice"));
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
  }

  /** @param {boolean} typed */
  #start(typed) {
    if (this.#call) return;
    this.#clear();
    this.#connect({ typed });
  }

  /** @param {{typed: boolean, muted?: boolean, ticket?: import("./call.js").Ticket}} how */
  #connect(how) {
    if (!("RTCPeerConnection" in window)) return this.#onOver(new CallError("unsupported"));
    const call = (this.#call = new Call());
    window.antiphon = { call };
    this.#typed = how.typed;
    this.#listen(call);
    this.#status.show("connecting");
    $("status").focus();
    const relay = new URLSearchParams(location.search).has("relay");
    call.start({ ...how, deviceId: rememberedMicrophone(), relay });
  }

  /** The page goes away: the call waits for the next one. */
  #leave() {
    const muted = this.#call?.muted;
    const ticket = this.#call?.leave();
    if (!ticket) return;
    bookmark.keep({ ticket, typed: this.#typed, muted, talkedMs: this.#lastedMs(), captions: this.#captions.kept() });
    this.#call = this.#connectedAt = null;
    this.#away = true;
  }

  /** Go on with the call that this tab had before it was loaded anew. */
  #comeBack() {
    const left = this.#call ? null : bookmark.take();
    const away = this.#away;
    this.#away = false;
    if (!left) return away && this.#onOver(new CallError("lost"));
    this.#clear();
    this.#captions.restore(left.captions);
    this.#talkedMs = left.talkedMs;
    this.#resuming = true;
    this.#onLine("reconnecting");
    this.#connect(left);
  }

  /** @param {Call} call */
  #listen(call) {
    const on = (/** @type {string} */ type, /** @type {(detail: any) => void} */ then) =>
      call.addEventListener(type, (event) => then(/** @type {CustomEvent} */ (event).detail));
    on("asking", () => this.#onAsking());
    on("microphone", (label) => this.#onMicrophone(label));
    on("connected", (line) => this.#onConnected(line));
    on("line", (line) => this.#onLine(line));
    on("session", (message) => this.#onSession(message));
    on("state", ({ state }) => this.#onState(state));
    on("transcription", (message) => this.#captions.transcription(message));
    on("response", (message) => this.#captions.response(message));
    on("exchange", (figures) => this.#onExchange(figures));
    on("trouble", (error) => this.#notice.show(failure(error)));
    on("blocked", () => this.#onBlocked());
    on("over", ({ reason }) => this.#onOver(reason));
  }

  #clear() {
    this.#captions.clear();
    this.#latency.clear();
    this.#hideNotice();
    this.#status.clear();
    this.#connectedAt = null;
    this.#talkedMs = 0;
    this.#resuming = this.#blocked = false;
    this.#name("Agent");
    $("summary").hidden = true;
    $("typed").value = "";
    $("mute").setAttribute("aria-pressed", "false");
  }

  #onAsking() {
    if (this.#status.state === "connecting") this.#status.say("asking");
  }

  /** @param {string | null} label null when it was unplugged */
  #onMicrophone(label) {
    if (label === null) {
      this.#notice.show({ title: "The microphone is gone.", text: "Choose another one, or type instead of speaking." });
    } else {
      this.#typed = false;
      this.#hideNotice();
      if (this.#status.state === "connecting") this.#status.say("connecting");
    }
    this.#showMute();
    this.#choice.refresh();
  }

  /** @param {"" | "slow"} line */
  #onConnected(line) {
    this.#connectedAt = performance.now();
    this.#status.startClock(() => this.#lastedMs());
    this.#voices.start(() => this.#call?.levels() ?? { caller: 0, agent: 0 });
    this.#showMute();
    this.#status.show("listening");
    this.#status.setLine(line);
    this.#status.announce(this.#resuming ? RESUMED : line ? LINES[line].said : "Connected.");
  }

  /** @param {{agent: string}} message */
  #onSession({ agent }) {
    this.#name(agent || "Agent");
    this.#captions.renew();
  }

  /** @param {"" | "slow" | "reconnecting"} line */
  #onLine(line) {
    if (this.#connectedAt !== null && line !== this.#status.line) this.#status.announce(LINES[line].said);
    this.#status.setLine(line);
  }

  /** @param {string} state */
  #onState(state) {
    if (!(state in STATES)) return;
    if (state === "hearing" && !this.#notice.hasRemedy) this.#hideNotice();
    const onButton = document.activeElement === $("interrupt");
    this.#status.show(state);
    if (onButton && !$("interrupt").offsetParent) $("status").focus(); // The button has gone.
  }

  /** @param {import("./exchange.js").Figures} figures */
  #onExchange(figures) {
    this.#latency.show(figures);
    this.#captions.figures(figures);
  }

  #onBlocked() {
    this.#blocked = true;
    this.#notice.show({ title: "The browser holds the sound back." }, "Turn the sound on");
  }

  /** Any click will do: the notice may have made room for another. */
  #unblock() {
    if (!this.#blocked) return;
    this.#blocked = false;
    if (this.#notice.hasRemedy) this.#hideNotice();
    this.#call?.play();
  }

  /** @param {"hangup" | "agent" | CallError} reason */
  #onOver(reason) {
    this.#status.stopClock();
    this.#status.setLine("");
    this.#voices.stop();
    this.#captions.settle();
    this.#call = null;
    delete window.antiphon;
    $("call").textContent = "Call again";
    this.#hideNotice();
    if (reason instanceof CallError) this.#explain(reason);
    else this.#status.show("ended");
    this.#summarise(reason);
    $("call").focus({ preventScroll: true });
  }

  /** @param {CallError} error */
  #explain(error) {
    const known = failure(error);
    this.#status.show("failed");
    if (known.type) this.#notice.show(known, "Call without a microphone", () => this.#start(true));
    else this.#notice.show(known);
    $("without").hidden = this.#notice.hasRemedy;
  }

  #hideNotice() {
    this.#notice.hide();
    $("without").hidden = false;
  }

  /** @param {"hangup" | "agent" | CallError} reason */
  #summarise(reason) {
    const connected = this.#connectedAt !== null;
    if (!connected && reason instanceof CallError) return;
    const ended = { hangup: "You hung up.", agent: `${this.#status.agent} ended the call.` }[String(reason)] ?? "";
    const length = connected ? summary(this.#lastedMs(), this.#latency.answersMs) : "";
    $("summary").textContent = `${ended} ${length}`.trim();
    $("summary").hidden = false;
    this.#status.announce($("summary").textContent);
  }

  #lastedMs() {
    return this.#talkedMs + (this.#connectedAt === null ? 0 : performance.now() - this.#connectedAt);
  }

  async #toggleMute() {
    const call = this.#call;
    if (!call) return;
    await this.#attempt(call.mute(!call.muted));
    this.#showMute();
  }

  #showMute() {
    const muted = this.#call?.muted ?? false;
    $("mute").setAttribute("aria-pressed", String(muted));
    $("mute").querySelector("span").textContent = muted ? "Muted" : "Mute";
  }

  /** A microphone that fails in the middle of a call does not end it. @param {Promise<void>} change */
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

  /** @param {SubmitEvent} event */
  #type(event) {
    event.preventDefault();
    const text = $("typed").value.trim();
    if (!text || !this.#call || this.#connectedAt === null) return;
    if (!this.#notice.hasRemedy) this.#hideNotice();
    this.#captions.typed(text);
    this.#call.type(text);
    $("typed").value = "";
  }

  /** Escape goes back one step: the stages, what is typed, then the call. @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.repeat && ["Enter", "Escape"].includes(event.key)) event.preventDefault(); // Once is meant, by who holds it long too.
    if (event.key !== "Escape" || event.isComposing || event.defaultPrevented) return;
    if (this.#latency.close()) return;
    if ($("typed").value) $("typed").value = "";
    else this.#call?.hangUp();
  }

  /** @param {string} agent */
  #name(agent) {
    this.#status.agent = this.#captions.agent = agent;
    document.querySelector(".agent-name").textContent = agent;
  }
}

new Page();
