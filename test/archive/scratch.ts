/** Temporary folders, stores and instances for the archive's tests; everything is gone after the test. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../lib/adapters/clock.system.ts';
import { directoryObjectStore } from '../../lib/adapters/object-store.directory.ts';

/** A new empty folder. */
export const scratchDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'octo-archive-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

/** Stores, a host disk and a clock, below one folder. */
export const scratchWorld = (directory = scratchDirectory()) => ({
  archives: directoryObjectStore({ directory: join(directory, 'store') }),
  state: directoryObjectStore({ directory: join(directory, 'state') }),
  clock: systemClock,
  hostDirectory: join(directory, 'host'),
});

/** An hour ago, so that a file counts as settled. */
export const LONG_AGO = Math.floor(Date.now() / 1000) - 3600;

/** Writes files given by path and content; their time is an hour ago. */
export const plant = (directory: string, files: Record<string, string | Uint8Array>, time = LONG_AGO): void => {
  for (const [path, content] of Object.entries(files)) {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    utimesSync(file, time, time);
  }
};
