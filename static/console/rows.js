/** Rows of a table that are moved through with the keys j and k, and opened with Enter. */
export class Rows {
  #body;
  #at = -1;

  /** @param {HTMLElement} body its rows have a link or a button, which opens them */
  constructor(body) {
    this.#body = body;
    body.addEventListener("click", (event) => {
      const target = /** @type {HTMLElement} */ (event.target);
      if (!target.closest("a, button") && !getSelection()?.toString()) opener(target.closest("tr"))?.click();
    });
  }

  /** @param {string} key @returns {boolean} whether it was one of ours */
  key(key) {
    const rows = [...this.#body.children];
    if (!["j", "k", "Enter"].includes(key) || !rows.length) return false;
    if (key === "Enter") {
      const found = opener(rows[this.#at]);
      found?.click();
      return found !== null;
    }
    const focused = rows.findIndex((row) => row.contains(document.activeElement));
    this.#at = Math.max(0, Math.min(rows.length - 1, (focused >= 0 ? focused : this.#at) + (key === "j" ? 1 : -1)));
    opener(rows[this.#at])?.focus();
    rows[this.#at].scrollIntoView({ block: "nearest" });
    return true;
  }
}

/** @param {Element | null | undefined} row @returns {HTMLElement | null} */
function opener(row) {
  return row?.querySelector("a, button") ?? null;
}
