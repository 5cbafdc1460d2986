/**
 * The dump of an archive on the share, where SQL Server can read it: written from the store, then read back whole.
 *
 * The file is named from the run, so a second attempt takes a finished one as it is. Restoring it is left to
 * `../scratch-database.ts`, which removes it as soon as SQL Server has it.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extractFile } from '../../../archive/extract.ts';
import { DUMP_NAME } from '../../../archive/store-dump.ts';
import type { Manifest } from '../../../domain/archives/archive.ts';
import { OctoError } from '../../../domain/errors.ts';
import { joinAsWritten } from '../../../domain/instance.ts';
import { loadFileName } from '../../../domain/names.ts';
import type { World } from '../../../ports/world.ts';
import type { StepContext } from '../../step.ts';

/** What is brought in, and where: the SQL Server and the share of `instance`, under names made from the run. */
export type Loading = { runId: string; instance: string; manifest: Manifest };
export type Beating = Pick<StepContext, 'beat' | 'signal'>;
type LoadFile = { sqlServerPath: string; workerPath: string };

export const loadFile = (world: Pick<World, 'instance'>, { instance, runId }: Omit<Loading, 'manifest'>): LoadFile => {
  const { share } = world.instance(instance).database;
  const name = loadFileName(instance, runId);
  return { sqlServerPath: joinAsWritten(share.sqlServerPath, name), workerPath: join(share.workerPath, name) };
};

/** The file is there, durable, and byte for byte the dump of the archive. @throws LoadFileDamaged, ArchiveDamaged */
export const writeLoadFile = async (
  world: Pick<World, 'instance' | 'archives' | 'clock'>,
  loading: Loading,
  { beat, signal }: Beating,
): Promise<LoadFile> => {
  const file = loadFile(world, loading);
  const { instance, archiveId, database } = loading.manifest;
  if ((await digestOf(file.workerPath, database.sizeBytes, signal)) === database.sha256) return file;
  await rm(file.workerPath, { force: true });
  await beat({ percent: 0, text: 'writing the dump to the share' });
  let written = 0;
  const onRead = (bytes: number): void => {
    written += bytes;
    const percent = Math.min(99, Math.floor((100 * written) / Math.max(1, database.sizeBytes)));
    void beat({ percent }).catch(() => undefined);
  };
  await extractFile(world, { instance, archiveId }, { path: DUMP_NAME, to: file.workerPath, signal, onRead });
  // SQL Server reads it under an account of its own; who else may is up to the share.
  await chmod(file.workerPath, 0o644);
  await syncFile(file.workerPath);
  await beat({ text: 'reading the dump on the share again' });
  if ((await digestOf(file.workerPath, database.sizeBytes, signal)) === database.sha256) return file;
  throw new OctoError('LoadFileDamaged', `${file.workerPath} is not the dump of ${archiveId}`, {
    facts: { path: file.workerPath, archiveId },
  });
};

/** What is in it is in the store: nothing is lost with it. */
export const removeLoadFile = (world: Pick<World, 'instance'>, loading: Omit<Loading, 'manifest'>): Promise<void> =>
  rm(loadFile(world, loading).workerPath, { force: true });

/** SHA-256 of a file of this length; `null` for any other, which is not worth reading. */
const digestOf = async (path: string, sizeBytes: number, signal: AbortSignal): Promise<string | null> => {
  const found = await stat(path).catch(() => null);
  if (found?.size !== sizeBytes) return null;
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash, { signal });
  return hash.digest('hex');
};

const syncFile = async (path: string): Promise<void> => {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
};
