// What the programs share: a voice that speaks when it is told to and is a quiet room otherwise, and waiting.
import { readFileSync } from "node:fs";

const BYTES = 2400; // 50 ms at 24 kHz

export class Voice {
  #left = Buffer.alloc(0);
  #timer;
  constructor(send) {
    const begun = performance.now();
    let sent = 0;
    this.#timer = setInterval(() => {
      for (; sent * 50 < performance.now() - begun; sent++) {
        send(Buffer.concat([this.#left.subarray(0, BYTES)], BYTES));
        this.#left = this.#left.subarray(BYTES);
      }
    }, 20);
  }
  say(file) { this.#left = readFileSync(file); }
  stop() { clearInterval(this.#timer); }
}

// How long a voice was heard in this sound (16 bits, 24 kHz), in ms: its samples that are not quiet.
export const loudMs = (pcm) => {
  let loud = 0;
  for (let at = 0; at + 1 < pcm.length; at += 2) loud += Math.abs(pcm.readInt16LE(at)) > 500 ? 1 : 0;
  return loud / 24;
};

// Waits for what becomes true. If it does not, the error has what `seen` gives.
export const until = async (true_, what, seen, ms = 15000) => {
  for (const end = Date.now() + ms; !true_(); await new Promise((done) => setTimeout(done, 20)))
    if (Date.now() > end) throw new Error(`no ${what} in time: ${JSON.stringify(seen())}`);
};
