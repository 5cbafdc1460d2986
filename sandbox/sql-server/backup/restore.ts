/**
 * RESTORE DATABASE, VERIFYONLY, HEADERONLY, FILELISTONLY and LABELONLY from one file.
 *
 * As in SQL Server, an existing database is overwritten in place: a restore that stops half-way leaves it RESTORING.
 * @see https://learn.microsoft.com/sql/t-sql/statements/restore-statements-transact-sql
 */
import { addRecord, findDatabase, newRecord, releaseFile, removeFiles } from '../records.ts';
import { existsSync, statSync } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { openBackupFile, PAGES_PER_EXTENT, readExtents } from './file.ts';
import type { BackupSet, BackupTrailer } from './file.ts';
import { othersIn, requireServer } from '../databases.ts';
import { dataFileOf, freeBytesOf, PAGE_BYTES, saveInstance } from '../instance.ts';
import type { DatabaseFile, DatabaseRecord, Instance } from '../instance.ts';
import { onDevice, parseMedia, progressOf } from './media.ts';
import type { Media } from './media.ts';
import { failure, message, terminating } from '../messages.ts';
import { fileListRows, headerRows, labelRows } from './result-sets.ts';
import { isGranted } from '../catalog/grants.ts';
import type { Perform, Work } from '../statements.ts';
import { unexpected } from '../tsql/lexer.ts';

const RESTORE = 'RESTORE DATABASE';
const OPTIONS = [
  'FILE',
  'CHECKSUM',
  'NO_CHECKSUM',
  'STATS',
  'STOP_ON_ERROR',
  'MOVE',
  'REPLACE',
  'RECOVERY',
  'NORECOVERY',
  'RESTRICTED_USER',
  'NOUNLOAD',
];

type CompleteSet = BackupSet & { trailer: BackupTrailer };

export const performRestore: Perform = async (work, tokens) => {
  const kind = tokens[1]?.kind === 'word' ? tokens[1].upper : '';
  const perform = KINDS[kind];
  if (perform === undefined) throw kind === 'LOG' ? failure(message(40517, 'RESTORE LOG')) : unexpected(tokens[1]);
  if (work.session.state.isInTransaction) throw terminating(RESTORE, message(3021));
  await perform(work, parseMedia(work, tokens.slice(2), OPTIONS));
};

/** The one set in the file. @throws 3201, 3241, 3254, followed by 3013 */
const openSet = async (media: Media, statement: string): Promise<BackupSet> => {
  const { path } = media;
  if (path === null) throw unexpected(undefined);
  const set = await onDevice(() => openBackupFile(path), { number: 3201, path, statement });
  if (set === 'empty') throw terminating(statement, message(3254, path));
  if (set === 'malformed') throw terminating(statement, message(3241, path));
  if (media.options.has('CHECKSUM') && !set.header.hasChecksums) throw terminating(statement, message(3187));
  return set;
};

const complete = (set: BackupSet, statement: string): CompleteSet => {
  if (set.trailer === null) throw terminating(statement, message(3256, set.path));
  return { ...set, trailer: set.trailer };
};

const report =
  (statement: string, rowsOf: typeof headerRows): ((work: Work, media: Media) => Promise<void>) =>
  async (work, media) => {
    requireServer(work, 'CREATE ANY DATABASE');
    const { columns, rows } = rowsOf(work.instance, await openSet(media, statement));
    await work.reply.rows(columns, rows);
    work.reply.done(rows.length);
  };

const verify = async (work: Work, media: Media): Promise<void> => {
  const statement = 'VERIFY DATABASE';
  requireServer(work, 'CREATE ANY DATABASE');
  const set = complete(await openSet(media, statement), statement);
  if (work.session.state.request !== null) work.session.state.request.command = 'RESTORE VERIFYONLY';
  const progress = progressOf(work, {
    path: set.path,
    total: set.trailer.extentCount,
    stats: media.options.get('STATS'),
    statement,
  });
  let isDamaged = false;
  try {
    for await (const { damagedPages } of readExtents(set)) {
      isDamaged ||= damagedPages.length > 0;
      await progress.advance();
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    isDamaged = true;
  }
  if (isDamaged) throw terminating(statement, message(3189));
  work.reply.message(message(3262));
  work.reply.done();
};

const restoreDatabase = async (work: Work, media: Media): Promise<void> => {
  const { instance } = work;
  const startedMs = performance.now();
  const name = media.database ?? '';
  const existing = instance.databases.get(name.toLowerCase());
  const isAllowed = existing?.owner === work.session.login.user || isGranted(work, 'CREATE ANY DATABASE', null);
  if (!isAllowed) throw terminating(RESTORE, message(3110, name));
  if (media.path === null) return recover(work, existing ?? findDatabase(instance, name));
  const set = complete(await openSet(media, RESTORE), RESTORE);
  checkVersion(instance, set);
  if (existing !== undefined) checkTarget(work, { existing, set, media });
  const files = targetFiles(instance, { set, media, existing });
  checkRoom(instance, { set, existing });
  const record = prepareTarget(work, { name, existing, files });
  instance.held.add(record.name);
  if (work.session.state.request !== null)
    Object.assign(work.session.state.request, { command: RESTORE, database: record.name });
  try {
    await writePages(work, { set, record, stats: media.options.get('STATS') });
  } finally {
    instance.held.delete(record.name);
  }
  settle(instance, { record, set, media });
  const seconds = Math.max(0.001, (performance.now() - startedMs) / 1000);
  const megabytesPerSecond = (set.header.pageCount * PAGE_BYTES) / 1_048_576 / seconds;
  work.reply.message(message(4035, set.trailer.extentCount * PAGES_PER_EXTENT, name, files[0]?.logicalName ?? ''));
  work.reply.message(
    message(
      3014,
      RESTORE,
      set.trailer.extentCount * PAGES_PER_EXTENT,
      seconds.toFixed(3),
      megabytesPerSecond.toFixed(3),
    ),
  );
  work.reply.done();
};

/** RESTORE DATABASE x WITH RECOVERY: brings a database online that a restore left RESTORING. */
const recover = (work: Work, record: DatabaseRecord): void => {
  if (record.state !== 'RESTORING' || !existsSync(dataFileOf(record)))
    throw terminating(RESTORE, message(927, record.name));
  record.state = 'ONLINE';
  saveInstance(work.instance);
  work.reply.done();
};

const checkVersion = ({ settings }: Instance, { header }: BackupSet): void => {
  if (header.majorVersion <= settings.majorVersion) return;
  throw terminating(RESTORE, message(3169, `${header.majorVersion}.00.4000`, `${settings.majorVersion}.00.4000`));
};

const checkTarget = (
  { instance, session }: Work,
  { existing, set, media }: { existing: DatabaseRecord; set: BackupSet; media: Media },
): void => {
  if (session.state.database === existing.name) throw terminating(RESTORE, message(3102, existing.name));
  if (instance.held.has(existing.name)) throw terminating(RESTORE, message(3023));
  if (existing.state === 'ONLINE' && othersIn(instance, session, existing.name).length > 0)
    throw terminating(RESTORE, message(3101));
  if (media.options.has('REPLACE') || existing.state === 'RESTORING') return;
  if (existing.familyGuid !== set.header.database.familyGuid) throw terminating(RESTORE, message(3154, existing.name));
  if (existing.recoveryModel === 'FULL') throw terminating(RESTORE, message(3159, existing.name));
};

/** What a broken-off restore takes already is counted as free. */
const checkRoom = (
  instance: Instance,
  { set, existing }: { set: BackupSet; existing: DatabaseRecord | undefined },
): void => {
  const takenBytes =
    existing === undefined ? 0 : (statSync(dataFileOf(existing), { throwIfNoEntry: false })?.size ?? 0);
  const needBytes = set.header.pageCount * PAGE_BYTES - takenBytes;
  const freeBytes = freeBytesOf(instance);
  if (needBytes > freeBytes) throw terminating(RESTORE, message(3257, '/', needBytes, freeBytes), message(3119));
};

type TargetRequest = { set: BackupSet; media: Media; existing: DatabaseRecord | undefined };

/** Where the files go. @throws 3234 unknown logical name, 3176 one path twice, 3156 no such folder or another's file */
const targetFiles = (instance: Instance, { set, media, existing }: TargetRequest): DatabaseFile[] => {
  const { database } = set.header;
  const known = new Set(database.files.map(({ logicalName }) => logicalName.toLowerCase()));
  for (const name of media.moves.keys())
    if (!known.has(name)) throw terminating(RESTORE, message(3234, name, database.name));
  const files = database.files.map(({ logicalName, path, type }) => ({
    logicalName,
    type,
    path: media.moves.get(logicalName.toLowerCase()) ?? path,
  }));
  const [first, second] = files;
  if (first?.path === second?.path)
    throw terminating(RESTORE, message(3176, first?.path ?? '', first?.logicalName ?? '', second?.logicalName ?? ''));
  const others = [...instance.databases.values()]
    .filter((record) => record !== existing)
    .flatMap((record) => record.files);
  for (const file of files) {
    const isTaken = others.some(({ path }) => path === file.path);
    if (isTaken || !existsSync(dirname(file.path)))
      throw terminating(RESTORE, message(3156, file.logicalName, file.path));
  }
  return files;
};

const prepareTarget = (
  { instance, session }: Work,
  { name, existing, files }: { name: string; existing: DatabaseRecord | undefined; files: DatabaseFile[] },
): DatabaseRecord => {
  const record = existing ?? { ...newRecord(instance, name), owner: session.login.user };
  releaseFile(instance, record.name);
  record.state = 'RESTORING';
  removeFiles(record.files);
  record.files = files;
  addRecord(instance, record);
  return record;
};

const writePages = async (
  work: Work,
  { set, record, stats }: { set: CompleteSet; record: DatabaseRecord; stats: string | undefined },
): Promise<void> => {
  const progress = progressOf(work, { path: set.path, total: set.trailer.extentCount, stats, statement: RESTORE });
  const path = dataFileOf(record);
  const file = await onDevice(() => open(path, 'w'), { number: 3156, path, statement: RESTORE });
  try {
    await file.truncate(set.header.pageCount * PAGE_BYTES);
    for await (const { number, pages, damagedPages } of readExtents(set)) {
      if (damagedPages[0] !== undefined) throw terminating(RESTORE, message(3183, damagedPages[0], record.name));
      await onDevice(() => file.write(pages, 0, pages.length, number * PAGES_PER_EXTENT * PAGE_BYTES), {
        number: 3202,
        path,
        statement: RESTORE,
      });
      await progress.advance();
    }
    await file.sync();
  } catch (error) {
    throw error instanceof RangeError ? terminating(RESTORE, message(3189)) : error;
  } finally {
    await file.close();
  }
  await writeFile(record.files[1]?.path ?? '', '');
};

/** Options come back as they were in the backup; TRUSTWORTHY and the broker do not, and the database gets a new guid. */
const settle = (
  instance: Instance,
  { record, set, media }: { record: DatabaseRecord; set: BackupSet; media: Media },
): void => {
  const { database } = set.header;
  const fresh = newRecord(instance, record.name);
  Object.assign(record, {
    guid: fresh.guid,
    familyGuid: database.familyGuid,
    recoveryModel: database.recoveryModel,
    compatibilityLevel: database.compatibilityLevel,
    collation: database.collation,
    isReadOnly: database.isReadOnly,
    isReadCommittedSnapshotOn: database.isReadCommittedSnapshotOn,
    isTrustworthy: false,
    isBrokerEnabled: false,
    ...(database.brokerGuid !== undefined && { brokerGuid: database.brokerGuid }),
    userAccess: media.options.has('RESTRICTED_USER') ? 'RESTRICTED_USER' : database.userAccess,
    state: media.options.has('NORECOVERY') ? 'RESTORING' : 'ONLINE',
  } satisfies Partial<DatabaseRecord>);
  saveInstance(instance);
};

const KINDS: Record<string, (work: Work, media: Media) => Promise<void>> = {
  DATABASE: restoreDatabase,
  VERIFYONLY: verify,
  HEADERONLY: report('RESTORE HEADERONLY', headerRows),
  FILELISTONLY: report('RESTORE FILELIST', (instance, set) =>
    fileListRows(instance, complete(set, 'RESTORE FILELIST')),
  ),
  LABELONLY: report('RESTORE LABELONLY', labelRows),
};
