import { Call } from "./call.js";
import { Captions } from "./captions.js";
import { CallError } from "./errors.js";
import { Latency } from "./latency.js";
import { listMicrophones, rememberMicrophone, rememberedMicrophone } from "./microphone.js";
import { STATES, clock, failure, summary } from "./sentences.js";
import { Voices } from "./voices.js";

const root = document.documentElement;
const $ = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));

/** The page: one call at a time, and what it shows of it. */
class Page {
  /** @type {Call | null} */
  #call = null;
  #connectedAt = 0;
  #ticking = 0;
  #agent = "Agent";
  #voices = new Voices($("stage"));
  #latency = new Latency($("latency"));
  #captions = new Captions($("captions"), (text) => announce(text));
  #remedy = () => {};

  constructor() {
    $("call").onclick = () => this.#start(false);
    $("without").onclick = () => this.#start(true);
    $("hangup").onclick = () => this.#call?.hangUp();
    $("interrupt").onclick = () => this.#call?.interrupt();
    $("mute").onclick = () => this.#toggleMute();
    $("mic").onchange = () => this.#chooseMicrophone($("mic").value);
    $("remedy").onclick = () => this.#remedy();
    $("type").onsubmit = (/** @type {SubmitEvent} */ event) => this.#type(event);
    addEventListener("keydown", (event) => this.#onKey(event));
    addEventListener("pagehide", () => this.#call?.hangUp());
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.#listMicrophones());
    this.#listMicrophones();
  }

  /** @param {boolean} typed */
  #start(typed) {
    if (this.#call) return;
    this.#clear();
    if (!("RTCPeerConnection" in window)) return this.#onOver(new CallError("unsupported"));
    const call = (this.#call = new Call());
    window.antiphon = { call };
    this.#listen(call);
    this.#show("connecting");
    $("status").focus();
    call.start({ typed, deviceId: rememberedMicrophone(), relay: new URLSearchParams(location.search).has("relay") });
  }

  /** @param {Call} call */
  #listen(call) {
    const on = (/** @type {string} */ type, /** @type {(detail: any) => void} */ then) =>
      call.addEventListener(type, (event) => then(/** @type {CustomEvent} */ (event).detail));
    on("asking", () => this.#onAsking());
    on("microphone", (label) => this.#onMicrophone(label));
    on("connected", () => this.#onConnected());
    on("session", (message) => this.#onSession(message));
    on("state", ({ state }) => this.#onState(state));
    on("transcription", (message) => this.#captions.transcription(message));
    on("response", (message) => this.#captions.response(message));
    on("metrics", (message) => this.#latency.metrics(message));
    on("gap", (ms) => this.#latency.gap(ms));
    on("trouble", (message) => this.#notice({ title: message }));
    on("blocked", () => this.#onBlocked());
    on("over", ({ reason }) => this.#onOver(reason));
  }

  #clear() {
    this.#captions.clear();
    this.#latency.clear();
    this.#notice(null);
    this.#connectedAt = 0;
    this.#name("Agent");
    $("summary").hidden = true;
    $("timer").textContent = "";
    $("typed").value = "";
    $("mute").setAttribute("aria-pressed", "false");
    announce("");
  }

  #onAsking() {
    if (root.dataset.state === "connecting") this.#say("asking");
  }

  /** @param {string | null} label null when it was unplugged */
  #onMicrophone(label) {
    if (label === null) {
      this.#notice({ title: "The microphone is gone.", text: "Choose another one, or type instead of speaking." });
    } else {
      this.#notice(null);
      if (root.dataset.state === "connecting") this.#say("connecting");
    }
    this.#showMute();
    this.#listMicrophones();
  }

  #onConnected() {
    this.#connectedAt = performance.now();
    this.#tick();
    this.#ticking = setInterval(() => this.#tick(), 500);
    this.#voices.start(() => this.#call.levels());
    this.#showMute();
    this.#show("listening");
    announce("Connected.");
  }

  /** @param {{agent: string}} message */
  #onSession({ agent }) {
    this.#name(agent || "Agent");
  }

  /** @param {string} state */
  #onState(state) {
    if (!(state in STATES)) return;
    if (state === "hearing") this.#next();
    this.#show(state);
  }

  /** The person goes on: figures and troubles of the last answer are over. */
  #next() {
    this.#latency.next();
    if ($("remedy").hidden) this.#notice(null);
  }

  #onBlocked() {
    this.#notice({ title: "The browser holds the sound back." }, "Turn the sound on", () => {
      this.#notice(null);
      this.#call?.play();
    });
  }

  /** @param {"hangup" | "agent" | CallError} reason */
  #onOver(reason) {
    clearInterval(this.#ticking);
    this.#voices.stop();
    this.#call = null;
    delete window.antiphon;
    $("call").textContent = "Call again";
    this.#notice(null);
    if (reason instanceof CallError) this.#explain(reason);
    else this.#show("ended");
    this.#summarise(reason);
    $("call").focus({ preventScroll: true });
  }

  /** @param {CallError} error */
  #explain(error) {
    const known = failure(error);
    this.#show("failed");
    if (known.type) this.#notice(known, "Call without a microphone", () => this.#start(true));
    else this.#notice(known);
  }

  /** @param {"hangup" | "agent" | CallError} reason */
  #summarise(reason) {
    if (!this.#connectedAt && reason instanceof CallError) return;
    const ended = { hangup: "You hung up.", agent: `${this.#agent} ended the call.` }[String(reason)] ?? "";
    const length = this.#connectedAt ? summary(performance.now() - this.#connectedAt, this.#latency.answersMs) : "";
    $("summary").textContent = `${ended} ${length}`.trim();
    $("summary").hidden = false;
    announce($("summary").textContent);
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

  /** @param {string} deviceId */
  async #chooseMicrophone(deviceId) {
    if (this.#call && !(await this.#attempt(this.#call.useMicrophone(deviceId)))) return this.#listMicrophones();
    rememberMicrophone(deviceId);
  }

  /** A microphone that fails in the middle of a call does not end it. @param {Promise<void>} change */
  async #attempt(change) {
    try {
      await change;
      return true;
    } catch (error) {
      this.#notice(failure(error));
      return false;
    }
  }

  async #listMicrophones() {
    const microphones = await listMicrophones();
    const options = [new Option("Default mic", ""), ...microphones.map(({ id, label }) => new Option(label, id))];
    $("mic").replaceChildren(...options);
    $("mic").value = microphones.some(({ id }) => id === rememberedMicrophone()) ? rememberedMicrophone() : "";
    $("mic-choice").hidden = !microphones.length;
  }

  /** @param {SubmitEvent} event */
  #type(event) {
    event.preventDefault();
    const text = $("typed").value.trim();
    if (!text || !this.#call || !this.#connectedAt) return;
    this.#next();
    this.#captions.typed(text);
    this.#call.type(text);
    $("typed").value = "";
  }

  /** Escape goes back one step: the stages, what is typed, then the call. @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.key !== "Escape" || event.isComposing || event.defaultPrevented) return;
    if (this.#latency.close()) return;
    if ($("typed").value) $("typed").value = "";
    else this.#call?.hangUp();
  }

  /** @param {string} state */
  #show(state) {
    root.dataset.state = state;
    this.#say(state);
  }

  /** @param {string} state */
  #say(state) {
    const [word, hint] = STATES[state] ?? ["", ""];
    const [bold, small] = $("status").children;
    bold.textContent = state === "speaking" ? this.#agent : word;
    small.textContent = hint;
  }

  /** @param {{title: string, text?: string} | null} notice @param {string} [remedy] @param {() => void} [then] */
  #notice(notice, remedy = "", then = () => {}) {
    $("notice").hidden = !notice;
    $("notice").querySelector(".title").textContent = notice?.title ?? "";
    $("notice").querySelector(".text").textContent = notice?.text ?? "";
    $("remedy").hidden = !remedy;
    $("without").hidden = Boolean(remedy);
    $("remedy").textContent = remedy;
    this.#remedy = then;
  }

  /** @param {string} agent */
  #name(agent) {
    this.#agent = this.#captions.agent = agent;
    document.querySelector(".agent-name").textContent = agent;
  }

  #tick() {
    $("timer").textContent = clock(performance.now() - this.#connectedAt);
  }
}

/** @param {string} text */
function announce(text) {
  $("announcer").textContent = text;
}

new Page();
