/** What the file system says about a file, in the archive's terms. Kept apart so that worker threads load little. */
import type { Stats } from 'node:fs';

/** Microseconds, as the index keeps times. */
export const microseconds = (stats: Stats): number => Math.round(stats.mtimeMs * 1000);

/** `EACCES` and the like; the name of the error where the system gave no code. */
export const codeOf = (cause: unknown): string => (cause as NodeJS.ErrnoException).code ?? String(cause);
