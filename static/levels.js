const QUIET_DB = -58;
const LOUD_DB = -14;
const WINDOW = 1024; // samples: 21 ms
const GESTURES = ["pointerdown", "keydown"];

/** How loud both sides are, and the gap between them. One a call; made in a click, or browsers keep it silent. */
export class Levels {
  context = new AudioContext({ latencyHint: "interactive" });
  /** Resolves when the nodes of worklet.js can be made. */
  worklets = this.context.audioWorklet?.addModule(new URL("worklet.js", import.meta.url)) ?? Promise.reject(new Error("no worklets"));
  #wake = () => this.context.state === "suspended" && this.context.resume().catch(() => {}); // The call may end meanwhile.
  #caller = new Side(this.context);
  #agent = new Side(this.context);

  /** @param {(ms: number) => void} onGap each time an answer begins after speech */
  constructor(onGap) {
    this.#measureGap(onGap).catch(() => {}); // Without worklets the page does without this figure.
    // A page that was loaded anew has had no click: the browser may hold its sound back until the first.
    for (const gesture of GESTURES) addEventListener(gesture, this.#wake);
  }

  /** A track that is silent: it stands in for a microphone. */
  silence() {
    return this.context.createMediaStreamDestination().stream.getAudioTracks()[0];
  }

  /** @param {MediaStreamTrack | null} track */
  setCaller(track) {
    this.#caller.listen(track && this.source(track));
  }

  /** @param {AudioNode | null} voice */
  setAgent(voice) {
    this.#agent.listen(voice);
  }

  /** @param {MediaStreamTrack} track */
  source(track) {
    return this.context.createMediaStreamSource(new MediaStream([track]));
  }

  /** 0 is quiet, 1 is loud. */
  read() {
    return { caller: this.#caller.level(), agent: this.#agent.level() };
  }

  close() {
    for (const gesture of GESTURES) removeEventListener(gesture, this.#wake);
    if (this.context.state !== "closed") this.context.close();
  }

  /** @param {(ms: number) => void} onGap */
  async #measureGap(onGap) {
    await this.worklets;
    const node = new AudioWorkletNode(this.context, "gap", { numberOfInputs: 2, channelCount: 1, channelCountMode: "explicit" });
    this.#caller.tap.connect(node, 0, 0);
    this.#agent.tap.connect(node, 0, 1);
    node.connect(this.context.destination); // It is silent; browsers run what leads to the speaker.
    node.port.onmessage = ({ data }) => onGap(data);
  }
}

class Side {
  /** @type {AudioNode | null} */
  #source = null;
  #window = new Float32Array(WINDOW);

  /** @param {AudioContext} context */
  constructor(context) {
    this.tap = new AnalyserNode(context, { fftSize: WINDOW });
  }

  /** @param {AudioNode | null} source the one before is connected to nothing any more */
  listen(source) {
    this.#source?.disconnect();
    this.#source = source;
    source?.connect(this.tap);
  }

  level() {
    if (!this.#source) return 0;
    this.tap.getFloatTimeDomainData(this.#window);
    const power = this.#window.reduce((sum, sample) => sum + sample * sample, 0) / WINDOW;
    const db = 10 * Math.log10(power + 1e-12);
    return Math.min(1, Math.max(0, (db - QUIET_DB) / (LOUD_DB - QUIET_DB)));
  }
}
