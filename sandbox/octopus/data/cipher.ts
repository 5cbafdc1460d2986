/**
 * How an Octopus server protects what it stores: sensitive values under the master key, API keys as hashes.
 *
 * Values: AES in CBC mode with PKCS #7 padding under a 128- or 256-bit key, a fresh 16-byte vector each, stored as
 * `base64(cipher text)|base64(vector)`. The hash of API keys is this stand-in's own choice.
 */
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';

const algorithmOf = (masterKey: Buffer): string => `aes-${masterKey.length * 8}-cbc`;

/** The stored form of a sensitive value. */
export const encryptValue = (masterKey: Buffer, plainText: string, vector: Buffer): string => {
  const cipher = createCipheriv(algorithmOf(masterKey), masterKey, vector);
  const cipherText = Buffer.concat([cipher.update(plainText, 'utf8'), cipher.final()]);
  return `${cipherText.toString('base64')}|${vector.toString('base64')}`;
};

/** The plain text of a stored value; throws node's own error when the padding does not fit. */
export const decryptValue = (masterKey: Buffer, stored: string): string => {
  const [cipherText = '', vector = ''] = stored.split('|');
  const decipher = createDecipheriv(algorithmOf(masterKey), masterKey, Buffer.from(vector, 'base64'));
  return Buffer.concat([decipher.update(Buffer.from(cipherText, 'base64')), decipher.final()]).toString('utf8');
};

/** What the `ApiKey` table keeps of a key. */
export const hashApiKey = (apiKey: string): string => createHash('sha256').update(apiKey).digest('base64');

/** The form in which this server shows a master key: 24 or 44 characters. */
export const isMasterKey = (text: string): boolean => /^(?:[A-Za-z0-9+/]{22}==|[A-Za-z0-9+/]{43}=)$/.test(text);
