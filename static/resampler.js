const ZEROS = 8; // Zero crossings of the kernel on each side. They damp by about 60 dB beyond the transition.
const PHASES = 256; // How many positions between two samples have a kernel.
const ROLL_OFF = 0.92; // Where the transition begins, as a share of the lower Nyquist frequency.

/**
 * Converts a stream of sound to another sample rate, in pieces of any size, with a windowed sinc. Pure. Its output is half
 * a millisecond late at 16 kHz.
 */
export class Resampler {
  #step;
  #half;
  #kernels;
  #before;
  /** The position of the next output sample, in input samples from the first one of #before. */
  #at;

  /** @param {number} fromHz @param {number} toHz */
  constructor(fromHz, toHz) {
    const cut = Math.min(1, toHz / fromHz) * ROLL_OFF;
    this.#step = fromHz / toHz;
    this.#half = Math.ceil(ZEROS / cut);
    this.#kernels = Array.from({ length: PHASES }, (_, phase) => kernel(cut, this.#half, phase / PHASES));
    this.#before = new Float32Array(this.#half - 1);
    this.#at = this.#half - 1;
  }

  /** @param {Float32Array} samples @returns {Float32Array} the output that can be computed so far */
  push(samples) {
    const known = joined(this.#before, samples);
    const out = [];
    for (; Math.floor(this.#at) + this.#half < known.length; this.#at += this.#step) out.push(this.#sample(known));
    const done = Math.floor(this.#at) - this.#half + 1;
    this.#before = known.slice(done);
    this.#at -= done;
    return Float32Array.from(out);
  }

  /** @param {Float32Array} known */
  #sample(known) {
    const whole = Math.floor(this.#at);
    const taps = this.#kernels[Math.floor((this.#at - whole) * PHASES)];
    const first = whole - this.#half + 1;
    let sum = 0;
    for (let tap = 0; tap < taps.length; tap++) sum += taps[tap] * known[first + tap];
    return sum;
  }
}

/**
 * The weights of the 2 × half samples around a point that lies `fraction` of a sample after one of them.
 * @param {number} cut the transition, as a share of the input's Nyquist frequency @param {number} half @param {number} fraction
 */
function kernel(cut, half, fraction) {
  const weights = Float32Array.from({ length: 2 * half }, (_, tap) => {
    const x = tap - half + 1 - fraction;
    return cut * sinc(cut * x) * (0.5 + 0.5 * Math.cos((Math.PI * x) / half));
  });
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** @param {number} x */
function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** @param {Float32Array} one @param {Float32Array} other */
function joined(one, other) {
  const both = new Float32Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
