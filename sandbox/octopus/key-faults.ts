/**
 * What goes wrong with an instance's master key and what it protects; each fault returns how to mend it.
 *
 * Values are found by their form in the text of each document, wherever they stand: nothing else in a document looks so.
 */
import { randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { decryptValue, encryptValue } from './data/cipher.ts';
import { type Database, openDatabase, type Row } from './data/database.ts';
import { tables } from './data/schema.ts';
import type { Mend } from './folder-faults.ts';
import { findInstance, protect, readConfiguration, unprotect, writeConfiguration } from './machine/machine.ts';

type Place = { directory: string; instanceName: string };

/** The machine shows another key than the one the database is encrypted under: it belongs to another server, say. */
export const replaceMasterKey = (place: Place): Mend => {
  const { path, settings } = configurationOf(place);
  const key = randomBytes(masterKeyOf(place).length).toString('base64');
  writeConfiguration(path, { ...settings, 'Octopus.Storage.MasterKey': protect(place.directory, key) });
  return () => writeConfiguration(path, settings);
};

/** The key is rotated, as an administrator does it: every value sealed anew. It stays so; nothing is wrong with it. */
export const rotateMasterKey = async (place: Place): Promise<void> => {
  const before = masterKeyOf(place);
  const mend = replaceMasterKey(place);
  const now = masterKeyOf(place);
  try {
    await changeValues(place, (stored) => encryptValue(now, decryptValue(before, stored), randomBytes(16)));
  } catch (thrown) {
    mend();
    throw thrown;
  }
};

/** Documents that hold secrets hold none in any known form: a later version may store them differently. */
export const hideSecrets = (place: Place): Promise<() => Promise<void>> => changeValues(place, () => 'in another form');

const configurationOf = ({ directory, instanceName }: Place) => {
  const path = findInstance(directory, instanceName)?.configurationPath;
  if (path === undefined) throw new Error(`the machine at ${directory} has no instance ${instanceName}`);
  return { path, settings: readConfiguration(path) };
};

const masterKeyOf = (place: Place): Buffer =>
  Buffer.from(unprotect(place.directory, configurationOf(place).settings['Octopus.Storage.MasterKey'] ?? ''), 'base64');

const VALUE = /[A-Za-z0-9+/]{22,}={0,2}\|[A-Za-z0-9+/]{22}==/g;

/** Changes every encrypted value, and returns how to put the documents back. */
const changeValues = async (place: Place, change: (stored: string) => string): Promise<() => Promise<void>> => {
  const connectionString = configurationOf(place).settings['Octopus.Storage.ExternalDatabaseConnectionString'] ?? '';
  const inDatabase = async (work: (database: Database) => Promise<void>): Promise<void> => {
    const database = await openDatabase(connectionString);
    try {
      await work(database);
    } finally {
      await database.close();
    }
  };
  const before: [table: string, row: Document][] = [];
  await inDatabase(async (database) => {
    for (const [table, columns] of Object.entries(tables)) {
      if (!('JSON' in columns)) continue;
      const blob = 'JSONBlob' in columns ? '[JSONBlob]' : 'NULL AS [JSONBlob]';
      for (const row of await database.query<Document>(`SELECT [Id], [JSON], ${blob} FROM [${table}]`)) {
        const changed = changeDocument(row, change);
        if (changed === null) continue;
        before.push([table, row]);
        await writeDocument(database, table, changed);
      }
    }
  });
  return () =>
    inDatabase(async (database) => {
      for (const [table, row] of before) await writeDocument(database, table, row);
    });
};

type Document = Row & { Id: string; JSON: string | null; JSONBlob: Buffer | null };

/** The document with its values changed; `null` when it holds none. */
const changeDocument = (row: Document, change: (stored: string) => string): Document | null => {
  const text = row.JSON ?? (row.JSONBlob === null ? '' : gunzipSync(row.JSONBlob).toString('utf16le'));
  const changed = text.replaceAll(VALUE, change);
  if (changed === text) return null;
  return row.JSON === null
    ? { ...row, JSONBlob: gzipSync(Buffer.from(changed, 'utf16le')) }
    : { ...row, JSON: changed };
};

const writeDocument = async (database: Database, table: string, { Id, JSON, JSONBlob }: Document): Promise<void> => {
  await (JSONBlob === null
    ? database.execute(`UPDATE [${table}] SET [JSON] = @JSON WHERE [Id] = @Id`, { Id, JSON })
    : database.execute(`UPDATE [${table}] SET [JSONBlob] = @JSONBlob WHERE [Id] = @Id`, { Id, JSONBlob }));
};
