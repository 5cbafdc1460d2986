/**
 * What a restore does to a server, written down before each act: whoever comes after a kill goes on from here, or back.
 *
 * One record a run, on the host's own disk, kept by `repository/restore-journal.ts`. Each part has its own section, in the
 * file beside this one that its owner keeps; `null` means that nothing of it was begun.
 */
import * as z from 'zod';
import { DatabaseJournal } from './database.ts';
import { FoldersJournal } from './folders.ts';

const Sleeper = z.strictObject({
  kind: z.enum(['trigger', 'subscription']),
  id: z.string(),
  name: z.string(),
  spaceId: z.string().nullable(),
});

/** What the dump would have brought back to life: switched off in the restored copy, and woken last. */
export const AsleepJournal = z.strictObject({
  sleepers: z.array(Sleeper),
  unfinishedTasks: z.array(z.strictObject({ id: z.string(), description: z.string(), state: z.string() })),
});
export type AsleepJournal = z.infer<typeof AsleepJournal>;

/** Fingerprints under the target's own salt: the key the host had, and the one that the archive needs. */
export const MasterKeyJournal = z.strictObject({ before: z.string(), after: z.string() });
export type MasterKeyJournal = z.infer<typeof MasterKeyJournal>;

/** That the server is being stopped, and whether it ran; `counts` are rows by table once it was, to prove a return by. */
export const ServerJournal = z.strictObject({
  wasRunning: z.boolean(),
  stoppedAt: z.string(),
  counts: z.record(z.string(), z.number()).nullable(),
});
export type ServerJournal = z.infer<typeof ServerJournal>;

export const RestoreJournal = z.strictObject({
  runId: z.string(),
  database: DatabaseJournal.nullable(),
  folders: FoldersJournal.nullable(),
  masterKey: MasterKeyJournal.nullable(),
  server: ServerJournal.nullable(),
  asleep: AsleepJournal.nullable(),
  /** From here the restored server is its users': nothing is taken back any more. */
  keptAt: z.string().nullable(),
  /** The target was put back; `tables` could be compared with before, null where they could not, and those are not equal. */
  returned: z
    .strictObject({ at: z.string(), tables: z.number().nullable(), differences: z.array(z.string()) })
    .nullable(),
});
export type RestoreJournal = z.infer<typeof RestoreJournal>;

/** The journal of a run that has done nothing yet. */
export const blankJournal = (runId: string): RestoreJournal => ({
  runId,
  database: null,
  folders: null,
  masterKey: null,
  server: null,
  asleep: null,
  keptAt: null,
  returned: null,
});
