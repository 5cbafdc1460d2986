/**
 * The questions of a restore about its database: each names what stands against it, as phrases, and changes nothing.
 *
 * The dump's own files are known only once it lies on the share: exact sizes are compared there, before SQL Server begins.
 */
import { access, constants, statfs } from 'node:fs/promises';
import type { Manifest } from '../../domain/archives/archive.ts';
import type { Instance } from '../../domain/instance.ts';
import type { RestoreParts } from '../../domain/runs/run.ts';
import type { World } from '../../ports/world.ts';
import type { Question } from '../planning/refusals.ts';

export type DatabaseAsked = {
  world: Pick<World, 'sqlServer'>;
  instance: Instance;
  manifest: Manifest;
  parts: RestoreParts;
};
type DatabaseQuestion = Question<DatabaseAsked>;

/** Nothing is asked about the database of a restore that leaves it alone. */
const aboutDatabase =
  (question: DatabaseQuestion): DatabaseQuestion =>
  async (planning) =>
    planning.parts === 'folders' ? [] : question(planning);

const refuseIf = (isRefused: boolean, refusal: string): string[] => (isRefused ? [refusal] : []);

const serverFits: DatabaseQuestion = async ({ world, instance, manifest: { dump } }) => {
  const { version, majorVersion, collation, isRds } = await (await world.sqlServer(instance.name)).describe();
  if (isRds) return ['the target is on Amazon RDS, whose own restore procedures are not supported yet'];
  const of = dump.sqlServer;
  return [
    ...refuseIf(
      majorVersion < Number.parseInt(of.version, 10),
      `the dump was made by SQL Server ${of.version}, the target has ${version}, which is older and cannot read it`,
    ),
    ...refuseIf(
      collation.toLowerCase() !== of.collation.toLowerCase(),
      `the dump comes from a SQL Server with collation ${of.collation}, the target has ${collation}`,
    ),
  ];
};

const loginMayRestore: DatabaseQuestion = async ({ world, instance }) => {
  const sqlServer = await world.sqlServer(instance.name);
  const { canRestore, canViewServerState } = await sqlServer.rights(instance.database.name);
  return [
    ...refuseIf(!canRestore, 'the SQL login may not restore a database: grant it dbcreator'),
    ...refuseIf(!canViewServerState, 'the SQL login may not see running restores: grant it VIEW SERVER STATE'),
  ];
};

/** One that is not there has nothing that could be in the way: the restored one simply gets its name. */
const presentOneCanBeMoved: DatabaseQuestion = async ({ world, instance }) => {
  const { name } = instance.database;
  const present = await (await world.sqlServer(instance.name)).database(name);
  if (present === null) return [];
  return [
    ...refuseIf(
      present.isInAvailabilityGroup,
      `database "${name}" belongs to an availability group, which is not restored: take it out of the group first`,
    ),
    ...refuseIf(
      present.state !== 'ONLINE',
      `database "${name}" is ${present.state} and cannot be put aside: bring it online, or rename or remove it by hand`,
    ),
  ];
};

const shareHasRoom: DatabaseQuestion = async ({ instance, manifest: { database } }) => {
  const { workerPath } = instance.database.share;
  try {
    await access(workerPath, constants.R_OK | constants.W_OK);
    const { bavail, bsize } = await statfs(workerPath);
    return tooSmall(`the share ${workerPath}`, { needBytes: database.sizeBytes, freeBytes: bavail * bsize });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    return [`the share ${workerPath} cannot be used by the worker (${code}): the dump has to lie there`];
  }
};

/** The restored database lies beside the present one; the dump, uncompressed, is as large as what is in it. */
const volumeHasRoom: DatabaseQuestion = async ({ world, instance, manifest: { dump } }) => {
  const { data } = await (await world.sqlServer(instance.name)).freeBytes();
  return data === null ? [] : tooSmall('the data volume of SQL Server', { needBytes: dump.fileBytes, freeBytes: data });
};

const tooSmall = (place: string, { needBytes, freeBytes }: { needBytes: number; freeBytes: number }): string[] =>
  refuseIf(
    freeBytes < needBytes,
    `not enough space on ${place}: needs ${gigabytes(needBytes)}, has ${gigabytes(freeBytes)}`,
  );

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** What is asked of any SQL Server that a copy is to be restored on; also of one that has no database of the instance. */
export const PLACE_QUESTIONS: readonly DatabaseQuestion[] = [serverFits, loginMayRestore, shareHasRoom, volumeHasRoom];

/** In the order a reader would mend them. */
export const DATABASE_QUESTIONS: readonly DatabaseQuestion[] = [
  serverFits,
  loginMayRestore,
  presentOneCanBeMoved,
  shareHasRoom,
  volumeHasRoom,
].map(aboutDatabase);
