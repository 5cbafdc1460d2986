/**
 * What the S3 stand-in keeps: buckets, every version of every object, and uploads under way. Bytes lie in files of their
 * own, the rest in SQLite, so that it is there again after a restart. Decides nothing: conditions and locks are the operations'.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SQLOutputValue } from 'node:sqlite';
import type { ChecksumName } from '../checksums.ts';

export type Bucket = {
  name: string;
  versioning: 'Off' | 'Enabled' | 'Suspended';
  hasObjectLock: boolean;
  createdAt: string;
};

/** Bytes as they arrived: an object of several parts keeps the parts' files. */
export type StoredBytes = { file: string; sizeBytes: number };

/** Headers that come back with the object: content type and `x-amz-meta-…`. */
export type KeptHeaders = Record<string, string>;

export type Checksums = Partial<Record<ChecksumName, string>>;

export type Version = {
  sequence: number;
  bucket: string;
  key: string;
  versionId: string;
  isMarker: boolean;
  modifiedAt: string;
  content: { bytes: StoredBytes[]; sizeBytes: number; etag: string; headers: KeptHeaders; checksums: Checksums };
  retention: { mode: string; until: string } | null;
};

export type Upload = {
  id: string;
  bucket: string;
  key: string;
  startedAt: string;
  headers: KeptHeaders;
  checksumName: ChecksumName | null;
};

export type Part = { number: number; bytes: StoredBytes; md5: string; checksums: Checksums; modifiedAt: string };

export type Shelf = ReturnType<typeof openShelf>;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, record TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS versions (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, bucket TEXT NOT NULL, key TEXT NOT NULL, version TEXT NOT NULL, record TEXT NOT NULL,
    UNIQUE (bucket, key, version));
  CREATE INDEX IF NOT EXISTS by_key ON versions (bucket, key, sequence);
  CREATE TABLE IF NOT EXISTS uploads (id TEXT PRIMARY KEY, bucket TEXT NOT NULL, record TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS parts (
    upload TEXT NOT NULL, number INTEGER NOT NULL, record TEXT NOT NULL, PRIMARY KEY (upload, number));
  PRAGMA synchronous = OFF;`;

type Row = Record<string, SQLOutputValue>;

export const openShelf = (directory: string) => {
  const files = join(directory, 'bytes');
  mkdirSync(files, { recursive: true });
  const database = new DatabaseSync(join(directory, 's3.sqlite'));
  database.exec(SCHEMA);
  const rows = (sql: string, ...values: (string | number)[]): Row[] => database.prepare(sql).all(...values);
  const run = (sql: string, ...values: (string | number)[]) => void database.prepare(sql).run(...values);
  const drop = (bytes: StoredBytes[]) => bytes.forEach(({ file }) => rmSync(file, { force: true }));
  return {
    close: () => database.close(),
    newFile: () => join(files, randomUUID()),
    drop,
    ...bucketsOf({ rows, run }),
    ...versionsOf({ rows, run, drop }),
    ...uploadsOf({ rows, run, drop }),
  };
};

type Access = {
  rows: (sql: string, ...values: (string | number)[]) => Row[];
  run: (sql: string, ...values: (string | number)[]) => void;
};
type FileAccess = Access & { drop: (bytes: StoredBytes[]) => void };

const recordOf = (row: Row): unknown => JSON.parse(String(row['record']));

const bucketsOf = ({ rows, run }: Access) => ({
  bucket: (name: string): Bucket | null => {
    const [row] = rows('SELECT record FROM buckets WHERE name = ?', name);
    return row ? (recordOf(row) as Bucket) : null;
  },
  buckets: (): Bucket[] => rows('SELECT record FROM buckets ORDER BY name').map((row) => recordOf(row) as Bucket),
  putBucket: (bucket: Bucket) =>
    run('INSERT OR REPLACE INTO buckets VALUES (?, ?)', bucket.name, JSON.stringify(bucket)),
  deleteBucket: (name: string) => run('DELETE FROM buckets WHERE name = ?', name),
});

const NEWEST =
  'sequence = (SELECT max(sequence) FROM versions AS newer WHERE newer.bucket = v.bucket AND newer.key = v.key)';

const versionOf = (row: Row): Version => ({ ...(recordOf(row) as Version), sequence: Number(row['sequence']) });

const versionsOf = ({ rows, run, drop }: FileAccess) => {
  const deleteVersion = (version: Version) => {
    run('DELETE FROM versions WHERE sequence = ?', version.sequence);
    drop(version.content.bytes);
  };
  const find = (bucket: string, key: string, versionId: string): Version | null => {
    const [row] = rows('SELECT * FROM versions WHERE bucket = ? AND key = ? AND version = ?', bucket, key, versionId);
    return row ? versionOf(row) : null;
  };
  return {
    deleteVersion,
    /** One version, by its id. */
    version: find,
    /** The newest version, which may be a delete marker. */
    newest: (bucket: string, key: string): Version | null => {
      const [row] = rows(`SELECT * FROM versions v WHERE bucket = ? AND key = ? AND ${NEWEST}`, bucket, key);
      return row ? versionOf(row) : null;
    },
    /** Adds a version on top; one with the same id (`null` where nothing is versioned) goes. */
    addVersion: (version: Omit<Version, 'sequence'>) => {
      const replaced = find(version.bucket, version.key, version.versionId);
      if (replaced) deleteVersion(replaced);
      const { bucket, key, versionId } = version;
      const values = [bucket, key, versionId, JSON.stringify(version)];
      run('INSERT INTO versions (bucket, key, version, record) VALUES (?, ?, ?, ?)', ...values);
    },
    setRetention: ({ sequence, ...version }: Version, retention: Version['retention']) =>
      run('UPDATE versions SET record = ? WHERE sequence = ?', JSON.stringify({ ...version, retention }), sequence),
    /** Newest versions from `from` on in byte order, delete markers left out. */
    listNewest: (bucket: string, from: { prefix: string; after: string; limit: number }): Version[] =>
      rows(
        `SELECT * FROM versions v WHERE bucket = ? AND substr(key, 1, length(?)) = ? AND key > ? AND ${NEWEST}
           AND NOT json_extract(record, '$.isMarker') ORDER BY key LIMIT ?`,
        bucket,
        from.prefix,
        from.prefix,
        from.after,
        from.limit,
      ).map(versionOf),
    /** Every version with this prefix, by key, newest first. */
    listVersions: (bucket: string, prefix: string): Version[] =>
      rows(
        'SELECT * FROM versions WHERE bucket = ? AND substr(key, 1, length(?)) = ? ORDER BY key, sequence DESC',
        bucket,
        prefix,
        prefix,
      ).map(versionOf),
    isEmpty: (bucket: string): boolean => rows('SELECT 1 FROM versions WHERE bucket = ? LIMIT 1', bucket).length === 0,
  };
};

const uploadsOf = ({ rows, run, drop }: FileAccess) => {
  const parts = (uploadId: string): Part[] =>
    rows('SELECT record FROM parts WHERE upload = ? ORDER BY number', uploadId).map((row) => recordOf(row) as Part);
  return {
    parts,
    upload: (id: string): Upload | null => {
      const [row] = rows('SELECT record FROM uploads WHERE id = ?', id);
      return row ? (recordOf(row) as Upload) : null;
    },
    uploads: (bucket: string): Upload[] =>
      rows('SELECT record FROM uploads WHERE bucket = ?', bucket).map((row) => recordOf(row) as Upload),
    addUpload: (upload: Upload) =>
      run('INSERT INTO uploads VALUES (?, ?, ?)', upload.id, upload.bucket, JSON.stringify(upload)),
    putPart: (uploadId: string, part: Part) => {
      drop(parts(uploadId).flatMap((earlier) => (earlier.number === part.number ? [earlier.bytes] : [])));
      run('INSERT OR REPLACE INTO parts VALUES (?, ?, ?)', uploadId, part.number, JSON.stringify(part));
    },
    /** Forgets an upload and the bytes of all parts but `kept`. */
    endUpload: (id: string, kept: Part[] = []) => {
      const keptFiles = new Set(kept.map((part) => part.bytes.file));
      drop(parts(id).flatMap(({ bytes }) => (keptFiles.has(bytes.file) ? [] : [bytes])));
      run('DELETE FROM parts WHERE upload = ?', id);
      run('DELETE FROM uploads WHERE id = ?', id);
    },
  };
};
