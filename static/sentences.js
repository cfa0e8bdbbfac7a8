/**
 * What the caller reads when something fails. `type: true` offers to call without a microphone.
 * @type {Record<string, {title: string, text: string, type?: boolean}>}
 */
const FAILURES = {
  "microphone-refused": {
    title: "The microphone is blocked.",
    text: "Allow it in the browser’s address bar and call again, or type instead of speaking.",
    type: true,
  },
  "microphone-missing": {
    title: "No microphone was found.",
    text: "Plug one in and call again, or type instead of speaking.",
    type: true,
  },
  "microphone-busy": {
    title: "The microphone is busy.",
    text: "Another program may be using it. Close that and call again, or type instead of speaking.",
    type: true,
  },
  "microphone-failed": {
    title: "The microphone did not start.",
    text: "Choose another one and call again, or type instead of speaking.",
    type: true,
  },
  insecure: {
    title: "This page cannot use the microphone.",
    text: "Browsers allow it only over https or on localhost. Open the page that way, or type instead of speaking.",
    type: true,
  },
  "token-needed": {
    title: "A call needs a token here.",
    text: "Open this page from the site that invited you: its link has the token at the end (?token=…).",
  },
  "token-missing": {
    title: "There is no token for this call.",
    text: "The site that gives tokens did not answer with one. Please call again in a moment.",
  },
  unsupported: { title: "This browser cannot make calls.", text: "It has no WebRTC. Please try another browser." },
  unreachable: {
    title: "The server cannot be reached.",
    text: "It may be restarting, or you may be offline. Wait a moment and call again.",
  },
  limit: { title: "All lines are busy.", text: "Please call again in a minute." },
  refused: { title: "The server did not take the call.", text: "Please call again in a moment." },
  "no-path": {
    title: "No connection could be made.",
    text: "The server answered, but sound gets through neither by WebRTC nor by WebSocket. A firewall or VPN may be in the way.",
  },
  lost: { title: "The connection was lost.", text: "Check your network and call again." },
  elsewhere: { title: "The call goes on elsewhere.", text: "Another window has taken it over." },
  ended: { title: "The call broke off.", text: "Please call again." },
  failed: { title: "The call could not be started.", text: "Please call again, or try another browser." },
};

/** Codes where the server's own sentence, if there is one, replaces the text. */
const SERVER_SPEAKS = ["limit", "refused", "ended"];

/** What to show for an error. @param {import("./errors.js").CallError} error */
export function failure(error) {
  if (error.code === "trouble") return { title: error.sentence };
  const known = FAILURES[error.code] ?? FAILURES.failed;
  return SERVER_SPEAKS.includes(error.code) && error.sentence ? { ...known, text: error.sentence } : known;
}

/** What the middle of the stage says in each state: a word, and a hint. */
export const STATES = {
  asking: ["Microphone", "please allow it"],
  connecting: ["Connecting", "one moment"],
  listening: ["Listening", "go ahead"],
  hearing: ["You", "are speaking"],
  thinking: ["Thinking", ""],
  speaking: ["Speaking", "cut in any time"],
  overlap: ["Both", "are speaking"],
  reconnecting: ["One moment", "please wait"],
};

/**
 * What the page says of the line: `word` is shown while the call is not on WebRTC, `said` is read out by screen readers.
 */
export const LINES = {
  "": { word: "", said: "Connected again." },
  reconnecting: { word: "Reconnecting…", said: "The connection is lost. Reconnecting." },
  slow: { word: "On a slower line", said: "Connected, on a slower line." },
};
export const RESUMED = "You are back in your call.";

/** @param {number} ms @returns {string} 3:07 */
export function clock(ms) {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** @param {number} ms @returns {string} 412 ms, or 1.4 s */
export function duration(ms) {
  return ms < 999.5 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** @param {number} ms @returns {string} 0.4 s: as exact as people feel it */
export function seconds(ms) {
  return `${Math.max(0.1, ms / 1000).toFixed(1)} s`;
}
