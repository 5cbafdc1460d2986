/**
 * BACKUP DATABASE … TO DISK: checks, then the allocated extents to a file, with progress while it works.
 *
 * Full backups to one file only; appending, striping, differential and log backups are refused.
 * @see https://learn.microsoft.com/sql/t-sql/statements/backup-transact-sql
 */
import { findDatabase } from '../records.ts';
import { randomUUID } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { PAGES_PER_EXTENT, writeBackupFile } from './file.ts';
import type { BackupHeader } from './file.ts';
import { dataFileOf, localTime, PAGE_BYTES } from '../instance.ts';
import type { DatabaseRecord, Instance } from '../instance.ts';
import { onDevice, parseMedia, progressOf } from './media.ts';
import type { Media } from './media.ts';
import { failure, message, terminating } from '../messages.ts';
import { allocatedExtents, holdFile } from './pages.ts';
import { isGranted } from '../catalog/grants.ts';
import type { Perform, Work } from '../statements.ts';
import { isWord, unexpected } from '../tsql/lexer.ts';

const STATEMENT = 'BACKUP DATABASE';
const OPTIONS = [
  'COPY_ONLY',
  'CHECKSUM',
  'NO_CHECKSUM',
  'FORMAT',
  'NOFORMAT',
  'INIT',
  'SKIP',
  'NAME',
  'DESCRIPTION',
  'STATS',
  'COMPRESSION',
  'NO_COMPRESSION',
  'STOP_ON_ERROR',
  'MEDIANAME',
];

const ACCESS_DENIED = Object.assign(new Error('a fault'), { code: 'EACCES' });

type Target = { record: DatabaseRecord; media: Media; path: string };

export const performBackup: Perform = async (work, tokens) => {
  if (isWord(tokens[1], 'LOG')) throw failure(message(40517, 'BACKUP LOG'));
  if (!isWord(tokens[1], 'DATABASE')) throw unexpected(tokens[1]);
  const media = parseMedia(work, tokens.slice(2), OPTIONS);
  const target = checkBackup(work, media);
  const { instance, session } = work;
  instance.held.add(target.record.name);
  if (session.state.request !== null)
    Object.assign(session.state.request, { command: STATEMENT, database: target.record.name });
  try {
    await writeSet(work, target);
  } finally {
    instance.held.delete(target.record.name);
  }
};

const checkBackup = (work: Work, media: Media): Target => {
  const { instance, session } = work;
  if (session.state.isInTransaction) throw terminating(STATEMENT, message(3021));
  const record = instance.databases.get((media.database ?? '').toLowerCase());
  if (record === undefined) throw terminating(STATEMENT, message(911, media.database ?? ''));
  if (media.path === null) throw unexpected(undefined);
  session.enter(record.name);
  if (!isGranted(work, STATEMENT, record.name)) throw terminating(STATEMENT, message(262, STATEMENT, record.name));
  if (media.options.has('COMPRESSION') && instance.settings.edition === 'Express') {
    throw terminating(
      STATEMENT,
      message(1844, 'BACKUP DATABASE WITH COMPRESSION', `${instance.settings.edition} Edition (64-bit)`),
    );
  }
  if (instance.held.has(record.name)) throw terminating(STATEMENT, message(3023));
  if (existsSync(media.path) && !media.options.has('FORMAT') && !media.options.has('INIT'))
    throw failure(message(40517, 'NOINIT'));
  return { record, media, path: media.path };
};

const headerOf = ({ instance, session }: Work, { record, media }: Target, pageCount: number): BackupHeader => {
  const { id: _id, state: _state, files, ...database } = record;
  return {
    setGuid: randomUUID().toUpperCase(),
    mediaGuid: randomUUID().toUpperCase(),
    name: media.options.get('NAME') ?? null,
    description: media.options.get('DESCRIPTION') ?? null,
    userName: session.login.user,
    serverName: instance.settings.serverName,
    majorVersion: instance.settings.majorVersion,
    startedAt: new Date().toISOString(),
    isCompressed: media.options.has('COMPRESSION'),
    hasChecksums: media.options.has('CHECKSUM'),
    isCopyOnly: media.options.has('COPY_ONLY'),
    database: { ...database, files: files.map((file) => ({ ...file, sizeBytes: statSync(file.path).size })) },
    pageCount,
  };
};

const writeSet = async (work: Work, target: Target): Promise<void> => {
  const { instance, reply, signal } = work;
  const { record, media, path } = target;
  const source = dataFileOf(record);
  const startedMs = performance.now();
  const held = await holdFile(source, signal);
  try {
    const { pageCount, extents } = allocatedExtents(source);
    const header = headerOf(work, target, pageCount);
    const create = () =>
      instance.faults.isFolderDenied ? Promise.reject(ACCESS_DENIED) : writeBackupFile(path, header);
    const file = await onDevice(create, { number: 3201, path, statement: STATEMENT });
    const data = await open(source, 'r');
    try {
      const progress = progressOf(work, {
        path,
        total: extents.length,
        stats: media.options.get('STATS'),
        statement: STATEMENT,
      });
      for (const number of extents) {
        const pages = await readExtent(data, number, pageCount);
        await onDevice(() => file.extent(number, pages, damaged(instance, number, pages)), {
          number: 3202,
          path,
          statement: STATEMENT,
        });
        await progress.advance();
      }
      const finishedAt = new Date().toISOString();
      const { sizeBytes } = await onDevice(() => file.finish(finishedAt), { number: 3202, path, statement: STATEMENT });
      recordHistory(instance, { header, finishedAt, path, sizeBytes });
    } finally {
      await data.close();
      await file.close();
    }
    const usedPages = extents.length * PAGES_PER_EXTENT;
    const seconds = (performance.now() - startedMs) / 1000;
    reply.message(message(4035, usedPages, record.name, record.files[0]?.logicalName ?? ''));
    reply.message(
      message(
        3014,
        STATEMENT,
        usedPages,
        seconds.toFixed(3),
        ((usedPages * PAGE_BYTES) / 1_048_576 / Math.max(seconds, 0.001)).toFixed(3),
      ),
    );
    reply.done();
  } finally {
    held.release();
  }
};

type Handle = Awaited<ReturnType<typeof open>>;

const readExtent = async (data: Handle, number: number, pageCount: number): Promise<Buffer> => {
  const pages = Math.min(PAGES_PER_EXTENT, pageCount - number * PAGES_PER_EXTENT);
  const bytes = Buffer.alloc(pages * PAGE_BYTES);
  await data.read(bytes, 0, bytes.length, number * PAGES_PER_EXTENT * PAGE_BYTES);
  return bytes;
};

/** The extent with the page that the fault names written wrongly; undefined when it is not in here. */
const damaged = ({ faults }: Instance, extent: number, pages: Buffer): Buffer | undefined => {
  const index = (faults.damagedPage ?? 0) - 1 - extent * PAGES_PER_EXTENT;
  if (faults.damagedPage === null || index < 0 || index * PAGE_BYTES >= pages.length) return undefined;
  const wrong = Buffer.from(pages);
  wrong.fill(0xbd, index * PAGE_BYTES + 512, index * PAGE_BYTES + 1024);
  return wrong;
};

type FinishedSet = { header: BackupHeader; finishedAt: string; path: string; sizeBytes: number };

/** Rows in msdb appear for successful backups only. */
const recordHistory = (instance: Instance, { header, finishedAt, path, sizeBytes }: FinishedSet): void => {
  const msdb = new DatabaseSync(dataFileOf(findDatabase(instance, 'msdb')));
  const { database } = header;
  try {
    const family = msdb.prepare('SELECT ifnull(max(media_set_id), 0) + 1 AS next FROM backupmediafamily').get();
    const mediaSetId = Number(family?.['next']);
    msdb.prepare('INSERT INTO backupmediafamily VALUES (?, 1, ?, 2)').run(mediaSetId, path);
    const row: Record<string, string | number | null> = {
      backup_set_uuid: header.setGuid,
      media_set_id: mediaSetId,
      position: 1,
      name: header.name,
      user_name: header.userName,
      software_major_version: header.majorVersion,
      database_name: database.name,
      server_name: header.serverName,
      machine_name: header.serverName,
      backup_start_date: localTime(instance, header.startedAt),
      backup_finish_date: localTime(instance, finishedAt),
      time_zone: instance.settings.utcOffsetMinutes / 15,
      type: 'D',
      backup_size: header.pageCount * PAGE_BYTES,
      compressed_backup_size: sizeBytes,
      compatibility_level: database.compatibilityLevel,
      recovery_model: database.recoveryModel,
      collation_name: database.collation,
      is_copy_only: header.isCopyOnly ? 1 : 0,
      has_backup_checksums: header.hasChecksums ? 1 : 0,
      is_damaged: 0,
      is_snapshot: 0,
      family_guid: database.familyGuid,
      database_guid: database.guid,
    };
    const names = Object.keys(row);
    msdb
      .prepare(`INSERT INTO backupset (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`)
      .run(...Object.values(row));
  } finally {
    msdb.close();
  }
};
