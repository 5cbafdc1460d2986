/**
 * May this archive be deleted, and what is it? Frozen as the plan that somebody else decides upon; asked again, it must
 * still be so. Needs only the stores.
 */
import * as z from 'zod';
import { OctoError } from '../domain/errors.ts';
import { type DeletePlan, planDifferences } from '../domain/runs/plan.ts';
import type { World } from '../ports/world.ts';
import { freezePlan } from '../repository/approvals.ts';
import { readManifest } from '../repository/archives.ts';
import type { ArchivePlace } from '../repository/sections.ts';
import { requireDeletable } from '../repository/store-care/deletable.ts';
import { defineStep } from './step.ts';

/** @throws ArchiveUnknown, ArchiveHeld, ArchiveInUse, ArchiveLocked, ArchiveNeeded, PlanChanged */
export const step = defineStep(
  { name: 'plan-delete', runsOn: 'cloud', input: z.strictObject({ archive: z.string() }), output: z.strictObject({}) },
  async (world, { archive }, { run }) => {
    const at = { instance: run.instance, archiveId: archive };
    const found = await planOf(world, at, run.id);
    await requireDeletable(world, at);
    const changed = planDifferences(await freezePlan(world, found), found);
    if (changed.length === 0) return {};
    throw new OctoError('PlanChanged', `since the plan was made, ${changed.join(' and ')} changed`);
  },
);

const planOf = async (world: Pick<World, 'archives'>, at: ArchivePlace, run: string): Promise<DeletePlan> => {
  const manifest = await readManifest(world, at);
  if (manifest === null) throw new OctoError('ArchiveUnknown', `${at.instance} has no archive "${at.archiveId}"`);
  const { archiveId, takenAt, word, folders, database } = manifest;
  const totalBytes = folders.sizeBytes + database.sizeBytes;
  return {
    version: 1,
    run,
    workflow: 'delete',
    instance: at.instance,
    archive: { archiveId, takenAt, word, totalBytes },
  };
};
