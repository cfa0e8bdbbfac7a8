const REMEMBERED = "antiphon.microphone";
/**
 * The chosen microphone where the browser refuses storage, as in some private windows. It lasts only as long as the page.
 */
let chosen = "";
/** The ids under which Chrome lists the system's choice a second time. */
const ALIASES = ["default", "communications"];

/**
 * The microphones whose names the page may see. There are none before the caller has allowed one.
 * @returns {Promise<{id: string, label: string}[]>}
 */
export async function listMicrophones() {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.().catch(() => [])) ?? [];
  return devices
    .filter((device) => device.kind === "audioinput" && device.label && !ALIASES.includes(device.deviceId))
    .map((device) => ({ id: device.deviceId, label: device.label.replace(/ \([0-9a-f]{4}:[0-9a-f]{4}\)$/, "") }));
}

/** The id of the microphone that the caller has chosen. @returns {string} "" for the system's choice */
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
    // Storage is refused, so the choice is only in `chosen`.
  }
}
