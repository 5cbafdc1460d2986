/**
 * The master key as bytes and as proof: its fingerprint, and whether it opens what Octopus encrypted with it.
 *
 * Octopus encrypts single values with AES-CBC and PKCS7 padding under the 128- or 256-bit key, and stores
 * `base64(ciphertext)|base64(iv)`. Padding alone is no proof: a wrong key passes it once in 255 tries, so the content is
 * checked as well. Reading and keeping the key is left to the steps.
 * @see https://octopus.com/docs/security/data-encryption
 */
import { createDecipheriv, createHmac, X509Certificate } from 'node:crypto';
import { Secret } from '../secrets/secret.ts';

const IV_BYTES = 16;
const BLOCK_BYTES = 16;
const FINGERPRINT_DIGITS = 16;

/** HMAC-SHA-256 of the secret's text under the instance's salt, cut to 16 hex digits: names a value without telling it. */
export const fingerprintOf = (value: Secret, salt: string): string =>
  createHmac('sha256', Buffer.from(salt, 'hex')).update(value.reveal()).digest('hex').slice(0, FINGERPRINT_DIGITS);

/** The key's size, or `null` when the text is not base64 of 16 or 32 bytes. */
export const masterKeyBits = (key: Secret): 128 | 256 | null => {
  const bytes = base64Bytes(key.reveal());
  if (bytes?.length === 16) return 128;
  return bytes?.length === 32 ? 256 : null;
};

/** The plain bytes, or `null` when the text is not a ciphertext or this key does not open it. */
export const decrypt = (key: Secret, cipherText: Secret): Buffer | null => {
  const [cipher, iv, ...rest] = cipherText.reveal().split('|').map(base64Bytes);
  const bits = masterKeyBits(key);
  if (!cipher || !iv || rest.length > 0 || bits === null) return null;
  if (iv.length !== IV_BYTES || cipher.length === 0 || cipher.length % BLOCK_BYTES !== 0) return null;
  const decipher = createDecipheriv(`aes-${bits}-cbc`, Buffer.from(key.reveal(), 'base64'), iv);
  try {
    return Buffer.concat([decipher.update(cipher), decipher.final()]);
  } catch {
    // The one failure left is the padding: another key, or damaged bytes.
    return null;
  }
};

export type SealedValue = { table: string; id: string; path: string; kind: 'text' | 'certificate'; cipherText: Secret };

export type KeyProof = {
  opened: number;
  /** Where the values stand that did not open, e.g. `VariableSet variableset-Projects-1 Variables[3].Value`. */
  unopened: string[];
  /**
   * `proven`: all opened. `damaged`: most opened, so the key is right and the others are broken in the database.
   * `wrong`: most did not open. `nothing`: there was nothing to open.
   */
  verdict: 'proven' | 'damaged' | 'wrong' | 'nothing';
};

/** Opens every value with `key` and looks at what came out. */
export const proveKey = (key: Secret, values: readonly SealedValue[]): KeyProof => {
  const unopened = values
    .filter((value) => !opens(key, value))
    .map(({ table, id, path }) => `${table} ${id} ${path}`.trim());
  const opened = values.length - unopened.length;
  return { opened, unopened, verdict: verdictOf(opened, values.length) };
};

const verdictOf = (opened: number, sampled: number): KeyProof['verdict'] => {
  if (sampled === 0) return 'nothing';
  if (opened === sampled) return 'proven';
  return opened * 2 > sampled ? 'damaged' : 'wrong';
};

const opens = (key: Secret, value: SealedValue): boolean => {
  const plain = decrypt(key, value.cipherText);
  if (plain === null) return false;
  return value.kind === 'certificate' ? isCertificate(plain) : isText(plain);
};

// Control characters do not stand in passwords, tokens and PEM blocks; in random bytes one in eight is one.
// eslint-disable-next-line no-control-regex -- they are what is looked for
const CONTROL_CHARACTERS = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]/;

const isText = (plain: Buffer): boolean => {
  try {
    return !CONTROL_CHARACTERS.test(new TextDecoder('utf-8', { fatal: true }).decode(plain));
  } catch {
    return false;
  }
};

/** Octopus keeps certificates as PFX or DER, plain or as base64 text, or as PEM. */
const isCertificate = (plain: Buffer): boolean => {
  const bytes = base64Bytes(plain.toString('latin1')) ?? plain;
  return isPfx(bytes) || isX509(bytes);
};

const isX509 = (bytes: Buffer): boolean => {
  try {
    return new X509Certificate(bytes).fingerprint256 !== '';
  } catch {
    return false;
  }
};

/** RFC 7292: one DER sequence that fills the bytes and begins with the version, 3. */
const isPfx = (bytes: Buffer): boolean => {
  if (bytes[0] !== 0x30) return false;
  const first = bytes[1] ?? 0;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (lengthBytes > 4 || bytes.length < 2 + lengthBytes) return false;
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(2, lengthBytes);
  const content = 2 + lengthBytes;
  return content + length === bytes.length && bytes.subarray(content, content + 3).equals(Buffer.of(0x02, 0x01, 0x03));
};

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const base64Bytes = (text: string): Buffer | null => {
  const compact = text.replaceAll(/\s/g, '');
  return compact !== '' && BASE64.test(compact) ? Buffer.from(compact, 'base64') : null;
};
