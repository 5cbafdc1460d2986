/**
 * Octopus's documents: read from `JSON` or `JSONBlob`, and searched for encrypted values.
 *
 * The server's mapper, Nevermore, compresses with gzip; its text is UTF-16 without a mark unless configured to UTF-8, so
 * both are read. An encrypted value is `base64(ciphertext)|base64(iv)`, AES in CBC mode with a 16-byte IV.
 * @see https://github.com/OctopusDeploy/Nevermore (NewtonsoftDocumentSerializer, JsonStorageFormat)
 */
import { gunzipSync, gzipSync } from 'node:zlib';

export type DocumentRow = { Id: string; JSON?: string | null; JSONBlob?: Buffer | null };

const AES_BLOCK_BYTES = 16;
/** The IV is 16 bytes, so its base64 has 22 characters and `==`. */
const ENCRYPTED = /^([A-Za-z0-9+/]+={0,2})\|[A-Za-z0-9+/]{22}==$/;

/** The same shape as a pattern of LIKE, to leave most rows on the server. */
export const ENCRYPTED_LIKE = `%|${'_'.repeat(22)}==%`;

/** The document, or undefined when neither form can be read. */
export const documentOf = ({ JSON: text, JSONBlob: blob }: DocumentRow): unknown => {
  try {
    return JSON.parse(blob === null || blob === undefined ? (text ?? '') : inflated(blob)) as unknown;
  } catch {
    return undefined;
  }
};

const inflated = (blob: Buffer): string => {
  const bytes = gunzipSync(blob);
  return bytes.toString(encodingOf(bytes)).replace(/^\uFEFF/, '');
};

/** A document begins with an ASCII character, whose second byte is zero in UTF-16. */
const encodingOf = (bytes: Buffer): 'utf16le' | 'utf8' => (bytes[1] === 0 ? 'utf16le' : 'utf8');

/** The columns of another document for a row, in the form that its document has now. */
export const storedLike = ({ JSONBlob: blob }: DocumentRow, document: unknown): Omit<DocumentRow, 'Id'> => {
  const text = JSON.stringify(document);
  if (blob === null || blob === undefined) return { JSON: text };
  return { JSONBlob: gzipSync(Buffer.from(text, encodingOf(gunzipSync(blob)))) };
};

export type Found = { path: string; cipherText: string };

/** Encrypted values of a document with their places, in document order. */
export const encryptedIn = (value: unknown, path = ''): Found[] => {
  if (typeof value === 'string') return isEncrypted(value) ? [{ path, cipherText: value }] : [];
  if (Array.isArray(value)) return value.flatMap((item, i) => encryptedIn(item, `${path}[${i}]`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => encryptedIn(item, path === '' ? key : `${path}.${key}`));
};

const isEncrypted = (text: string): boolean => {
  const cipherText = ENCRYPTED.exec(text)?.[1];
  if (cipherText === undefined) return false;
  const { length } = Buffer.from(cipherText, 'base64');
  return length > 0 && length % AES_BLOCK_BYTES === 0;
};

/** Does the variable set hold a variable of type Sensitive? An unreadable one may, so it counts. */
export const hasSensitiveVariable = (document: unknown): boolean => {
  if (document === undefined) return true;
  const { Variables } = document as { Variables?: { Type?: string; IsSensitive?: boolean }[] };
  return (Variables ?? []).some(({ Type, IsSensitive }) => Type === 'Sensitive' || IsSensitive === true);
};

/** One from each list in turn, until `limit` or the end of all. */
export const takeTurns = <T>(lists: readonly (readonly T[])[], limit: number): T[] => {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  const turns = Array.from({ length: longest }, (_, turn) => lists.flatMap((list) => list.slice(turn, turn + 1)));
  return turns.flat().slice(0, limit);
};
