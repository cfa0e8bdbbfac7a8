/**
 * Whether outputLatency must not be read. In Firefox on Linux this read can stop the whole page for good: the page's thread
 * then holds a lock that the audio thread waits for, and itself waits for PulseAudio, which waits for the audio thread.
 */
const LATENCY_MAY_FREEZE = navigator.userAgent.includes("Firefox/");

/** Plays PCM that comes by WebSocket, through the jitter buffer of the worklet. */
export class Speaker {
  #context;
  #node;

  /**
   * @param {AudioContext} context with its worklets loaded
   * @param {(report: {reply: number, ms: number}) => void} onPlayed is told how many ms of an answer the caller has heard
   */
  constructor(context, onPlayed) {
    this.#context = context;
    this.#node = new AudioWorkletNode(context, "speaker", { numberOfInputs: 0, outputChannelCount: [1] });
    this.#node.port.onmessage = ({ data }) => onPlayed({ reply: data.reply, ms: Math.max(0, data.ms - this.#outputMs) });
  }

  /** The node that plays, to be connected to an output. */
  get voice() {
    return this.#node;
  }

  /**
   * @param {number} reply
   * @param {ArrayBuffer} pcm 16 kHz, signed 16-bit, mono; it is transferred, so do not use it afterwards
   */
  play(reply, pcm) {
    this.#node.port.postMessage({ reply, pcm }, [pcm]);
  }

  /** Play nothing more of this answer. @param {number} reply */
  drop(reply) {
    this.#node.port.postMessage({ drop: reply });
  }

  close() {
    this.#node.port.onmessage = null;
    this.#node.disconnect();
  }

  /** How long sound takes from the worklet to the ear, in ms. With a wireless headset that is whole words. */
  get #outputMs() {
    const latency = LATENCY_MAY_FREEZE ? 0 : this.#context.outputLatency;
    return 1000 * (latency || this.#context.baseLatency || 0);
  }
}
