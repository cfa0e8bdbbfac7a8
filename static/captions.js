const NEAR_END_PX = 48;

/**
 * The captions: what both sides say, while they say it. The newest line stays in view, unless the caller has scrolled back.
 */
export class Captions {
  #list;
  #announce;
  /** @type {Map<string, HTMLElement>} */
  #lines = new Map();
  /** The lines of typed words that the server has not yet confirmed. @type {HTMLElement[]} */
  #typed = [];
  /**
   * The lines that were not final when the connection broke. The server may have sent their end while nobody listened.
   * @type {HTMLElement[]}
   */
  #cutOff = [];
  #atEnd = true;
  agent = "Agent";

  /**
   * @param {HTMLElement} list
   * @param {(text: string) => void} announce tells screen readers; it gets whole answers only, not their parts
   */
  constructor(list, announce) {
    this.#list = list;
    this.#announce = announce;
    list.addEventListener("scroll", () => this.#onScroll());
    new ResizeObserver(() => this.#keepInView()).observe(list);
  }

  clear() {
    this.#list.replaceChildren();
    this.#lines.clear();
    this.#typed = [];
    this.#cutOff = [];
    this.#atEnd = true;
  }

  /**
   * Get ready for the messages of a new connection. A new server may count from 1 again, so lines that are final are not
   * changed any more.
   */
  renew() {
    for (const [key, line] of this.#lines) if (line.dataset.final === "true") this.#lines.delete(key);
    this.#cutOff = [...this.#lines.values()];
  }

  /** Make every line final, because the call is over. */
  settle() {
    for (const line of this.#list.children) line.dataset.final = "true";
  }

  /** Return all lines, for the page that is loaded next. @returns {Line[]} */
  kept() {
    const keys = new Map([...this.#lines].map(([key, line]) => [line, key]));
    return [...this.#list.children].map((line) => ({
      key: keys.get(line) ?? "",
      role: line.dataset.role,
      who: line.querySelector(".who").textContent,
      words: line.querySelector(".words").textContent,
      aside: line.querySelector(".aside").textContent,
      final: line.dataset.final === "true",
    }));
  }

  /**
   * Show the lines that an earlier page has kept.
   * @typedef {{key: string, role: "caller" | "agent", who: string, words: string, aside: string,
   *   final: boolean}} Line
   * @param {Line[]} lines
   */
  restore(lines) {
    for (const { key, role, who, words, aside, final } of lines) {
      const line = this.#write(this.#append(role, who), words, final, aside);
      if (key) this.#lines.set(key, line);
    }
  }

  /** Show typed words at once. @param {string} text */
  typed(text) {
    this.#typed.push(this.#write(this.#append("caller"), text, true));
  }

  /** @param {{utterance: number, text: string, final: boolean}} message */
  transcription({ utterance, text, final }) {
    const key = `caller ${utterance}`;
    if (final && !text) return this.#remove(key);
    const line = this.#lines.get(key) ?? this.#confirm(text) ?? this.#append("caller");
    this.#lines.set(key, line);
    this.#write(line, text, final);
  }

  /** @param {{reply: number, text: string, final: boolean, interrupted?: boolean, tools?: string[]}} message */
  response({ reply, text, final, interrupted = false, tools = [] }) {
    const key = `agent ${reply}`;
    if (final && !text) return this.#remove(key);
    if (!text && !tools.length) return;
    const line = this.#lines.get(key) ?? this.#append("agent");
    this.#lines.set(key, line);
    line.dataset.interrupted = String(interrupted);
    const shown = interrupted ? `${text.replace(/[\s.,;:!?…–—-]+$/, "")} —` : text;
    this.#write(line, shown, final, asides(tools, interrupted));
    if (final) this.#announce(`${this.agent}: ${text}`);
  }

  /**
   * Find the line of typed words that the server now sends back as an utterance, so that they show only once.
   * @param {string} text
   */
  #confirm(text) {
    const index = this.#typed.findIndex((line) => line.querySelector(".words").textContent === text.trim());
    return index < 0 ? undefined : this.#typed.splice(index, 1)[0];
  }

  /** @param {"caller" | "agent"} role */
  #append(role, who = role === "caller" ? "You" : this.agent) {
    for (const before of this.#cutOff) if (before.dataset.role === role) before.dataset.final = "true";
    const line = document.createElement("p");
    line.dataset.role = role;
    line.append(part("who", who), " ", part("words"), " ", part("aside"));
    this.#list.append(line);
    return line;
  }

  /** @param {HTMLElement} line @param {string} text @param {boolean} final @param {string} [aside] */
  #write(line, text, final, aside = "") {
    line.dataset.final = String(final);
    line.querySelector(".words").textContent = text.trim();
    line.querySelector(".aside").textContent = aside;
    this.#keepInView();
    return line;
  }

  /** @param {string} key */
  #remove(key) {
    this.#lines.get(key)?.remove();
    this.#lines.delete(key);
  }

  #onScroll() {
    const list = this.#list;
    this.#atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END_PX;
  }

  #keepInView() {
    if (this.#atEnd) this.#list.scrollTop = this.#list.scrollHeight;
  }
}

/** @param {string[]} tools @param {boolean} interrupted */
function asides(tools, interrupted) {
  const used = tools.length ? [`used ${tools.map((tool) => tool.replaceAll("_", " ")).join(", ")}`] : [];
  return [...used, ...(interrupted ? ["you cut in"] : [])].join(" · ");
}

/** @param {string} name @param {string} [text] */
function part(name, text = "") {
  const span = document.createElement("span");
  span.className = name;
  span.dir = "auto";
  span.textContent = text;
  return span;
}
