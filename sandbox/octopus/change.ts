/**
 * A day's work on a seeded instance: new releases with packages, deployments with logs and artifacts, changed secrets,
 * and what retention removes. May run beside the running server, as the work of a real day does.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { encryptValue } from './data/cipher.ts';
import type { Database } from './data/database.ts';
import { openDatabase } from './data/database.ts';
import type { Random } from './data/random.ts';
import { seededRandom } from './data/random.ts';
import { packagePath } from './data/rows.ts';
import type { TableName } from './data/schema.ts';
import { findInstance, readConfiguration, unprotect } from './machine/machine.ts';
import { readFolders, reserveNumbers } from './node/running-node.ts';
import { writeFiles } from './seed/files.ts';
import type { Numbers } from './seed/history.ts';
import { noNumbers, writeHistory } from './seed/history.ts';
import { seedInfrastructure } from './seed/infrastructure.ts';

export type DayOfWork = {
  directory: string;
  instanceName?: string;
  /** The same seed on the same instance does the same work. */
  seed: string;
  releaseCount?: number;
  sizeMegabytes?: number;
  now?: Date;
};

export type WorkDone = { filesWritten: number; packagesRemoved: number };

const MEGABYTE = 1_000_000;
const DAY_MS = 86_400_000;
const RELEASES = 8;
const SIZE_MEGABYTES = 4;
const PACKAGES_RETIRED = 2;
/** More of any kind than one release brings. */
const NUMBERS_A_RELEASE = 20;

/** Does the work and says how much it was. */
export const workADay = async (day: DayOfWork): Promise<WorkDone> => {
  const { directory, instanceName = 'OctopusServer', releaseCount = RELEASES, now = new Date() } = day;
  const instance = findInstance(directory, instanceName);
  if (instance === null) throw new Error(`the machine at ${directory} has no instance ${instanceName}`);
  const settings = readConfiguration(instance.configurationPath);
  const database = await openDatabase(settings['Octopus.Storage.ExternalDatabaseConnectionString'] ?? '');
  try {
    const random = seededRandom(`${day.seed}/${instanceName}`);
    const history = writeHistory(random.branch('history'), seedInfrastructure(random.branch('unused')), {
      from: new Date(now.getTime() - DAY_MS),
      until: now,
      releaseCount,
      sizeBytes: (day.sizeMegabytes ?? SIZE_MEGABYTES) * MEGABYTE,
      numbers: await reserveAll(database, releaseCount * NUMBERS_A_RELEASE),
      nodeId: `OctopusServerNodes-${settings['Octopus.Server.NodeName'] ?? ''}`,
    });
    const folders = await readFolders({ database });
    await writeFiles(random.branch('files'), folders, history.files);
    for (const [table, rows] of Object.entries(history.rows)) await database.insert(table as TableName, rows);
    const masterKey = Buffer.from(unprotect(directory, settings['Octopus.Storage.MasterKey'] ?? ''), 'base64');
    await changeSecret(database, random, masterKey);
    return {
      filesWritten: history.files.length,
      packagesRemoved: await retirePackages(database, folders.PackagesDirectory),
    };
  } finally {
    await database.close();
  }
};

const reserveAll = async (database: Database, count: number): Promise<Numbers> => {
  const numbers = noNumbers();
  for (const collection of Object.keys(numbers) as (keyof Numbers)[]) {
    numbers[collection] = await reserveNumbers({ database }, collection, count);
  }
  return numbers;
};

/** Someone enters a new password for an account. */
const changeSecret = async (database: Database, random: Random, masterKey: Buffer): Promise<void> => {
  const [account] = await database.query<{ Id: string; JSON: string }>(
    'SELECT TOP (1) Id, JSON FROM [Account] ORDER BY Id',
  );
  if (account === undefined) return;
  const secret = encryptValue(masterKey, random.word(40), random.bytes(16));
  const json = JSON.stringify({ ...(JSON.parse(account.JSON) as object), SecretKey: secret });
  await database.execute('UPDATE [Account] SET JSON = @json WHERE Id = @id', { id: account.Id, json });
};

/** The row goes first, so that at no moment a package is listed without its file. */
const retirePackages = async (database: Database, directory: string): Promise<number> => {
  const oldest = await database.query<{ Id: string; PackageId: string; Version: string; SpaceId: string }>(
    `SELECT TOP (${PACKAGES_RETIRED}) Id, PackageId, Version, SpaceId FROM [NuGetPackage] ORDER BY VersionMinor, VersionBuild`,
  );
  for (const row of oldest) {
    await database.execute('DELETE FROM [NuGetPackage] WHERE Id = @id', { id: row.Id });
    const path = packagePath({ packageId: row.PackageId, version: row.Version, spaceId: row.SpaceId });
    await rm(join(directory, ...path.split('/')), { force: true });
  }
  return oldest.length;
};
