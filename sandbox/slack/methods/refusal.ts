/** How the Web API says no: `{ ok: false, error, … }` with status 200. */

export type Arguments = Record<string, unknown>;
export type Reply = Record<string, unknown>;
export type Methods = Record<string, (args: Arguments) => Reply>;

/** A refusal by its Slack name; `body` is the whole answer. */
export class Refusal extends Error {
  readonly body: Reply;

  constructor(error: string, more: Reply = {}) {
    super(error);
    this.body = { ok: false, error, ...more };
  }
}
