/**
 * The database into one file on the share, made by SQL Server itself.
 *
 * The file and the backup set are named from the run, so a second attempt finds what the first one left: work that is
 * finished is taken as it is, work that still runs is awaited, a dead piece is removed. The server may be quiet
 * meanwhile, so only its header is read again here; `verify-dump` has the whole file read, `store-database` takes it.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { Section } from '../domain/archives/archive.ts';
import { isOctoError, OctoError, type ErrorCode } from '../domain/errors.ts';
import { runIdOfBackupFile } from '../domain/names.ts';
import { whatDisturbs } from '../domain/runs/quiet.ts';
import type { BackupHeader, SqlServer } from '../ports/sql-server.ts';
import type { World } from '../ports/world.ts';
import { readSection, writeSection } from '../repository/sections.ts';
import { readSettings } from '../repository/settings.ts';
import { archivePlace } from './parts/archive-place.ts';
import { dumpFile, type DumpFile } from './parts/dump-file.ts';
import { readServer } from './parts/read-server.ts';
import { defineStep, type StepContext } from './step.ts';
import { until } from './parts/until.ts';
import { watched } from './parts/watched.ts';

const Consistency = z.enum(['quiesced', 'online']);
const Input = z.strictObject({ consistency: Consistency });
const Output = z.strictObject({ consistency: Consistency, fileBytes: z.number(), gaps: z.array(z.string()) });

/** @throws DumpNotTrusted, DumpMissing and what SQL Server said */
export const step = defineStep(
  { name: 'dump-database', runsOn: 'host', input: Input, output: Output },
  async (world, { consistency }, context) => {
    const place = archivePlace(context.run);
    const section = (await readSection(world, place, 'dump')) ?? (await takeDump(world, consistency, context));
    const isQuietLost = consistency === 'quiesced' && section.consistency === 'online';
    return {
      consistency: section.consistency,
      fileBytes: section.fileBytes,
      gaps: isQuietLost ? ['Octopus was at work again before the dump had ended'] : [],
    };
  },
);

const takeDump = async (
  world: World,
  asked: z.output<typeof Consistency>,
  context: StepContext,
): Promise<Section<'dump'>> => {
  const place = archivePlace(context.run);
  const dumping = { sqlServer: await world.sqlServer(place.instance), dump: dumpFile(world, context.run) };
  const header = await makeDump(world, dumping, context);
  const isQuiet = asked === 'quiesced' && (await disturbances(world, context)).length === 0;
  const described = await describeDump(world, { ...dumping, header }, context);
  const section = { ...described, consistency: isQuiet ? ('quiesced' as const) : ('online' as const) };
  return writeSection(world, place, { name: 'dump', section });
};

type Dumping = { sqlServer: SqlServer; dump: DumpFile };

/** The header of a finished file. */
const makeDump = async (world: World, dumping: Dumping, context: StepContext): Promise<BackupHeader> => {
  await removeLeftovers(world, context.run);
  await awaitRunning(world, dumping, context);
  try {
    const finished = await takeOver(dumping);
    if (finished !== null) return finished;
    await rm(dumping.dump.workerPath, { force: true });
    await backUp(world, dumping, context);
    return await readTrusted(dumping);
  } catch (thrown) {
    await discard(dumping);
    throw thrown;
  }
};

const backUp = async (world: World, { sqlServer, dump }: Dumping, context: StepContext): Promise<void> => {
  const { isDatabaseCompressed } = await readSettings(world, context.run.instance);
  const { database, name, sqlServerPath: path } = dump;
  await context.beat({ percent: 0, text: `dumping ${database}` });
  await watched(context, `dumping ${database}`, (watch) =>
    sqlServer.backUp({ database, path, name, isCompressed: isDatabaseCompressed }, watch),
  );
};

const WAIT_SECONDS = 5;

/** A worker that died, or a lost connection, may have left SQL Server at work: two backups of one run are one too many. */
const awaitRunning = async (world: Pick<World, 'clock'>, { sqlServer, dump }: Dumping, context: StepContext) => {
  while (await sqlServer.isBackingUp(dump)) {
    await context.beat({ text: 'waiting for the dump that an earlier attempt began' });
    await world.clock.sleep(WAIT_SECONDS * 1000, context.signal);
  }
};

/**
 * What an earlier attempt finished; null when it left nothing, a piece, or a file that is not ours. SQL Server writes the
 * end of a backup last, and names one that lacks it incomplete.
 */
const takeOver = async (dumping: Dumping): Promise<BackupHeader | null> => {
  if ((await sizeOf(dumping.dump.workerPath)) === 0) return null;
  try {
    return await readTrusted(dumping);
  } catch (thrown) {
    if (isOctoError(thrown, ...UNUSABLE)) return null;
    throw thrown;
  }
};

const UNUSABLE = [
  'BackupDamaged',
  'BackupIncomplete',
  'BackupUnchecked',
  'BackupUnreadable',
  'DumpNotTrusted',
] as const satisfies ErrorCode[];

const readTrusted = async ({ sqlServer, dump }: Dumping): Promise<BackupHeader> => {
  const header = await sqlServer.readHeader(dump.sqlServerPath);
  const isOurs = header.name === dump.name && header.database.toLowerCase() === dump.database.toLowerCase();
  if (isOurs && header.hasChecksums && header.isCopyOnly && !header.isDamaged) return header;
  throw new OctoError('DumpNotTrusted', `the file for ${dump.name} holds ${header.name} of ${header.database}`, {
    facts: { hasChecksums: header.hasChecksums, isCopyOnly: header.isCopyOnly, isDamaged: header.isDamaged },
  });
};

/** A failed dump leaves no gigabytes behind. What cannot be removed now is removed before the next dump. */
const discard = async ({ sqlServer, dump }: Dumping): Promise<void> => {
  try {
    if (!(await sqlServer.isBackingUp(dump))) await rm(dump.workerPath, { force: true });
  } catch {
    // The failure that led here is the one to tell.
  }
};

/** Files of earlier runs: the lock says that none of them is at work, so nobody will take them any more. */
const removeLeftovers = async (world: Pick<World, 'instance'>, run: { id: string; instance: string }) => {
  const folder = world.instance(run.instance).database.share.workerPath;
  for (const name of await readdir(folder).catch(() => [])) {
    const owner = runIdOfBackupFile(run.instance, name);
    if (owner !== null && owner !== run.id) await rm(join(folder, name), { force: true }).catch(() => {});
  }
};

const sizeOf = async (path: string): Promise<number> => {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
};

const disturbances = async (world: World, { run }: StepContext): Promise<string[]> =>
  whatDisturbs(await readServer(await world.octopusApi(run.instance)), world.clock.now());

/** A share shows a new file late at times: SMB clients keep what they know of a folder for some seconds. */
const SHARE_PATIENCE = { tries: 10, everySeconds: 2 };

const describeDump = async (
  world: World,
  { sqlServer, dump, header }: Dumping & { header: BackupHeader },
  { run, signal }: StepContext,
): Promise<Omit<Section<'dump'>, 'consistency'>> => {
  const isSeen = await until(
    world.clock,
    { ...SHARE_PATIENCE, signal },
    async () => (await sizeOf(dump.workerPath)) > 0,
  );
  if (!isSeen)
    throw new OctoError('DumpMissing', `the worker does not see ${dump.workerPath}`, {
      facts: { workerPath: dump.workerPath, sqlServerPath: dump.sqlServerPath },
    });
  const { version, edition, collation } = await sqlServer.describe();
  const content = await world.octopusDatabase(run.instance);
  return {
    database: header.database,
    backupSetName: header.name,
    startedAt: header.startedAt,
    finishedAt: header.finishedAt,
    sqlServer: { version, edition, collation },
    collation: (await sqlServer.database(dump.database))?.collation ?? collation,
    familyGuid: header.familyGuid,
    fileBytes: await sizeOf(dump.workerPath),
    counts: await content.counts(),
    schema: await content.schema(),
  };
};
