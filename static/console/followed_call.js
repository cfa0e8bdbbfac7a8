import { h } from "./dom.js";
import { Transcript } from "./transcript.js";

/** A live call that the operator follows: its words as they come, and what the operator can do. */
export class FollowedCall {
  #api;
  #call;
  #stop = new AbortController();
  #transcript = new Transcript();
  #problem = h("p", { class: "problem", role: "alert" });
  #line = h("input", { type: "text", maxlength: "1000", "aria-label": "A line or an instruction", placeholder: "A line to say, or an instruction" });
  #mute = h("button", { type: "button", "aria-pressed": "false", onclick: () => this.#toggleMute() }, "Mute the caller");
  element;

  /** @param {import("./api.js").Api} api @param {{id: string, agent: string, muted: boolean}} call @param {() => void} onClose */
  constructor(api, call, onClose) {
    this.#api = api;
    this.#call = call;
    const say = h("form", { class: "say", onsubmit: (/** @type {SubmitEvent} */ event) => this.#say(event) }, this.#line,
      h("button", { type: "submit" }, "Say"),
      h("button", { type: "button", title: "The model is told, and the caller does not hear it", onclick: () => this.#instruct() }, "Instruct"));
    const more = h("div", { class: "actions" }, this.#mute,
      h("button", { type: "button", onclick: () => this.#do("hangup", { when: "next" }) }, "End with a goodbye"),
      h("button", { type: "button", class: "danger", onclick: () => this.#do("hangup", { when: "now" }) }, "Hang up now"));
    this.element = h("section", { class: "followed card", "aria-label": `The call with ${call.agent}` },
      h("div", { class: "title" }, h("h2", {}, call.agent), h("code", {}, call.id),
        h("button", { type: "button", class: "quiet", onclick: onClose }, "Close")),
      this.#transcript.element, say, more, this.#problem);
    this.update(call);
    this.#follow();
  }

  get id() {
    return this.#call.id;
  }

  /** @param {{id: string, agent: string, muted: boolean}} call the call, as the list now has it */
  update(call) {
    this.#call = call;
    this.#mute.setAttribute("aria-pressed", String(call.muted));
    this.#mute.textContent = call.muted ? "Let the caller be heard" : "Mute the caller";
  }

  close() {
    this.#stop.abort();
  }

  async #follow() {
    this.#transcript.note("You read along from here on.");
    try {
      for await (const event of this.#api.events(`/api/calls/${this.id}/events`, this.#stop.signal)) {
        if (event.type === "end") return this.#transcript.note(event.data.too_slow ? "The line to this page is too slow." : "The call is over.");
        this.#transcript.take(event);
      }
      this.#transcript.note("The connection to the server is lost.");
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#transcript.note(/** @type {Error} */ (error).message);
    }
  }

  get #isEmpty() {
    return !this.#line.value.trim();
  }

  /** @param {SubmitEvent} event */
  async #say(event) {
    event.preventDefault();
    if (this.#isEmpty) return this.#line.focus();
    if (await this.#do("say", { text: this.#line.value })) this.#line.value = "";
  }

  async #instruct() {
    if (this.#isEmpty) return this.#line.focus();
    if (await this.#do("instruct", { text: this.#line.value })) {
      this.#transcript.note(`You instructed the model: ${this.#line.value}`);
      this.#line.value = "";
    }
  }

  async #toggleMute() {
    if (await this.#do("mute", { muted: !this.#call.muted })) this.update({ ...this.#call, muted: !this.#call.muted });
  }

  /** @param {string} what @param {object} body */
  async #do(what, body) {
    this.#problem.textContent = "";
    try {
      await this.#api.post(`/api/calls/${this.id}/${what}`, body);
      return true;
    } catch (error) {
      this.#problem.textContent = /** @type {Error} */ (error).message;
      return false;
    }
  }
}
