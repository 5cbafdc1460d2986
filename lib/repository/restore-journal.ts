/**
 * The journal of a restore on the host's disk: what a run is about to do to a server, durable before it is done.
 *
 * One process at a time works in a host directory; within it the writers of one run take turns, so that no section is lost.
 */
import { join } from 'node:path';
import { blankJournal, RestoreJournal } from '../domain/restores/journal.ts';
import type { World } from '../ports/world.ts';
import { readHostFile, removeHostFile, writeHostFile } from './lease/host-file.ts';

type HostWorld = Pick<World, 'hostDirectory'>;

/** What the run has written down, or `null` when it has not begun. @throws HostFileDamaged */
export const readJournal = (world: HostWorld, runId: string): Promise<RestoreJournal | null> =>
  readHostFile(fileOf(world, runId), RestoreJournal);

/** Writes down what `change` makes of the journal, a blank one at first; returns when that is durable. */
export const changeJournal = (
  world: HostWorld,
  runId: string,
  change: (journal: RestoreJournal) => RestoreJournal,
): Promise<RestoreJournal> =>
  inTurn(fileOf(world, runId), async () => {
    const next = RestoreJournal.parse(change((await readJournal(world, runId)) ?? blankJournal(runId)));
    await writeHostFile(fileOf(world, runId), next);
    return next;
  });

/** Takes the journal away: nothing of the run is left to be continued or taken back. */
export const removeJournal = (world: HostWorld, runId: string): Promise<void> =>
  inTurn(fileOf(world, runId), () => removeHostFile(fileOf(world, runId)));

const fileOf = ({ hostDirectory }: HostWorld, runId: string): string =>
  join(hostDirectory, 'restores', `${runId}.json`);

const turns = new Map<string, Promise<unknown>>();

const inTurn = <T>(path: string, work: () => Promise<T>): Promise<T> => {
  const turn = (turns.get(path) ?? Promise.resolve()).then(work, work);
  turns.set(path, turn);
  const leave = (): void => void (turns.get(path) === turn && turns.delete(path));
  turn.then(leave, leave);
  return turn;
};
