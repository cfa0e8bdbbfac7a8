/** Metrics in Prometheus' text format. Pure. */

/**
 * The samples of some metrics.
 * @param {string} text
 * @returns {Map<string, {labels: string, value: number}[]>} by name
 */
export function samples(text) {
  const found = new Map();
  for (const line of text.split("\n")) {
    const match = /^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)/.exec(line);
    if (!match) continue;
    const [, name, labels = "", value] = match;
    if (!found.has(name)) found.set(name, []);
    found.get(name).push({ labels, value: Number(value.replace("Inf", "Infinity")) });
  }
  return found;
}

/** The sum of a metric over its labels. @param {ReturnType<typeof samples>} all @param {string} name @param {string} [label] only samples with this text in their labels */
export function sum(all, name, label = "") {
  return (all.get(name) ?? []).filter(({ labels }) => labels.includes(label)).reduce((total, { value }) => total + value, 0);
}

/**
 * A quantile of what a histogram has measured since another reading.
 * @param {ReturnType<typeof samples>} now @param {ReturnType<typeof samples>} before @param {string} name @param {number} share 0 to 1
 * @returns {number | null} the upper bound of its bucket; null if nothing was measured
 */
export function quantile(now, before, name, share) {
  const counts = new Map();
  for (const [sign, all] of /** @type {[number, typeof now][]} */ ([[1, now], [-1, before]])) {
    for (const { labels, value } of all.get(`${name}_bucket`) ?? []) {
      const bound = Number((/le="([^"]*)"/.exec(labels) ?? ["", "NaN"])[1].replace("+Inf", "Infinity"));
      counts.set(bound, (counts.get(bound) ?? 0) + sign * value);
    }
  }
  const bounds = [...counts.keys()].sort((a, b) => a - b);
  const whole = counts.get(Infinity) ?? 0;
  if (!(whole > 0)) return null;
  return bounds.find((bound) => (counts.get(bound) ?? 0) >= share * whole) ?? null;
}
