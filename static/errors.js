/** Why a call failed: `code` is stable and for programs, `sentence` is what the server said to the person, if anything. */
export class CallError extends Error {
  /**
   * @param {string} code one of those that sentences.js knows
   * @param {string} [sentence]
   * @param {unknown} [cause]
   */
  constructor(code, sentence = "", cause = undefined) {
    super(sentence || code, { cause });
    this.name = "CallError";
    this.code = code;
    this.sentence = sentence;
  }
}
