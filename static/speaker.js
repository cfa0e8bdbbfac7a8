/** Plays PCM that comes by WebSocket, in the worklet's jitter buffer. */
export class Speaker {
  #context;
  #node;

  /**
   * @param {AudioContext} context with its worklets loaded
   * @param {(report: {reply: number, ms: number}) => void} onPlayed so much of what came of an answer has been heard
   */
  constructor(context, onPlayed) {
    this.#context = context;
    this.#node = new AudioWorkletNode(context, "speaker", { numberOfInputs: 0, outputChannelCount: [1] });
    this.#node.port.onmessage = ({ data }) => onPlayed({ reply: data.reply, ms: Math.max(0, data.ms - this.#outputMs) });
  }

  /** What it plays, to be connected to where it is heard. */
  get voice() {
    return this.#node;
  }

  /** @param {number} reply @param {ArrayBuffer} pcm 16 kHz, signed 16-bit, mono; it is taken over */
  play(reply, pcm) {
    this.#node.port.postMessage({ reply, pcm }, [pcm]);
  }

  /** Not another sound of this answer. @param {number} reply */
  drop(reply) {
    this.#node.port.postMessage({ drop: reply });
  }

  close() {
    this.#node.port.onmessage = null;
    this.#node.disconnect();
  }

  /** From the worklet to the ear: with a wireless headset, words. */
  get #outputMs() {
    return 1000 * (this.#context.outputLatency || this.#context.baseLatency || 0);
  }
}
