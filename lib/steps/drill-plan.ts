/**
 * Can this drill be done, and where? The archive is held from here, so that nobody deletes it while it is read; the plan is
 * frozen for whoever has to approve it.
 *
 * A drill takes no lock: it touches nothing that a backup or a restore of the instance would.
 */
import * as z from 'zod';
import { OctoError } from '../domain/errors.ts';
import { scratchDatabaseName } from '../domain/names.ts';
import { keepToPlan } from '../repository/approvals.ts';
import { readManifest } from '../repository/archives.ts';
import { holdForReading } from '../repository/store-care/reader-holds.ts';
import { DRILL_QUESTIONS } from './drilling/drill-questions.ts';
import { archiveOf, filesFolder } from './drilling/drill-of-run.ts';
import { drillWorld, requireDrillPlace } from './drilling/drill-world.ts';
import { requireNoRefusal } from './planning/refusals.ts';
import { defineStep } from './step.ts';

/** Two days for a drill, and as long again for people to decide. */
const HELD_HOURS = 96;

/** @throws DrillPlaceMissing, PlanRefused, PlanChanged, ArchiveUnknown; or what has to pass first */
export const step = defineStep(
  { name: 'drill-plan', runsOn: 'host', input: z.strictObject({}), output: z.strictObject({}) },
  async (world, _input, { run, beat }) => {
    const at = archiveOf(run);
    const place = requireDrillPlace(world);
    await holdForReading(world, at, { runId: run.id, hours: HELD_HOURS });
    const manifest = await readManifest(world, at);
    if (manifest === null) throw new OctoError('ArchiveUnknown', `${at.instance} has no archive "${at.archiveId}"`);
    await beat({ text: 'asking SQL Server and the disks' });
    const there = drillWorld(world);
    const instance = there.instance(run.instance);
    await requireNoRefusal(`drill of ${at.archiveId}`, DRILL_QUESTIONS, { world: there, instance, manifest, place });
    await keepToPlan(world, {
      version: 1,
      run: run.id,
      workflow: 'drill',
      instance: run.instance,
      archive: { archiveId: at.archiveId, takenAt: manifest.takenAt, word: manifest.word },
      place: place.own === null ? 'production' : 'own',
      database: scratchDatabaseName(run.id),
      folder: filesFolder(place, run),
    });
    return {};
  },
);
