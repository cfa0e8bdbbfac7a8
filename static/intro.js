const URL = "api/agent";
const MOST_EXAMPLES = 4;

/**
 * Say before the call who answers and what the agent can do, as far as the server tells it.
 * @param {HTMLElement} intro
 * @returns {Promise<{name: string, examples: string[]}>} the agent's name and what one can ask; both may be empty
 */
export async function introduce(intro) {
  const { name = "", about = "", examples = [] } = await whoAnswers();
  if (name) intro.querySelector("h1").textContent = name;
  const line = /** @type {HTMLElement} */ (intro.querySelector("#about"));
  line.textContent = about;
  line.hidden = !about;
  return { name, examples: examples.slice(0, MOST_EXAMPLES) };
}

/** @returns {Promise<{name?: string, about?: string, examples?: string[]}>} */
async function whoAnswers() {
  try {
    const response = await fetch(URL);
    return response.ok ? await response.json() : {};
  } catch {
    return {}; // A call will say what is wrong.
  }
}
