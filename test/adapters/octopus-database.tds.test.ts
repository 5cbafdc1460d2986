import { createCipheriv, randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { octopusDatabaseTds } from '../../lib/adapters/octopus-database.tds.ts';
import { documentOf, encryptedIn } from '../../lib/adapters/tds/octopus-database.tds-documents.ts';
import type { OctopusDatabase } from '../../lib/ports/octopus-database.ts';
import { octopusDatabaseContract } from '../contracts/octopus-database.ts';
import { startPlace } from '../sandbox/sql-server-place.ts';
import type { Place } from '../sandbox/sql-server-place.ts';

const key = randomBytes(32);

const encrypt = (plain: string): string => {
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  return `${Buffer.concat([cipher.update(plain), cipher.final()]).toString('base64')}|${iv.toString('base64')}`;
};

const variables = (count: number) => ({
  Variables: Array.from({ length: count }, (_, i) => ({
    Name: `v${i}`,
    Type: i === 1 ? 'Sensitive' : 'String',
    Value: i === 1 ? encrypt(`secret ${i}`) : 'plain',
  })),
});

/** As Nevermore stores it by default: gzip over UTF-16 without a mark. */
const utf16Blob = (document: unknown): Buffer => gzipSync(Buffer.from(JSON.stringify(document), 'utf16le'));
const utf8Blob = (document: unknown): Buffer => gzipSync(JSON.stringify(document));

const PACKAGES = 2300;
const ARTIFACTS = 3;

const TABLES = [
  'VariableSet (Id nvarchar(150) NOT NULL PRIMARY KEY, IsFrozen bit NOT NULL, [JSON] nvarchar(max), JSONBlob varbinary(max))',
  'Certificate (Id nvarchar(150) NOT NULL PRIMARY KEY, Name nvarchar(200), [JSON] nvarchar(max))',
  'Account (Id nvarchar(150) NOT NULL PRIMARY KEY, [JSON] nvarchar(max))',
  'Event (Id nvarchar(150) NOT NULL PRIMARY KEY, [JSON] nvarchar(max))',
  'NuGetPackage (Id nvarchar(150) NOT NULL PRIMARY KEY, PackageId nvarchar(100), Version nvarchar(349), [JSON] nvarchar(max))',
  'Artifact (Id nvarchar(150) NOT NULL PRIMARY KEY, Filename nvarchar(200), SpaceId nvarchar(50))',
  'SchemaVersions (Id int IDENTITY(1,1) PRIMARY KEY, ScriptName nvarchar(255), Applied datetime)',
  'OctopusServerInstallationHistory (Id nvarchar(150) NOT NULL PRIMARY KEY, Version nvarchar(50), Installed datetimeoffset)',
];

const fill = async ({ query }: Place): Promise<void> => {
  await query('CREATE DATABASE [Octopus]');
  await query('USE [Octopus]');
  for (const table of TABLES) await query(`CREATE TABLE dbo.${table}`);
  const set = (Id: string, isFrozen: number, form: { text?: unknown; blob?: Buffer }) =>
    query('INSERT INTO VariableSet VALUES (@Id, @isFrozen, @text, @blob)', {
      Id,
      isFrozen,
      text: form.text === undefined ? null : JSON.stringify(form.text),
      blob: form.blob ?? null,
    });
  await set('VariableSets-1', 0, { text: variables(3) });
  await set('VariableSets-2', 0, { blob: utf16Blob(variables(2)) });
  await set('VariableSets-10', 0, { blob: utf8Blob(variables(2)) });
  await set('VariableSets-11', 0, { text: variables(1) });
  await set('VariableSets-12', 1, { text: variables(2) });
  await query("INSERT INTO Certificate VALUES ('Certificates-1', 'tls', @json)", {
    json: JSON.stringify({ CertificateData: encrypt('pfx') }),
  });
  await query("INSERT INTO Account VALUES ('Accounts-1', @json)", {
    json: JSON.stringify({ Details: { Password: encrypt('pw') } }),
  });
  await query("INSERT INTO Event VALUES ('Events-1', @json)", { json: JSON.stringify({ Copy: encrypt('old') }) });
  for (let i = 0; i < PACKAGES; i += 100) {
    const rows = Array.from({ length: 100 }, (_, n) => `('packages-${i + n}', 'Payments', '1.0.${i + n}', @json)`);
    await query(`INSERT INTO NuGetPackage VALUES ${rows.join(', ')}`, {
      json: JSON.stringify({ FileExtension: '.zip', Published: '2026-03-04T03:00:00+01:00' }),
    });
  }
  for (let i = 0; i < ARTIFACTS; i += 1)
    await query(`INSERT INTO Artifact VALUES ('Artifacts-${i}', 'deploy.log', 'Spaces-1')`);
  await query("INSERT INTO SchemaVersions (ScriptName) VALUES ('Script0001'), ('Script0002')");
  await query(
    "INSERT INTO OctopusServerInstallationHistory VALUES ('a', '2024.4.1', '2024-10-01T00:00:00+00:00'), ('b', '2024.4.7106', '2024-12-01T00:00:00+00:00'), ('c', NULL, '2025-01-01T00:00:00+00:00')",
  );
  await query('USE master');
};

let place: Place;
let database: OctopusDatabase;
beforeAll(async () => {
  place = await startPlace();
  await fill(place);
  database = octopusDatabaseTds({ connectionString: place.connectionString(), database: 'Octopus' });
});
afterAll(async () => {
  await database.close();
  await place.stop();
});

octopusDatabaseContract('tds', async () => ({
  database,
  expected: {
    counts: {
      VariableSet: 5,
      Certificate: 1,
      Account: 1,
      Event: 1,
      NuGetPackage: PACKAGES,
      Artifact: ARTIFACTS,
      SchemaVersions: 2,
      OctopusServerInstallationHistory: 3,
    },
    schema: { scriptCount: 2, lastScript: 'Script0002', lastVersion: '2024.4.7106' },
    encrypted: [
      'VariableSet/VariableSets-1/Variables[1].Value',
      'VariableSet/VariableSets-2/Variables[1].Value',
      'VariableSet/VariableSets-10/Variables[1].Value',
      'Certificate/Certificates-1/CertificateData',
      'Account/Accounts-1/Details.Password',
    ],
    sensitiveDocumentCount: 4,
    packages: PACKAGES,
    artifacts: ARTIFACTS,
  },
}));

describe('the sample', () => {
  test('holds the newest document first, counted by its number', async () => {
    const values = await database.encryptedValues(1000);
    expect(values.filter(({ table }) => table === 'VariableSet').map(({ id }) => id)).toEqual([
      'VariableSets-10',
      'VariableSets-1',
      'VariableSets-2',
    ]);
  });

  test('says which values are certificates', async () => {
    const values = await database.encryptedValues(1000);
    expect(values.filter(({ kind }) => kind === 'certificate').map(({ id }) => id)).toEqual(['Certificates-1']);
  });
});

describe('spaces', () => {
  test('are read where the table has them', async () => {
    const [artifact] = await Array.fromAsync(database.artifacts());
    expect(artifact).toEqual({ id: 'Artifacts-0', fileName: 'deploy.log', spaceId: 'Spaces-1', createdAt: null });
    const [first] = await Array.fromAsync(database.packages());
    expect(first).toEqual({
      id: 'packages-0',
      packageId: 'Payments',
      version: '1.0.0',
      spaceId: null,
      fileExtension: '.zip',
      createdAt: '2026-03-04T02:00:00.000Z',
    });
  });
});

describe('documents', () => {
  test('a blob goes before the text, and what cannot be read is undefined', () => {
    expect(documentOf({ Id: 'a', JSON: '{"a":1}', JSONBlob: utf8Blob({ b: 2 }) })).toEqual({ b: 2 });
    expect(documentOf({ Id: 'a', JSON: null, JSONBlob: Buffer.from('not gzip') })).toBeUndefined();
    expect(documentOf({ Id: 'a', JSON: null })).toBeUndefined();
  });

  test.each([
    ['two plain halves', 'abcd|efgh'],
    ['an IV of another length', `${randomBytes(16).toString('base64')}|${randomBytes(12).toString('base64')}`],
    [
      'a ciphertext that is no whole block',
      `${randomBytes(15).toString('base64')}|${randomBytes(16).toString('base64')}`,
    ],
    ['no ciphertext', `|${randomBytes(16).toString('base64')}`],
  ])('does not take %s for encrypted', (_, text) => {
    expect(encryptedIn({ text })).toEqual([]);
  });
});
