import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { decryptValue } from '../../sandbox/octopus/data/cipher.ts';
import type { Database } from '../../sandbox/octopus/data/database.ts';
import { openDatabase } from '../../sandbox/octopus/data/database.ts';
import { artifactPath, packagePath } from '../../sandbox/octopus/data/rows.ts';
import { tables } from '../../sandbox/octopus/data/schema.ts';
import { readConfiguration, unprotect } from '../../sandbox/octopus/machine/machine.ts';
import { workADay } from '../../sandbox/octopus/change.ts';
import { emptyFolder, lockFile, losePackage, unmountFolder } from '../../sandbox/octopus/folder-faults.ts';
import type { SeedOptions, SeededInstance } from '../../sandbox/octopus/seed.ts';
import { foldersBelow, seedOctopus } from '../../sandbox/octopus/seed.ts';
import { startOctopus } from '../../sandbox/octopus/server.ts';
import { openMachine } from './octopus-place.ts';

const NOW = new Date('2026-03-04T02:00:00Z');
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

type Seeded = { directory: string; connectionString: string; instance: SeededInstance; database: Database };

const seeded = async (options: Partial<SeedOptions> = {}): Promise<Seeded> => {
  const machine = await openMachine();
  closing.push(async () => machine.close());
  const { directory, connectionString } = machine;
  const instance = await seedOctopus({ directory, connectionString, sizeMegabytes: 3, now: NOW, ...options });
  const database = await openDatabase(connectionString);
  closing.push(async () => database.close());
  return { directory, connectionString, instance, database };
};

const filesBelow = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(directory, name)).isFile())
    .map((name) => name.replaceAll('\\', '/'))
    .sort();

const digestOf = (home: string): string => {
  const hash = createHash('sha256');
  for (const file of filesBelow(home).filter((name) => !name.endsWith('.config'))) {
    hash.update(file).update(readFileSync(join(home, file)));
  }
  return hash.digest('hex');
};

/** Every row of every table, without the words of the machine: its paths and its wrapped key. */
const rowsOf = async ({ database, directory }: Seeded): Promise<string> => {
  const contents: Record<string, unknown> = {};
  for (const table of Object.keys(tables)) contents[table] = await database.query(`SELECT * FROM [${table}]`);
  return JSON.stringify(contents).replaceAll(directory, '');
};

type Sealed = { place: string; stored: string };

const sealedIn = (place: string, value: unknown): Sealed[] => {
  if (typeof value === 'string')
    return /^[A-Za-z0-9+/]+=*\|[A-Za-z0-9+/]{22}==$/.test(value) ? [{ place, stored: value }] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, child]) => sealedIn(`${place}.${name}`, child));
};

const sealedValues = async (database: Database): Promise<Sealed[]> => {
  const found: Sealed[] = [];
  for (const table of ['VariableSet', 'Certificate', 'Account', 'Feed', 'ExtensionConfiguration']) {
    for (const row of await database.query(`SELECT * FROM [${table}]`)) {
      const text = row['JSONBlob'] ? gunzipSync(row['JSONBlob'] as Buffer).toString('utf16le') : String(row['JSON']);
      found.push(...sealedIn(`${table} ${String(row['Id'])}`, JSON.parse(text)));
    }
  }
  return found;
};

describe('seed', () => {
  it('makes the same instance from the same seed, and another from another', async () => {
    const [one, same, other] = [await seeded(), await seeded(), await seeded({ seed: 'another' })];
    expect(digestOf(same.instance.home)).toBe(digestOf(one.instance.home));
    expect(await rowsOf(same)).toBe(await rowsOf(one));
    expect(same.instance.apiKey).toBe(one.instance.apiKey);
    expect(digestOf(other.instance.home)).not.toBe(digestOf(one.instance.home));
    expect(other.instance.masterKey).not.toBe(one.instance.masterKey);
  });

  it('writes about as much as asked', async () => {
    const { instance } = await seeded({ sizeMegabytes: 20 });
    const total = filesBelow(instance.home).reduce((sum, file) => sum + statSync(join(instance.home, file)).size, 0);
    expect(Math.abs(total - 20_000_000)).toBeLessThan(1_500_000);
  });

  it('lists packages, artifacts and tasks whose files are there, as valid zip files where packages', async () => {
    const { instance, database } = await seeded();
    const folders = foldersBelow(instance.home);
    const packages = await database.query<{ PackageId: string; Version: string; SpaceId: string; JSON: string }>(
      'SELECT * FROM [NuGetPackage]',
    );
    expect(packages.length).toBeGreaterThan(20);
    for (const { PackageId: packageId, Version: version, SpaceId: spaceId, JSON: json } of packages) {
      const bytes = readFileSync(join(folders.PackagesDirectory, packagePath({ packageId, version, spaceId })));
      expect(bytes.length).toBe((JSON.parse(json) as { PackageSizeBytes: number }).PackageSizeBytes);
      const nameLength = bytes.readUInt16LE(26);
      const content = bytes.subarray(30 + nameLength, 30 + nameLength + bytes.readUInt32LE(18));
      expect(crc32(content)).toBe(bytes.readUInt32LE(14));
    }
    const artifacts = await database.query<{ Id: string; Filename: string; SpaceId: string }>(
      'SELECT * FROM [Artifact]',
    );
    for (const { Id: id, Filename: fileName, SpaceId: spaceId } of artifacts) {
      expect(existsSync(join(folders.ArtifactsDirectory, artifactPath({ id, fileName, spaceId })))).toBe(true);
    }
    const logs = filesBelow(folders.LogsDirectory).map((name) => name.split('_')[0]);
    const ended = await database.query<{ Id: string }>("SELECT Id FROM [ServerTask] WHERE State = 'Success'");
    expect(logs).toEqual(expect.arrayContaining(ended.map((task) => task.Id.toLowerCase())));
  });

  it.each([128, 256] as const)(
    'encrypts under a %i-bit key, in text and in compressed documents',
    async (masterKeyBits) => {
      const { instance, database } = await seeded({ masterKeyBits });
      const values = await sealedValues(database);
      const key = Buffer.from(instance.masterKey, 'base64');
      expect(key.length * 8).toBe(masterKeyBits);
      expect(values.length).toBeGreaterThan(40);
      expect(values.filter(({ place }) => place.startsWith('VariableSet')).length).toBe(36);
      for (const { stored } of values) expect(decryptValue(key, stored)).not.toBe('');
      const compressed = await database.query('SELECT Id FROM [VariableSet] WHERE JSONBlob IS NOT NULL');
      expect(compressed.length).toBe(6);
    },
  );

  it('stores no API key and no master key in clear, and a copied configuration gives none', async () => {
    const one = await seeded();
    const { instance, directory } = one;
    const configuration = join(instance.home, 'OctopusServer-OctopusServer.config');
    const text = `${await rowsOf(one)}${readFileSync(configuration, 'utf8')}`;
    for (const secret of [instance.apiKey, instance.readerApiKey, instance.masterKey])
      expect(text).not.toContain(secret);
    const wrapped = readConfiguration(configuration)['Octopus.Storage.MasterKey'] ?? '';
    expect(unprotect(directory, wrapped)).toBe(instance.masterKey);
    expect(() => unprotect(join(directory, 'other-machine'), wrapped)).toThrow('authenticate');
  });

  it('leaves what is seeded alone, and starts over what was interrupted', async () => {
    const { instance, directory, connectionString } = await seeded();
    const first = filesBelow(instance.home).find((name) => name.endsWith('.nupkg')) ?? '';
    rmSync(join(instance.home, first));
    const again = { directory, connectionString, sizeMegabytes: 3, now: NOW };
    expect(await seedOctopus(again)).toEqual(instance);
    expect(existsSync(join(instance.home, first))).toBe(false);

    rmSync(join(directory, 'etc', 'instances'), { recursive: true });
    mkdirSync(join(instance.home, 'Packages', 'half'));
    writeFileSync(join(instance.home, 'Packages', 'half', 'torn.nupkg'), 'PK');
    await seedOctopus(again);
    expect(existsSync(join(instance.home, first))).toBe(true);
    expect(existsSync(join(instance.home, 'Packages', 'half'))).toBe(false);
  });
});

describe('a freshly installed instance', () => {
  it('starts under a key of its own, with its first users and nothing deployed', async () => {
    const { directory, instance, database } = await seeded({ isFresh: true, nodeName: 'spare-1' });
    const octopus = await startOctopus({ directory, workEverySeconds: null });
    closing.push(async () => octopus.close());
    for (const table of ['Project', 'Release', 'Deployment', 'NuGetPackage', 'ServerTask', 'Machine'])
      expect(await database.query(`SELECT Id FROM [${table}]`)).toEqual([]);
    const headers = { 'X-Octopus-ApiKey': instance.apiKey };
    const me = await fetch(`${octopus.url}/api/users/me`, { headers });
    expect(await me.json()).toMatchObject({ Username: 'octo-keeper' });
    const stored = await database.query<{ JSON: string }>(
      "SELECT JSON FROM [Certificate] WHERE Id = 'certificate-global'",
    );
    const { CertificateData } = JSON.parse(stored[0]!.JSON) as { CertificateData: string };
    expect(decryptValue(Buffer.from(instance.masterKey, 'base64'), CertificateData)).not.toBe('');
    expect(readdirSync(join(instance.home, 'Packages'))).toEqual([]);
  });
});

describe('a day of work', () => {
  it('adds releases with their files, changes a secret, retires packages; the key still opens everything', async () => {
    const { instance, directory, database } = await seeded();
    const folders = foldersBelow(instance.home);
    const listed = async (): Promise<number> => (await database.query('SELECT Id FROM [NuGetPackage]')).length;
    const [packages, secrets] = [await listed(), await sealedValues(database)];
    const done = await workADay({ directory, seed: 'day 1', releaseCount: 5, sizeMegabytes: 1, now: NOW });
    expect(done.packagesRemoved).toBe(2);
    expect(done.filesWritten).toBeGreaterThan(10);
    expect(await listed()).toBe(packages + 3);
    expect(filesBelow(folders.PackagesDirectory).length).toBe(packages + 3);
    const changed = await sealedValues(database);
    expect(changed.filter(({ stored }) => !secrets.some((before) => before.stored === stored)).length).toBe(1);
    for (const { stored } of changed) decryptValue(Buffer.from(instance.masterKey, 'base64'), stored);
    await workADay({ directory, seed: 'day 2', releaseCount: 5, sizeMegabytes: 1 });
    expect(await listed()).toBe(packages + 6);
  });
});

describe('folder faults', () => {
  it('lose, lock, empty and unmount, and mend', async () => {
    const { instance } = await seeded();
    const { PackagesDirectory: packages } = foldersBelow(instance.home);
    const before = filesBelow(packages);
    const lost = losePackage(packages);
    expect(before).toContain(lost.path);
    expect(filesBelow(packages)).toEqual(before.filter((name) => name !== lost.path));
    lost.mend();

    const mendEmpty = emptyFolder(packages);
    expect(readdirSync(packages)).toEqual([]);
    mendEmpty();
    const mendMount = unmountFolder(packages);
    expect(existsSync(packages)).toBe(false);
    mendMount();
    const file = join(packages, before[0] ?? '');
    const unlock = lockFile(file);
    expect(statSync(file).mode & 0o777).toBe(0);
    unlock();
    expect(filesBelow(packages)).toEqual(before);
  });
});
