/**
 * Where keys, licenses and credentials live: AWS Secrets Manager, or an encrypted directory.
 *
 * A secret is created once and never updated or deleted by us; a changed value is a new name (`design.md` §7 of the
 * stored format: the name ends in the value's fingerprint). Values never appear in errors.
 */
import type { Secret } from '../domain/secrets/secret.ts';

export type SecretStore = {
  /** Stores a new secret. `'exists'` when the name is taken, whatever its value: read it back and compare. */
  create(name: string, value: Secret): Promise<'created' | 'exists'>;
  /** The value, or `null` when there is no such name. @throws SecretStoreDenied, SecretStoreUnavailable, SecretDamaged */
  read(name: string): Promise<Secret | null>;
  /** Names that start with `prefix`, sorted. */
  list(prefix: string): Promise<string[]>;
};
