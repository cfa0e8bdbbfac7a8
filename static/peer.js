import { Signaling } from "./signaling.js";

const DISCONNECTED_MS = 1_500; // How long the connection may be "disconnected" before it counts as lost.
const STEADY_BUFFER_MS = 40; // The jitter buffer where the shortest one makes the voice stutter.
const GLITCHY = 0.02; // Share of concealed samples since the last look above which the voice stutters.

/** The wire of a Link over WebRTC: one peer connection with its data channel. */
export class Peer {
  /** @type {RTCPeerConnection | null} */
  pc = null;
  /** After a longer silence the server counts as gone. Packets come several times a second, in silence too. */
  silentMs = 2_500;
  #ticket;
  #levels;
  #ice;
  #on;
  #signaling;
  #audio = new Audio();
  /** @type {RTCDataChannel | null} */
  #channel = null;
  /** @type {MediaStreamTrack | null} what to send; it may change before the sender exists */
  #microphone = null;
  /** @type {RTCRtpSender | null} */
  #sender = null;
  /** @type {MediaStreamTrack | null} */
  #voice = null;
  #disconnected = 0;
  #closed = false;
  #samples = { total: 0, madeUp: 0 };
  #packets = 0;

  /**
   * @param {import("./call.js").Ticket | null} ticket
   * @param {import("./pass.js").Pass} pass
   * @param {import("./levels.js").Levels} levels
   * @param {import("./ice.js").Ice} ice
   * @param {import("./link.js").WireEvents} on
   */
  constructor(ticket, pass, levels, ice, on) {
    this.#ticket = ticket;
    this.#signaling = new Signaling(pass);
    this.#levels = levels;
    this.#ice = ice;
    this.#on = on;
    this.#audio.autoplay = true;
  }

  get pcId() {
    return this.#signaling.pcId;
  }

  /**
   * Send an offer; resolves when the server has answered.
   * @param {MediaStreamTrack | null} microphone
   * @throws {CallError} as Signaling
   */
  async open(microphone) {
    this.#microphone = microphone;
    const configuration = await this.#ice.configuration(this.#ticket?.sessionId);
    if (this.#closed) return;
    const pc = (this.pc = new RTCPeerConnection(configuration));
    pc.onicecandidate = ({ candidate }) => this.#signaling.add(candidate);
    pc.onconnectionstatechange = () => this.#onConnectionState(pc.connectionState);
    pc.ontrack = ({ track, receiver }) => this.#onTrack(track, receiver);
    this.#openChannel(pc);
    const track = this.#microphone ?? this.#levels.silence();
    this.#sender = pc.addTransceiver(track, { direction: "sendrecv", streams: [new MediaStream([track])] }).sender;
    await pc.setLocalDescription();
    const sdp = await this.#signaling.offer(pc.localDescription.sdp, this.#ticket);
    if (!this.#closed) await pc.setRemoteDescription({ type: "answer", sdp });
  }

  /** @param {MediaStreamTrack | null} microphone */
  async setMicrophone(microphone) {
    this.#microphone = microphone;
    await this.#sender?.replaceTrack(microphone ?? this.#levels.silence());
  }

  /** Play the sound of this connection from now on. */
  sound() {
    if (!this.#voice) return;
    this.#audio.srcObject = new MediaStream([this.#voice]);
    this.#levels.setAgent(this.#levels.source(this.#voice));
    this.play().catch((error) => error.name === "NotAllowedError" && this.#on.blocked());
  }

  async play() {
    await this.#audio.play();
  }

  /** @param {string} text */
  send(text) {
    if (this.#channel?.readyState === "open") this.#channel.send(text);
  }

  /** Check whether packets arrive and whether the voice stutters. Call it once a second. */
  async mind() {
    const [receiver] = this.pc.getReceivers();
    const stats = [...(await receiver.getStats()).values()].find(({ type }) => type === "inbound-rtp");
    if (stats?.packetsReceived > this.#packets) this.#on.sign();
    this.#packets = stats?.packetsReceived ?? 0;
    if (receiver.jitterBufferTarget === 0) this.#steady(receiver, stats);
  }

  /** End the call at the server. */
  end() {
    this.#signaling.end();
  }

  /** Release everything; the call may go on over another connection. Idempotent. */
  close() {
    this.#closed = true;
    clearTimeout(this.#disconnected);
    this.#signaling.close();
    this.pc?.close();
    this.#audio.srcObject = null;
  }

  /** @param {RTCPeerConnection} pc */
  #openChannel(pc) {
    const channel = (this.#channel = pc.createDataChannel("events", { ordered: true }));
    channel.onmessage = ({ data }) => this.#on.text(data);
    channel.onclose = () => this.#onLost();
  }

  /** @param {MediaStreamTrack} track @param {RTCRtpReceiver} receiver */
  #onTrack(track, receiver) {
    if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
    this.#voice = track;
  }

  /** @param {RTCPeerConnectionState} state */
  #onConnectionState(state) {
    clearTimeout(this.#disconnected);
    if (state === "failed") this.#onLost();
    if (state === "disconnected") this.#disconnected = setTimeout(() => this.#onLost(), DISCONNECTED_MS);
  }

  /**
   * Use a longer jitter buffer if the voice stutters. The shortest buffer gives the shortest gap, but a voice that does not
   * stutter is worth 40 ms.
   * @param {RTCRtpReceiver} receiver @param {any} stats its inbound-rtp statistics
   */
  #steady(receiver, stats) {
    const total = stats?.totalSamplesReceived ?? 0;
    const madeUp = (stats?.concealedSamples ?? 0) - (stats?.silentConcealedSamples ?? 0);
    const share = (madeUp - this.#samples.madeUp) / Math.max(1, total - this.#samples.total);
    this.#samples = { total, madeUp };
    if (share > GLITCHY) receiver.jitterBufferTarget = STEADY_BUFFER_MS;
  }

  #onLost() {
    if (!this.#closed) this.#on.closed();
  }
}
