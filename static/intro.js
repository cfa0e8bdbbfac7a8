const URL = "api/agent";
const MOST_EXAMPLES = 4;
const TIMEOUT_MS = 3_000;

/**
 * What the server says of itself before a call.
 * @typedef {{name?: string, about?: string, examples?: string[], access?: "open" | "token", token_url?: string}} Agent
 */

/**
 * Say before the call who answers and what the agent can do, as far as the server tells it.
 * @param {HTMLElement} intro
 * @param {Agent | null} agent
 * @returns {{name: string, examples: string[]}} the agent's name and what one can ask; both may be empty
 */
export function introduce(intro, agent) {
  const { name = "", about = "", examples = [] } = agent ?? {};
  if (name) intro.querySelector("h1").textContent = name;
  const line = /** @type {HTMLElement} */ (intro.querySelector("#about"));
  line.textContent = about;
  line.hidden = !about;
  return { name, examples: examples.slice(0, MOST_EXAMPLES) };
}

/** @returns {Promise<Agent | null>} null if the server does not tell; a call will say what is wrong */
export async function whoAnswers() {
  try {
    const response = await fetch(URL, { signal: AbortSignal.timeout?.(TIMEOUT_MS) });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}
