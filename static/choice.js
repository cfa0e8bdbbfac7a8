import { listMicrophones, rememberMicrophone, rememberedMicrophone } from "./devices.js";

/** The list in which the caller chooses a microphone. */
export class Choice {
  #label;
  #select;
  #use;

  /**
   * @param {HTMLElement} label
   * @param {(deviceId: string) => Promise<boolean>} use opens the chosen microphone; false if it does not open
   */
  constructor(label, use) {
    this.#label = label;
    this.#select = label.querySelector("select");
    this.#use = use;
    this.#select.onchange = () => this.#choose(this.#select.value);
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.refresh());
    this.refresh();
  }

  async refresh() {
    const microphones = await listMicrophones();
    const options = [new Option("Default mic", ""), ...microphones.map(({ id, label }) => new Option(label, id))];
    this.#select.replaceChildren(...options);
    this.#select.value = microphones.some(({ id }) => id === rememberedMicrophone()) ? rememberedMicrophone() : "";
    this.#label.hidden = !microphones.length;
  }

  /** @param {string} deviceId */
  async #choose(deviceId) {
    if (await this.#use(deviceId)) rememberMicrophone(deviceId);
    else this.refresh();
  }
}
