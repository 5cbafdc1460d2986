/** Drills of an archive of the stand-ins: what they prove, what they find, and that nothing of them stays. */
import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Manifest } from '../../lib/domain/archives/archive.ts';
import { SCRATCH_PREFIX } from '../../lib/domain/names.ts';
import { drillsOf, listDrills } from '../../lib/repository/outcomes/drill-records.ts';
import { archivesBeingRead } from '../../lib/repository/store-care/reader-holds.ts';
import { drillBySteps } from './drill-steps.ts';
import { openRestore } from './restore-world.ts';
import { openStepWorld, type StepWorld } from './step-world.ts';

let on: StepWorld;
let manifest: Manifest;

beforeAll(async () => {
  on = await openStepWorld({ sizeMegabytes: 1 });
  ({ manifest } = await openRestore(on));
}, 60_000);
afterAll(() => on.close());

/** What a drill could have left anywhere. */
const leftovers = async (): Promise<string[]> => [
  ...(await (await on.world.sqlServer('prod')).databases(SCRATCH_PREFIX)).map(({ name }) => name),
  ...(await readdir(on.share)),
  ...(await readdir(on.world.drillPlace!.folder).catch(() => [])),
  ...(await archivesBeingRead(on.world, 'prod')),
];

describe('a drill', () => {
  test('restores the archive on trial, proves it, writes that down beside it, and leaves nothing', async () => {
    const run = await drillBySteps(on.world, manifest.archiveId);
    expect(run.outcome).toMatchObject({ word: 'good', gaps: [], error: null });
    const [drill] = await listDrills(on.world, 'prod', { limit: 9 });
    expect(drill).toMatchObject({
      runId: run.id,
      archive: { archiveId: manifest.archiveId, takenAt: manifest.takenAt },
      word: 'good',
      dumpBytes: manifest.database.sizeBytes,
      proven: {
        tables: Object.keys(manifest.dump.counts).length,
        keyProof: { opened: 12, sampled: 12 },
        references: { listed: manifest.references.packagesListed + manifest.references.artifactsListed, missing: 0 },
      },
      files: { count: manifest.folders.fileCount, sizeBytes: manifest.folders.sizeBytes },
      error: null,
    });
    expect(Object.keys(drill!.seconds).toSorted()).toEqual(['DrillDatabase', 'DrillFiles', 'DrillProof']);
    expect(await drillsOf(on.world, manifest)).toEqual([drill]);
    expect(run.outcome!.drill).toEqual(drill);
    expect(await leftovers()).toEqual([]);
  }, 60_000);
});
