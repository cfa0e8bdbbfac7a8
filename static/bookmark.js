const KEPT = "antiphon.bookmark";
const GOOD_MS = 60_000; // How long a bookmark may be used: as long as the server keeps a conversation (ANTIPHON_RESUME_S).

/**
 * A bookmark keeps what the next page in the same tab needs to go on with the call, when this page goes away. A page keeps
 * no bookmark while it is open. Otherwise a copy of the tab would take the call over.
 *
 * @typedef {{ticket: import("./call.js").Ticket, typed: boolean, muted: boolean, talkedMs: number, captions: object[], at: number}} Bookmark
 */

/** Store the bookmark for the next page. @param {Omit<Bookmark, "at">} bookmark */
export function keep(bookmark) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ ...bookmark, at: Date.now() }));
  } catch {
    // Some private windows refuse storage. There the next page begins without the call.
  }
}

/** Read the bookmark and remove it. @returns {Bookmark | null} null if there is none, or it is too old */
export function take() {
  try {
    const bookmark = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
    sessionStorage.removeItem(KEPT);
    return bookmark && Date.now() - bookmark.at < GOOD_MS ? bookmark : null;
  } catch {
    return null;
  }
}
