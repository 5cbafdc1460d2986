/**
 * One running Octopus node: its name, its database, its faults, and the few reads and writes that routes and task queue
 * share. Settings are read from the database each time; nothing is cached.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from '../data/database.ts';
import type { Random } from '../data/random.ts';
import { eventRow, idOf } from '../data/rows.ts';
import type { FolderKey } from '../seed/settings.ts';
import { configurationIds } from '../seed/settings.ts';
import type { Numbers } from '../seed/history.ts';

/** What a test or a person may break while the server runs. */
export type ServerFaults = {
  /** Every call but `GET /api` is answered with this status and an error body. */
  status: number | null;
  /** Answers are this much later. */
  delayMs: number;
  /** No call is ever answered. */
  isSilent: boolean;
  /** Every answer is a proxy's page instead of JSON, with this status. */
  proxyPageStatus: number | null;
  /** Node flags are taken without a word and not changed. */
  isDrainIgnored: boolean;
  /** The maintenance flag is taken without a word and not changed. */
  isMaintenanceIgnored: boolean;
  /** Tasks that have started never end. */
  areTasksEndless: boolean;
};

export const noFaults = (): ServerFaults => ({
  status: null,
  delayMs: 0,
  isSilent: false,
  proxyPageStatus: null,
  isDrainIgnored: false,
  isMaintenanceIgnored: false,
  areTasksEndless: false,
});

export type RunningNode = {
  id: string;
  name: string;
  home: string;
  database: Database;
  faults: ServerFaults;
  random: Random;
  startedAt: Date;
  /** A started task runs between these many seconds. */
  taskSeconds: { min: number; max: number };
};

/** A document of the `Configuration` table; throws when the row is missing. */
export const readSetting = async <T extends object>(
  node: Pick<RunningNode, 'database'>,
  id: (typeof configurationIds)[keyof typeof configurationIds],
): Promise<T> => {
  const [row] = await node.database.query<{ JSON: string }>('SELECT JSON FROM [Configuration] WHERE Id = @id', { id });
  if (row === undefined) throw new Error(`the configuration document ${id} is missing`);
  return JSON.parse(row.JSON) as T;
};

/** Changes some properties of a `Configuration` document. */
export const changeSetting = async (
  node: Pick<RunningNode, 'database'>,
  id: (typeof configurationIds)[keyof typeof configurationIds],
  change: object,
): Promise<void> => {
  const json = JSON.stringify({ ...(await readSetting(node, id)), ...change });
  await node.database.execute('UPDATE [Configuration] SET JSON = @json WHERE Id = @id', { id, json });
};

/** The cluster's maintenance flag. */
export const isInMaintenance = async (node: Pick<RunningNode, 'database'>): Promise<boolean> =>
  (await readSetting<{ IsInMaintenanceMode: boolean }>(node, configurationIds.maintenance)).IsInMaintenanceMode;

/** Where the folders are, as the database says. */
export const readFolders = async (node: Pick<RunningNode, 'database'>): Promise<Record<FolderKey, string>> =>
  readSetting<Record<FolderKey, string>>(node, configurationIds.folders);

/** The next id of a collection; two nodes never get the same one. */
export const allocateId = async (node: Pick<RunningNode, 'database'>, collection: keyof Numbers): Promise<string> =>
  idOf(collection, (await reserveNumbers(node, collection, 1)) + 1);

/** Sets `count` numbers of a collection aside, and returns the one before the first of them. */
export const reserveNumbers = async (
  { database }: Pick<RunningNode, 'database'>,
  collection: keyof Numbers,
  count: number,
): Promise<number> => {
  for (;;) {
    const [row] = await database.query<{ Allocated: number }>(
      'SELECT Allocated FROM [KeyAllocation] WHERE CollectionName = @collection',
      { collection },
    );
    if (row === undefined) throw new Error(`no ids are allocated for ${collection}`);
    const changed = await database.execute(
      'UPDATE [KeyAllocation] SET Allocated = @next WHERE CollectionName = @collection AND Allocated = @before',
      { collection, next: row.Allocated + count, before: row.Allocated },
    );
    if (changed === 1) return row.Allocated;
  }
};

/** Adds a line to the audit trail. */
export const recordEvent = async (
  node: RunningNode,
  event: {
    category: string;
    message: string;
    spaceId: string | null;
    relatedIds: string[];
    user?: { id: string; username: string };
  },
): Promise<void> => {
  const id = await allocateId(node, 'Events');
  const number = Number(id.slice('Events-'.length));
  const user = event.user ?? { id: 'users-system', username: 'system' };
  await node.database.insert('Event', [eventRow({ ...event, user, number, occurredAt: new Date() })]);
};

/** Adds a line to the node's own log, `Logs/OctopusServer.txt`. */
export const logLine = (node: Pick<RunningNode, 'home'>, level: 'INFO' | 'ERROR', text: string): void => {
  const directory = join(node.home, 'Logs');
  mkdirSync(directory, { recursive: true });
  appendFileSync(join(directory, 'OctopusServer.txt'), `${new Date().toISOString()} ${level.padEnd(5)} ${text}\n`);
};
