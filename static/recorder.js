/** Gives the microphone's sound as PCM: 20 ms at a time, 16 kHz, signed 16-bit, mono. */
export class Recorder {
  #levels;
  #node;
  /** @type {MediaStreamAudioSourceNode | null} */
  #source = null;

  /** @param {import("./levels.js").Levels} levels with its worklets loaded @param {(pcm: ArrayBuffer) => void} onChunk */
  constructor(levels, onChunk) {
    this.#levels = levels;
    this.#node = new AudioWorkletNode(levels.context, "recorder", { channelCount: 1, channelCountMode: "explicit" });
    // Its output is silent. Browsers run only nodes that lead to the speaker.
    this.#node.connect(levels.context.destination);
    this.#node.port.onmessage = ({ data }) => onChunk(data);
  }

  /** @param {MediaStreamTrack | null} track null for no microphone; then it gives nothing */
  listen(track) {
    this.#source?.disconnect();
    this.#source = track && this.#levels.source(track);
    this.#source?.connect(this.#node);
  }

  close() {
    this.listen(null);
    this.#node.port.onmessage = null;
    this.#node.disconnect();
  }
}
