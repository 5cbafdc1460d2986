/**
 * The archive's database beside that of the server, proven and made ready, while people work: dump to the share, restored
 * under a scratch name, compared with the manifest, put to sleep. `swap-database` gives it the server's name.
 *
 * Finished work is found by the guid in the journal: whatever is called again is found done, or done anew on the same copy.
 */
import * as z from 'zod';
import type { Manifest } from '../domain/archives/archive.ts';
import { CopyProof, type DatabaseJournal } from '../domain/restores/database.ts';
import { asideDatabaseName, scratchDatabaseName } from '../domain/names.ts';
import type { World } from '../ports/world.ts';
import { changeJournal } from '../repository/restore-journal.ts';
import { readSettings } from '../repository/settings.ts';
import { proveCopy } from './parts/database/prove-copy.ts';
import { bringIn, type ScratchDatabase } from './parts/scratch-database.ts';
import { settleCopy } from './parts/database/settle-copy.ts';
import { requireArchive } from './restoring/restore-of-run.ts';
import { defineStep, type StepContext } from './step.ts';

const Output = CopyProof.omit({ counts: true }).extend({ tables: z.number(), rows: z.number() });

/** @throws RestoredCopyDiffers, RestoredCopyDamaged, KeyDoesNotOpenData, RestoreRoomMissing, and what SQL Server said */
export const step = defineStep(
  { name: 'load-database', runsOn: 'host', input: z.strictObject({}), output: Output },
  async (world, _input, context) => {
    const { run } = context;
    const { plan, manifest } = await requireArchive(world, run);
    const begun = await beginDatabase(world, run);
    const scratch = await bringIn(world, { runId: run.id, instance: run.instance, manifest }, context);
    const databases = await proveOnce(world, { begun, scratch, manifest }, context);
    await context.beat({ text: 'putting the copy to sleep' });
    const settled = await settleCopy(world, { run, databases, as: plan.as, isRunning: plan.octopus.isRunning });
    const { counts, notes, ...proof } = databases.proof!;
    const rows = Object.values(counts).reduce((sum, count) => sum + count, 0);
    return { ...proof, tables: Object.keys(counts).length, rows, notes: [...notes, ...settled] };
  },
);

type Copy = { begun: DatabaseJournal; scratch: ScratchDatabase; manifest: Manifest };

/** Once for each copy: what is done to it afterwards would speak against it. */
const proveOnce = async (
  world: World,
  { begun, scratch, manifest }: Copy,
  context: StepContext,
): Promise<DatabaseJournal> => {
  if (begun.restoredGuid === scratch.guid && begun.proof !== null) return begun;
  const { id, instance } = context.run;
  const { isRestoreChecked: isChecked } = await readSettings(world, instance);
  const proof = await proveCopy(world, { instance, manifest, scratch, isChecked }, context);
  return changeDatabase(world, id, () => ({ ...begun, restoredGuid: scratch.guid, proof }));
};

/** Which database the server has is written down before anything is made beside it. */
const beginDatabase = async (world: World, run: { id: string; instance: string }): Promise<DatabaseJournal> => {
  const { name } = world.instance(run.instance).database;
  const present = await (await world.sqlServer(run.instance)).database(name);
  const first: DatabaseJournal = {
    name,
    scratch: scratchDatabaseName(run.id),
    aside: asideDatabaseName(name, run.id),
    guid: present?.guid ?? null,
    restoredGuid: null,
    proof: null,
  };
  return changeDatabase(world, run.id, (standing) => standing ?? first);
};

const changeDatabase = async (
  world: World,
  runId: string,
  change: (standing: DatabaseJournal | null) => DatabaseJournal,
): Promise<DatabaseJournal> =>
  (await changeJournal(world, runId, (journal) => ({ ...journal, database: change(journal.database) }))).database!;
