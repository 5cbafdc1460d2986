/**
 * Works on the pages of a database dump: names them by their content, packs those that are new. Runs in a worker thread.
 */
import { createHash, hash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { readFully, scratchBuffer } from './pack-files.ts';
import { type WrittenPack, packWriter, sha256Of } from './pack-writer.ts';

/** SQL Server's page. */
export const PAGE_BYTES = 8192;
/** SQL Server writes backups in units of at least 512 bytes, so pages move by multiples of that. */
export const GRAIN_BYTES = 512;
/** Half a SHA-256 names a page: 2^64 pages before two are likely to meet. */
export const PAGE_NAME_BYTES = 16;

export type Span = { position: number; length: number };

/** Names of the pages of a span, back to back; a last page that is shorter counts. */
export const namePages = ({ path, span }: { path: string; span: Span }): Uint8Array =>
  withFile(path, (opened) => {
    const bytes = scratchBuffer().subarray(0, span.length);
    const length = readFully(opened, bytes, span.position);
    return pageNames(bytes.subarray(0, length));
  });

/** The names that `pages` pages would have if they began at each grain after `position`: one array a shift. */
export const nameShiftedPages = (input: { path: string; position: number; pages: number }): Uint8Array[] =>
  withFile(input.path, (opened) => {
    const bytes = Buffer.alloc((input.pages + 1) * PAGE_BYTES);
    const length = readFully(opened, bytes, input.position);
    const shifts: Uint8Array[] = [];
    for (let shift = GRAIN_BYTES; shift < PAGE_BYTES; shift += GRAIN_BYTES) {
      const end = Math.min(length, shift + input.pages * PAGE_BYTES);
      shifts.push(pageNames(bytes.subarray(Math.min(shift, end), end)));
    }
    return shifts;
  });

const pageNames = (bytes: Buffer): Uint8Array => {
  const count = Math.ceil(bytes.length / PAGE_BYTES);
  const names = Buffer.alloc(count * PAGE_NAME_BYTES);
  for (let page = 0; page < count; page++) {
    const sha256 = hash('sha256', bytes.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES));
    names.write(sha256, page * PAGE_NAME_BYTES, PAGE_NAME_BYTES, 'hex');
  }
  return names;
};

/** Packs spans of a file: each list of spans becomes one block. */
export const packSpans = (input: { slot: SharedArrayBuffer; path: string; blocks: Span[][] }): WrittenPack =>
  withFile(input.path, (opened) => {
    const pack = packWriter(input.slot);
    const raw = scratchBuffer();
    for (const spans of input.blocks) {
      let length = 0;
      for (const span of spans) {
        length += readFully(opened, raw.subarray(length, length + span.length), span.position);
      }
      const bytes = raw.subarray(0, length);
      pack.add(bytes, { sha256: sha256Of(bytes) });
    }
    return pack.finish();
  });

/** SHA-256 of a whole file. */
export const hashFile = ({ path }: { path: string | Uint8Array }): string =>
  withFile(path, (opened) => {
    const sha256 = createHash('sha256');
    const bytes = Buffer.alloc(1 << 20);
    for (let read = readSync(opened, bytes); read > 0; read = readSync(opened, bytes)) {
      sha256.update(bytes.subarray(0, read));
    }
    return sha256.digest('hex');
  });

const withFile = <T>(path: string | Uint8Array, use: (opened: number) => T): T => {
  const opened = openSync(typeof path === 'string' ? path : Buffer.from(path), 'r');
  try {
    return use(opened);
  } finally {
    closeSync(opened);
  }
};
