import { CallError } from "./errors.js";

const REMEMBERED = "antiphon.microphone";
const CODES = {
  NotAllowedError: "microphone-refused",
  SecurityError: "microphone-refused",
  NotFoundError: "microphone-missing",
  NotReadableError: "microphone-busy",
  AbortError: "microphone-busy",
};
/** Chrome lists the system's choice a second time under these. */
const ALIASES = ["default", "communications"];

/**
 * @param {string} deviceId "" for the system's choice, which also stands in for one that is gone
 * @returns {Promise<MediaStreamTrack>}
 * @throws {CallError} insecure, microphone-refused, -missing, -busy, -failed
 */
export async function openMicrophone(deviceId) {
  if (!navigator.mediaDevices?.getUserMedia) throw new CallError(isSecureContext ? "unsupported" : "insecure");
  const audio = {
    deviceId: deviceId ? { ideal: deviceId } : undefined,
    channelCount: 1,
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
  };
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    return stream.getAudioTracks()[0];
  } catch (error) {
    throw new CallError(CODES[error.name] ?? "microphone-failed", "", error);
  }
}

/**
 * Those the page may name; none before the person has allowed one.
 * @returns {Promise<{id: string, label: string}[]>}
 */
export async function listMicrophones() {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.().catch(() => [])) ?? [];
  return devices
    .filter((device) => device.kind === "audioinput" && device.label && !ALIASES.includes(device.deviceId))
    .map((device) => ({ id: device.deviceId, label: device.label.replace(/ \([0-9a-f]{4}:[0-9a-f]{4}\)$/, "") }));
}

/** @returns {string} "" for the system's choice */
export function rememberedMicrophone() {
  try {
    return localStorage.getItem(REMEMBERED) ?? "";
  } catch {
    return "";
  }
}

/** @param {string} deviceId */
export function rememberMicrophone(deviceId) {
  try {
    localStorage.setItem(REMEMBERED, deviceId);
  } catch {
    // Storage is refused in some private windows: the choice then lasts as long as the page.
  }
}
