/** Figures and times as people read them. Pure. */

/** A time that an answer took. @param {number | null | undefined} ms @returns {string} "0.41 s", or "–" */
export function seconds(ms) {
  return ms === null || ms === undefined ? "–" : `${(ms / 1000).toFixed(2)} s`;
}

/** How long something lasted. @param {number} ms @returns {string} "3:05" or "1:02:03" */
export function length(ms) {
  const whole = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const end = String(rest).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${end}` : `${minutes}:${end}`;
}

/** A moment. @param {number} ms Unix milliseconds @returns {string} in the reader's own way, to the minute */
export function when(ms) {
  return new Date(ms).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

/** The same, as a program reads it. @param {number} ms */
export function iso(ms) {
  return new Date(ms).toISOString();
}

/** A share of a whole. @param {number | null | undefined} share 0 to 1 @returns {string} "2.5 %", or "–" */
export function percent(share) {
  if (share === null || share === undefined) return "–";
  const hundredths = share * 100;
  return `${hundredths >= 10 || hundredths === 0 ? hundredths.toFixed(0) : hundredths.toFixed(1)} %`;
}

/** A count with its word. @param {number} count @param {string} one @param {string} [many] */
export function counted(count, one, many = `${one}s`) {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

/** A whole number of milliseconds. @param {number | null | undefined} ms */
export function millis(ms) {
  return ms === null || ms === undefined ? "–" : `${Math.round(ms)} ms`;
}

/** How something came to the server, in words. @param {string | null | undefined} transport */
export function wayIn(transport) {
  const words = { webrtc: "WebRTC", websocket: "WebSocket", sip: "SIP", telephone: "telephone" };
  return transport ? (words[transport] ?? transport) : "–";
}
