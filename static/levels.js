const QUIET_DB = -58; // shown as level 0
const LOUD_DB = -14; // shown as level 1
const WINDOW = 1024; // samples over which the loudness is measured: 21 ms
const GESTURES = ["pointerdown", "keydown"]; // events after which a browser lets a page play sound

/**
 * The audio context of one call: it measures how loud both sides are, and the gap between them. Make it in a click;
 * otherwise browsers keep it silent.
 */
export class Levels {
  context = new AudioContext({ latencyHint: "interactive" });
  /** Resolves when the nodes of worklet.js can be created. */
  worklets = this.context.audioWorklet?.addModule(new URL("worklet.js", import.meta.url)) ?? Promise.reject(new Error("no worklets"));
  // resume() fails if the call ends meanwhile.
  #wake = () => this.context.state === "suspended" && this.context.resume().catch(() => {});
  #caller = new Side(this.context);
  #agent = new Side(this.context);

  /** @param {(ms: number) => void} onGap is called each time an answer begins after the caller's speech */
  constructor(onGap) {
    this.#measureGap(onGap).catch(() => {}); // Without worklets the page does not show this figure.
    // A page that goes on with a call after a reload has had no click. The browser may block its sound until the first one.
    for (const gesture of GESTURES) addEventListener(gesture, this.#wake);
  }

  /** A silent track, to send in place of a microphone. */
  silence() {
    return this.context.createMediaStreamDestination().stream.getAudioTracks()[0];
  }

  /** Measure this track as the caller's side. @param {MediaStreamTrack | null} track */
  setCaller(track) {
    this.#caller.listen(track && this.source(track));
  }

  /** Measure this node as the agent's side. @param {AudioNode | null} voice */
  setAgent(voice) {
    this.#agent.listen(voice);
  }

  /** @param {MediaStreamTrack} track */
  source(track) {
    return this.context.createMediaStreamSource(new MediaStream([track]));
  }

  /** The loudness of both sides: 0 is quiet, 1 is loud. */
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
    node.connect(this.context.destination); // Its output is silent. Browsers run only nodes that lead to the speaker.
    node.port.onmessage = ({ data }) => onGap(data);
  }
}

/** One side of the call: measures the loudness of its source. */
class Side {
  /** @type {AudioNode | null} */
  #source = null;
  #window = new Float32Array(WINDOW);

  /** @param {AudioContext} context */
  constructor(context) {
    this.tap = new AnalyserNode(context, { fftSize: WINDOW });
  }

  /**
   * Measure this source from now on. The source before it is disconnected from everything.
   * @param {AudioNode | null} source
   */
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
