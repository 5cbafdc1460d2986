/**
 * Takes one archive out of the list, as it was decided. The data that no other archive needs follows in two passes, with
 * the backups of the next days (`prune.ts`). Twice is once.
 */
import * as z from 'zod';
import { OctoError } from '../domain/errors.ts';
import { archiveKeys } from '../domain/names.ts';
import { readPlan } from '../repository/approvals.ts';
import { requireDeletable } from '../repository/store-care/deletable.ts';
import { forgetBrokenDeletions, unlistArchive } from '../repository/store-care/unlist.ts';
import { defineStep } from './step.ts';

/** @throws ArchiveHeld, ArchiveInUse, ArchiveLocked, ArchiveNeeded */
export const step = defineStep(
  { name: 'delete-archive', runsOn: 'cloud', input: z.strictObject({}), output: z.strictObject({}) },
  async (world, _input, { run, beat }) => {
    const { instance } = run;
    const plan = await readPlan(world, run.id);
    if (plan?.workflow !== 'delete') throw new OctoError('Bug', `${run.id} has no plan of a deletion`);
    const at = { instance, archiveId: plan.archive.archiveId };
    await forgetBrokenDeletions(world, instance);
    // An earlier try may have done it.
    if ((await world.archives.head(archiveKeys.manifest(instance, at.archiveId))) === null) return {};
    await requireDeletable(world, at);
    await beat({ text: `deleting ${at.archiveId}` });
    await unlistArchive(world, at, run.id);
    return {};
  },
);
