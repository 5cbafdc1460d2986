/** Does an archive look like the last good one? A database or folders that shrank by half are complete, and worth a look. */
import type { Manifest } from './archive.ts';

/** The largest change, either way, in percent of the last good archive. */
export type Tolerance = { sizePercent: number; filePercent: number };

/** What changed beyond the tolerance, a sentence each. */
export const deviations = (
  now: Pick<Manifest, 'folders' | 'database'>,
  last: Pick<Manifest, 'folders' | 'database' | 'archiveId'>,
  tolerance: Tolerance,
): string[] => {
  const measures = [
    { name: 'the database', now: now.database.sizeBytes, last: last.database.sizeBytes, most: tolerance.sizePercent },
    { name: 'the folders', now: now.folders.sizeBytes, last: last.folders.sizeBytes, most: tolerance.sizePercent },
    {
      name: 'the number of files',
      now: now.folders.fileCount,
      last: last.folders.fileCount,
      most: tolerance.filePercent,
    },
  ];
  return measures.flatMap(({ name, now, last: before, most }) => {
    const percent = before === 0 ? (now === 0 ? 0 : 100) : Math.round((100 * (now - before)) / before);
    if (Math.abs(percent) <= most) return [];
    const change = percent < 0 ? `shrank by ${-percent} %` : `grew by ${percent} %`;
    return [`${name} ${change} since ${last.archiveId} (tolerance ${most} %)`];
  });
};
