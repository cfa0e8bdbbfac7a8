import { GapMeter } from "./gap.js";
import { Playback } from "./playback.js";
import { Resampler } from "./resampler.js";

const QUANTUM = 128; // samples that a worklet gets at a time
const FRAME_S = 0.01; // length of a frame of the gap meter
const WIRE_HZ = 16_000; // sample rate on the WebSocket
const CHUNK = WIRE_HZ / 50; // 20 ms

/** Measures gaps. Input 0 is the caller and input 1 the agent; it posts each gap in ms. Its output is silence. */
class GapProcessor extends AudioWorkletProcessor {
  #quanta = Math.max(1, Math.round((sampleRate * FRAME_S) / QUANTUM));
  #meter = new GapMeter((1000 * this.#quanta * QUANTUM) / sampleRate);
  #energy = [0, 0];
  #count = 0;

  process(inputs) {
    for (const side of [0, 1]) this.#energy[side] += energy(inputs[side][0]);
    if (++this.#count === this.#quanta) this.#frame();
    return true;
  }

  #frame() {
    const [caller, agent] = this.#energy.map((sum) => Math.sqrt(sum / (this.#quanta * QUANTUM)));
    const gap = this.#meter.push(caller, agent);
    if (gap !== null) this.port.postMessage(gap);
    this.#energy = [0, 0];
    this.#count = 0;
  }
}

/**
 * Posts its input in pieces of 20 ms: signed 16-bit 16 kHz PCM in the machine's byte order, which is little-endian wherever
 * browsers run.
 */
class RecorderProcessor extends AudioWorkletProcessor {
  #resampler = new Resampler(sampleRate, WIRE_HZ);
  #chunk = new Int16Array(CHUNK);
  #filled = 0;

  process([[samples]]) {
    for (const sample of samples ? this.#resampler.push(samples) : []) this.#add(sample);
    return true;
  }

  /** @param {number} sample */
  #add(sample) {
    this.#chunk[this.#filled++] = Math.round(Math.min(1, Math.max(-1, sample)) * 32767);
    if (this.#filled < CHUNK) return;
    this.port.postMessage(this.#chunk.buffer, [this.#chunk.buffer]);
    this.#chunk = new Int16Array(CHUNK);
    this.#filled = 0;
  }
}

/** Plays answers. Takes {reply, pcm} and {drop: reply}; posts how much of each answer it has played: {reply, ms}. */
class SpeakerProcessor extends AudioWorkletProcessor {
  #resampler = new Resampler(WIRE_HZ, sampleRate);
  #playback = new Playback(sampleRate);

  constructor() {
    super();
    this.port.onmessage = ({ data }) => ("drop" in data ? this.#tell(this.#playback.drop(data.drop)) : this.#push(data));
  }

  process(_, [[output]]) {
    this.#tell(this.#playback.pull(output));
    return true;
  }

  /** @param {{reply: number, pcm: ArrayBuffer}} sound */
  #push({ reply, pcm }) {
    const samples = Float32Array.from(new Int16Array(pcm, 0, pcm.byteLength >> 1), (sample) => sample / 32768);
    this.#playback.push(reply, this.#resampler.push(samples));
  }

  /** @param {{reply: number, ms: number} | null} report */
  #tell(report) {
    if (report) this.port.postMessage(report);
  }
}

/** The sum of the squares. @param {Float32Array | undefined} samples */
function energy(samples) {
  let sum = 0;
  for (const sample of samples ?? []) sum += sample * sample;
  return sum;
}

registerProcessor("gap", GapProcessor);
registerProcessor("recorder", RecorderProcessor);
registerProcessor("speaker", SpeakerProcessor);
