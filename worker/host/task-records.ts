/**
 * The tasks of one host on the worker's own disk: a task is recorded before its message is acknowledged, and its result
 * before it is reported. So no kill loses a task or forgets a result, and a message that comes twice is known.
 *
 * One file per task token; a task that was reported leaves no file: its token is dead from then on.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { OctoError } from '../../lib/domain/errors.ts';
import { TaskRecord, type TaskResult } from '../../lib/domain/runs/task-record.ts';
import type { World } from '../../lib/ports/world.ts';
import type { HostTaskBody } from '../../lib/ports/workflow-runtime.ts';
import { readHostFile, readHostFiles, removeHostFile, writeHostFile } from '../../lib/repository/lease/host-file.ts';

export type TaskRecords = {
  /** Records the task; one that is recorded already stays as it is. */
  take(body: HostTaskBody): Promise<TaskRecord>;
  finish(record: TaskRecord, result: TaskResult): Promise<TaskRecord>;
  forget(record: TaskRecord): Promise<void>;
  /** What an earlier process left behind; what cannot be read is told to `onDamage`. */
  all(onDamage: (damage: OctoError) => void): Promise<TaskRecord[]>;
};

export const taskRecords = (world: Pick<World, 'hostDirectory' | 'clock'>, host: string): TaskRecords => {
  const folder = join(world.hostDirectory, 'tasks', host);
  // A token has up to 2,048 characters of any kind: no file name.
  const fileOf = ({ token }: HostTaskBody) =>
    join(folder, `${createHash('sha256').update(token).digest('hex').slice(0, 32)}.json`);
  return {
    take: async (body) => {
      const standing = await readHostFile(fileOf(body), TaskRecord);
      if (standing !== null) return standing;
      const record = { body, takenAt: world.clock.now().toISOString(), result: null };
      await writeHostFile(fileOf(body), record);
      return record;
    },
    finish: async (record, result) => {
      const finished = { ...record, result };
      await writeHostFile(fileOf(record.body), finished);
      return finished;
    },
    forget: (record) => removeHostFile(fileOf(record.body)),
    all: (onDamage) => readHostFiles(folder, TaskRecord, onDamage),
  };
};
