const ZEROS = 8; // zero crossings of the kernel on each side: about 60 dB down beyond the transition
const PHASES = 256;
const ROLL_OFF = 0.92; // of the lower Nyquist frequency

/** Sound at another rate: a windowed sinc, whole streams in pieces of any size. Pure; half a millisecond late at 16 kHz. */
export class Resampler {
  #step;
  #half;
  #kernels;
  #before;
  /** Where the next sample lies, counted from the first of #before. */
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

  /** @param {Float32Array} samples @returns {Float32Array} what can be told by now */
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

/** Weights of the 2 × half samples around a point that lies `fraction` after one of them. @param {number} cut @param {number} half @param {number} fraction */
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
