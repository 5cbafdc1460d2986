/**
 * The way back: the target as this run found it, folders, key and database, and the proof by its rows.
 *
 * Shared by the step `return-target` and by the worker when a run has fallen silent, who may come at the same time: they take
 * turns. Each part goes on from the journal, so a kill anywhere is continued by whoever comes next.
 */
import { isOctoError } from '../../domain/errors.ts';
import type { RestoreJournal, ServerJournal } from '../../domain/restores/journal.ts';
import type { World } from '../../ports/world.ts';
import { readLease } from '../../repository/lease/lease.ts';
import { restoreFromLease } from '../../repository/lease/restore-lease.ts';
import { changeJournal, readJournal } from '../../repository/restore-journal.ts';
import { returnFolders } from '../parts/folders-back.ts';
import { swapBack } from '../parts/swap-back.ts';
import { masterKeyBack } from './master-key-on-host.ts';
import { requireArchive } from './restore-of-run.ts';
import { startServer, stopServer } from './server-service.ts';
import { flagsToHave, openToPeople, takeTasks } from './wake.ts';

type OfRun = { id: string; instance: string };
type Waiting = { signal: AbortSignal; beat?: (progress: { text: string }) => Promise<void> };

/**
 * `untouched`: the server was never stopped. `returned`: it is as it was, as many tables were compared, null where there was
 * nothing to compare with; `differences` should be empty. `kept`: the restored server was given to its people already.
 */
export type Returned =
  { how: 'untouched' | 'kept' } | ({ how: 'returned' } & Omit<NonNullable<RestoreJournal['returned']>, 'at'>);

/**
 * Puts everything back and gives the server to its people, or goes on with that where the run had begun to. `notes` name what
 * could not be woken. Ending the lease is left to the caller.
 * @throws ServerNotStopped, ServerNotHealthy, LeaseNotRestored, and what putting back a part throws
 */
export const giveServerBack = (
  world: World,
  run: OfRun,
  waiting: Waiting,
): Promise<{ returned: Returned; notes: string[] }> =>
  inTurn(run.id, async () => {
    const returned = await returnServer(world, run, waiting);
    if (returned.how === 'kept') return { returned, notes: await goOn(world, run) };
    const lease = await readLease(world, run.id);
    return { returned, notes: lease === null ? [] : await restoreFromLease(world, lease) };
  });

const returnServer = async (world: World, run: OfRun, waiting: Waiting): Promise<Returned> => {
  const journal = await readJournal(world, run.id);
  if (journal === null || journal.server === null) return { how: 'untouched' };
  if (journal.keptAt !== null) return { how: 'kept' };
  const { tables, differences } =
    journal.returned ?? (await putBack(world, run, { ...waiting, server: journal.server }));
  return { how: 'returned', tables, differences };
};

const goOn = async (world: World, run: OfRun): Promise<string[]> => {
  const restored = await requireArchive(world, run);
  const flags = await flagsToHave(world, run, restored);
  await takeTasks(world, run, flags);
  return openToPeople(world, run, flags);
};

const putBack = async (
  world: World,
  run: OfRun,
  { server, signal, beat }: Waiting & { server: ServerJournal },
): Promise<NonNullable<RestoreJournal['returned']>> => {
  const tell = async (text: string) => beat?.({ text });
  await tell('stopping the server');
  await stopServer(world, run.instance, { signal });
  await tell('putting the folders back');
  // What was staged and cannot be removed is in nobody's way: it is tried again when the run is tidied up.
  await returnFolders(world, run).catch(unless('FolderNotRemovable'));
  await tell('putting the database back');
  await masterKeyBack(world, run);
  await swapBack(world, run);
  const differences = await compare(world, run, server);
  if (server.wasRunning) {
    await tell('starting the server');
    await startServer(world, run.instance, { signal, ...(beat && { beat }) });
  }
  const tables = server.counts === null ? null : Object.keys(server.counts).length;
  const returned = { at: world.clock.now().toISOString(), tables, differences };
  await changeJournal(world, run.id, (journal) => ({ ...journal, returned }));
  return returned;
};

const NAMED_AT_MOST = 5;

/** Compared before the server starts: from then on it writes itself. */
const compare = async (
  world: Pick<World, 'octopusDatabase'>,
  { instance }: OfRun,
  { counts: before }: ServerJournal,
): Promise<string[]> => {
  if (before === null) return [];
  const now = await (await world.octopusDatabase(instance)).counts();
  const tables = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter(
    (table) => before[table] !== now[table],
  );
  return tables
    .slice(0, NAMED_AT_MOST)
    .map((table) => `${table} has ${now[table] ?? 'no'} rows instead of ${before[table] ?? 'none'}`);
};

const unless =
  (code: 'FolderNotRemovable') =>
  (thrown: unknown): void => {
    if (!isOctoError(thrown, code)) throw thrown;
  };

const turns = new Map<string, Promise<unknown>>();

const inTurn = <T>(runId: string, work: () => Promise<T>): Promise<T> => {
  const turn = (turns.get(runId) ?? Promise.resolve()).then(work, work);
  turns.set(runId, turn);
  const leave = (): void => void (turns.get(runId) === turn && turns.delete(runId));
  turn.then(leave, leave);
  return turn;
};
