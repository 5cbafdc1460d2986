/**
 * Paths as the index writes them: UTF-8, with everything that would break a line or a shell escaped as `printf %b`
 * reads it. File names are bytes on Linux, so what is not UTF-8 is escaped byte by byte. @see docs/format.md §4
 */
import { isUtf8 } from 'node:buffer';

/** A name of ordinary characters is its own text. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const NEEDS_ESCAPE = /[\x00-\x20\x7f\\\ufffd]/;

/** The text of a file name or path. */
export const pathText = (name: Buffer | string): string => {
  if (typeof name === 'string' && !NEEDS_ESCAPE.test(name)) return name;
  const bytes = typeof name === 'string' ? Buffer.from(name) : name;
  if (!isUtf8(bytes)) return escapeBytes(bytes);
  return bytes.toString().replaceAll(new RegExp(NEEDS_ESCAPE, 'g'), (c) => escapeBytes(Buffer.from(c)));
};

/** Escapes every byte that is not a printable letter of ASCII. */
const escapeBytes = (bytes: Buffer): string => {
  let text = '';
  for (const byte of bytes) {
    const isPlain = byte > 0x20 && byte < 0x7f && byte !== 0x5c;
    text += isPlain ? String.fromCharCode(byte) : `\\0${byte.toString(8).padStart(3, '0')}`;
  }
  return text;
};

/** The bytes that a text stands for; a string where nothing was escaped. */
export const pathBytes = (text: string): Buffer | string => {
  if (!text.includes('\\')) return text;
  const parts = text
    .split(/(\\0[0-7]{3})/)
    .map((part) => (part.startsWith('\\0') ? Buffer.of(Number.parseInt(part.slice(2), 8)) : Buffer.from(part)));
  return Buffer.concat(parts);
};

/** Where a path of the index lies below `directory`: what `node:fs` takes. */
export const pathBelow = (directory: string, text: string): Buffer | string => {
  const relative = pathBytes(text);
  return typeof relative === 'string'
    ? `${directory}/${relative}`
    : Buffer.concat([Buffer.from(`${directory}/`), relative]);
};

/** Names that Windows gives another meaning: devices, streams, wildcards, ends that it cuts off. */
const MEANT_OTHERWISE =
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  /[\\:*?"<>|\x01-\x1f]|[. ]$|^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?:\s*\.|$)/i;

/** Can this path only mean a place below the directory it is joined to? */
export const isSafePath = (text: string, platform = process.platform): boolean => {
  const path = pathBytes(text).toString();
  if (path.includes('\0')) return false;
  const parts = path.split('/');
  if (platform === 'win32' && parts.some((part) => MEANT_OTHERWISE.test(part))) return false;
  return parts.every((part) => part !== '' && part !== '.' && part !== '..');
};
