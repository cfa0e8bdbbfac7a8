const QUIET_DB = -58;
const LOUD_DB = -14;
const WINDOW = 1024; // samples: 21 ms

/** How loud both sides are, and the gap between them. One a call; made in a click, or browsers keep it silent. */
export class Levels {
  #context = new AudioContext({ latencyHint: "interactive" });
  #caller = new Side(this.#context);
  #agent = new Side(this.#context);

  /** @param {(ms: number) => void} onGap each time an answer begins after speech */
  constructor(onGap) {
    this.#measureGap(onGap).catch(() => {}); // Without worklets the page does without this figure.
  }

  /** A track that is silent: it stands in for a microphone. */
  silence() {
    return this.#context.createMediaStreamDestination().stream.getAudioTracks()[0];
  }

  /** @param {MediaStreamTrack | null} track */
  setCaller(track) {
    this.#caller.listen(track);
  }

  /** @param {MediaStreamTrack | null} track */
  setAgent(track) {
    this.#agent.listen(track);
  }

  /** 0 is quiet, 1 is loud. */
  read() {
    return { caller: this.#caller.level(), agent: this.#agent.level() };
  }

  close() {
    if (this.#context.state !== "closed") this.#context.close();
  }

  /** @param {(ms: number) => void} onGap */
  async #measureGap(onGap) {
    await this.#context.audioWorklet.addModule(new URL("worklet.js", import.meta.url));
    const node = new AudioWorkletNode(this.#context, "gap", { numberOfInputs: 2, channelCount: 1, channelCountMode: "explicit" });
    this.#caller.tap.connect(node, 0, 0);
    this.#agent.tap.connect(node, 0, 1);
    node.connect(this.#context.destination); // It is silent; browsers run what leads to the speaker.
    node.port.onmessage = ({ data }) => onGap(data);
  }
}

class Side {
  #context;
  /** @type {MediaStreamAudioSourceNode | null} */
  #source = null;
  #window = new Float32Array(WINDOW);

  /** @param {AudioContext} context */
  constructor(context) {
    this.#context = context;
    this.tap = new AnalyserNode(context, { fftSize: WINDOW });
  }

  /** @param {MediaStreamTrack | null} track */
  listen(track) {
    this.#source?.disconnect();
    this.#source = track && this.#context.createMediaStreamSource(new MediaStream([track]));
    this.#source?.connect(this.tap);
  }

  level() {
    if (!this.#source) return 0;
    this.tap.getFloatTimeDomainData(this.#window);
    const power = this.#window.reduce((sum, sample) => sum + sample * sample, 0) / WINDOW;
    const db = 10 * Math.log10(power + 1e-12);
    return Math.min(1, Math.max(0, (db - QUIET_DB) / (LOUD_DB - QUIET_DB)));
  }
}
