/** What the Secrets Manager stand-in keeps, in SQLite: secrets with all versions of their values. In clear: they open nothing real. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export type SecretVersion = {
  id: string;
  string: string | null;
  binary: string | null;
  stages: string[];
  createdAt: number;
};

export type StoredSecret = {
  arn: string;
  name: string;
  description: string | null;
  kmsKeyId: string | null;
  createdAt: number;
  changedAt: number;
  /** Seconds since 1970 when somebody asked for deletion. */
  deletedAt: number | null;
  versions: SecretVersion[];
};

export type SecretsShelf = ReturnType<typeof openSecretsShelf>;

export const openSecretsShelf = (directory: string) => {
  mkdirSync(directory, { recursive: true });
  const database = new DatabaseSync(join(directory, 'secrets-manager.sqlite'));
  database.exec('CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, arn TEXT NOT NULL, record TEXT NOT NULL)');
  const secretIn = (row: { record?: unknown } | undefined): StoredSecret | null =>
    row ? (JSON.parse(String(row.record)) as StoredSecret) : null;
  return {
    close: () => database.close(),
    /** By name, by ARN, or by ARN without the six characters at its end. */
    find: (id: string): StoredSecret | null =>
      secretIn(
        database
          .prepare('SELECT record FROM secrets WHERE name = ? OR arn = ? OR arn GLOB ?')
          .get(id, id, `${id}-??????`),
      ),
    put: (secret: StoredSecret) =>
      void database
        .prepare('INSERT OR REPLACE INTO secrets VALUES (?, ?, ?)')
        .run(secret.name, secret.arn, JSON.stringify(secret)),
    remove: (name: string) => void database.prepare('DELETE FROM secrets WHERE name = ?').run(name),
    all: (): StoredSecret[] =>
      database
        .prepare('SELECT record FROM secrets ORDER BY name')
        .all()
        .flatMap((row) => secretIn(row) ?? []),
  };
};
