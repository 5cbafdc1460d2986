/**
 * Keys as paths below a directory, and back: what a key may contain, no file system minds, and no path leaves the directory.
 *
 * Letters, digits and `. _ - = + @ ,` stay as they are, so that a person finds `prod/archives/…/RESTORE.md` where the key
 * says. Everything else, a leading or trailing dot and the names Windows reserves are escaped as `%2F`; an empty part is
 * `%`; a part of 80 bytes or more is cut into folders that end in `%`, because a name ends at 255 bytes.
 */

/** A string with one character for each UTF-8 byte: `<` on two of them is the byte order that a listing promises. */
export type ByteString = string;

export const byteString = (text: string): ByteString => Buffer.from(text, 'utf8').toString('latin1');
export const textOfBytes = (bytes: ByteString): string => Buffer.from(bytes, 'latin1').toString('utf8');

/** S3's own limit, so that an object which fits here fits there. */
const MAX_KEY_BYTES = 1024;
const CHUNK_BYTES = 80;
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i;

/** Is `key` one that every store can hold? */
export const isKey = (key: string): boolean =>
  key !== '' && !key.startsWith('/') && key.isWellFormed() && Buffer.byteLength(key) <= MAX_KEY_BYTES;

/** The names of the folders and, last, of the file that hold `key`. */
export const pathOfKey = (key: string): string[] => byteString(key).split('/').flatMap(namesOfPart);

/** The names of the folders that hold every key with this prefix. */
export const folderOfPrefix = (prefix: string): string[] => {
  const parts = byteString(prefix).split('/');
  const whole = parts.slice(0, -1).flatMap(namesOfPart);
  return [...whole, ...namesOfPart(parts.at(-1) ?? '').slice(0, -1)];
};

/** What one name on disk adds to a key: `name` of a file, `name/` of a folder, no slash where a long part goes on. */
export const keyPartOf = (name: string, isFolder: boolean): ByteString => {
  const isCut = isFolder && name.length > 1 && name.endsWith('%');
  const bytes = name.replaceAll(/%([0-9A-F]{2})|%/g, (_match, hex?: string) =>
    hex === undefined ? '' : String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return isFolder && !isCut ? `${bytes}/` : bytes;
};

/** Could this name have been given by `pathOfKey`? Others belong to someone else. */
export const isOwnName = (name: string): boolean => /^(?!\.)(?:[A-Za-z0-9._=+@,-]|%[0-9A-F]{2})*%?$/.test(name);

const namesOfPart = (part: ByteString): string[] => {
  if (part.length < CHUNK_BYTES) return [nameOf(part) || '%'];
  return [`${nameOf(part.slice(0, CHUNK_BYTES))}%`, ...namesOfPart(part.slice(CHUNK_BYTES))];
};

const nameOf = (bytes: ByteString): string =>
  bytes
    .replaceAll(/[^A-Za-z0-9._=+@,-]|^\.|\.$/g, escapeByte)
    .replace(RESERVED, (name) => escapeByte(name.charAt(0)) + name.slice(1));

const escapeByte = (byte: string): string => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
