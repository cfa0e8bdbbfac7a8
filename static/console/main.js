import { Api, Failed } from "./api.js";
import { ConversationView } from "./conversation.js";
import { ConversationsView } from "./conversations.js";
import { h } from "./dom.js";
import { LiveView } from "./live.js";
import { OverTimeView } from "./over_time.js";

const $ = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
const KEYS = { 1: "#/live", 2: "#/conversations", 3: "#/time" };

/**
 * What the console shows at an address. `close` ends all that it does.
 * @typedef {{title: string, element: HTMLElement, close: () => void, key?: (key: string) => boolean}} View
 */

/** The console: it shows one view, which the part of the address after # names. */
class Console {
  #api = new Api();
  /** @type {View | null} */
  #view = null;
  /** The list that the operator came from, with its search. */
  #list = "#/conversations";

  constructor() {
    this.#api.onRefused = () => this.#signIn("The server does not take this token.");
    addEventListener("hashchange", () => this.#show());
    addEventListener("keydown", (event) => this.#onKey(event));
    $("sign-out").onclick = () => {
      this.#api.use("");
      this.#signIn();
    };
    this.#show();
  }

  #show() {
    if (!this.#api.known) return this.#signIn();
    const [, name, id] = location.hash.split("?")[0].split("/");
    const query = new URLSearchParams(location.hash.split("?")[1] ?? "");
    if (name === "conversations" && id) return this.#open(new ConversationView(this.#api, id, this.#list));
    if (name === "conversations") {
      this.#list = location.hash;
      return this.#open(new ConversationsView(this.#api, query));
    }
    if (name === "time") return this.#open(new OverTimeView(this.#api, query));
    this.#open(new LiveView(this.#api));
  }

  /** @param {View} view */
  #open(view) {
    this.#view?.close();
    this.#view = view;
    document.querySelector("nav").hidden = false;
    for (const link of document.querySelectorAll("nav a")) {
      const here = location.hash.startsWith(link.getAttribute("href") ?? "") || (!location.hash && link.matches("[href='#/live']"));
      if (here) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    document.title = `${view.title} · Antiphon console`;
    $("announcer").textContent = view.title;
    $("view").replaceChildren(view.element);
    $("view").focus({ preventScroll: true });
    scrollTo(0, 0);
  }

  /** Ask for the admin token. @param {string} [why] */
  #signIn(why = "") {
    this.#view?.close();
    this.#view = null;
    document.querySelector("nav").hidden = true;
    document.title = "Antiphon console";
    const input = h("input", { type: "password", id: "token", autocomplete: "current-password", required: true });
    const problem = h("p", { class: "problem", role: "alert" }, why);
    const form = h(
      "form",
      { id: "sign-in", onsubmit: (/** @type {SubmitEvent} */ event) => this.#try(event, input, problem) },
      h("h1", {}, "The console"),
      h("label", { for: "token" }, "Admin token"),
      input,
      h("button", { type: "submit", class: "main" }, "Open"),
      problem,
      h("p", { class: "hint" }, "It is the server's ", h("code", {}, "ANTIPHON_ADMIN_TOKEN"), ", and is kept for this tab only."),
    );
    $("view").replaceChildren(form);
    input.focus();
  }

  /** @param {SubmitEvent} event @param {HTMLInputElement} input @param {HTMLElement} problem */
  async #try(event, input, problem) {
    event.preventDefault();
    problem.textContent = "";
    this.#api.use(input.value.trim());
    try {
      await this.#api.get("/api/calls");
    } catch (error) {
      this.#api.use("");
      const { status, message } = /** @type {Failed} */ (error);
      if (status === 404) problem.textContent = "This server has no admin token, so it has no console. Set ANTIPHON_ADMIN_TOKEN.";
      else if (status !== 401) problem.textContent = message;
      return;
    }
    this.#show();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.ctrlKey || event.metaKey || event.altKey || !this.#view || $("keys").open) return;
    const writes = target.matches("input:not([type='checkbox']), select, textarea");
    if (writes && event.key !== "Escape") return;
    if ([" ", "Enter"].includes(event.key) && target.matches("button, a, summary, audio")) return;
    if (writes) target.blur();
    else if (KEYS[event.key]) location.hash = KEYS[event.key];
    else if (event.key === "?") $("keys").showModal();
    else if (!this.#view.key?.(event.key)) return;
    event.preventDefault();
  }
}

new Console();
