import { CallError } from "./errors.js";
import { Heartbeat, PING_EVERY_MS } from "./heartbeat.js";

const STANDS_MS = 3_000; // How long the first message may take after the server's answer. Enough for a relay far away.
const CODES = { not_found: "gone", at_capacity: "limit", too_many: "limit" };

/**
 * One try to connect, and then one connection: a wire (Peer or Socket), the messages on it, and its heartbeat.
 *
 * It tells what happens to it by the names of route.js: first `stands`, `no-path`, `failed` or `gone`, later `lost`,
 * `superseded` or `reconnect`. It also tells `message` for each message of the server, and `blocked` when the browser does
 * not play the sound.
 *
 * @typedef {{text: (data: string) => void, sign: () => void, closed: () => void, blocked: () => void,
 *   played: (report: {reply: number, ms: number}) => void}} WireEvents
 */
export class Link {
  stands = false;
  #fresh;
  #tell;
  #wire;
  /** @type {Heartbeat | null} */
  #heartbeat = null;
  #timers = { limit: 0, ping: 0 };
  #closed = false;

  /**
   * @param {(on: WireEvents) => any} makeWire
   * @param {boolean} fresh true if it begins a conversation, false if it goes on with one
   * @param {(event: string, detail?: any) => void} tell
   */
  constructor(makeWire, fresh, tell) {
    this.#fresh = fresh;
    this.#tell = tell;
    this.#wire = makeWire({
      text: (data) => this.#onText(data),
      sign: () => this.#heartbeat?.heard(performance.now()),
      closed: () => this.#onClosed(),
      blocked: () => this.#tell("blocked"),
      played: (report) => this.send({ type: "played", ...report }),
    });
  }

  get pc() {
    return this.#wire.pc;
  }

  get pcId() {
    return this.#wire.pcId;
  }

  /** Begin to connect. @param {MediaStreamTrack | null} microphone */
  async open(microphone) {
    try {
      await this.#wire.open(microphone);
      if (!this.stands && !this.#closed) this.#timers.limit = setTimeout(() => this.#tell("no-path"), STANDS_MS);
    } catch (error) {
      this.#fail(error instanceof CallError ? error : new CallError("failed", "", error));
    }
  }

  /** @param {object} message */
  send(message) {
    this.#wire.send(JSON.stringify(message));
  }

  /** @param {MediaStreamTrack | null} microphone */
  async setMicrophone(microphone) {
    await this.#wire.setMicrophone(microphone);
  }

  /** Play the sound of this link from now on. */
  sound() {
    this.#wire.sound();
  }

  /** Play the sound after `blocked`. Call it in a click. */
  async play() {
    await this.#wire.play();
  }

  /** End the call, because the caller hangs up. */
  hangUp() {
    this.send({ type: "hangup" });
    this.#wire.end();
  }

  /**
   * Close the link; it tells nothing any more. If it began a conversation and never stood, end that conversation at the
   * server too. Idempotent.
   */
  close() {
    this.#closed = true;
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    if (this.#fresh && !this.stands) this.#wire.end();
    this.#wire.close();
  }

  /** @param {string} data */
  #onText(data) {
    const message = parse(data);
    if (this.#closed || !message) return;
    this.#heartbeat?.heard(performance.now());
    this.#wire.note?.(message);
    if (message.type === "ping") this.send({ type: "pong", t: message.t });
    else if (message.type === "reconnect") this.#tell("reconnect");
    else if (message.type === "error" && message.code === "superseded") this.#tell("superseded", message);
    else if (message.type === "error" && message.final && !this.stands) this.#refused(message);
    else this.#onMessage(message);
  }

  /** @param {{type: string}} message */
  #onMessage(message) {
    if (message.type === "session" && !this.stands) this.#stand(message);
    this.#tell("message", message);
  }

  /** @param {object} session */
  #stand(session) {
    this.stands = true;
    clearTimeout(this.#timers.limit);
    this.#heartbeat = new Heartbeat(performance.now(), this.#wire.silentMs);
    this.#timers.ping = setInterval(() => this.#onBeat(), PING_EVERY_MS);
    this.#tell("stands", session);
  }

  #onBeat() {
    const now = performance.now();
    if (!this.#heartbeat.beat(now)) return this.#tell("lost");
    this.send({ type: "ping", t: now });
    this.#wire.mind?.();
  }

  /** @param {{code: string, message: string}} error */
  #refused({ code, message }) {
    this.#fail(new CallError(CODES[code] ?? "refused", message));
  }

  /** @param {CallError} error */
  #fail(error) {
    if (!this.#closed) this.#tell(error.code === "gone" ? "gone" : "failed", error);
  }

  #onClosed() {
    if (!this.#closed) this.#tell(this.stands ? "lost" : "no-path");
  }
}

/** @param {string} data @returns {any} the message, or null for anything else */
function parse(data) {
  try {
    const message = JSON.parse(data);
    return typeof message?.type === "string" ? message : null;
  } catch {
    return null;
  }
}
