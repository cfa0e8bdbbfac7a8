const KEPT = "antiphon.bookmark";
const GOOD_MS = 60_000; // The server keeps a conversation for as long: ANTIPHON_RESUME_S.

/**
 * Where a call was when its page went away, for the page that is loaded next in the same tab. A live page keeps none, so
 * that a copy of the tab does not take its call over.
 *
 * @typedef {{ticket: import("./call.js").Ticket, typed: boolean, muted: boolean, talkedMs: number, captions: object[], at: number}} Bookmark
 */

/** @param {Omit<Bookmark, "at">} bookmark */
export function keep(bookmark) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ ...bookmark, at: Date.now() }));
  } catch {
    // Storage is refused in some private windows: the next page begins anew.
  }
}

/** The bookmark, once. @returns {Bookmark | null} */
export function take() {
  try {
    const bookmark = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
    sessionStorage.removeItem(KEPT);
    return bookmark && Date.now() - bookmark.at < GOOD_MS ? bookmark : null;
  } catch {
    return null;
  }
}
