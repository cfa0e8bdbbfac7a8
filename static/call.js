import { CallError } from "./errors.js";
import { Exchange } from "./exchange.js";
import { Ice } from "./ice.js";
import { Levels } from "./levels.js";
import { Link } from "./link.js";
import { Microphone } from "./microphone.js";
import { Peer } from "./peer.js";
import { Route } from "./route.js";
import { endCall } from "./signaling.js";
import { Socket } from "./socket.js";

const LAST_WORDS_MS = 300; // what the jitter buffer still holds when the agent hangs up
const JITTER = 0.25; // Not all callers of a server that restarts come back in the same moment.
const MOST_UNSENT = 8; // typed while nothing carries the call
const FROM_SERVER = ["session", "state", "transcription", "response"];

/**
 * One call: what carries it, its microphone and its figures, no DOM. Made and started in a click; not used again after `over`.
 *
 * Events (CustomEvent, `detail` in braces): `asking` for the microphone · `connected` {line} · each message of the server
 * under its own type {the message} · `line` {"", "slow" or "reconnecting"}: what carries the call now · `trouble` {message}: an error
 * that does not end the call · `microphone` {label} or {null} · `exchange` {Figures} · `blocked`: the browser holds the sound
 * back until play() is called in a click · `over` {reason: "hangup" | "agent" | CallError}.
 *
 * @typedef {{sessionId: string, resume: string, pcId: string | null}} Ticket what another connection needs to go on
 */
export class Call extends EventTarget {
  #route = new Route();
  /** @type {Map<number, Link>} */
  #links = new Map();
  #levels = new Levels((ms) => this.#onFigures(this.#exchange.gap(ms)));
  #microphone = new Microphone((track) => this.#onMicrophone(track));
  #exchange = new Exchange();
  #ice = new Ice(false);
  /** @type {Ticket | null} */
  #ticket = null;
  #timer = 0;
  /** @type {object[]} */
  #unsent = [];
  #connected = false;
  #line = "";
  #over = false;
  #onNetwork = () => this.#steer("online");

  /**
   * Connect; `connected` or `over` follows.
   * @param {{typed?: boolean, muted?: boolean, deviceId?: string, relay?: boolean, ticket?: Ticket | null}} how typed: without a
   *   microphone; relay: by TURN alone; ticket: of a conversation to go on with, which then goes on even if the microphone
   *   does not open
   */
  async start({ typed = false, muted = false, deviceId = "", relay = false, ticket = null } = {}) {
    this.#ticket = ticket;
    this.#ice = new Ice(relay);
    this.#ice.configuration(); // It is asked for while the microphone opens.
    addEventListener("online", this.#onNetwork);
    navigator.connection?.addEventListener?.("change", this.#onNetwork);
    try {
      if (muted) await this.mute(true);
      if (!typed) await this.useMicrophone(deviceId);
    } catch (error) {
      if (!ticket) return this.#finish(error);
      this.#tell("trouble", error);
    }
    this.#steer(ticket ? "resume" : "start");
  }

  /** @param {string} text */
  type(text) {
    this.#exchange.begin(false);
    this.#send({ type: "text", text });
  }

  /** Ask the agent to stop talking. */
  interrupt() {
    this.#send({ type: "interrupt" });
  }

  get muted() {
    return this.#microphone.muted;
  }

  /** Without a microphone, unmuting opens one. @param {boolean} muted @throws {CallError} */
  async mute(muted) {
    await this.#microphone.mute(muted);
  }

  /** Change the microphone during the call. @param {string} deviceId @throws {CallError} */
  async useMicrophone(deviceId) {
    this.#tell("asking");
    await this.#microphone.open(deviceId);
  }

  /** Let the sound out after `blocked`; call it in a click. */
  async play() {
    await Promise.all([this.#levels.context.resume(), this.#current?.play()]);
  }

  /** @returns {{caller: number, agent: number}} loudness of both, 0 to 1 */
  levels() {
    return this.#levels.read();
  }

  /** The peer connection that carries the call, if one does. */
  get pc() {
    return this.#current?.pc ?? null;
  }

  hangUp() {
    if (this.#current) this.#current.hangUp();
    else if (this.#ticket?.pcId) endCall(this.#ticket.pcId);
    this.#finish("hangup");
  }

  /** The page goes away without a word to the server, which keeps the conversation for a while. @returns {Ticket | null} */
  leave() {
    const ticket = this.#over ? null : this.#ticket;
    if (!ticket) this.hangUp();
    this.#over = true;
    this.#close();
    return ticket;
  }

  get #current() {
    return this.#links.get(this.#route.current);
  }

  // What carries the call

  /** @param {string} event as Route.receive @param {number} [link] @param {unknown} [cause] */
  #steer(event, link, cause) {
    if (this.#over) return;
    const orders = this.#route.receive(event, performance.now(), link);
    if (!orders) return;
    clearTimeout(this.#timer);
    for (const order of orders) this.#obey(order, cause);
    this.#showLine();
  }

  /** @param {import("./route.js").Order} order @param {unknown} cause */
  #obey(order, cause) {
    if (order.order === "open") this.#open(order.link, order.way);
    if (order.order === "close") this.#discard(order.link);
    if (order.order === "wait") this.#timer = setTimeout(() => this.#steer("due"), order.ms * (1 + JITTER * (Math.random() - 0.5)));
    if (order.order === "end") this.#finish(this.#ticket || !(cause instanceof CallError) ? new CallError(order.code) : cause);
  }

  /** @param {number} number @param {import("./route.js").Way} way */
  #open(number, way) {
    const ticket = this.#ticket;
    const wire = (/** @type {import("./link.js").WireEvents} */ on) =>
      way === "rtc" ? new Peer(ticket, this.#levels, this.#ice, on) : new Socket(ticket, this.#levels, on);
    const link = new Link(wire, !ticket, (event, detail) => this.#onLink(number, event, detail));
    this.#links.set(number, link);
    link.open(this.#microphone.track);
  }

  /** @param {number} number */
  #discard(number) {
    this.#links.get(number)?.close();
    this.#links.delete(number);
  }

  /** @param {number} number @param {string} event @param {any} detail */
  #onLink(number, event, detail) {
    if (event === "message") this.#onMessage(number, detail);
    else if (event === "blocked") this.#tell("blocked");
    else if (event === "stands") this.#onStands(number, detail);
    else this.#steer(event, number, detail);
  }

  /** @param {number} number @param {{session_id: string, resume?: string}} session */
  #onStands(number, session) {
    this.#steer("stands", number);
    const link = this.#links.get(number);
    if (link !== this.#current) return;
    this.#ticket = { sessionId: session.session_id, resume: session.resume ?? "", pcId: link.pcId };
    link.sound();
    for (const message of this.#unsent.splice(0)) link.send(message);
    if (!this.#connected) this.#tell("connected", (this.#line = this.#route.line));
    this.#connected = true;
  }

  #showLine() {
    const { line } = this.#route;
    if (!this.#connected || this.#over || line === this.#line) return;
    this.#line = line;
    this.#tell("line", line);
  }

  // What is said

  /** @param {number} number @param {any} message */
  #onMessage(number, message) {
    if (this.#over || number !== this.#route.current) return;
    if (message.type === "error") this.#onError(message);
    if (message.type === "state") this.#onState(message.state);
    if (message.type === "metrics") this.#onFigures(this.#exchange.metrics(message));
    if (FROM_SERVER.includes(message.type) && !this.#over) this.#tell(message.type, message);
  }

  /** @param {{message: string, final?: boolean}} error */
  #onError({ message, final }) {
    if (final) this.#finish(new CallError("ended", message));
    else this.#tell("trouble", new CallError("trouble", message));
  }

  /** @param {string} state */
  #onState(state) {
    if (state === "hearing") this.#exchange.begin(true);
    if (state === "closed") this.#finish("agent", LAST_WORDS_MS);
  }

  /** @param {import("./exchange.js").Figures | null} figures */
  #onFigures(figures) {
    if (!figures || this.#over) return;
    if (figures.gapMs !== null) this.#send({ type: "heard", reply: figures.reply, gap_ms: figures.gapMs });
    this.#tell("exchange", figures);
  }

  /** @param {MediaStreamTrack | null} track */
  #onMicrophone(track) {
    if (this.#over) return;
    this.#levels.setCaller(track);
    for (const link of this.#links.values()) link.setMicrophone(track);
    this.#tell("microphone", track ? track.label : null);
  }

  /** What a person typed waits for a connection; what else there is to say is of the moment. @param {{type: string}} message */
  #send(message) {
    if (this.#current) this.#current.send(message);
    else if (message.type === "text") this.#unsent = [...this.#unsent, message].slice(-MOST_UNSENT);
  }

  /** @param {string} type @param {unknown} [detail] */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** @param {"hangup" | "agent" | CallError} reason @param {number} [lingerMs] how long the sound goes on */
  #finish(reason, lingerMs = 0) {
    if (this.#over) return;
    this.#over = true;
    this.#microphone.close();
    clearTimeout(this.#timer);
    if (lingerMs) setTimeout(() => this.#close(), lingerMs);
    else this.#close();
    this.#tell("over", { reason });
  }

  /** Give everything back. */
  #close() {
    clearTimeout(this.#timer);
    removeEventListener("online", this.#onNetwork);
    navigator.connection?.removeEventListener?.("change", this.#onNetwork);
    this.#microphone.close();
    for (const number of [...this.#links.keys()]) this.#discard(number);
    this.#levels.close();
  }
}
