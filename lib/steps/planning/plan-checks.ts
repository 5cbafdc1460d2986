/**
 * The questions of `plan-run`: each names what stands against a backup, as phrases, and changes nothing.
 * An answer that cannot be had is an error of the port that was asked.
 */
import { access, constants, readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Instance } from '../../domain/instance.ts';
import { masterKeyBits } from '../../domain/archives/master-key.ts';
import { runIdOfBackupFile } from '../../domain/names.ts';
import type { RunRecord } from '../../domain/runs/run.ts';
import type { World } from '../../ports/world.ts';
import { readLock } from '../../repository/lease/lock.ts';
import { foldersChosen } from './folder-choice.ts';
import type { AskedProgram } from './describe-source.ts';
import type { Question } from './refusals.ts';

export type Planning = {
  world: World;
  instance: Instance;
  run: RunRecord;
  consistency: 'quiesced' | 'online';
  program: AskedProgram;
};
type Check = Question<Planning>;
/** What the questions need that a restore asks as well. */
export type Asked = Pick<Planning, 'world' | 'instance' | 'program'> & { run: Pick<RunRecord, 'id'> };

const refuseIf = (isRefused: boolean, refusal: string): string[] => (isRefused ? [refusal] : []);

export const nobodyElseWorks: Question<Asked> = async ({ world, instance, run }) => {
  const { holder } = await readLock(world, instance.name);
  if (holder === null || holder.runId === run.id || holder.endsAt <= world.clock.now().toISOString()) return [];
  return [`${holder.runId} works on ${instance.name}`];
};

const versionsAgree: Check = async ({ world, instance, program }) => {
  const api = await world.octopusApi(instance.name);
  const [{ version }, nodes, ofProgram] = await Promise.all([api.root(), api.nodes(), program.version()]);
  const others = nodes.filter((node) => !node.isOffline && node.version !== version);
  return [
    ...refuseIf(!isSameVersion(ofProgram, version), `the server runs ${version}, its program is ${ofProgram}`),
    ...others.map((node) => `node ${node.name} runs ${node.version}, the server ${version}`),
  ];
};

/** Programs may add what they were built from: `2024.4.7106+Branch.release.Sha.9c1e`. */
export const isSameVersion = (one: string, other: string): boolean => one.split('+', 1)[0] === other.split('+', 1)[0];

const mayAdminister: Check = async ({ world, instance, consistency }) => {
  const api = await world.octopusApi(instance.name);
  if (consistency === 'online' || (await api.canAdministerSystem())) return [];
  const { username } = await api.me();
  return [`the API key of ${username} lacks AdministerSystem, which maintenance mode needs`];
};

export const keyIsReadable: Question<Asked> = async ({ program }) =>
  refuseIf(masterKeyBits(await program.showMasterKey()) === null, 'the master key is not base64 of 16 or 32 bytes');

export const databaseIsTheServers: Question<Asked> = async ({ instance, program }) => {
  const { connectionString } = await program.showConfiguration();
  const used = /(?:^|;)\s*(?:database|initial catalog)\s*=\s*"?([^;"]+)/i.exec(connectionString.reveal())?.[1]?.trim();
  if (used === undefined || used.toLowerCase() === instance.database.name.toLowerCase()) return [];
  return [`Octopus uses database "${used}", the configuration names "${instance.database.name}"`];
};

const databaseCanBeDumped: Check = async ({ world, instance }) => {
  const sqlServer = await world.sqlServer(instance.name);
  const { isRds, edition } = await sqlServer.describe();
  if (isRds) return ['the database is on Amazon RDS, whose own backup procedures are not supported yet'];
  const { name } = instance.database;
  const database = await sqlServer.database(name);
  if (database === null) return [`SQL Server (${edition}) has no database "${name}"`];
  const { canBackUp, canRestore, canViewServerState } = await sqlServer.rights(name);
  return [
    ...refuseIf(database.state !== 'ONLINE', `database "${name}" is ${database.state}`),
    ...refuseIf(!canBackUp, `the SQL login may not back up "${name}": grant it db_backupoperator`),
    ...refuseIf(!canRestore, 'the SQL login may not verify a backup: grant it dbcreator'),
    // Whether a lost connection meant a lost backup is read from the sessions of the server.
    ...refuseIf(!canViewServerState, 'the SQL login may not see running backups: grant it VIEW SERVER STATE'),
  ];
};

/** The dump is as large as what is allocated; files of earlier runs make room when it begins. */
const shareHasRoom: Check = async ({ world, instance }) => {
  const { name, share } = instance.database;
  const needsBytes = (await (await world.sqlServer(instance.name)).database(name))?.allocatedBytes ?? 0;
  try {
    await access(share.workerPath, constants.R_OK | constants.W_OK);
    const { bavail, bsize } = await statfs(share.workerPath);
    const freeBytes = bavail * bsize + (await leftoverBytes(instance.name, share.workerPath));
    return refuseIf(
      freeBytes < needsBytes,
      `not enough space on ${share.workerPath}: needs ${gigabytes(needsBytes)}, has ${gigabytes(freeBytes)}`,
    );
  } catch (cause) {
    return [`the share ${share.workerPath} cannot be used by the worker (${codeOf(cause)})`];
  }
};

const leftoverBytes = async (instance: string, folder: string): Promise<number> => {
  const names = (await readdir(folder)).filter((name) => runIdOfBackupFile(instance, name) !== null);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
};

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

const foldersAreThere: Check = async ({ world, run }) => {
  const { taken } = await foldersChosen(world, run);
  return (await Promise.all(taken.map(({ path }) => refusalOfFolder(path)))).flat();
};

const refusalOfFolder = async (path: string): Promise<string[]> => {
  try {
    const found = await stat(path);
    await access(path, constants.R_OK | constants.X_OK);
    return refuseIf(!found.isDirectory(), `${path} is not a folder`);
  } catch (cause) {
    return [`folder ${path} cannot be read (${codeOf(cause)})`];
  }
};

const codeOf = (cause: unknown): string => (cause as NodeJS.ErrnoException).code ?? String(cause);

/** In the order a reader would mend them. */
export const CHECKS: readonly Check[] = [
  nobodyElseWorks,
  versionsAgree,
  mayAdminister,
  keyIsReadable,
  databaseIsTheServers,
  databaseCanBeDumped,
  shareHasRoom,
  foldersAreThere,
];
