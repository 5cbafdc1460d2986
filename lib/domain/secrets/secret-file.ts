/**
 * How a directory keeps secrets: the stored form of one sealed text, and of the header that says how the key was derived.
 * Sealed with AES-256-GCM, the name of the secret as additional data; bytes are in base64.
 */
import * as z from 'zod';

const Base64 = z.base64().transform((text) => Buffer.from(text, 'base64'));

export const SealedText = z.strictObject({ nonce: Base64, tag: Base64, cipherText: Base64 });
export type SealedText = z.output<typeof SealedText>;

/** scrypt for a passphrase; HKDF for a key file, which is random already. */
const KeyDerivation = z.discriminatedUnion('name', [
  z.strictObject({
    name: z.literal('scrypt'),
    salt: Base64,
    cost: z.number(),
    blockSize: z.number(),
    parallelization: z.number(),
  }),
  z.strictObject({ name: z.literal('hkdf-sha256'), salt: Base64 }),
]);
export type KeyDerivation = z.output<typeof KeyDerivation>;

/** `check` is a known text, sealed: it opens only under the right key. */
export const SecretStoreHeader = z.strictObject({ format: z.literal(1), kdf: KeyDerivation, check: SealedText });
