import { Signaling } from "./signaling.js";

const DISCONNECTED_MS = 1_500;
const STEADY_BUFFER_MS = 40;
const GLITCHY = 0.02; // share of samples made up since the last look

/** WebRTC: one peer connection with its data channel, a wire of a Link. */
export class Peer {
  /** @type {RTCPeerConnection | null} */
  pc = null;
  /** Packets come several times a second, in silence too. */
  silentMs = 2_500;
  #ticket;
  #levels;
  #ice;
  #on;
  #signaling = new Signaling();
  #audio = new Audio();
  /** @type {RTCDataChannel | null} */
  #channel = null;
  /** @type {MediaStreamTrack | null} what there is to send; it may change before there is a sender */
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
   * @param {import("./levels.js").Levels} levels
   * @param {import("./ice.js").Ice} ice
   * @param {import("./link.js").WireEvents} on
   */
  constructor(ticket, levels, ice, on) {
    this.#ticket = ticket;
    this.#levels = levels;
    this.#ice = ice;
    this.#on = on;
    this.#audio.autoplay = true;
  }

  get pcId() {
    return this.#signaling.pcId;
  }

  /** Resolves when the server has answered. @param {MediaStreamTrack | null} microphone @throws {CallError} as Signaling */
  async open(microphone) {
    this.#microphone = microphone;
    const configuration = await this.#ice.configuration();
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

  /** This is the one that is listened to. */
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

  /** Look after what comes in; call it once a second. */
  async mind() {
    const [receiver] = this.pc.getReceivers();
    const stats = [...(await receiver.getStats()).values()].find(({ type }) => type === "inbound-rtp");
    if (stats?.packetsReceived > this.#packets) this.#on.sign();
    this.#packets = stats?.packetsReceived ?? 0;
    if (receiver.jitterBufferTarget === 0) this.#steady(receiver, stats);
  }

  /** End the call at the server, too. */
  end() {
    this.#signaling.end();
  }

  /** Give everything back; the call may go on elsewhere. Idempotent. */
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
   * The shortest jitter buffer answers soonest; where it makes the voice stutter, a longer one is worth its 40 ms.
   * @param {RTCRtpReceiver} receiver @param {any} stats of its inbound-rtp
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
