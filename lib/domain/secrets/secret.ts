/**
 * A value that must not be seen: a master key, a license, a password, a connection string.
 *
 * It prints as `[secret]` wherever a value is printed by accident (template strings, JSON, `console`, error facts);
 * the one way to the bytes is `reveal()`, so a search for that word lists every place that handles a secret.
 */
import { inspect } from 'node:util';

const MASK = '[secret]';

export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  equals(other: Secret): boolean {
    return this.#value === other.#value;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}
