const REMEMBERED = "antiphon.microphone";
/** Where storage is refused, as in some private windows, it lasts as long as the page. */
let chosen = "";
/** Chrome lists the system's choice a second time under these. */
const ALIASES = ["default", "communications"];

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
    return chosen;
  }
}

/** @param {string} deviceId */
export function rememberMicrophone(deviceId) {
  chosen = deviceId;
  try {
    localStorage.setItem(REMEMBERED, deviceId);
  } catch {
    // It is remembered in `chosen`.
  }
}
