/** What every secret store can hold: the limits of AWS Secrets Manager, kept by all, so that a store can be changed for another. */
import { OctoError } from '../errors.ts';
import type { Secret } from './secret.ts';

const NAME = /^[A-Za-z0-9/_+=.@-]{1,512}$/;
const MAX_VALUE_BYTES = 65_536;

/** @throws SecretRefused */
export const checkSecretName = (name: string): void => {
  if (!NAME.test(name)) throw new OctoError('SecretRefused', `"${name.slice(0, 100)}" cannot be the name of a secret`);
};

/** @throws SecretRefused */
export const checkSecretSize = (name: string, value: Secret): void => {
  const sizeBytes = Buffer.byteLength(value.reveal());
  if (sizeBytes > 0 && sizeBytes <= MAX_VALUE_BYTES) return;
  throw new OctoError('SecretRefused', `secret "${name}" has ${sizeBytes} bytes`, { facts: { sizeBytes } });
};
