/**
 * Takes the dump from the share into the store and removes it there. Only pages that the last dump did not have are
 * stored. The work is in `lib/archive/store-dump.ts`.
 */
import { rm, stat } from 'node:fs/promises';
import * as z from 'zod';
import { storeDump } from '../archive/store-dump.ts';
import { OctoError } from '../domain/errors.ts';
import { readSection, requireSection, writeSection } from '../repository/sections.ts';
import { trashedNames } from '../repository/store-care/trash.ts';
import { archivePlace } from './parts/archive-place.ts';
import { dumpFile } from './parts/dump-file.ts';
import { defineStep } from './step.ts';

const Input = z.strictObject({ instance: z.string() });
const Output = z.strictObject({ sizeBytes: z.number(), addedBytes: z.number(), reusedPercent: z.number() });

export const step = defineStep(
  { name: 'store-database', runsOn: 'host', input: Input, output: Output },
  async (world, { instance }, context) => {
    const { run, signal } = context;
    const at = archivePlace(run);
    const path = dumpFile(world, run).workerPath;
    let section = await readSection(world, at, 'database');
    if (section === null) {
      const { fileBytes } = await requireSection(world, at, 'dump');
      await assertWhole(path, fileBytes);
      const avoid = await trashedNames(world, instance);
      const onProgress = ({ bytes, ofBytes }: { bytes: number; ofBytes: number }): void =>
        void context.beat({ percent: Math.floor((100 * bytes) / Math.max(1, ofBytes)) }).catch(() => undefined);
      const stored = await storeDump(world, { instance, runId: run.id, path, avoid }, { signal, onProgress });
      await context.beat();
      section = await writeSection(world, at, { name: 'database', section: stored });
    }
    // The archive has it now; the share is only a place of passage.
    await rm(path, { force: true });
    return Output.strip().parse(section);
  },
);

/** A disk that is full, or a share that is not the one SQL Server wrote to, shows here at the latest. */
const assertWhole = async (path: string, fileBytes: number): Promise<void> => {
  const found = await sizeOrNull(path);
  if (found === null) throw new OctoError('DumpMissing', `the backup file is not there: ${path}`, { facts: { path } });
  if (found === 0 || found < fileBytes) {
    throw new OctoError('DumpTruncated', `the backup file has ${found} of ${fileBytes} bytes: ${path}`, {
      facts: { path, sizeBytes: found, expectedBytes: fileBytes },
    });
  }
};

const sizeOrNull = async (path: string): Promise<number | null> => {
  try {
    return (await stat(path)).size;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw cause;
  }
};
