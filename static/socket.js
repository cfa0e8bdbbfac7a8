import { Recorder } from "./recorder.js";
import { Speaker } from "./speaker.js";

const MOST_UNSENT_BYTES = 64_000; // How much sound may wait to be sent: 2 s. Older sound is of no use to a conversation.
// Close codes. The server ends the conversation after 1000. After any other code it waits for another connection.
const HUNG_UP = 1000;
const GOES_ON = 4001;

/** The wire of a Link over a WebSocket, for networks that WebRTC cannot pass: messages and 16 kHz PCM. */
export class Socket {
  pcId = null;
  pc = null;
  /** After a longer silence the server counts as gone. TCP may need seconds to send a lost packet again. */
  silentMs = 4_000;
  #ticket;
  #pass;
  #levels;
  #on;
  /** @type {MediaStreamTrack | null} what to send; it may change before the recorder exists */
  #microphone = null;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Recorder | null} */
  #recorder = null;
  /** @type {Speaker | null} */
  #speaker = null;
  #reply = 0;
  #closed = false;

  /**
   * @param {import("./call.js").Ticket | null} ticket
   * @param {import("./pass.js").Pass} pass
   * @param {import("./levels.js").Levels} levels
   * @param {import("./link.js").WireEvents} on
   */
  constructor(ticket, pass, levels, on) {
    this.#ticket = ticket;
    this.#pass = pass;
    this.#levels = levels;
    this.#on = on;
  }

  /** Begin to connect; resolves before the socket is open. @param {MediaStreamTrack | null} microphone */
  async open(microphone) {
    this.#microphone = microphone;
    await Promise.all([this.#levels.worklets, this.#pass.renew()]);
    if (this.#closed) return;
    this.#recorder = new Recorder(this.#levels, (pcm) => this.#record(pcm));
    this.#recorder.listen(this.#microphone);
    this.#speaker = new Speaker(this.#levels.context, (played) => this.#on.played(played));
    const socket = (this.#socket = new WebSocket(address(this.#ticket), this.#pass.protocols));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#onOpen();
    socket.onmessage = ({ data }) => this.#onData(data);
    socket.onclose = () => this.#onClose();
  }

  /** @param {MediaStreamTrack | null} microphone */
  async setMicrophone(microphone) {
    this.#microphone = microphone;
    this.#recorder?.listen(microphone);
  }

  /** Play the sound of this connection from now on. */
  sound() {
    this.#speaker.voice.connect(this.#levels.context.destination);
    this.#levels.setAgent(this.#speaker.voice);
    if (this.#levels.context.state !== "running") this.#on.blocked();
  }

  async play() {
    await this.#levels.context.resume();
  }

  /** @param {string} text */
  send(text) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  /** Note what a message says about the sound. @param {{type: string, reply?: number}} message */
  note({ type, reply }) {
    if (type === "audio") this.#reply = reply;
    if (type === "interrupted") this.#speaker.drop(reply);
  }

  /** End the conversation. */
  end() {
    this.#closed = true;
    this.#socket?.close(HUNG_UP);
  }

  /** Release everything; the call may go on over another connection. Idempotent. */
  close() {
    this.#closed = true;
    this.#socket?.close(GOES_ON); // Does nothing after end().
    this.#recorder?.close();
    this.#speaker?.close();
  }

  #onOpen() {
    const audio = { encoding: "pcm16", sample_rate: 16_000 };
    this.send(JSON.stringify({ type: "start", audio, ...(this.#ticket && { resume: this.#ticket.resume }) }));
  }

  /** @param {string | ArrayBuffer} data */
  #onData(data) {
    if (this.#closed) return;
    if (typeof data === "string") this.#on.text(data);
    else this.#speaker.play(this.#reply, data);
  }

  #onClose() {
    if (!this.#closed) this.#on.closed();
  }

  /** @param {ArrayBuffer} pcm */
  #record(pcm) {
    const socket = this.#socket;
    if (socket?.readyState === WebSocket.OPEN && socket.bufferedAmount < MOST_UNSENT_BYTES) socket.send(pcm);
  }
}

/** @param {import("./call.js").Ticket | null} ticket */
function address(ticket) {
  const url = new URL(`api/voice/conversation/${encodeURIComponent(ticket?.sessionId ?? "new")}`, document.baseURI);
  url.protocol = url.protocol.replace("http", "ws");
  return url.href;
}
