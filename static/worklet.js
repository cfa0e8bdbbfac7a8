import { GapMeter } from "./gap.js";

const QUANTUM = 128;
const FRAME_S = 0.01;

/** Input 0 is the caller, input 1 the agent; posts each gap in ms. Its output is silence. */
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

/** @param {Float32Array | undefined} samples */
function energy(samples) {
  let sum = 0;
  for (const sample of samples ?? []) sum += sample * sample;
  return sum;
}

registerProcessor("gap", GapProcessor);
