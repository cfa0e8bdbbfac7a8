import { CallError } from "./errors.js";

const CODES = {
  NotAllowedError: "microphone-refused",
  SecurityError: "microphone-refused",
  NotFoundError: "microphone-missing",
  NotReadableError: "microphone-busy",
  AbortError: "microphone-busy",
};

/** The microphone of one call: open, changed, muted, unplugged. */
export class Microphone {
  /** @type {MediaStreamTrack | null} null while there is none */
  track = null;
  #onChange;
  #deviceId = "";
  #muted = false;
  #closed = false;

  /** @param {(track: MediaStreamTrack | null) => void} onChange another one is open, or it was unplugged */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  get muted() {
    return this.#muted || !this.track;
  }

  /** @param {string} deviceId @throws {CallError} as openMicrophone */
  async open(deviceId) {
    const track = await openMicrophone(deviceId);
    if (this.#closed) return track.stop();
    this.#deviceId = deviceId;
    this.track?.stop();
    this.track = track;
    track.enabled = !this.#muted;
    track.onended = () => track === this.track && this.#change(null);
    this.#change(track);
  }

  /** Without a microphone, unmuting opens one. @param {boolean} muted @throws {CallError} */
  async mute(muted) {
    this.#muted = muted;
    if (this.track) this.track.enabled = !muted;
    else if (!muted) await this.open(this.#deviceId);
  }

  close() {
    this.#closed = true;
    this.track?.stop();
    this.track = null;
  }

  /** @param {MediaStreamTrack | null} track */
  #change(track) {
    this.track = track;
    this.#onChange(track);
  }
}

/**
 * @param {string} deviceId "" for the system's choice, which also stands in for one that is gone
 * @returns {Promise<MediaStreamTrack>}
 * @throws {CallError} insecure, microphone-refused, -missing, -busy, -failed
 */
async function openMicrophone(deviceId) {
  if (!navigator.mediaDevices?.getUserMedia) throw new CallError(isSecureContext ? "unsupported" : "insecure");
  const audio = {
    deviceId: deviceId ? { exact: deviceId } : undefined, // Chromium puts its own default before one that is only "ideal".
    channelCount: 1,
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
  };
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    return stream.getAudioTracks()[0];
  } catch (error) {
    if (deviceId && error.name === "OverconstrainedError") return openMicrophone("");
    throw new CallError(CODES[error.name] ?? "microphone-failed", "", error);
  }
}
