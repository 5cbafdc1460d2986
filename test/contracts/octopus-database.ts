/**
 * What every adapter of `OctopusDatabase` must do. `open` gives the adapter on a database that holds what `expected` says:
 * documents in both forms, and more packages than fit in a page.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import type { OctopusDatabase } from '../../lib/ports/octopus-database.ts';

export type OctopusDatabaseUnderTest = {
  database: OctopusDatabase;
  expected: {
    counts: Record<string, number>;
    schema: Awaited<ReturnType<OctopusDatabase['schema']>>;
    /** `table/id/path` of every encrypted value in living documents. */
    encrypted: string[];
    sensitiveDocumentCount: number;
    packages: number;
    artifacts: number;
  };
};

export const octopusDatabaseContract = (name: string, open: () => Promise<OctopusDatabaseUnderTest>): void => {
  let database: OctopusDatabase;
  let expected: OctopusDatabaseUnderTest['expected'];
  beforeEach(async () => {
    ({ database, expected } = await open());
  });

  describe(`${name}: reading`, () => {
    test('counts the rows of every table', async () => {
      expect(await database.counts()).toEqual(expected.counts);
    });

    test('tells the level of the schema', async () => {
      expect(await database.schema()).toEqual(expected.schema);
    });

    test('finds encrypted values in both forms of documents, each with its place', async () => {
      const values = await database.encryptedValues(1000);
      expect(values.map(({ table, id, path }) => `${table}/${id}/${path}`).sort()).toEqual(
        expected.encrypted.toSorted(),
      );
      for (const { cipherText } of values)
        expect(cipherText.reveal()).toMatch(/^[A-Za-z0-9+/=]+\|[A-Za-z0-9+/]{22}==$/);
    });

    test('spreads a small sample over the tables', async () => {
      const tables = new Set(expected.encrypted.map((place) => place.split('/')[0]));
      const values = await database.encryptedValues(tables.size);
      expect(new Set(values.map(({ table }) => table))).toEqual(tables);
      expect(values).toHaveLength(tables.size);
    });

    test('counts documents that must hold secrets', async () => {
      expect(await database.sensitiveDocumentCount()).toBe(expected.sensitiveDocumentCount);
    });

    test('lists packages and artifacts, each once', async () => {
      const packages = await Array.fromAsync(database.packages());
      expect(packages).toHaveLength(expected.packages);
      expect(new Set(packages.map(({ packageId, version }) => `${packageId} ${version}`)).size).toBe(expected.packages);
      expect(packages.every(({ fileExtension }) => fileExtension.startsWith('.'))).toBe(true);
      const artifacts = await Array.fromAsync(database.artifacts());
      expect(new Set(artifacts.map(({ id }) => id)).size).toBe(expected.artifacts);
      expect(artifacts).toHaveLength(expected.artifacts);
    });
  });
};
