/** Its rate keeps ten minutes of both sides at 38 MB while they are decoded. */
const DECODED_RATE = 8_000;
const PEAKS_PER_S = 20;
/** About half an hour. Browsers decode at 48 kHz first, which takes 0.7 GB for that; what is longer is played, but not drawn. */
const MOST_DRAWN_BYTES = 6_000_000;

/**
 * One file of a recording. A conversation that went on at another server, or after a restart, has several.
 * @typedef {{url: string, startMs: number, lengthMs: number, peaks: Float32Array[] | null}} Part
 * `startMs` counts from the beginning of the conversation. `peaks` are the loudest samples, 20 in a second, of the caller and the agent;
 * null if the browser cannot read the file, or if it is too long.
 */

/**
 * Load the sound of a conversation.
 * @param {import("./api.js").Api} api @param {string} id @param {number} createdMs @param {AbortSignal} signal
 * @returns {Promise<Part[]>} oldest first; empty if nothing was recorded
 */
export async function recording(api, id, createdMs, signal) {
  const parts = [];
  for (let number = 1; ; number++) {
    let response;
    try {
      response = await api.file(`/api/conversations/${encodeURIComponent(id)}/recording?part=${number}`, signal);
    } catch (error) {
      if (/** @type {any} */ (error).status === 404) return parts;
      throw error;
    }
    const writtenMs = Date.parse(response.headers.get("last-modified") ?? "");
    const blob = await response.blob();
    const sound = await decode(blob);
    const url = URL.createObjectURL(blob);
    const lengthMs = (sound?.duration ?? await duration(url)) * 1000;
    const startMs = number === 1 ? 0 : Math.max(0, writtenMs - lengthMs - createdMs);
    parts.push({ url, startMs, lengthMs, peaks: sound && [0, 1].map((side) => peaks(sound, side)) });
    if (!response.headers.get("link")) return parts;
  }
}

/** @param {Blob} blob @returns {Promise<AudioBuffer | null>} */
async function decode(blob) {
  if (blob.size > MOST_DRAWN_BYTES) return null;
  try {
    return await new OfflineAudioContext(2, 1, DECODED_RATE).decodeAudioData(await blob.arrayBuffer());
  } catch {
    return null;
  }
}

/** How many seconds a file lasts, as its player finds; 0 if it cannot play it. @param {string} url @returns {Promise<number>} */
function duration(url) {
  const audio = new Audio(url);
  return new Promise((done) => {
    audio.onloadedmetadata = () => done(Number.isFinite(audio.duration) ? audio.duration : 0);
    audio.onerror = () => done(0);
  });
}

/** @param {AudioBuffer} sound @param {number} side */
function peaks(sound, side) {
  const samples = sound.getChannelData(Math.min(side, sound.numberOfChannels - 1));
  const step = DECODED_RATE / PEAKS_PER_S;
  return Float32Array.from({ length: Math.ceil(samples.length / step) }, (_, index) => {
    let most = 0;
    for (let at = index * step; at < Math.min(samples.length, (index + 1) * step); at++) most = Math.max(most, Math.abs(samples[at]));
    return most;
  });
}

/** @param {number} index a peak @returns {number} its moment, in ms from the beginning of its part */
export const peakMs = (/** @type {number} */ index) => (index * 1000) / PEAKS_PER_S;
