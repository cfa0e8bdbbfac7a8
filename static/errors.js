/**
 * Why a call failed. `code` is for programs and does not change. `sentence` is what the server says to the caller, or "".
 */
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
