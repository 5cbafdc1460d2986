/**
 * A restored Octopus database before its server starts on it: what would come to life, and how it is kept asleep.
 *
 * The only port that writes into Octopus' tables, so it is opened on the scratch name of a run; of a database that a server
 * works with, only `newerThan` is asked. Every call may be made twice.
 * @see https://octopus.com/docs/administration/upgrading/guide/creating-test-instance
 */
import type { Sleeper } from './octopus.ts';

export type RestoredDatabase = {
  /** What was awake when the dump was taken, in order of id. */
  awake(): Promise<Awake>;
  /** Triggers and subscriptions off, every node drained, maintenance mode on. What was off already is not touched. */
  putToSleep(): Promise<void>;
  /**
   * The API keys of one user from the database that the server has used so far, so that the bot's own key goes on working.
   * The user is found again by name; keys that the copy alone has for that user go, as they may be revoked by now.
   * @returns how many were carried over; `null` when the restored database has no such user
   */
  carryApiKeys(from: { database: string; userId: string }): Promise<number | null>;
  /** Makes a copy harmless for ever; asked again it reports the same. One item for each thing done or found absent. */
  quarantine(): Promise<QuarantineItem[]>;
  /** Rows that a person would miss and that came after `since` (ISO 8601, UTC); users and variables by the audit trail. */
  newerThan(since: string): Promise<Newer>;
  close(): Promise<void>;
};

export type Awake = {
  sleepers: Sleeper[];
  /** Tasks in New, Queued, Executing or Cancelling: they would go on. */
  unfinishedTasks: { id: string; description: string; state: string }[];
  nodes: { id: string; name: string; isDraining: boolean }[];
  isInMaintenance: boolean;
};

/** e.g. `{ what: 'ProjectTrigger', done: 'disabled', count: 4 }`; `count` 0 means that there was nothing to do. */
export type QuarantineItem = { what: string; done: string; count: number };

/** Counts of what was made or changed; a table that is absent counts as 0. */
export type Newer = Record<'deployments' | 'releases' | 'users' | 'variableSets' | 'tasks', number>;
