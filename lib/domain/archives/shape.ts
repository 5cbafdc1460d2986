/**
 * Does an archive look like the last good one? A database or folders that lost a tenth are complete, and worth a look; that
 * a server grows is its ordinary day, so growth has a wide bound of its own.
 */
import type { Settings } from '../settings/settings.ts';
import type { Manifest } from './archive.ts';

/** What changed beyond the tolerance, in percent of the last good archive, a sentence each. */
export const deviations = (
  now: Pick<Manifest, 'folders' | 'database'>,
  last: Pick<Manifest, 'folders' | 'database' | 'archiveId'>,
  { shrinkPercent, growthPercent }: Settings['tolerance'],
): string[] => {
  const measures = [
    { name: 'the database', now: now.database.sizeBytes, last: last.database.sizeBytes },
    { name: 'the folders', now: now.folders.sizeBytes, last: last.folders.sizeBytes },
    { name: 'the number of files', now: now.folders.fileCount, last: last.folders.fileCount },
  ];
  return measures.flatMap(({ name, now, last: before }) => {
    const percent = before === 0 ? (now === 0 ? 0 : 100) : Math.round((100 * (now - before)) / before);
    const most = percent < 0 ? shrinkPercent : growthPercent;
    if (Math.abs(percent) <= most) return [];
    const change = percent < 0 ? `shrank by ${-percent} %` : `grew by ${percent} %`;
    return [`${name} ${change} since ${last.archiveId} (tolerance ${most} %)`];
  });
};
