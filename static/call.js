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

const LAST_WORDS_MS = 300; // How long the sound goes on after the agent hangs up: the jitter buffer still holds this much.
// Share by which waits vary, so that not all clients of a restarted server come back at the same moment.
const JITTER = 0.25;
const MOST_UNSENT = 8; // How many typed messages wait while no connection carries the call. The oldest are dropped first.
const FROM_SERVER = ["session", "agent", "state", "transcription", "response"];

/**
 * One call: its connections, its microphone and its figures. It does not touch the DOM. Make and start it in a click, and do
 * not use it again after `over`.
 *
 * It dispatches these events (CustomEvent, with `detail` in braces):
 * - `asking`: the browser asks for the microphone
 * - `connected` {line}: the call has begun
 * - `session`, `state`, `transcription`, `response` {the message}: a message of the server
 * - `line` {"", "slow" or "reconnecting"}: how the call is carried now
 * - `trouble` {CallError}: an error that does not end the call
 * - `microphone` {label or null}: a microphone was opened, or it was unplugged
 * - `exchange` {Figures}: how long an answer took
 * - `blocked`: the browser does not play the sound until play() is called in a click
 * - `over` {reason: "hangup" | "agent" | CallError}: the call has ended
 *
 * @typedef {{sessionId: string, resume: string, pcId: string | null}} Ticket what another connection needs to go on with the call
 */
export class Call extends EventTarget {
  #route = new Route();
  /** @type {Map<number, Link>} */
  #links = new Map();
  #levels = new Levels((ms) => this.#onFigures(this.#exchange.gap(ms)));
  #microphone = new Microphone((track) => this.#onMicrophone(track));
  #exchange = new Exchange();
  #pass;
  /** @type {Ice} */
  #ice;
  /** @type {Ticket | null} */
  #ticket = null;
  #timer = 0;
  /** @type {object[]} */
  #unsent = [];
  #connected = false;
  #line = "";
  #over = false;
  #onNetwork = () => this.#steer("online");

  /** @param {import("./pass.js").Pass} pass */
  constructor(pass) {
    super();
    this.#pass = pass;
    this.#ice = new Ice(false, pass);
  }

  /**
   * Connect. The event `connected` or `over` follows.
   * @param {{typed?: boolean, muted?: boolean, deviceId?: string, relay?: boolean, ticket?: Ticket | null}} how
   *   typed: call without a microphone. relay: use only TURN. ticket: go on with this conversation, even if the microphone
   *   does not open.
   */
  async start({ typed = false, muted = false, deviceId = "", relay = false, ticket = null } = {}) {
    this.#ticket = ticket;
    this.#ice = new Ice(relay, this.#pass);
    addEventListener("online", this.#onNetwork);
    navigator.connection?.addEventListener?.("change", this.#onNetwork);
    try {
      await (ticket ? this.#pass.renew() : this.#pass.begin());
    } catch (error) {
      return this.#finish(error);
    }
    if (this.#over) return;
    this.#ice.configuration(ticket?.sessionId); // Ask for the servers already now, while the microphone opens.
    try {
      if (muted) await this.mute(true);
      if (!typed) await this.useMicrophone(deviceId);
    } catch (error) {
      if (!ticket) return this.#finish(error);
      this.#tell("trouble", error);
    }
    this.#steer(ticket ? "resume" : "start");
  }

  /** Send typed words. @param {string} text */
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

  /** Open a microphone, or change it during the call. @param {string} deviceId @throws {CallError} */
  async useMicrophone(deviceId) {
    this.#tell("asking");
    await this.#microphone.open(deviceId);
  }

  /** Play the sound after `blocked`. Call it in a click. */
  async play() {
    await Promise.all([this.#levels.context.resume(), this.#current?.play()]);
  }

  /** @returns {{caller: number, agent: number}} the loudness of both sides, 0 to 1 */
  levels() {
    return this.#levels.read();
  }

  /** The peer connection that carries the call, or null. */
  get pc() {
    return this.#current?.pc ?? null;
  }

  hangUp() {
    if (this.#current) this.#current.hangUp();
    else if (this.#ticket?.pcId) endCall(this.#ticket.pcId, this.#pass);
    this.#finish("hangup");
  }

  /**
   * Close the call because the page goes away. The server is not told, and keeps the conversation for a while.
   * @returns {Ticket | null} what the next page needs to go on; null if there is no conversation yet
   */
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

  // Connections

  /**
   * Tell the route what happened, and carry out its orders.
   * @param {string} event see Route.receive
   * @param {number} [link]
   * @param {unknown} [cause]
   */
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
      way === "rtc" ? new Peer(ticket, this.#pass, this.#levels, this.#ice, on) : new Socket(ticket, this.#pass, this.#levels, on);
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

  // Messages

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

  /**
   * Send a message. Typed text waits if there is no connection; other messages are dropped, because they would come too
   * late.
   * @param {{type: string}} message
   */
  #send(message) {
    if (this.#current) this.#current.send(message);
    else if (message.type === "text") this.#unsent = [...this.#unsent, message].slice(-MOST_UNSENT);
  }

  /** @param {string} type @param {unknown} [detail] */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /**
   * End the call.
   * @param {"hangup" | "agent" | CallError} reason
   * @param {number} [lingerMs] how long the sound still goes on
   */
  #finish(reason, lingerMs = 0) {
    if (this.#over) return;
    this.#over = true;
    this.#microphone.close();
    clearTimeout(this.#timer);
    if (lingerMs) setTimeout(() => this.#close(), lingerMs);
    else this.#close();
    this.#tell("over", { reason });
  }

  /** Release everything: timers, listeners, microphone, links and sound. */
  #close() {
    clearTimeout(this.#timer);
    removeEventListener("online", this.#onNetwork);
    navigator.connection?.removeEventListener?.("change", this.#onNetwork);
    this.#microphone.close();
    for (const number of [...this.#links.keys()]) this.#discard(number);
    this.#levels.close();
  }
}
