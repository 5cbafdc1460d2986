/**
 * Every file of the archive written into a scratch folder and compared with its SHA-256, as a restore would: only a file that
 * was put together is compared as a whole, and only writing it takes the time that a restore takes.
 */
import { mkdir, statfs } from 'node:fs/promises';
import * as z from 'zod';
import { checkFiles } from '../archive/restore/check-files.ts';
import { lackPhrase } from '../archive/restore/room.ts';
import { removeFolder } from '../archive/swap/remove-folder.ts';
import { OctoError } from '../domain/errors.ts';
import { archiveOf, filesFolder, onArchive } from './drilling/drill-of-run.ts';
import { drillWorld, requireDrillPlace } from './drilling/drill-world.ts';
import { defineStep } from './step.ts';

/** @throws ArchiveDamaged, PathRefused, FolderDiskFull, FolderNotRemovable */
export const step = defineStep(
  {
    name: 'drill-files',
    runsOn: 'host',
    input: z.strictObject({}),
    output: z.strictObject({ count: z.number(), sizeBytes: z.number() }),
  },
  async (world, _input, { run, signal, beat }) => {
    const there = drillWorld(world);
    const into = filesFolder(requireDrillPlace(world), run);
    return onArchive(there, run, async ({ folders: { sizeBytes } }) => {
      // An attempt that was broken off may have left half of it.
      await removeFolder(into);
      await mkdir(into, { recursive: true, mode: 0o700 });
      await requireRoom(into, sizeBytes);
      let read = 0;
      const onRead = (bytes: number): void => {
        read += bytes;
        const percent = Math.min(99, Math.floor((100 * read) / Math.max(1, sizeBytes)));
        void beat({ percent, text: 'writing and comparing the files' }).catch(() => undefined);
      };
      const found = await checkFiles(there, archiveOf(run), { into, signal, onRead });
      const [damage] = found.damages;
      if (damage !== undefined) throw new OctoError('ArchiveDamaged', damage.what, { facts: { key: damage.key } });
      return { count: found.fileCount, sizeBytes: found.sizeBytes };
    });
  },
);

const requireRoom = async (path: string, neededBytes: number): Promise<void> => {
  const { bavail, bsize } = await statfs(path);
  const lack = { path, neededBytes, freeBytes: bavail * bsize };
  if (lack.freeBytes < neededBytes)
    throw new OctoError('FolderDiskFull', `not enough space: ${lackPhrase(lack)}`, { facts: lack });
};
