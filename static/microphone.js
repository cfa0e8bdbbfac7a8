import { CallError } from "./errors.js";

const CODES = {
  NotAllowedError: "microphone-refused",
  SecurityError: "microphone-refused",
  NotFoundError: "microphone-missing",
  NotReadableError: "microphone-busy",
  AbortError: "microphone-busy",
};

/** The microphone of one call. It can be opened, changed, muted and unplugged. */
export class Microphone {
  /** @type {MediaStreamTrack | null} null while there is no microphone */
  track = null;
  #onChange;
  #deviceId = "";
  #muted = false;
  #closed = false;

  /**
   * @param {(track: MediaStreamTrack | null) => void} onChange is called when another microphone is open, or with null
   *   when it was unplugged
   */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  get muted() {
    return this.#muted || !this.track;
  }

  /** Open this microphone in place of the one before. @param {string} deviceId @throws {CallError} as openMicrophone */
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
 * @param {string} deviceId "" for the system's choice, which is also used if the chosen microphone is not there any more
 * @returns {Promise<MediaStreamTrack>}
 * @throws {CallError} unsupported, insecure, microphone-refused, microphone-missing, microphone-busy, microphone-failed
 */
async function openMicrophone(deviceId) {
  if (!navigator.mediaDevices?.getUserMedia) throw new CallError(isSecureContext ? "unsupported" : "insecure");
  const audio = {
    deviceId: deviceId ? { exact: deviceId } : undefined, // With "ideal" instead, Chromium would prefer its own default.
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
