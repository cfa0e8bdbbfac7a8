import { CallError } from "./errors.js";
import { Heartbeat, PING_EVERY_MS } from "./heartbeat.js";
import { Levels } from "./levels.js";
import { openMicrophone } from "./microphone.js";
import { Signaling } from "./signaling.js";

const CONNECT_TIMEOUT_MS = 20_000;
const DISCONNECTED_MS = 5_000;
const LAST_WORDS_MS = 300; // what the jitter buffer still holds when the agent hangs up
const STEADY_BUFFER_MS = 40;
const GLITCHY = 0.02; // share of samples made up since the last look
const FROM_SERVER = ["session", "state", "transcription", "response", "metrics"];

/**
 * One call: its signaling and its media, no DOM. Made and started in a click; not used again after `over`.
 *
 * Events (CustomEvent, `detail` in braces): `asking` for the microphone · `connected` · each message of the server under its
 * own type {the message} · `trouble` {message}: an error that does not end the call · `microphone` {label} or {null} ·
 * `gap` {ms}: from the person's last sound to the answer's first, as heard here · `blocked`: the browser holds the sound back
 * until play() is called in a click · `over` {reason: "hangup" | "agent" | CallError}.
 */
export class Call extends EventTarget {
  pc = new RTCPeerConnection();
  #signaling = new Signaling();
  #levels = new Levels((ms) => this.#onGap(ms));
  #audio = new Audio();
  #channel = this.pc.createDataChannel("events", { ordered: true });
  /** @type {RTCRtpSender | null} */
  #sender = null;
  /** @type {MediaStreamTrack | null} */
  #microphone = null;
  /** @type {Heartbeat | null} */
  #heartbeat = null;
  #timers = { connect: 0, disconnected: 0, ping: 0 };
  #muted = false;
  #deviceId = "";
  #over = false;
  #answerDue = false;
  #samples = { total: 0, madeUp: 0 };

  constructor() {
    super();
    this.#audio.autoplay = true;
    this.pc.onicecandidate = ({ candidate }) => this.#signaling.add(candidate);
    this.pc.onconnectionstatechange = () => this.#onConnectionState(this.pc.connectionState);
    this.pc.ontrack = ({ track, receiver }) => this.#onTrack(track, receiver);
    this.#channel.onopen = () => this.#onOpen();
    this.#channel.onmessage = ({ data }) => this.#onMessage(data);
    this.#channel.onclose = () => this.#onLost();
  }

  /**
   * Connect; `connected` or `over` follows.
   * @param {{typed?: boolean, deviceId?: string, relay?: boolean}} how typed: without a microphone; relay: by TURN alone
   */
  async start({ typed = false, deviceId = "", relay = false } = {}) {
    this.#deviceId = deviceId;
    const iceServers = this.#signaling.iceServers();
    try {
      if (!typed) await this.#open(deviceId);
      this.#route(await iceServers, relay);
      if (!this.#over) await this.#connect();
    } catch (error) {
      this.#finish(error instanceof CallError ? error : new CallError("failed", "", error));
    }
  }

  /** @param {string} text */
  type(text) {
    this.#answerDue = false;
    this.#send({ type: "text", text });
  }

  /** Ask the agent to stop talking. */
  interrupt() {
    this.#send({ type: "interrupt" });
  }

  get muted() {
    return this.#muted || !this.#microphone;
  }

  /** Without a microphone, unmuting opens one. @param {boolean} muted @throws {CallError} */
  async mute(muted) {
    this.#muted = muted;
    if (this.#microphone) this.#microphone.enabled = !muted;
    else if (!muted) await this.useMicrophone(this.#deviceId);
  }

  /** Change the microphone during the call. @param {string} deviceId @throws {CallError} */
  async useMicrophone(deviceId) {
    await this.#open(deviceId);
    if (!this.#over) await this.#sender?.replaceTrack(this.#microphone);
  }

  /** Let the sound out after `blocked`; call it in a click. */
  async play() {
    await this.#audio.play();
  }

  /** @returns {{caller: number, agent: number}} loudness of both, 0 to 1 */
  levels() {
    return this.#levels.read();
  }

  hangUp() {
    this.#send({ type: "hangup" });
    this.#finish("hangup");
  }

  /** @param {RTCIceServer[]} iceServers @param {boolean} relay */
  #route(iceServers, relay) {
    if (!this.#over) this.pc.setConfiguration({ iceServers, iceTransportPolicy: relay ? "relay" : "all" });
  }

  async #connect() {
    this.#timers.connect = setTimeout(() => this.#finish(new CallError("no-path")), CONNECT_TIMEOUT_MS);
    const track = this.#microphone ?? this.#levels.silence();
    this.#sender = this.pc.addTransceiver(track, { direction: "sendrecv", streams: [new MediaStream([track])] }).sender;
    await this.pc.setLocalDescription();
    const sdp = await this.#signaling.offer(this.pc.localDescription.sdp);
    if (!this.#over) await this.pc.setRemoteDescription({ type: "answer", sdp });
  }

  /** @param {string} deviceId */
  async #open(deviceId) {
    this.#tell("asking");
    const track = await openMicrophone(deviceId);
    if (this.#over) return track.stop();
    this.#deviceId = deviceId;
    this.#microphone?.stop();
    this.#microphone = track;
    track.enabled = !this.#muted;
    track.onended = () => this.#onUnplugged(track);
    this.#levels.setCaller(track);
    this.#tell("microphone", track.label);
  }

  /** @param {MediaStreamTrack} track */
  async #onUnplugged(track) {
    if (this.#over || track !== this.#microphone) return;
    this.#microphone = null;
    this.#levels.setCaller(null);
    this.#tell("microphone", null);
    await this.#sender?.replaceTrack(this.#levels.silence());
  }

  /** @param {MediaStreamTrack} track @param {RTCRtpReceiver} receiver */
  #onTrack(track, receiver) {
    if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
    this.#audio.srcObject = new MediaStream([track]);
    this.#audio.play().catch((error) => error.name === "NotAllowedError" && this.#tell("blocked"));
    this.#levels.setAgent(track);
  }

  #onOpen() {
    clearTimeout(this.#timers.connect);
    this.#heartbeat = new Heartbeat(performance.now());
    this.#timers.ping = setInterval(() => this.#onBeat(), PING_EVERY_MS);
    this.#tell("connected");
  }

  #onBeat() {
    const now = performance.now();
    if (!this.#heartbeat.beat(now)) return this.#onLost();
    this.#send({ type: "ping", t: now });
    this.#steadyBuffer();
  }

  /** The shortest jitter buffer answers soonest; where it makes the voice stutter, a longer one is worth its 40 ms. */
  async #steadyBuffer() {
    const [receiver] = this.pc.getReceivers();
    if (receiver?.jitterBufferTarget !== 0) return;
    const stats = [...(await receiver.getStats()).values()].find(({ type }) => type === "inbound-rtp");
    const total = stats?.totalSamplesReceived ?? 0;
    const madeUp = (stats?.concealedSamples ?? 0) - (stats?.silentConcealedSamples ?? 0);
    const share = (madeUp - this.#samples.madeUp) / Math.max(1, total - this.#samples.total);
    this.#samples = { total, madeUp };
    if (share > GLITCHY) receiver.jitterBufferTarget = STEADY_BUFFER_MS;
  }

  /** @param {string} data */
  #onMessage(data) {
    const message = parse(data);
    if (this.#over || !message) return;
    this.#heartbeat?.heard(performance.now());
    if (message.type === "ping") this.#send({ type: "pong", t: message.t });
    if (message.type === "error") this.#onError(message);
    if (message.type === "state") this.#onState(message.state);
    if (FROM_SERVER.includes(message.type) && !this.#over) this.#tell(message.type, message);
  }

  /** @param {{message: string, final?: boolean}} error */
  #onError({ message, final }) {
    if (final) this.#finish(new CallError("ended", message));
    else this.#tell("trouble", message);
  }

  /** @param {string} state */
  #onState(state) {
    if (state === "hearing") this.#answerDue = true;
    if (state === "closed") this.#onClosed();
  }

  /** A gap counts once after each utterance: a pause inside an answer is none. @param {number} ms */
  #onGap(ms) {
    if (this.#answerDue) this.#tell("gap", ms);
    this.#answerDue = false;
  }

  /** @param {RTCPeerConnectionState} state */
  #onConnectionState(state) {
    clearTimeout(this.#timers.disconnected);
    if (state === "failed") this.#onLost();
    if (state === "disconnected") this.#timers.disconnected = setTimeout(() => this.#onLost(), DISCONNECTED_MS);
  }

  #onClosed() {
    this.#signaling.forget();
    this.#finish("agent", LAST_WORDS_MS);
  }

  #onLost() {
    this.#finish(new CallError(this.#heartbeat ? "lost" : "no-path"));
  }

  /** @param {object} message */
  #send(message) {
    if (this.#channel.readyState === "open") this.#channel.send(JSON.stringify(message));
  }

  /** @param {string} type @param {unknown} [detail] */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** @param {"hangup" | "agent" | CallError} reason @param {number} [lingerMs] how long the sound goes on */
  #finish(reason, lingerMs = 0) {
    if (this.#over) return;
    this.#over = true;
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#microphone?.stop();
    this.#signaling.close();
    if (lingerMs) setTimeout(() => this.#release(), lingerMs);
    else this.#release();
    this.#tell("over", { reason });
  }

  #release() {
    this.pc.close();
    this.#audio.srcObject = null;
    this.#levels.close();
  }
}

/** @param {string} data @returns {any} null for what is not one of our messages */
function parse(data) {
  try {
    const message = JSON.parse(data);
    return typeof message?.type === "string" ? message : null;
  } catch {
    return null;
  }
}
