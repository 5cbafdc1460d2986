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
  const [foldersNow, foldersLast] = inBoth(now.folders, last.folders);
  const measures = [
    { name: 'the database', now: now.database.sizeBytes, last: last.database.sizeBytes },
    { name: 'the folders', now: foldersNow.sizeBytes, last: foldersLast.sizeBytes },
    { name: 'the number of files', now: foldersNow.fileCount, last: foldersLast.fileCount },
  ];
  return measures.flatMap(({ name, now, last: before }) => {
    const percent = before === 0 ? (now === 0 ? 0 : 100) : Math.round((100 * (now - before)) / before);
    const most = percent < 0 ? shrinkPercent : growthPercent;
    if (Math.abs(percent) <= most) return [];
    const change = percent < 0 ? `shrank by ${-percent} %` : `grew by ${percent} %`;
    return [`${name} ${change} since ${last.archiveId} (tolerance ${most} %)`];
  });
};

type Folders = Manifest['folders'];
type Sum = Pick<Folders, 'sizeBytes' | 'fileCount'>;

/** What one of them left out is compared in neither. */
const inBoth = (now: Folders, last: Folders): [Sum, Sum] => {
  const leftOut = new Set([...(now.leftOut ?? []), ...(last.leftOut ?? [])].map(({ name }) => name));
  const sumOf = (folders: Folders): Sum => {
    const left = folders.places.filter(({ name }) => leftOut.has(name));
    return {
      sizeBytes: left.reduce((rest, { sizeBytes }) => rest - sizeBytes, folders.sizeBytes),
      fileCount: left.reduce((rest, { fileCount }) => rest - fileCount, folders.fileCount),
    };
  };
  return [sumOf(now), sumOf(last)];
};
